/**
 * The order in which Kubernetes writes the elements of a field set: fields by name, elements of lists by their keys or
 * values, numbers as numbers. Clients compare what is written, not what it means.
 */
import type { FieldSet } from './field-set.ts';
import { isObject } from './values.ts';

/** The set itself where it is in order already. */
export function inOrder(set: FieldSet): FieldSet {
  const elements = Object.keys(set);
  if (elements.length === 0) return set;
  const sorted = elements.length > 1 ? sortedElements(elements) : elements;
  let same = sorted === elements;
  const children = sorted.map((element) => {
    const before = set[element] as FieldSet;
    const after = inOrder(before);
    if (after !== before) same = false;
    return after;
  });
  if (same) return set;
  const out: Record<string, FieldSet> = {};
  for (const [i, element] of sorted.entries()) out[element] = children[i] as FieldSet;
  return out;
}

/** The array itself where it is in order already. What elements of lists say is read once, however often they are compared. */
function sortedElements(elements: string[]): string[] {
  if (!elements.some(isListed)) {
    const ordered = elements.every((element, i) => i === 0 || (elements[i - 1] as string) <= element);
    return ordered ? elements : elements.toSorted(compareText);
  }
  const entries = elements.map((element) => ({ element, value: valueIn(element) }));
  const sorted = entries.every((entry, i) => i === 0 || compareElements(entries[i - 1] as Entry, entry) <= 0);
  return sorted ? elements : entries.sort(compareElements).map(({ element }) => element);
}

const isListed = (element: string): boolean => element[1] === ':' && (element[0] === 'k' || element[0] === 'v');

interface Entry {
  readonly element: string;
  /** Of an element of a list: its keys, or itself. */
  readonly value: unknown;
}

/** `.`, which is the node itself, comes before all `f:`; otherwise the elements of one node are of one kind. */
function compareElements(a: Entry, b: Entry): number {
  const alike = a.value !== undefined && b.value !== undefined && a.element[0] === b.element[0];
  return (alike && compareValues(a.value, b.value)) || compareText(a.element, b.element);
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function valueIn(element: string): unknown {
  if (!isListed(element)) return undefined;
  try {
    // Integers that a double cannot hold are near enough: where two seem equal, the text decides.
    return JSON.parse(element.slice(2));
  } catch {
    return undefined; // Written by somebody else: the text decides.
  }
}

function compareValues(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
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
