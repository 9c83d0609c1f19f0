/** The two halves of an apply that make the object: putting in what is applied, and taking out what no longer is. */
import { byElement } from './field-compare.ts';
import { child, elementOf, type FieldSet, isAtomic, isEmptySet, isMember, typeUnder } from './field-set.ts';
import type { Schema } from './schema.ts';
import { getKey, type JsonObject, setKey } from './values.ts';

/**
 * A new value: `applied` wins where both have a leaf, objects are merged, lists of kind `set` and `map` united. The
 * elements that are applied keep their order; those that are only in `live` stay where they were.
 */
export function mergeApplied(live: unknown, applied: unknown, schema: Schema | undefined): unknown {
  if (isAtomic(schema, applied) || isAtomic(schema, live) || Array.isArray(live) !== Array.isArray(applied)) return applied;
  if (Array.isArray(applied)) return mergeLists(live as readonly unknown[], applied, schema as Schema);
  const out: JsonObject = {};
  for (const key in live as JsonObject) setKey(out, key, (live as JsonObject)[key]);
  for (const key in applied as JsonObject) {
    const value = (applied as JsonObject)[key];
    const current = getKey(out, key);
    setKey(out, key, current === undefined ? value : mergeApplied(current, value, typeUnder(schema, key)));
  }
  return out;
}

function mergeLists(live: readonly unknown[], applied: readonly unknown[], schema: Schema): unknown[] {
  const theirs = byElement(live, schema);
  const mine = byElement(applied, schema);
  const taken = new Set<string>();
  const out: unknown[] = [];
  const take = (element: string): void => {
    taken.add(element);
    const item = mine.get(element);
    const current = theirs.get(element);
    out.push(schema.listType === 'set' || current === undefined ? item : mergeApplied(current, item, schema.items));
  };
  let next = 0;
  const order = [...mine.keys()];
  for (const item of live) {
    const element = elementOf(item, schema);
    if (element === undefined || !mine.has(element)) {
      out.push(item);
      continue;
    }
    // Everything applied up to and including the element that stands here.
    while (next < order.length && !taken.has(element)) take(order[next++] as string);
  }
  while (next < order.length) take(order[next++] as string);
  return out;
}

/**
 * The value without what is in `last` and not in `kept`: what this manager applied before and applies no longer, and
 * nobody else owns. Objects and lists that become empty by it go too, unless somebody owns them as such: then the
 * answer is undefined.
 */
export function removeDropped(value: unknown, last: FieldSet, kept: FieldSet | undefined, schema: Schema | undefined): unknown {
  if (isEmptySet(last) || typeof value !== 'object' || value === null) return value;
  const owned = kept !== undefined && isMember(kept);
  if (Array.isArray(value)) {
    if (schema?.kind !== 'array') return value;
    const out: unknown[] = [];
    for (const item of value) {
      const element = elementOf(item, schema);
      const rest = element === undefined ? item : removeUnder(item, element, last, kept, schema.items);
      if (rest !== undefined) out.push(rest);
    }
    return out.length > 0 || value.length === 0 || owned ? out : undefined;
  }
  const out: JsonObject = {};
  let left = 0;
  let before = 0;
  for (const key in value) {
    before++;
    const rest = removeUnder((value as JsonObject)[key], `f:${key}`, last, kept, typeUnder(schema, key));
    if (rest === undefined) continue;
    setKey(out, key, rest);
    left++;
  }
  return left > 0 || before === 0 || owned ? out : undefined;
}

function removeUnder(value: unknown, element: string, last: FieldSet, kept: FieldSet | undefined, schema: Schema | undefined): unknown {
  const node = child(last, element);
  if (node === undefined) return value;
  const keep = kept && child(kept, element);
  // A field is kept for what others own in it; an element of a list only when somebody owns the element itself.
  const stays = keep !== undefined && (element.startsWith('f:') || isMember(keep));
  if (isMember(node) && !stays) return undefined;
  return removeDropped(value, node, keep, schema);
}
