/**
 * Sets of field paths, in the shape in which managedFields keeps them (FieldsV1): a tree whose keys are path elements,
 * `f:<field or map key>`, `k:<JSON of an element's keys>` and `v:<JSON of an element of a set>`. A node is in the set
 * when it has a child `.`, or no children at all. Sets are immutable and share what they have in common.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
import { stringifyJson } from './json.ts';
import type { Schema } from './schema.ts';
import { equalValues, getKey, isObject, type JsonObject } from './values.ts';

export interface FieldSet {
  readonly [element: string]: FieldSet;
}

export const emptySet: FieldSet = Object.freeze({});
const leaf: FieldSet = emptySet;

/** The root alone is never in the set: without children the whole is empty. */
export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Frozen sets that have been looked at: shared ones come by again and again. */
const wellFormed = new WeakSet<object>();

/** Whether a value, as somebody sent it, is a set. */
export function isFieldSet(value: unknown): value is FieldSet {
  if (!isObject(value)) return false;
  if (wellFormed.has(value)) return true;
  for (const element in value) if (!isElement(element) || !isFieldSet(value[element])) return false;
  if (Object.isFrozen(value)) wellFormed.add(value);
  return true;
}

function isElement(element: string): boolean {
  if (element === '.') return true;
  const value = element.slice(2);
  if (element[1] !== ':') return false;
  switch (element[0]) {
    case 'f':
      return true;
    case 'v':
      return parseElement(value) !== undefined;
    case 'k':
      return isObject(parseElement(value));
    case 'i':
      return /^-?\d+$/.test(value);
    default:
      return true; // Of a kind that is not known yet.
  }
}

/** Whether the node itself is in the set. */
export function isMember(node: FieldSet): boolean {
  return node['.'] !== undefined || isEmptySet(node);
}

export function child(node: FieldSet, element: string): FieldSet | undefined {
  return Object.hasOwn(node, element) ? node[element] : undefined;
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  return equalValues(a, b);
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  return isEmptySet(a) ? b : isEmptySet(b) ? a : unite(a, b);
}

/** Of two nodes that both have children, or of which at least one is a member without. */
function unite(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  const out: Record<string, FieldSet> = {};
  let same = true;
  if (isEmptySet(a)) {
    if (isEmptySet(b)) return a;
    out['.'] = leaf;
    same = false;
  } else {
    for (const element in a) {
      const mine = a[element] as FieldSet;
      const theirs = child(b, element);
      const both = theirs === undefined ? mine : unite(mine, theirs);
      if (both !== mine) same = false;
      out[element] = both;
    }
  }
  if (isEmptySet(b)) {
    if (out['.'] === undefined) {
      out['.'] = leaf;
      same = false;
    }
  } else {
    for (const element in b) {
      if (!Object.hasOwn(out, element)) {
        out[element] = b[element] as FieldSet;
        same = false;
      }
    }
  }
  return same ? a : out;
}

/** The members of a that are not members of b. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a) || isEmptySet(b)) return a;
  return subtract(a, b, false, false) ?? emptySet;
}

/** Without the members of b and everything below them. */
export function differenceBelow(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a) || isEmptySet(b)) return a;
  return subtract(a, b, false, true) ?? emptySet;
}

function subtract(a: FieldSet, b: FieldSet, counted: boolean, below: boolean): FieldSet | undefined {
  const memberOfB = counted && isMember(b);
  if (memberOfB && below) return undefined;
  const member = counted && isMember(a) && !memberOfB;
  const out: Record<string, FieldSet> = {};
  let same = counted ? member === isMember(a) : true;
  let children = 0;
  for (const element in a) {
    if (element === '.') continue;
    const mine = a[element] as FieldSet;
    const theirs = child(b, element);
    const rest = theirs === undefined ? mine : subtract(mine, theirs, true, below);
    if (rest !== mine) same = false;
    if (rest !== undefined) {
      out[element] = rest;
      children++;
    }
  }
  if (same) return a;
  if (children === 0) return member ? leaf : undefined;
  return member ? { '.': leaf, ...out } : out;
}

