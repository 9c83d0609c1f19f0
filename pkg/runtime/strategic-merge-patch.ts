/**
 * Strategic merge patch: a merge patch that knows from the schema which lists are merged by key, and that carries
 * directives for what plain merging cannot say: `$patch` (replace, delete), `$retainKeys`,
 * `$setElementOrder/<list>` and `$deleteFromPrimitiveList/<list>`.
 * https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
 */
import { badRequest } from '../api/errors.ts';
import { stringifyJson } from './json.ts';
import type { Field, Schema } from './schema.ts';
import { copyValue, equalValues, getKey, goKind, goPrinted, isObject, type JsonObject, setKey } from './values.ts';

const orderPrefix = '$setElementOrder/';
const deletePrefix = '$deleteFromPrimitiveList/';

/** A new object; `doc` is not changed, and shares with the result what the patch leaves alone. Throws BadRequest. */
export function applyStrategicMergePatch(doc: unknown, patch: unknown, schema: Schema): unknown {
  if (!isObject(patch)) throw badRequest(`json: cannot unmarshal ${goKind(patch)} into Go value of type map[string]interface {}`);
  return mergeObject(isObject(doc) ? doc : {}, patch, schema);
}

/** `schema` is undefined where the type is not known: objects are merged there, and lists replaced. */
function mergeObject(original: JsonObject, patch: JsonObject, schema: Schema | undefined): JsonObject {
  switch (getKey(patch, '$patch')) {
    case undefined:
      break;
    case 'replace':
      return withoutDirectives(patch);
    case 'delete':
      return {};
    default:
      throw unknownDirective(patch);
  }
  const out = retained(original, patch);
  const orders = new Map<string, unknown[]>();
  for (const key in patch) {
    if (!key.startsWith(orderPrefix)) continue;
    const name = key.slice(orderPrefix.length);
    const order = listOf(patch[key], 'setElementOrder list');
    orders.set(name, order);
    checkOrder(getKey(patch, name), order, fieldOf(schema, name).mergeKey);
  }
  for (const key in patch) {
    if (key === '$patch' || key === '$retainKeys' || key.startsWith(orderPrefix) || key.startsWith(deletePrefix)) continue;
    const value = patch[key];
    if (value === null) delete out[key];
    else if (getKey(out, key) === undefined && isObject(value) && getKey(value, '$patch') !== undefined) continue;
    else setKey(out, key, mergeValue(getKey(out, key), value, fieldOf(schema, key), orders.get(key)));
  }
  for (const [key, order] of orders) {
    const list = getKey(out, key);
    if (Array.isArray(list) && getKey(patch, key) === undefined)
      setKey(out, key, inOrder(list, order, list, fieldOf(schema, key).mergeKey));
  }
  for (const key in patch) {
    if (!key.startsWith(deletePrefix)) continue;
    const gone = new Set(listOf(patch[key], 'primitive list'));
    const name = key.slice(deletePrefix.length);
    const list = getKey(out, name);
    if (Array.isArray(list))
      setKey(
        out,
        name,
        list.filter((item) => !gone.has(item)),
      );
  }
  return out;
}

/** The original's keys that `$retainKeys` lets stand: all, without one. */
function retained(original: JsonObject, patch: JsonObject): JsonObject {
  const keep = getKey(patch, '$retainKeys');
  if (keep !== undefined) {
    const names = listOf(keep, 'retainKeys');
    for (const key in patch) {
      if (!key.startsWith('$') && patch[key] !== null && !names.includes(key)) throw badFormat('retainKeys');
    }
    const out: JsonObject = {};
    for (const key in original) if (names.includes(key)) setKey(out, key, original[key]);
    return out;
  }
  const out: JsonObject = {};
  for (const key in original) setKey(out, key, original[key]);
  return out;
}

interface Place {
  readonly schema: Schema | undefined;
  readonly merges: boolean;
  readonly mergeKey: string | undefined;
}

