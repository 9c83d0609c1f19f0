/**
 * Key ranges that can be asked which of them touch a key or a range: a static interval tree over an array sorted by
 * start, built again at the first question after a change (watches come and go far less often than events).
 *
 * A question costs O(log n + answers).
 */
import { sortKey } from './key-order.ts';
import type { KeyRange } from './store.ts';

interface Entry<T> {
  readonly start: string;
  /** undefined: no upper bound. */
  readonly end: string | undefined;
  readonly item: T;
}

export class RangeIndex<T> {
  readonly #entries = new Map<T, Entry<T>>();
  #sorted: Entry<T>[] | undefined;
  /** reach[m]: the largest end in the subtree whose middle is m. */
  #reach: (string | undefined)[] = [];

  add(range: KeyRange, item: T): void {
    this.#entries.set(item, { start: sortKey(range.start), end: range.end === undefined ? undefined : sortKey(range.end), item });
    this.#sorted = undefined;
  }

  delete(item: T): void {
    if (this.#entries.delete(item)) this.#sorted = undefined;
  }

  items(): IterableIterator<T> {
    return this.#entries.keys();
  }

  /** Calls `visit` for each range that holds `key`. */
  at(key: string, visit: (item: T) => void): void {
    const sort = sortKey(key);
    const sorted = this.#sorted ?? this.#build();
    this.#search(sorted, 0, sorted.length, sort, sort, visit);
  }

  /** Calls `visit` for each range that has a key in common with `range`. */
  overlapping(range: KeyRange, visit: (item: T) => void): void {
    const sorted = this.#sorted ?? this.#build();
    const last = range.end === undefined ? undefined : sortKey(range.end);
    this.#search(sorted, 0, sorted.length, sortKey(range.start), last, visit, true);
  }

  /** Ranges with start <= last (start < last, when `open`) and end > first, within sorted[low, high). */
  #search(
    sorted: readonly Entry<T>[],
    low: number,
    high: number,
    first: string,
    last: string | undefined,
    visit: (item: T) => void,
    open = false,
  ): void {
    if (low >= high) return;
    const middle = (low + high) >> 1;
    const reach = this.#reach[middle];
    if (reach !== undefined && reach <= first) return;
    this.#search(sorted, low, middle, first, last, visit, open);
    const entry = sorted[middle] as Entry<T>;
    if (last !== undefined && (open ? entry.start >= last : entry.start > last)) return;
    if (entry.end === undefined || entry.end > first) visit(entry.item);
    this.#search(sorted, middle + 1, high, first, last, visit, open);
  }

  #build(): Entry<T>[] {
    const sorted = [...this.#entries.values()].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
    this.#reach = new Array<string | undefined>(sorted.length);
    if (sorted.length > 0) this.#measure(sorted, 0, sorted.length);
    this.#sorted = sorted;
    return sorted;
  }

  /** Fills `reach` for sorted[low, high), which is not empty, and returns its largest end. */
  #measure(sorted: readonly Entry<T>[], low: number, high: number): string | undefined {
    const middle = (low + high) >> 1;
    let reach = (sorted[middle] as Entry<T>).end;
    if (low < middle) reach = later(reach, this.#measure(sorted, low, middle));
    if (middle + 1 < high) reach = later(reach, this.#measure(sorted, middle + 1, high));
    this.#reach[middle] = reach;
    return reach;
  }
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  return a === undefined || b === undefined ? undefined : a > b ? a : b;
}
