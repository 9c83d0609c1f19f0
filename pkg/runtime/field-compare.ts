/**
 * Which fields a value has, and which ones differ between two: the sets that field ownership is computed from. The
 * object's own identity (apiVersion, kind, name, uid and the like) belongs to nobody.
 */
import { child, elementOf, emptySet, type FieldSet, isAtomic, typeUnder } from './field-set.ts';
import type { Schema } from './schema.ts';
import { equalValues, isObject, type JsonObject } from './values.ts';

const unowned: ReadonlySet<string> = new Set([
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
]);

type MutableSet = Record<string, FieldSet>;

/** Calls back for every field of the object that can have an owner, those of `metadata` one by one. */
function* ownable(object: JsonObject): Generator<readonly [element: string, key: string, inMetadata: boolean]> {
  for (const key in object) {
    if (key === 'apiVersion' || key === 'kind') continue;
    if (key === 'metadata') {
      const metadata = object[key];
      if (isObject(metadata)) for (const name in metadata) if (!unowned.has(name)) yield [`f:${name}`, name, true];
    } else {
      yield [`f:${key}`, key, false];
    }
  }
}

/** What an apply configuration names: leaves, entries of maps and lists, and objects and lists that are empty. */
export function fieldsOf(object: JsonObject, schema: Schema): FieldSet {
  return build(object, schema, (value, type) => named(value, type, false));
}

/** All that an object holds: leaves, entries, and every object and list around them. */
export function allFieldsOf(object: JsonObject, schema: Schema): FieldSet {
  return build(object, schema, whole);
}

function build(object: JsonObject, schema: Schema, node: (value: unknown, schema: Schema | undefined) => FieldSet | undefined): FieldSet {
  const out: MutableSet = {};
  const inMetadata: MutableSet = {};
  const metadata = schema.fields.get('metadata')?.schema;
  for (const [element, key, nested] of ownable(object)) {
    const value = nested ? (object['metadata'] as JsonObject)[key] : object[key];
    const built = node(value, nested ? metadata && typeUnder(metadata, key) : typeUnder(schema, key));
    if (built) (nested ? inMetadata : out)[element] = built;
  }
  for (const _ in inMetadata) {
    out['f:metadata'] = inMetadata;
    break;
  }
  return out;
}

/** `member`: the value's own path is in the set too. */
function named(value: unknown, schema: Schema | undefined, member: boolean): FieldSet {
  if (isAtomic(schema, value) || isEmpty(value)) return emptySet;
  const out: MutableSet = member ? { '.': emptySet } : {};
  if (Array.isArray(value)) {
    for (const item of value) {
      const element = elementOf(item, schema as Schema);
      if (element !== undefined) out[element] = (schema as Schema).listType === 'set' ? emptySet : named(item, schema?.items, true);
    }
    return out;
  }
  // The fields of an object follow from its type; the keys of a map are there because somebody put them.
  const entries = schema?.kind !== 'object';
  for (const key in value as JsonObject) {
    out[`f:${key}`] = named((value as JsonObject)[key], typeUnder(schema, key), entries);
  }
  return out;
}

/** Everything in a value that is new: every leaf, and every object and list around them. */
function whole(value: unknown, schema: Schema | undefined): FieldSet {
  if (isAtomic(schema, value) || isEmpty(value)) return emptySet;
  const out: MutableSet = { '.': emptySet };
  if (Array.isArray(value)) {
    for (const item of value) {
      const element = elementOf(item, schema as Schema);
      if (element !== undefined) out[element] = (schema as Schema).listType === 'set' ? emptySet : whole(item, schema?.items);
    }
    return out;
  }
  for (const key in value as JsonObject) {
    const field = schema?.kind === 'object' ? schema.fields.get(key) : undefined;
    out[field?.element ?? `f:${key}`] = whole((value as JsonObject)[key], field?.schema ?? typeUnder(schema, key));
  }
  return out;
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  for (const _ in value as object) return false;
  return true;
}