function fieldOf(schema: Schema | undefined, key: string): Place {
  const field: Field | undefined = schema?.kind === 'object' ? schema.fields.get(key) : undefined;
  if (field) {
    // An object is merged unless it says "replace"; a list only if it says "merge".
    const merges = field.schema.kind === 'array' ? field.patchStrategy === 'merge' : field.patchStrategy !== 'replace';
    return { schema: field.schema, merges, mergeKey: field.patchMergeKey };
  }
  return { schema: schema?.kind === 'map' ? schema.items : undefined, merges: true, mergeKey: undefined };
}

function mergeValue(original: unknown, patch: unknown, place: Place, order: unknown[] | undefined): unknown {
  if (isObject(patch)) {
    if (!place.merges && getKey(patch, '$patch') === undefined) return withoutDirectives(patch);
    return mergeObject(isObject(original) ? original : {}, patch, place.schema);
  }
  if (!Array.isArray(patch)) return patch;
  // A list that takes another's place is taken as it stands.
  if (!place.merges || place.schema?.kind !== 'array') return Array.isArray(original) ? copyValue(patch) : withoutDirectives(patch);
  const live = Array.isArray(original) ? original : [];
  const merged = mergeList(live, patch, place);
  return order ? inOrder(merged, order, live, place.mergeKey) : merged;
}

function mergeList(original: readonly unknown[], patch: readonly unknown[], { schema, mergeKey }: Place): unknown[] {
  const objects = patch.some(isObject) || (patch.length === 0 && original.some(isObject));
  if (!objects) {
    const out = unique([...original, ...patch]);
    return inOrder(out, patch, original, undefined);
  }
  if (mergeKey === undefined) throw badRequest(`cannot merge lists without merge key for ${schema?.items?.goType ?? 'an unknown type'}`);
  const { base, additions } = withoutSpecialElements(original, patch, mergeKey);
  const out = [...base];
  const places = indexOf(out, mergeKey);
  for (const item of additions) {
    const at = places.get(identityOf(item, mergeKey));
    const current = at === undefined ? undefined : out[at];
    const merged = mergeObject(isObject(current) ? current : {}, item, schema?.items);
    if (at === undefined) places.set(identityOf(item, mergeKey), out.push(merged) - 1);
    else out[at] = merged;
  }
  return inOrder(out, additions, base, mergeKey);
}

/** Carries out elements that are directives: `{$patch: delete, name: a}`, `{$patch: replace}`. */
function withoutSpecialElements(
  original: readonly unknown[],
  patch: readonly unknown[],
  mergeKey: string,
): { base: readonly unknown[]; additions: JsonObject[] } {
  let base = original;
  let replace = false;
  const additions: JsonObject[] = [];
  for (const item of patch) {
    if (!isObject(item)) throw badRequest(`list element types are not identical: ${goKind(item)} among objects`);
    const directive = getKey(item, '$patch');
    if (directive === 'replace') {
      replace = true;
      continue;
    }
    const key = getKey(item, mergeKey);
    if (key === undefined || key === null) {
      throw noMergeKey(item, mergeKey);
    }
    if (directive === 'delete') base = base.filter((other) => !isObject(other) || !equalValues(getKey(other, mergeKey), key));
    else if (directive === undefined) additions.push(item);
    else throw directive === 'merge' ? badRequest('merging lists cannot yet be specified in the patch') : unknownDirective(item);
  }
  return replace ? { base: [], additions } : { base, additions };
}

/**
 * What the patch names stands in the patch's order, the rest in the live order; where both orders leave it open, an
 * item stands as it stood in the live list, and what is new before the rest of what the patch does not name.
 */
