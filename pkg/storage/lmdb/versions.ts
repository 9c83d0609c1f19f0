import { compactedError, futureError } from '../commit-check.ts';
import { compareKeys, isKey, rangeTest, sortKey } from '../key-order.ts';
import { type KeyRange, type KeyValue, StoreError, type StoreEvent, type WatchBatch } from '../store.ts';
import type { Decode, Environment } from './environment.ts';
import {
  decodeIndexEntry,
  decodeItem,
  decodeLogEntry,
  decodeLogHeader,
  findRef,
  firstRef,
  gapAt,
  type IndexEntry,
  isDeletion,
  type LogEntry,
  type LogHeader,
  type Meta,
  maxRefs,
  refRevision,
  type VersionRef,
} from './layout.ts';
import { type RecentEntry, RecentIndex } from './recent-index.ts';

/** Keys looked at, or log entries read, before others get their turn: about a millisecond. */
const step = 500;

/**
 * Reads of any kept revision. A key's versions are found through its index entry (in the recent part, or in the
 * tree), and beyond the references kept there through the log, from each version to the one before.
 *
 * Everything here reads what has been acknowledged: `meta` and the recent index move on together, in the step in
 * which a group of commits is acknowledged, and no version newer than `meta.revision` is reachable through them.
 */
export class Versions {
  readonly environment: Environment;
  readonly recent: RecentIndex;
  /** What has been acknowledged. */
  meta: Meta;
  /** Revisions that a reader needs for some time yet, each with the number of its readers. */
  readonly #pins = new Map<number, number>();

  constructor(environment: Environment, meta: Meta, maxRecent?: number) {
    this.environment = environment;
    this.recent = new RecentIndex(maxRecent);
    this.meta = meta;
    for (let from = firstRef(meta.indexed + 1); ; ) {
      const entries = this.#log(from, firstRef(meta.revision + 1), step, decodeLogHeader);
      for (const entry of entries) this.#replay(entry);
      const last = entries.at(-1);
      if (!last || entries.length < step) break;
      from = last.ref + 1;
    }
  }

  /** Throws `Compacted` and `FutureRevision`. */
  check(revision: number): void {
    if (revision > this.meta.revision) throw futureError(revision, this.meta.revision);
    if (revision < this.meta.compacted) throw compactedError(revision, this.meta.compacted);
    this.#checkGap(revision);
  }

