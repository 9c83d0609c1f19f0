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
  return build(object, schema, (value, type) => (saysNothing(value, type) ? undefined : named(value, type, false)));
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

/** A list whose elements are owned one by one, and that has none. */
function saysNothing(value: unknown, schema: Schema | undefined): boolean {
  return Array.isArray(value) && value.length === 0 && !isAtomic(schema, value);
}

/** `member`: the value's own path is in the set too. */
function named(value: unknown, schema: Schema | undefined, member: boolean): FieldSet {
  if (isAtomic(schema, value) || isEmpty(value)) return emptySet;
  const out: MutableSet = member ? { '.': emptySet } : {};
  if (Array.isArray(value)) {
    return elements(out, value, schema as Schema, (item) => named(item, schema?.items, true));
  }
  // The fields of an object follow from its type; the keys of a map are there because somebody put them.
  const entries = schema?.kind !== 'object';
  for (const key in value as JsonObject) {
    const [item, type] = [(value as JsonObject)[key], typeUnder(schema, key)];
    if (entries || !saysNothing(item, type)) out[`f:${key}`] = named(item, type, entries);
  }
  return out;
}

/** Everything in a value that is new: every leaf, and every object and list around them. */
function whole(value: unknown, schema: Schema | undefined): FieldSet {
  if (isAtomic(schema, value) || isEmpty(value)) return emptySet;
  const out: MutableSet = { '.': emptySet };
  if (Array.isArray(value)) {
    return elements(out, value, schema as Schema, (item) => whole(item, schema?.items));
  }
  for (const key in value as JsonObject) {
    const field = schema?.kind === 'object' ? schema.fields.get(key) : undefined;
    out[field?.element ?? `f:${key}`] = whole((value as JsonObject)[key], field?.schema ?? typeUnder(schema, key));
  }
  if (schema?.kind === 'object') for (const element of nullsOf(schema)) out[element] ??= emptySet;
  return out;
}

const nulls = new WeakMap<Schema, readonly string[]>();

/** The fields of a type that are there even when nothing is set. */
function nullsOf(schema: Schema): readonly string[] {
  let elements = nulls.get(schema);
  if (!elements) {
    elements = [...schema.fields.values()].filter((field) => field.nullWhenUnset).map((field) => field.element);
    nulls.set(schema, elements);
  }
  return elements;
}