function inOrder(items: readonly unknown[], order: readonly unknown[], live: readonly unknown[], mergeKey: string | undefined): unknown[] {
  const ordered = indexOf(order, mergeKey);
  const lived = indexOf(live, mergeKey);
  const position = (places: Map<unknown, number>, item: unknown): number => places.get(identityOf(item, mergeKey)) ?? -1;
  const patched = items.filter((item) => position(ordered, item) >= 0).sort((a, b) => position(ordered, a) - position(ordered, b));
  const others = items.filter((item) => position(ordered, item) < 0);
  const out: unknown[] = [];
  let next = 0;
  for (const item of others) {
    while (next < patched.length) {
      const mine = position(lived, patched[next]);
      const theirs = position(lived, item);
      if (mine >= 0 && theirs >= 0 && theirs < mine) break;
      out.push(patched[next++]);
    }
    out.push(item);
  }
  return [...out, ...patched.slice(next)];
}

/** What tells elements of a list apart: the merge key's value, or the element's own. */
function identityOf(item: unknown, mergeKey: string | undefined): unknown {
  const identity = mergeKey !== undefined && isObject(item) ? getKey(item, mergeKey) : item;
  return typeof identity === 'object' ? stringifyJson(identity) : identity;
}

/** Identity to place; the first one counts. */
function indexOf(list: readonly unknown[], mergeKey: string | undefined): Map<unknown, number> {
  const places = new Map<unknown, number>();
  for (const [place, item] of list.entries()) {
    const identity = identityOf(item, mergeKey);
    if (!places.has(identity)) places.set(identity, place);
  }
  return places;
}

function unique(items: readonly unknown[]): unknown[] {
  const seen = new Set<unknown>();
  return items.filter((item) => !seen.has(item) && seen.add(item));
}

/** What the patch adds or changes must come in the order that it asks for; what it deletes need not. */
function checkOrder(patched: unknown, order: readonly unknown[], mergeKey: string | undefined): void {
  if (!Array.isArray(patched) || order.length === 0) return;
  const wanted = patched.filter((item) => !isObject(item) || getKey(item, '$patch') === undefined);
  let next = 0;
  for (const place of order) {
    if (next === wanted.length) return;
    const item: unknown = wanted[next];
    if (mergeKey !== undefined)
      for (const each of [item, place]) if (isObject(each) && getKey(each, mergeKey) === undefined) throw noMergeKey(each, mergeKey);
    if (identityOf(item, mergeKey) === identityOf(place, mergeKey)) next++;
  }
  if (next < wanted.length) {
    throw badRequest(`The order in patch list:\n${goPrinted(patched)}\n doesn't match $setElementOrder list:\n${goPrinted(order)}\n`);
  }
}

function unknownDirective(patch: JsonObject): Error {
  return badRequest(`unknown patch type: ${goPrinted(patch['$patch'])} in map: ${goPrinted(patch)}`);
}

function noMergeKey(item: JsonObject, mergeKey: string): Error {
  return badRequest(`map: ${goPrinted(item)} does not contain declared merge key: ${mergeKey}`);
}

function badFormat(what: string): Error {
  return badRequest(`invalid patch format of ${what}`);
}

function listOf(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw badFormat(what);
  return value;
}

/** What a patch stands for where there is nothing to patch: directives and nulls are gone. */
function withoutDirectives(value: unknown): JsonObject;
function withoutDirectives(value: readonly unknown[]): unknown[];
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    const out: unknown[] = [];
    for (const item of value) {
      if (!isObject(item)) out.push(copyValue(item));
      else if (getKey(item, '$patch') === undefined) out.push(withoutDirectives(item));
    }
    return out;
  }
  if (!isObject(value)) return value;
  const out: JsonObject = {};
  for (const key in value) {
    const item = value[key];
    if (key === '$patch' || key === '$retainKeys' || key.startsWith(orderPrefix) || key.startsWith(deletePrefix) || item === null) continue;
    // A directive for what is not there says nothing, and goes with all that stands beside it.
    if (isObject(item) && getKey(item, '$patch') !== undefined) continue;
    setKey(out, key, typeof item === 'object' ? withoutDirectives(item) : item);
  }
  return out;
}