/** The members of both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a) || isEmptySet(b)) return emptySet;
  return common(a, b, false) ?? emptySet;
}

function common(a: FieldSet, b: FieldSet, counted: boolean): FieldSet | undefined {
  const member = counted && isMember(a) && isMember(b);
  const out: Record<string, FieldSet> = {};
  let children = 0;
  for (const element in a) {
    if (element === '.') continue;
    const theirs = child(b, element);
    const both = theirs === undefined ? undefined : common(a[element] as FieldSet, theirs, true);
    if (both !== undefined) {
      out[element] = both;
      children++;
    }
  }
  if (children === 0) return member ? leaf : undefined;
  return member ? { '.': leaf, ...out } : out;
}

/** A set without what a pattern does not lead to; `*` in it stands for any element, and its leaves for all below them. */
export function only(pattern: FieldSet): (set: FieldSet) => FieldSet {
  const keep = (set: FieldSet, wanted: FieldSet): FieldSet => {
    if (isEmptySet(wanted) || isEmptySet(set)) return set;
    const out: Record<string, FieldSet> = {};
    for (const element in set) {
      const node = set[element] as FieldSet;
      const below = child(wanted, element) ?? child(wanted, '*');
      if (element === '.') out[element] = node;
      if (below === undefined) continue;
      const kept = keep(node, below);
      if (isMember(node) || !isEmptySet(kept)) out[element] = kept;
    }
    return Object.keys(out).length === 1 && out['.'] ? leaf : out;
  };
  return (set) => keep(set, pattern);
}

/** The paths of all members, as conflicts show them: `.spec.containers[name="nginx"].image`. */
export function pathsOf(set: FieldSet): string[] {
  const out: string[] = [];
  // The members of a node come before all that lies deeper.
  const visit = (node: FieldSet, path: string): void => {
    const elements = Object.keys(node)
      .filter((element) => element !== '.')
      .sort();
    for (const element of elements) if (isMember(node[element] as FieldSet)) out.push(path + showElement(element));
    for (const element of elements) visit(node[element] as FieldSet, path + showElement(element));
  };
  visit(set, '');
  return out;
}

function showElement(element: string): string {
  const text = element.slice(2);
  if (element.startsWith('f:')) return `.${text}`;
  if (element.startsWith('v:')) return `[=${text}]`;
  if (element.startsWith('i:')) return `[${text}]`;
  const keys: unknown = parseElement(text);
  if (!isObject(keys)) return `[${text}]`;
  return `[${Object.keys(keys)
    .sort()
    .map((key) => `${key}=${JSON.stringify(keys[key])}`)
    .join(',')}]`;
}

function parseElement(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether a value of that type is owned as one. */
export function isAtomic(schema: Schema | undefined, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (schema === undefined) return Array.isArray(value);
  switch (schema.kind) {
    case 'object':
    case 'map':
      return schema.atomic || Array.isArray(value);
    case 'array':
      return schema.listType === 'atomic' || !Array.isArray(value);
    case 'any':
      return schema.atomic || Array.isArray(value);
    case 'scalar':
      return true;
  }
}

/** The type of an object's or map's value under that key; undefined where the type is left open. */
export function typeUnder(schema: Schema | undefined, key: string): Schema | undefined {
  if (schema?.kind === 'object') return schema.fields.get(key)?.schema;
  return schema?.kind === 'map' ? schema.items : undefined;
}

/**
 * The path element of an element of a list of kind `set` or `map`. Undefined for an element without any of its keys,
 * which cannot be named.
 */
export function elementOf(item: unknown, schema: Schema): string | undefined {
  if (schema.listType === 'set') return `v:${stringifyJson(item)}`;
  if (!isObject(item)) return undefined;
  const names = sortedKeys(schema);
  if (names.length === 1) {
    const name = names[0] as string;
    const value = keyOf(item, name, schema);
    return value === undefined ? undefined : `k:{"${name}":${stringifyJson(value)}}`;
  }
  const keys: JsonObject = {};
  let found = false;
  for (const name of names) {
    const value = keyOf(item, name, schema);
    if (value === undefined) continue;
    keys[name] = value;
    found = true;
  }
  return found ? `k:${stringifyJson(keys)}` : undefined;
}

/** The value of a key of a list, or what it is by default; null is a value. */
export function keyOf(item: JsonObject, name: string, { items }: Schema): unknown {
  const value = getKey(item, name);
  return value === undefined ? items?.fields.get(name)?.default : value;
}

const keysOf = new WeakMap<Schema, readonly string[]>();
function sortedKeys(schema: Schema): readonly string[] {
  let keys = keysOf.get(schema);
  if (!keys) {
    keys = [...schema.listKeys].sort();
    keysOf.set(schema, keys);
  }
  return keys;
}
