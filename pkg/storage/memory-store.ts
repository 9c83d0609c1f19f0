import { readChanges } from './changes.ts';
import { checkOperations, checkRange, checkRevision, compactedError, futureError } from './commit-check.ts';
import { rangeTest, sortKey } from './key-order.ts';
import { PersistentMap } from './persistent-map.ts';
import {
  type ChangesOptions,
  type CommitOptions,
  type CommitResult,
  type GetResult,
  type KeyRange,
  type KeyValue,
  type ListOptions,
  type ListResult,
  type Operation,
  type ReadOptions,
  type Store,
  StoreError,
  type StoreEvent,
  type WatchBatch,
  type WatchOptions,
} from './store.ts';
import { type History, WatchHub } from './watch-hub.ts';

/** A live key: its value, and the record of the write that put it there. */
interface Live {
  readonly item: KeyValue;
  readonly record: Uint8Array | undefined;
}

/** A deleted key: when, and the record of that. */
interface Grave {
  readonly revision: number;
  readonly record: Uint8Array | undefined;
}

/** The store after one commit; whoever holds it can read it forever. Maps are keyed by `sortKey`. */
interface Version {
  readonly revision: number;
  readonly live: PersistentMap<string, Live>;
  readonly graves: PersistentMap<string, Grave>;
  /** What this commit did. */
  readonly events: readonly StoreEvent[];
}

/**
 * The store in memory: every commit makes a new version of a persistent map and keeps the one before. Reading the
 * past is reading an older version, compaction drops them, and `fork` is three references.
 *
 * Free of timers and platform calls: on a virtual clock, two runs of one program see the same store.
 */