/** What is new, other and gone in `after`. A list or object that changes as a whole counts by all that it holds. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

export function compareObjects(before: JsonObject, after: JsonObject, schema: Schema): Comparison {
  const comparer = new Comparer();
  const metadata = schema.fields.get('metadata')?.schema;
  const compareRoot = (a: JsonObject, b: JsonObject, type: Schema | undefined, skip: (key: string) => boolean): void => {
    for (const key in b) if (!skip(key)) comparer.under(key, own(a, key), b[key], typeUnder(type, key));
    for (const key in a) if (!skip(key) && !Object.hasOwn(b, key)) comparer.under(key, a[key], undefined, typeUnder(type, key));
  };
  compareRoot(before, after, schema, (key) => key === 'apiVersion' || key === 'kind' || key === 'metadata');
  const [old, now] = [before['metadata'], after['metadata']];
  comparer.path.push('metadata');
  compareRoot(isObject(old) ? old : {}, isObject(now) ? now : {}, metadata, (key) => unowned.has(key));
  comparer.path.pop();
  return comparer;
}

const mark = '\u0000';

const own = (object: JsonObject, key: string): unknown => (Object.hasOwn(object, key) ? object[key] : undefined);

class Comparer implements Comparison {
  added: MutableSet = {};
  modified: MutableSet = {};
  removed: MutableSet = {};
  /** Names of fields as they are, elements of lists as sets name them, behind a mark that no field's name begins with. */
  readonly path: string[] = [];

  /** `undefined` stands for absence. */
  under(name: string, before: unknown, after: unknown, schema: Schema | undefined): void {
    if (before === after) return;
    this.path.push(name);
    if (before === undefined) insert(this.added, this.path, whole(after, schema));
    else if (after === undefined) insert(this.removed, this.path, whole(before, schema));
    else this.#both(before, after, schema);
    this.path.pop();
  }

  #both(before: unknown, after: unknown, schema: Schema | undefined): void {
    if (isAtomic(schema, before) || isAtomic(schema, after) || Array.isArray(before) !== Array.isArray(after)) {
      if (!equalValues(before, after)) insert(this.modified, this.path, emptySet);
      return;
    }
    if (Array.isArray(before) && Array.isArray(after)) {
      this.#lists(before, after, schema as Schema);
      return;
    }
    const [a, b] = [before as JsonObject, after as JsonObject];
    for (const key in b) this.under(key, own(a, key), b[key], typeUnder(schema, key));
    for (const key in a) if (!Object.hasOwn(b, key)) this.under(key, a[key], undefined, typeUnder(schema, key));
  }

  #lists(before: readonly unknown[], after: readonly unknown[], schema: Schema): void {
    const old = byElement(before, schema);
    const now = byElement(after, schema);
    const items = schema.listType === 'set' ? undefined : schema.items;
    for (const [element, item] of now) this.under(mark + element, old.get(element), item, items);
    for (const [element, item] of old) if (!now.has(element)) this.under(mark + element, item, undefined, items);
  }
}

/** Elements by name; one that stands twice, or has none, counts by its last value, or not at all. */
export function byElement(list: readonly unknown[], schema: Schema): Map<string, unknown> {
  const out = new Map<string, unknown>();
  for (const item of list) {
    const element = elementOf(item, schema);
    if (element !== undefined) out.set(element, item);
  }
  return out;
}

/** Paths become elements only here, since few of the fields that are compared differ. */
function insert(set: MutableSet, path: readonly string[], node: FieldSet): void {
  let at = set;
  for (const [index, name] of path.entries()) {
    const element = name.startsWith(mark) ? name.slice(1) : `f:${name}`;
    if (index === path.length - 1) {
      at[element] = node;
      return;
    }
    let next = child(at, element) as MutableSet | undefined;
    if (next === undefined) {
      next = {};
      at[element] = next;
    }
    at = next;
  }
}
