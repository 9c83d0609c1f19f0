/**
 * What `kubectl apply` sends: the difference between an object as it is and as the file wants it, where what the
 * *last* applied file had and this one has no more is deleted, and what others have added stays.
 *
 *   patch = changes and additions from `current` to `modified`, plus deletions from `original` to `modified`
 *
 * With a schema it is a strategic merge patch (lists with a merge key are merged by it), without one a JSON merge
 * patch. https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/#how-apply-calculates-differences-and-merges-changes
 */
import type { Field, Schema } from '../runtime/schema.ts';
import { equalValues, isObject, type JsonObject } from '../runtime/values.ts';

export interface Versions {
  /** As it was applied last; empty if it never was. */
  readonly original: JsonObject;
  readonly modified: JsonObject;
  readonly current: JsonObject;
}

/** Empty when there is nothing to change. */
export function threeWayPatch(versions: Versions, schema: Schema | undefined): JsonObject {
  return patchOfObjects(versions, schema) ?? {};
}

/** Undefined: no difference. */
function patchOfObjects({ original, modified, current }: Versions, schema: Schema | undefined): JsonObject | undefined {
  const patch: JsonObject = {};
  for (const key of Object.keys(modified)) {
    const wanted = modified[key];
    const found = current[key];
    if (wanted === null || wanted === undefined) {
      if (found !== undefined) patch[key] = null;
    } else if (found === undefined || found === null) {
      patch[key] = wanted;
    } else if (isObject(wanted) && isObject(found)) {
      const inner = patchOfField({ original: asObject(original[key]), modified: wanted, current: found }, schema, key);
      if (inner) patch[key] = inner;
    } else if (Array.isArray(wanted) && Array.isArray(found)) {
      patchOfLists(patch, key, { original: asList(original[key]), modified: wanted, current: found }, schema);
    } else if (!equalValues(wanted, found)) {
      patch[key] = wanted;
    }
  }
  for (const key of Object.keys(original)) {
    if (!Object.hasOwn(modified, key) && current[key] !== undefined) patch[key] = null;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

function patchOfField(versions: Versions, schema: Schema | undefined, key: string): JsonObject | undefined {
  const field = fieldOf(schema, key);
  const inner = patchOfObjects(versions, field?.schema ?? schema?.items);
  // The keys that are named are the only ones that stay: of a union, the other members go.
  if (inner && field?.retainKeys) return { ...inner, $retainKeys: presentKeys(versions.modified) };
  return inner;
}

function fieldOf(schema: Schema | undefined, key: string): Field | undefined {
  return schema?.kind === 'object' ? schema.fields.get(key) : undefined;
}

function presentKeys(object: JsonObject): string[] {
  return Object.keys(object).filter((key) => object[key] !== null && object[key] !== undefined);
}

interface Lists {
  readonly original: readonly unknown[];
  readonly modified: readonly unknown[];
  readonly current: readonly unknown[];
}

function patchOfLists(patch: JsonObject, key: string, lists: Lists, schema: Schema | undefined): void {
  const field = fieldOf(schema, key);
  if (field?.patchStrategy !== 'merge') {
    if (!equalValues(lists.modified, lists.current)) patch[key] = lists.modified;
  } else if (field.patchMergeKey) {
    patchByKey(patch, key, lists, { mergeKey: field.patchMergeKey, retainKeys: field.retainKeys, schema: field.schema.items });
  } else {
    patchOfSets(patch, key, lists);
  }
}

interface ListType {
  readonly mergeKey: string;
  readonly retainKeys: boolean;
  readonly schema: Schema | undefined;
}

/** Lists of objects, each known by the value of its merge key. */
function patchByKey(patch: JsonObject, key: string, { original, modified, current }: Lists, type: ListType): void {
  const { mergeKey } = type;
  const keyOf = (item: unknown): unknown => (isObject(item) ? item[mergeKey] : undefined);
  const before = new Map(original.map((item) => [keyOf(item), asObject(item)]));
  const there = new Map(current.map((item) => [keyOf(item), asObject(item)]));
  const wanted = new Set(modified.map(keyOf));
  const changes: unknown[] = [];
  for (const item of modified) {
    const id = keyOf(item);
    const found = there.get(id);
    if (!found) {
      changes.push(item);
      continue;
    }
    const inner = patchOfObjects({ original: before.get(id) ?? {}, modified: asObject(item), current: found }, type.schema);
    if (inner) changes.push({ ...inner, [mergeKey]: id, ...(type.retainKeys ? { $retainKeys: presentKeys(asObject(item)) } : {}) });
  }
  for (const id of before.keys()) if (!wanted.has(id) && there.has(id)) changes.push({ $patch: 'delete', [mergeKey]: id });
  const order = modified.map((item) => ({ [mergeKey]: keyOf(item) }));
  if (changes.length > 0) patch[key] = changes;
  if (changes.length > 0 || !isSubsequence([...wanted], [...there.keys()])) patch[`$setElementOrder/${key}`] = order;
}

/** Lists of plain values that are sets, such as finalizers. */
function patchOfSets(patch: JsonObject, key: string, { original, modified, current }: Lists): void {
  const added = modified.filter((item) => !current.includes(item));
  const gone = original.filter((item) => !modified.includes(item) && current.includes(item));
  if (added.length > 0) patch[key] = added;
  if (gone.length > 0) patch[`$deleteFromPrimitiveList/${key}`] = gone;
  if (added.length + gone.length > 0) patch[`$setElementOrder/${key}`] = modified;
}

function isSubsequence(part: readonly unknown[], whole: readonly unknown[]): boolean {
  let at = 0;
  for (const item of whole) if (item === part[at]) at++;
  return at === part.length;
}

function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}
function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
