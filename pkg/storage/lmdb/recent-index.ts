import { sortKey } from '../key-order.ts';
import { PersistentMap } from '../persistent-map.ts';
import type { KeyValue } from '../store.ts';
import type { IndexEntry } from './layout.ts';

/** The index entry of a key that was written lately, and is perhaps not in the index tree yet. */
export interface RecentEntry extends IndexEntry {
  readonly key: string;
  /** What the newest version holds, if it is small and no deletion: saves reading it back. */
  readonly item: KeyValue | undefined;
  /** How the index tree knows the key now. */
  stored: 'absent' | 'live' | 'deleted';
}

/** A generation of entries on its way into the index tree. */
interface Frozen {
  readonly entries: PersistentMap<string, RecentEntry>;
  /** The index tree knows every version up to this revision once all entries are in it. */
  readonly revision: number;
  /** Sort keys from here on are not in the tree yet. */
  next: string;
}

/**
 * The newest part of the index, in memory. The log alone makes a commit durable; the index follows in generations,
 * sorted by key, so that many changes to one page cost one write of it. After a crash the log's tail, as long as one
 * or two generations, is read to make this part again.
 */
export class RecentIndex {
  readonly #maxEntries: number;
  #active = PersistentMap.empty<string, RecentEntry>();
  #activeItemBytes = 0;
  #activeWrites = 0;
  #frozen: Frozen | undefined;

  constructor(maxEntries: number = defaultEntries) {
    this.#maxEntries = maxEntries;
  }

  get(key: string): RecentEntry | undefined {
    const sort = sortKey(key);
    return this.#active.get(sort) ?? this.#frozen?.entries.get(sort);
  }

  put(entry: RecentEntry): void {
    this.#active = this.#active.set(sortKey(entry.key), entry);
    this.#activeWrites++;
    this.#activeItemBytes += entry.item?.value.length ?? 0;
  }

  /** Forgets a key that has been taken out of the index tree as well. */
  erase(key: string): void {
    const sort = sortKey(key);
    this.#active = this.#active.delete(sort);
    if (this.#frozen) this.#frozen = { ...this.#frozen, entries: this.#frozen.entries.delete(sort) };
  }

  /** At most `limit` entries from sort keys in [start, end), ascending. */
  list(start: string, end: string | undefined, limit: number): RecentEntry[] {
    const active = take(this.#active, start, end, limit);
    if (!this.#frozen) return active;
    const merged: RecentEntry[] = [];
    const frozen = take(this.#frozen.entries, start, end, limit);
    for (let a = 0, f = 0; merged.length < limit && (a < active.length || f < frozen.length); ) {
      const left = active[a];
      const right = frozen[f];
      const order = !left ? 1 : !right ? -1 : compare(sortKey(left.key), sortKey(right.key));
      merged.push((order <= 0 ? left : right) as RecentEntry);
      if (order <= 0) a++;
      if (order >= 0) f++;
    }
    return merged;
  }

  /** True if a generation is full, or (on closing) if there is anything at all to be written. */
  wantsFlush(everything: boolean): boolean {
    if (this.#frozen) return true;
    if (everything) return this.#active.size > 0;
    return this.#active.size >= this.#maxEntries || this.#activeWrites >= 2 * this.#maxEntries || this.#activeItemBytes >= maxItemBytes;
  }

  /** The next entries for the index tree; begins a generation, as of `revision`, if none is on its way. */
  flushable(limit: number, revision: number): readonly RecentEntry[] {
    if (!this.#frozen) {
      this.#frozen = { entries: this.#active, revision, next: '' };
      this.#active = PersistentMap.empty();
      this.#activeItemBytes = 0;
      this.#activeWrites = 0;
    }
    return take(this.#frozen.entries, this.#frozen.next, undefined, limit);
  }

  /** Whether a generation that is on its way ends with these entries. */
  endsWith(entries: readonly RecentEntry[]): boolean {
    const last = entries.at(-1);
    return this.#frozen !== undefined && (!last || this.#frozen.entries.count(after(last.key), undefined) === 0);
  }

  /** The revision of the generation on its way. */
  get flushingRevision(): number {
    return this.#frozen?.revision ?? 0;
  }

  /** The entries that `flushable` returned are in the index tree, but for those that were erased right after. */
  flushed(entries: readonly RecentEntry[], erased: readonly string[]): void {
    for (const entry of entries) {
      if (erased.includes(entry.key)) continue;
      entry.stored = entry.version === 0 ? 'deleted' : 'live';
      const newer = this.#active.get(sortKey(entry.key));
      if (newer) newer.stored = entry.stored;
    }
    const last = entries.at(-1);
    if (!this.#frozen) return;
    if (this.endsWith(entries)) this.#frozen = undefined;
    else if (last) this.#frozen.next = after(last.key);
  }
}

/** Keys in one generation, or half as many as writes: some megabytes, and some tens of milliseconds after a crash. */
const defaultEntries = 16_384;
const maxItemBytes = 16 * 2 ** 20;

function take(map: PersistentMap<string, RecentEntry>, start: string, end: string | undefined, limit: number): RecentEntry[] {
  const entries: RecentEntry[] = [];
  if (limit > 0) map.scan(start, end, (entry) => entries.push(entry) < limit);
  return entries;
}

/** The sort key right after that of `key`. */
function after(key: string): string {
  return `${sortKey(key)}\0`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