  #checkGap(revision: number): void {
    const gap = gapAt(this.meta, revision);
    if (!gap) return;
    const message = `revision ${revision} was never written here: the store was restored as of ${gap.after} and goes on from ${gap.until}`;
    throw new StoreError('Compacted', message, { compactedRevision: gap.until });
  }

  /** Keeps what reads at `revision` need on disk until the returned function is called. */
  pin(revision: number): () => void {
    this.#pins.set(revision, (this.#pins.get(revision) ?? 0) + 1);
    return () => {
      const left = (this.#pins.get(revision) ?? 1) - 1;
      if (left > 0) this.#pins.set(revision, left);
      else this.#pins.delete(revision);
    };
  }

  /** The oldest revision that is pinned. */
  get oldestPin(): number {
    return Math.min(...this.#pins.keys());
  }

  entry(key: string): IndexEntry | undefined {
    return this.recent.get(key) ?? this.environment.index.get(key, decodeKeyed);
  }

  /** The same, with how the index tree, without the recent part, knows the key. */
  lookup(key: string): { entry: IndexEntry | undefined; stored: RecentEntry['stored'] } {
    const recent = this.recent.get(key);
    if (recent) return { entry: recent, stored: recent.stored };
    const entry = this.environment.index.get(key, decodeKeyed);
    return { entry, stored: !entry ? 'absent' : entry.version === 0 ? 'deleted' : 'live' };
  }

  get(key: string, revision: number): KeyValue | undefined {
    const entry = isKey(key) ? this.entry(key) : undefined;
    return entry && this.#itemAt(key, entry, revision);
  }

  record(key: string, revision: number): Uint8Array | undefined {
    const entry = isKey(key) ? this.entry(key) : undefined;
    const ref = entry ? (this.#refIn(key, revision) ?? this.#refAt(entry, revision)) : 0;
    if (ref === 0 || (isDeletion(ref) && refRevision(ref) <= this.meta.compacted)) return undefined;
    const written = this.environment.log.get(ref, decodeLogEntry);
    if (written?.key !== key) throw this.#lost(key, ref);
    return written.record;
  }

  /** The item of a version that is no deletion. */
  item(key: string, ref: VersionRef): KeyValue {
    const recent = this.recent.get(key);
    return recent?.item && recent.refs[0] === ref ? recent.item : this.#readItem(key, ref);
  }

  /** Items of the range as of `revision`, from some of its keys; `next`: where the others begin. */
  list(range: KeyRange, revision: number, limit: number): { items: KeyValue[]; next: string | undefined } {
    const most = Math.min(step, limit + 16);
    const end = firstRef(revision + 1);
    const found = (key: string, bytes: Buffer, size: number) => ({ key, ...findRef(bytes, size, end) });
    const tree = this.environment.index.list(range.start || '\0', range.end, most, found);
    const recent = this.recent.list(sortKey(range.start), range.end === undefined ? undefined : sortKey(range.end), most);
    const items: KeyValue[] = [];
    let next = range.start;
    for (let t = 0, r = 0; items.length < limit; ) {
      const a = tree[t];
      const b = recent[r];
      // Beyond the last key of a list that was cut, the other list's keys have to wait.
      if ((!a && tree.length === most) || (!b && recent.length === most)) break;
      if (!a && !b) return { items, next: undefined };
      const order = !a ? 1 : !b ? -1 : compareKeys(a.key, b.key);
      let item: KeyValue | undefined;
      if (a && order < 0) {
        const ref = a.ref || this.#before(a.oldest, end);
        if (ref > 0 && !isDeletion(ref)) item = this.#readItem(a.key, ref);
      } else if (b) item = this.#itemAt(b.key, b, revision);
      if (item) items.push(item);
      if (order <= 0) t++;
      if (order >= 0) r++;
      next = `${(order < 0 ? a : b)?.key}\0`;
    }
    return { items, next };
  }

  /**
   * The number of live keys in the range now. To be called when no transaction is under way: it adds up what the
   * trees and the recent index say, which must be from the same moment.
   */
  countNow(range: KeyRange): number {
    const { index, deleted } = this.environment;
    const start = range.start || '\0';
    let count = index.count(start, range.end) - deleted.count(start, range.end);
    const end = range.end === undefined ? undefined : sortKey(range.end);
    for (const entry of this.recent.list(sortKey(range.start), end, Number.POSITIVE_INFINITY)) {
      count += (entry.version > 0 ? 1 : 0) - (entry.stored === 'live' ? 1 : 0);
    }
    return count;
  }

  /** How many more live keys the range had at revision `to` than at `from`, in steps with `pause` in between. */
  async growth(range: KeyRange, from: number, to: number, pause: () => Promise<void>): Promise<number> {
    const holds = rangeTest(range);
    let growth = 0;
    for (let next = firstRef(from + 1); ; ) {
      const entries = this.#log(next, firstRef(to + 1), step, decodeLogHeader);
      for (const entry of entries) {
        if (holds(entry.key)) growth += isDeletion(entry.ref) ? -1 : entry.version === 1 ? 1 : 0;
      }
      const last = entries.at(-1);
      if (!last || entries.length < step) return growth;
      next = last.ref + 1;
      await pause();
    }
  }

  /** What happened from revision `from` on, as far as one step goes, in whole revisions. */
  events(range: KeyRange, from: number, previous: boolean): WatchBatch {
    if (this.meta.compacted > 0 && from <= this.meta.compacted) throw compactedError(from, this.meta.compacted);
    // Who asks from here on has seen what was before.
    this.#checkGap(from - 1);
    if (range.end === `${range.start}\0`) return this.#eventsOf(range.start, from, previous);
    let entries = this.#log(firstRef(from), firstRef(this.meta.revision + 1), step, decodeLogEntry);
    let revision = this.meta.revision;
    if (entries.length === step) {
      // The last revision may go on beyond this step; the step is longer than any revision.
      const last = refRevision((entries.at(-1) as LogEntry).ref);
      entries = entries.filter((entry) => refRevision(entry.ref) < last);
      revision = last - 1;
    }
    const holds = rangeTest(range);
    return { revision, events: entries.filter((entry) => holds(entry.key)).map((entry) => this.#event(entry, previous)) };
  }

  /** The headers of at most `limit` log entries with revisions in [from, to]. */
  headers(from: number, to: number, limit: number): LogHeader[] {
    return this.#log(firstRef(from), firstRef(to + 1), limit, decodeLogHeader);
  }

  /** The same for a single key, by way of its versions instead of the log. */
  #eventsOf(key: string, from: number, previous: boolean): WatchBatch {
    const refs: VersionRef[] = [];
    const entry = isKey(key) ? this.entry(key) : undefined;
    for (let ref = entry ? this.#refAt(entry, this.meta.revision) : 0; ref >= firstRef(from); ) {
      refs.push(ref);
      ref = this.environment.log.get(ref, decodeLogHeader)?.previous ?? 0;
    }
    const oldest = refs.reverse().slice(0, step);
    const revision = oldest.length < refs.length ? refRevision(oldest.at(-1) as VersionRef) : this.meta.revision;
    const events = oldest.map((ref) => {
      const written = this.environment.log.get(ref, decodeLogEntry);
      if (written?.key !== key) throw this.#lost(key, ref);
      return this.#event(written, previous);
    });
    return { revision, events };
  }

  #event(entry: LogEntry, wantsPrevious: boolean): StoreEvent {
    const { key, ref, value, createRevision, version } = entry;
    const revision = refRevision(ref);
    const hasPrevious = wantsPrevious && entry.previous > 0 && !isDeletion(entry.previous);
    const previous = hasPrevious ? { previous: this.item(key, entry.previous) } : undefined;
    if (isDeletion(ref)) return { type: 'delete', key, revision, ...previous };
    return { type: 'put', key, revision, item: { key, value, createRevision, modRevision: revision, version }, ...previous };
  }

  #itemAt(key: string, entry: IndexEntry, revision: number): KeyValue | undefined {
    const ref = this.#refAt(entry, revision);
    return ref === 0 || isDeletion(ref) ? undefined : this.item(key, ref);
  }

  /** The key's newest version at or before `revision`, 0 if there was none. */
  #refAt(entry: IndexEntry, revision: number): VersionRef {
    const end = firstRef(revision + 1);
    const found = entry.refs.find((ref) => ref < end);
    if (found !== undefined) return found;
    return this.#before(entry.refs.at(-1) as VersionRef, end);
  }

  /** The key's version that was written at just this revision: found at once, where a walk to it may be long. */
  #refIn(key: string, revision: number): VersionRef | undefined {
    return this.headers(revision, revision, step).find((written) => written.key === key)?.ref;
  }

  /** The newest version below `end`, by way of the log, where each version names the one before, if it is still there. */
  #before(from: VersionRef, end: VersionRef): VersionRef {
    let ref = from;
    while (ref >= end) ref = this.environment.log.get(ref, decodeLogHeader)?.previous ?? 0;
    return ref;
  }

  #readItem(key: string, ref: VersionRef): KeyValue {
    const item = this.environment.log.get(ref, (_, bytes, size) => decodeItem(ref, bytes, size, key));
    if (!item) throw this.#lost(key, ref);
    return item;
  }

  #lost(key: string, ref: VersionRef): StoreError {
    const what = `the log does not hold what was written to "${key}" at revision ${refRevision(ref)}`;
    return new StoreError('Damaged', `${this.environment.directory} is damaged: ${what}`);
  }

  #log<V>(start: VersionRef, end: VersionRef, limit: number, decode: Decode<VersionRef, V>): V[] {
    return this.environment.log.list(start, end, limit, decode);
  }

  /** Takes a version that the index tree may not know into the recent index. */
  #replay({ key, ref, version, createRevision }: LogHeader): void {
    const { entry, stored } = this.lookup(key);
    if (entry && (entry.refs[0] as VersionRef) >= ref) return;
    this.recent.put({ key, refs: newerRefs(entry, ref, this.meta.compacted), version, createRevision, item: undefined, stored });
  }
}

function decodeKeyed(key: string, bytes: Buffer, size: number): IndexEntry & { key: string } {
  const { refs, version, createRevision } = decodeIndexEntry(bytes, size);
  return { key, refs, version, createRevision };
}

/** The references of an entry with a new version before them, without those that nobody can read any more. */
export function newerRefs(entry: IndexEntry | undefined, ref: VersionRef, compacted: number): VersionRef[] {
  const refs = [ref];
  for (const old of entry?.refs ?? []) {
    if (refs.length === maxRefs) break;
    refs.push(old);
    if (refRevision(old) <= compacted) break;
  }
  return refs;
}