/** In place. An element that stands twice is one thing, whose fields are not told apart. */
function elements(out: MutableSet, list: readonly unknown[], schema: Schema, node: (item: unknown) => FieldSet): FieldSet {
  for (const item of list) {
    const element = elementOf(item, schema);
    if (element === undefined) continue;
    out[element] = schema.listType === 'set' || Object.hasOwn(out, element) ? emptySet : node(item);
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
  comparer.members(before, after, schema, (key) => key === 'apiVersion' || key === 'kind' || key === 'metadata');
  const [old, now] = [before['metadata'], after['metadata']];
  comparer.path.push('metadata');
  const metadata = schema.fields.get('metadata')?.schema;
  comparer.members(isObject(old) ? old : {}, isObject(now) ? now : {}, metadata, (key) => unowned.has(key));
  comparer.path.pop();
  return comparer;
}

const mark = '\u0000';

class Comparer implements Comparison {
  added: MutableSet = {};
  modified: MutableSet = {};
  removed: MutableSet = {};
  /** Names of fields as they are, elements of lists as sets name them, behind a mark that no field's name begins with. */
  readonly path: string[] = [];

  /** The fields of an object or the entries of a map; those that `skip` names are passed over. */
  members(before: JsonObject, after: JsonObject, schema: Schema | undefined, skip?: (key: string) => boolean): void {
    const fields = schema?.kind === 'object' ? schema.fields : undefined;
    const entries = schema?.kind === 'map' ? schema.items : undefined;
    const compare = (key: string, a: unknown, b: unknown): void => {
      const field = fields?.get(key);
      const absent = field?.nullWhenUnset ? null : undefined;
      this.#under(key, a === undefined ? absent : a, b === undefined ? absent : b, field?.schema ?? entries);
    };
    for (const key in after) if (!skip?.(key)) compare(key, own(before, key), after[key]);
    for (const key in before) if (!skip?.(key) && !Object.hasOwn(after, key)) compare(key, before[key], undefined);
  }

  /** `undefined` stands for absence, which null is not. */
  #under(name: string, before: unknown, after: unknown, schema: Schema | undefined): void {
    if (before === after) return;
    this.path.push(name);
    if (before === undefined) insert(this.added, this.path, whole(after, schema));
    else if (after === undefined) insert(this.removed, this.path, whole(before, schema));
    else this.#both(before, after, schema);
    this.path.pop();
  }

  #both(before: unknown, after: unknown, schema: Schema | undefined): void {
    // Null stands beside a list or a map as an empty one does; as such it differs from one that is empty.
    const [a, b] = [before ?? emptyLike(after), after ?? emptyLike(before)];
    if (isAtomic(schema, a) || isAtomic(schema, b) || Array.isArray(a) !== Array.isArray(b) || (isEmpty(a) && isEmpty(b))) {
      if (equalValues(before, after)) return;
      insert(this.modified, this.path, emptySet);
      // Of what may be anything, the fields that it has on one side only come or go with it.
      if (schema?.kind === 'any' || schema === undefined) this.members(fieldsIn(a, b), fieldsIn(b, a), undefined);
    } else if (Array.isArray(a) && Array.isArray(b)) this.#lists(a, b, schema as Schema);
    else this.members(a as JsonObject, b as JsonObject, schema);
  }

  #lists(before: readonly unknown[], after: readonly unknown[], schema: Schema): void {
    const old = elementsOf(before, schema);
    const now = elementsOf(after, schema);
    const items = schema.listType === 'set' ? undefined : schema.items;
    for (const element of new Set([...now.keys(), ...old.keys()])) {
      const [a, b] = [old.get(element) ?? [], now.get(element) ?? []];
      if (a.length < 2 && b.length < 2) this.#under(mark + element, a[0], b[0], items);
      else this.#repeated(mark + element, [a, b], items);
    }
  }

  /** An element that stands more than once, before or after, is one thing with all that it says. */
  #repeated(name: string, [before, after]: readonly [readonly unknown[], readonly unknown[]], items: Schema | undefined): void {
    this.path.push(name);
    if (before.length > 1 && after.length > 1) {
      if (!equalValues(before, after)) insert(this.modified, this.path, emptySet);
    } else if (before.length > 1) {
      insert(this.removed, this.path, emptySet);
      if (after.length > 0) insert(this.added, this.path, whole(after[0], items));
    } else {
      insert(this.added, this.path, emptySet);
      if (before.length > 0) insert(this.removed, this.path, whole(before[0], items));
    }
    this.path.pop();
  }
}

const own = (object: JsonObject, key: string): unknown => (Object.hasOwn(object, key) ? object[key] : undefined);

/** Of an object beside something else. */
function fieldsIn(value: unknown, other: unknown): JsonObject {
  return isObject(value) && !isObject(other) ? value : {};
}

/** For null, beside a list or a map; null itself beside anything else. */
function emptyLike(other: unknown): unknown {
  if (Array.isArray(other)) return [];
  return isObject(other) ? {} : null;
}

/** All that stands under each name; what has no name is passed over. */
function elementsOf(list: readonly unknown[], schema: Schema): Map<string, unknown[]> {
  const out = new Map<string, unknown[]>();
  for (const item of list) {
    const element = elementOf(item, schema);
    if (element === undefined) continue;
    const same = out.get(element);
    if (same) same.push(item);
    else out.set(element, [item]);
  }
  return out;
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
