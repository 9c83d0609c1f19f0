import { compareKeys, sortKey } from '../key-order.ts';
import { SortedMap } from '../sorted-map.ts';
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

/** Entries that go into the index tree together. */
class Generation {
  readonly #entries = new Map<string, RecentEntry>();
  /** The keys by sort key; an update of a key that is there leaves it alone. */
  readonly #order = new SortedMap<string, string>();
  writes = 0;
  itemBytes = 0;

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): RecentEntry | undefined {
    return this.#entries.get(key);
  }

  put(entry: RecentEntry): void {
    if (!this.#entries.has(entry.key)) this.#order.set(sortKey(entry.key), entry.key);
    this.#entries.set(entry.key, entry);
    this.writes++;
    this.itemBytes += entry.item?.value.length ?? 0;
  }

  erase(key: string): void {
    if (this.#entries.delete(key)) this.#order.delete(sortKey(key));
  }

  /** At most `limit` entries from sort keys in [start, end), ascending. */
  list(start: string, end: string | undefined, limit: number): RecentEntry[] {
    const entries: RecentEntry[] = [];
    if (limit > 0) this.#order.scan(start, end, (key) => entries.push(this.#entries.get(key) as RecentEntry) < limit);
    return entries;
  }

  isEmptyFrom(start: string): boolean {
    return this.#order.count(start, undefined) === 0;
  }
}

/** A generation on its way into the index tree. */
interface Frozen {
  readonly entries: Generation;
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
  #active = new Generation();
  #frozen: Frozen | undefined;

  constructor(maxEntries: number = defaultEntries) {
    this.#maxEntries = maxEntries;
  }

  get(key: string): RecentEntry | undefined {
    return this.#active.get(key) ?? this.#frozen?.entries.get(key);
  }

  put(entry: RecentEntry): void {
    this.#active.put(entry);
  }

  /** Forgets a key that has been taken out of the index tree as well. */
  erase(key: string): void {
    this.#active.erase(key);
    this.#frozen?.entries.erase(key);
  }

  /** At most `limit` entries from sort keys in [start, end), ascending. */
  list(start: string, end: string | undefined, limit: number): RecentEntry[] {
    const active = this.#active.list(start, end, limit);
    if (!this.#frozen) return active;
    const merged: RecentEntry[] = [];
    const frozen = this.#frozen.entries.list(start, end, limit);
    for (let a = 0, f = 0; merged.length < limit && (a < active.length || f < frozen.length); ) {
      const left = active[a];
      const right = frozen[f];
      const order = !left ? 1 : !right ? -1 : compareKeys(left.key, right.key);
      merged.push((order <= 0 ? left : right) as RecentEntry);
      if (order <= 0) a++;
      if (order >= 0) f++;
    }
    return merged;
  }

  /** True if a generation is full, or (on closing) if there is anything at all to be written. */
  wantsFlush(everything: boolean): boolean {
    if (this.#frozen) return true;
    const { size, writes, itemBytes } = this.#active;
    return everything ? size > 0 : size >= this.#maxEntries || writes >= 2 * this.#maxEntries || itemBytes >= maxItemBytes;
  }

  /** The next entries for the index tree; begins a generation, as of `revision`, if none is on its way. */
  flushable(limit: number, revision: number): readonly RecentEntry[] {
    if (!this.#frozen) {
      this.#frozen = { entries: this.#active, revision, next: '' };
      this.#active = new Generation();
    }
    return this.#frozen.entries.list(this.#frozen.next, undefined, limit);
  }

  /** Whether a generation that is on its way ends with these entries. */
  endsWith(entries: readonly RecentEntry[]): boolean {
    const last = entries.at(-1);
    return this.#frozen !== undefined && (!last || this.#frozen.entries.isEmptyFrom(after(last.key)));
  }

  /** The revision of the generation on its way. */
  get flushingRevision(): number {
    return this.#frozen?.revision ?? 0;
  }

  /** The entries that `flushable` returned are in the index tree, but for those that were erased right after. */
  flushed(entries: readonly RecentEntry[], erased: readonly string[]): void {
    const gone = new Set(erased);
    for (const entry of entries) {
      if (gone.has(entry.key)) continue;
      entry.stored = entry.version === 0 ? 'deleted' : 'live';
      const newer = this.#active.get(entry.key);
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

/** The sort key right after that of `key`. */
function after(key: string): string {
  return `${sortKey(key)}\0`;
}
