/**
 * The order in which Kubernetes writes the elements of a field set: fields by name, elements of lists by their keys or
 * values, numbers as numbers. Clients compare what is written, not what it means.
 */
import type { FieldSet } from './field-set.ts';
import { parseJson } from './json.ts';
import { isObject } from './values.ts';

/** The set itself where it is in order already. */
export function inOrder(set: FieldSet): FieldSet {
  const elements = Object.keys(set);
  const sorted = elements.length > 1 ? elements.toSorted(compareElements) : elements;
  let same = true;
  const out: Record<string, FieldSet> = {};
  for (const [i, element] of sorted.entries()) {
    const before = set[element] as FieldSet;
    const after = inOrder(before);
    if (after !== before || elements[i] !== element) same = false;
    out[element] = after;
  }
  return same ? set : out;
}

/** `.`, which is the node itself, comes before all `f:`; otherwise the elements of one node are of one kind. */
function compareElements(a: string, b: string): number {
  const kind = a.slice(0, 2);
  if ((kind !== 'k:' && kind !== 'v:') || !b.startsWith(kind)) return compareText(a, b);
  return compareValues(valueIn(a), valueIn(b)) || compareText(a, b);
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function valueIn(element: string): unknown {
  try {
    return parseJson(element.slice(2)).value;
  } catch {
    return undefined; // Written by somebody else: the text decides.
  }
}

function compareValues(a: unknown, b: unknown): number {
  if ((typeof a === 'number' || typeof a === 'bigint') && (typeof b === 'number' || typeof b === 'bigint'))
    return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  return isObject(a) && isObject(b) ? compareKeys(a, b) : 0;
}

/** Name by name, then value by value; what has fewer comes first. */
function compareKeys(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): number {
  const [mine, theirs] = [Object.keys(a).sort(), Object.keys(b).sort()];
  for (let i = 0; i < Math.min(mine.length, theirs.length); i++) {
    const [own, other] = [mine[i] as string, theirs[i] as string];
    const order = compareText(own, other) || compareValues(a[own], b[other]);
    if (order !== 0) return order;
  }
  return mine.length - theirs.length;
}
