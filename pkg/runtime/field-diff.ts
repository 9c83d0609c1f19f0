/** What differs between two objects, field by field, for people to read. */

/** `before` absent: the field was added; `after` absent: it was removed. */
export interface FieldChange {
  /** `spec.template.spec.containers[web].image`, `metadata.labels["app.kubernetes.io/name"]`, `spec.args[2]`. */
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface FieldDiffOptions {
  /** Show `metadata.managedFields` too. `metadata.resourceVersion`, which always differs, is never shown. */
  readonly managedFields?: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** In the order of the fields; an undefined object is one without fields. */
export function fieldDiff(before: object | undefined, after: object | undefined, options: FieldDiffOptions = {}): FieldChange[] {
  const hidden = options.managedFields ? /^metadata\.resourceVersion$/ : /^metadata\.(resourceVersion$|managedFields\b)/;
  const changes: FieldChange[] = [];
  compare('', before ?? {}, after ?? {}, (change) => {
    if (!hidden.test(change.path)) changes.push(change);
  });
  return changes;
}

type Tell = (change: FieldChange) => void;

function compare(path: string, before: unknown, after: unknown, tell: Tell): void {
  if (isFields(before) && isFields(after)) {
    for (const name of names(before, after)) compareMember(fieldPath(path, name), before[name], after[name], tell);
  } else if (Array.isArray(before) && Array.isArray(after)) compareLists(path, before, after, tell);
  else if (!same(before, after)) tell({ path, before, after });
}

function compareMember(path: string, before: unknown, after: unknown, tell: Tell): void {
  if (before === undefined && after === undefined) return;
  if (before === undefined) tellWhole(path, after, (value) => ({ after: value }), tell);
  else if (after === undefined) tellWhole(path, before, (value) => ({ before: value }), tell);
  else compare(path, before, after, tell);
}

/** A field that is there on one side only: fields of fields one by one, anything else as it is. */
function tellWhole(path: string, value: unknown, as: (value: unknown) => Omit<FieldChange, 'path'>, tell: Tell): void {
  if (!isFields(value) || Object.keys(value).length === 0) tell({ path, ...as(value) });
  else for (const [name, member] of Object.entries(value)) tellWhole(fieldPath(path, name), member, as, tell);
}

/** Elements that have a name (or what else tells them apart) are compared by it, others by their place. */
function compareLists(path: string, before: readonly unknown[], after: readonly unknown[], tell: Tell): void {
  const identity = identities.find((field) => isIdentity(before, field) && isIdentity(after, field));
  if (identity === undefined) {
    if ([...before, ...after].every(isScalar)) {
      if (!same(before, after)) tell({ path, before, after });
      return;
    }
    for (let i = 0; i < Math.max(before.length, after.length); i++) compareMember(`${path}[${i}]`, before[i], after[i], tell);
    return;
  }
  const byName = (list: readonly unknown[]): Map<string, unknown> =>
    new Map(list.map((each) => [String((each as Fields)[identity]), each]));
  const [had, has] = [byName(before), byName(after)];
  for (const name of new Set([...had.keys(), ...has.keys()])) {
    // Whole, not field by field: what came or went is the element.
    const [old, now] = [had.get(name), has.get(name)];
    const at = `${path}[${name}]`;
    if (old === undefined) tell({ path: at, after: now });
    else if (now === undefined) tell({ path: at, before: old });
    else compare(at, old, now, tell);
  }
}

/** What tells the elements of Kubernetes' lists apart: containers, conditions, ports, owners, addresses. */
const identities = ['name', 'type', 'uid', 'containerPort', 'port', 'mountPath', 'key', 'ip'];

function isIdentity(list: readonly unknown[], field: string): boolean {
  const seen = new Set<unknown>();
  for (const element of list) {
    const value = isFields(element) ? element[field] : undefined;
    if ((typeof value !== 'string' && typeof value !== 'number') || seen.has(value)) return false;
    seen.add(value);
  }
  return true;
}

function names(before: Fields, after: Fields): Iterable<string> {
  return new Set([...Object.keys(before), ...Object.keys(after)]);
}

function fieldPath(path: string, name: string): string {
  if (!/^[\w-]+$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, i) => same(each, b[i]));
  return false;
}