export class MemoryStore implements Store {
  #current: Version = { revision: 0, live: PersistentMap.empty(), graves: PersistentMap.empty(), events: [] };
  /** Every version from #compacted on, by revision. Invariant: holds #current. */
  #versions: PersistentMap<number, Version> = PersistentMap.empty<number, Version>().set(0, this.#current);
  #compacted = 0;
  #bytes = 0;
  #closed = false;
  readonly #history: History = {
    revision: () => this.#current.revision,
    read: (range, from) => this.#readHistory(range, from),
  };
  readonly #hub: WatchHub;

  constructor(options: { /** Unread events of one watch that are kept for it. */ maxUnread?: number } = {}) {
    this.#hub = new WatchHub(this.#history, options);
  }

  /** An independent store that begins with everything this one holds, history included. Takes constant time. */
  fork(): MemoryStore {
    const fork = new MemoryStore();
    fork.#current = this.#current;
    fork.#versions = this.#versions;
    fork.#compacted = this.#compacted;
    fork.#bytes = this.#bytes;
    return fork;
  }

  async revision(): Promise<number> {
    this.#checkOpen();
    return this.#current.revision;
  }

  async get(key: string, options: ReadOptions = {}): Promise<GetResult> {
    const version = this.#at(options);
    return { revision: this.#current.revision, item: version.live.get(sortKey(key))?.item };
  }

  async list(range: KeyRange, options: ListOptions = {}): Promise<ListResult> {
    checkRange(range);
    const { live } = this.#at(options);
    const start = sortKey(range.start);
    const end = range.end === undefined ? undefined : sortKey(range.end);
    const count = live.count(start, end);
    const wanted = options.countOnly ? 0 : Math.min(options.limit || count, count);
    const items: KeyValue[] = [];
    if (wanted > 0) live.scan(start, end, ({ item }) => items.push(item) < wanted);
    return { revision: this.#current.revision, items, count };
  }

  async commit(operations: readonly Operation[], options: CommitOptions = {}): Promise<CommitResult> {
    this.#checkOpen();
    options.signal?.throwIfAborted();
    checkOperations(operations);
    const before = this.#current;
    const conflicts = new Map<string, KeyValue | undefined>();
    for (const { key, expect } of operations) {
      if (expect === undefined) continue;
      const item = before.live.get(sortKey(key))?.item;
      if ((item?.modRevision ?? 0) !== expect) conflicts.set(key, item);
    }
    if (conflicts.size > 0) return { ok: false, revision: before.revision, current: conflicts };
    const after = this.#apply(operations, options.record);
    if (after === before) return { ok: true, revision: before.revision };
    this.#current = after;
    this.#versions = this.#versions.set(after.revision, after);
    this.#hub.publish(after.revision, after.events);
    return { ok: true, revision: after.revision };
  }

  watch(range: KeyRange, options: WatchOptions): AsyncIterable<WatchBatch> {
    checkRange(range);
    if (options.from !== undefined) checkRevision(options.from);
    return this.#hub.open(range, options);
  }

  async progress(range: KeyRange): Promise<number> {
    this.#checkOpen();
    this.#hub.progress(range, this.#current.revision);
    return this.#current.revision;
  }

  async record(key: string, revision: number): Promise<Uint8Array | undefined> {
    const { live, graves } = this.#at({ revision });
    return (live.get(sortKey(key)) ?? graves.get(sortKey(key)))?.record;
  }

  async changes(range: KeyRange, options: ChangesOptions): Promise<readonly StoreEvent[]> {
    this.#checkOpen();
    return readChanges(this.#history, range, options);
  }

  async compact(revision: number): Promise<void> {
    this.#checkOpen();
    checkRevision(revision);
    if (revision > this.#current.revision) throw futureError(revision, this.#current.revision);
    if (revision <= this.#compacted) return;
    let graves = this.#current.graves;
    this.#versions.scan(0, revision + 1, ({ events }) => {
      for (const event of events) {
        if (event.previous) this.#bytes -= itemBytes(event.previous);
        const key = sortKey(event.key);
        if (event.type === 'delete' && graves.get(key)?.revision === event.revision) graves = graves.delete(key);
      }
      return true;
    });
    this.#current = { ...this.#current, graves };
    this.#versions = this.#versions.from(revision).set(this.#current.revision, this.#current);
    // What happened at `revision` is forgotten too: watches are served from the next one on.
    const oldest = this.#versions.get(revision) as Version;
    this.#versions = this.#versions.set(revision, { ...oldest, events: [] });
    this.#compacted = revision;
  }

  async compactedRevision(): Promise<number> {
    this.#checkOpen();
    return this.#compacted;
  }

  /** Keys and values of all versions kept; they have no medium. */
  async size(): Promise<number> {
    this.#checkOpen();
    return this.#bytes;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#hub.close();
  }

  #apply(operations: readonly Operation[], record: Uint8Array | undefined): Version {
    let { live, graves } = this.#current;
    const revision = this.#current.revision + 1;
    const events: StoreEvent[] = [];
    for (const { key, value } of operations) {
      const sort = sortKey(key);
      const previous = live.get(sort)?.item;
      if (value) {
        const item: KeyValue = {
          key,
          value,
          createRevision: previous?.createRevision ?? revision,
          modRevision: revision,
          version: (previous?.version ?? 0) + 1,
        };
        live = live.set(sort, { item, record });
        events.push({ type: 'put', key, revision, item, ...(previous && { previous }) });
        this.#bytes += itemBytes(item);
      } else if (previous) {
        live = live.delete(sort);
        graves = graves.set(sort, { revision, record });
        events.push({ type: 'delete', key, revision, previous });
      }
    }
    return events.length === 0 ? this.#current : { revision, live, graves, events };
  }

  #at(options: ReadOptions): Version {
    this.#checkOpen();
    options.signal?.throwIfAborted();
    const { revision } = options;
    if (revision === undefined) return this.#current;
    checkRevision(revision);
    if (revision > this.#current.revision) throw futureError(revision, this.#current.revision);
    const version = this.#versions.get(revision);
    if (!version) throw compactedError(revision, this.#compacted);
    return version;
  }

  #readHistory(range: KeyRange, from: number): WatchBatch {
    if (this.#compacted > 0 && from <= this.#compacted) throw compactedError(from, this.#compacted);
    const holds = rangeTest(range);
    const events: StoreEvent[] = [];
    let revision = this.#current.revision;
    this.#versions.scan(from, undefined, (version) => {
      for (const event of version.events) if (holds(event.key)) events.push(event);
      if (events.length < stepEvents) return true;
      revision = version.revision;
      return false;
    });
    return { revision, events };
  }

  #checkOpen(): void {
    if (this.#closed) throw new StoreError('Closed', 'the store has been closed');
  }
}

/** Events in one batch of history: enough to make the batch's own cost nothing, few enough to not hold others up. */
const stepEvents = 1_000;

function itemBytes(item: KeyValue): number {
  return item.key.length + item.value.length;
}
