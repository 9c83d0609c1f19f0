/**
 * The objects of one resource in memory, filled from the store when they are first asked for and kept fresh by the
 * event feed; and the watches of that resource.
 *
 * Guarantees: at revision r the cache equals the store at r, for its prefix; events reach every watch in revision
 * order, none twice, none left out; two watches see one order. What happened recently is kept as history
 * (`historySize` events); a watch from before that reads the store's own history until it has caught up.
 */
import { ApiError } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import { sortKey } from '../../storage/key-order.ts';
import { SortedMap } from '../../storage/sorted-map.ts';
import { isStoreError, type KeyRange, prefixRange, type Store, type StoreEvent } from '../../storage/store.ts';
import type { RegistryEvent } from '../contract.ts';
import type { ObjectFormat } from '../object-format.ts';
import type { ResourceMetrics } from '../registry-metrics.ts';
import { StoredEntry } from '../stored-entry.ts';
import { type EventFeed, type FeedSink, registryPrefix } from './event-feed.ts';
import type { Filter } from './filter.ts';
import { storeFailure } from './store-failure.ts';
import type { CacheEvent, View, WatchChannel } from './watch-channel.ts';
import { WatchStream } from './watch-stream.ts';
import { WatchTable } from './watch-table.ts';
import type { WrittenEntries } from './written-entries.ts';

/** Events kept for watches that resume: those of the last moments. Older ones come from the store. */
const historySize = 1_024;
/** Objects in one step of filling, and in one batch of a watch's initial events. */
const fillStep = 5_000;
const initialStep = 500;

export interface WatchCacheOptions {
  readonly store: Store;
  readonly feed: EventFeed;
  readonly written: WrittenEntries;
  readonly format: ObjectFormat;
  readonly metrics: ResourceMetrics;
  /** Without `/registry/`, with its last `/`: `pods/`. */
  readonly prefix: string;
  readonly namespaced: boolean;
  /** Objects are found by this value: the node of a pod. */
  readonly indexOf?: (object: KubeObject) => string;
  /** Told of what changed, when the cache has it and before any watch does. */
  readonly onChange?: (changes: readonly CacheEvent[]) => void;
  /** Told when the cache has lost what it knew. */
  readonly onReset?: () => void;
}

interface State {
  entries: SortedMap<string, StoredEntry>;
  /** By index value, then by key. */
  readonly index: Map<string, Map<string, StoredEntry>>;
  /** Events at or before it are in `entries` already. */
  readonly filledAt: number;
  /** Revision of the newest event; at first `filledAt`, since a deletion just before leaves no trace in what was read. */
  changedAt: number;
  history: CacheEvent[];
  /** Every event after this revision is in `history`. */
  historyStart: number;
}

export class WatchCache implements FeedSink {
  readonly #options: WatchCacheOptions;
  readonly #root: string;
  readonly #table = new WatchTable();
  #state: State | undefined;
  #filling: Promise<State> | undefined;
  /** Events that arrive while the cache is being filled. */
  #early: StoreEvent[] | undefined;
  #resets = 0;
  #closed = false;

  constructor(options: WatchCacheOptions) {
    this.#options = options;
    this.#root = registryPrefix + options.prefix;
  }

  /** The store's range that this cache mirrors. */
  get range(): KeyRange {
    return prefixRange(this.#root);
  }

  keyOf(namespace: string, name: string): string {
    return this.#options.namespaced ? `${this.#root}${namespace}/${name}` : this.#root + name;
  }

  /** The key of `namespace/name`, or of a name. */
  keyOfPath(path: string): string {
    return this.#root + path;
  }

  /** Keys of one namespace, or of all. */
  rangeOf(namespace: string): KeyRange {
    return prefixRange(namespace === '' ? this.#root : `${this.#root}${namespace}/`);
  }

  /** Fills the cache if need be. What is read afterwards is not older than the moment of the call, if `fresh`. */
  async ready(fresh: boolean): Promise<boolean> {
    if (this.#closed) throw gone(this.#options.prefix);
    if (!this.#state) await this.#fill();
    return fresh ? this.#options.feed.fresh() : true;
  }

  /** Whether it can be read as it is: `ready(false)` would have nothing to do. */
  get filled(): boolean {
    return this.#state !== undefined;
  }

  /** Every event up to this revision is in the cache. */
  get revision(): number {
    return Math.max(this.#state?.filledAt ?? 0, this.#options.feed.revision);
  }

  /** The newest revision at which something of this resource changed. */
  get changedAt(): number {
    return this.#current().changedAt;
  }

  get(key: string): StoredEntry | undefined {
    return this.#current().entries.get(sortKey(key));
  }

  /** Entries of the scope, by key, as they are now; a snapshot that later events do not touch. */
  entries(filter: Filter, after?: string): StoredEntry[] {
    const out: StoredEntry[] = [];
    this.scan(filter, after, (entry) => {
      out.push(entry);
      return true;
    });
    return out;
  }

  /** Calls `visit` for entries that the filter selects, by key, from `after` on (exclusive), until it returns false. */
  scan(filter: Filter, after: string | undefined, visit: (entry: StoredEntry, key: string) => boolean): void {
    const { entries, index } = this.#current();
    const selects = filter.matches;
    const wanted = (entry: StoredEntry, key: string): boolean => (selects && !selects(entry) ? true : visit(entry, key));
    if (filter.name !== undefined && (filter.namespace !== '' || !this.#options.namespaced)) {
      const key = sortKey(this.keyOf(filter.namespace, filter.name));
      const entry = entries.get(key);
      if (entry && (after === undefined || key > after)) wanted(entry, key);
      return;
    }
    const { start, end } = this.rangeOf(filter.namespace);
    const from = beginning(start, after);
    const until = end === undefined ? undefined : sortKey(end);
    const { name } = filter;
    const named =
      name === undefined ? wanted : (entry: StoredEntry, key: string) => (entry.peek().metadata.name === name ? wanted(entry, key) : true);
    if (filter.indexed === undefined) {
      entries.scan(from, until, named);
      return;
    }
    const found = [...(index.get(filter.indexed) ?? [])].filter(([key]) => key >= from && (until === undefined || key < until));
    found.sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [key, entry] of found) if (!named(entry, key)) return;
  }

  /** How many entries the range holds. */
  count(namespace: string, after?: string): number {
    const { start, end } = this.rangeOf(namespace);
    return this.#current().entries.count(beginning(start, after), end === undefined ? undefined : sortKey(end));
  }

  /** An entry for a key and value read from the store itself; the cached one where that is the same revision. */
  entryFor(key: string, value: Uint8Array, revision: number): StoredEntry {
    const cached = this.#state?.entries.get(sortKey(key));
    return cached?.revision === revision ? cached : this.#options.written.entry(this.#options.format, { key, value, revision });
  }

  /**
   * Events after revision `from`; with `from` undefined, an ADDED event for everything there is, first. The caller
   * has awaited `ready`. `initialEnd`: say with a bookmark when the initial events end.
   */
  async *watch(filter: Filter, view: View, options: WatchStart): AsyncGenerator<readonly RegistryEvent[], void> {
    let channel = this.#table.channel(filter, view);
    const { signal } = options;
    let { from } = options;
    if (from !== undefined && from < this.#current().historyStart) {
      for await (const [events, revision] of this.#past(channel, from, signal)) {
        if (events.length > 0) yield events;
        from = revision;
        if (from >= this.#current().historyStart) break;
      }
      if (signal.aborted) return;
    }
    const stream = new WatchStream({
      bookmarks: options.bookmarks,
      onEnd: (ended) => this.#table.remove(channel, ended),
      onCut: this.#options.metrics.cut,
    });
    const end = (): void => stream.end();
    signal.addEventListener('abort', end, { once: true });
    const cancel = options.bookmarks ? options.schedule?.(() => stream.push([{ type: 'BOOKMARK', revision: this.revision }])) : undefined;
    try {
      // From here to the first await nothing can come between what is read and what is pushed.
      const first = from === undefined ? this.#initial(filter, view, options) : this.#recent(channel, from);
      channel = this.#table.channel(filter, view);
      this.#table.add(channel, stream);
      if (signal.aborted) stream.end();
      for (const batch of first) {
        if (signal.aborted) return;
        if (batch.length > 0) yield batch;
      }
      for (;;) {
        const batch = await stream.next();
        if (!batch) return;
        yield batch;
      }
    } finally {
      cancel?.();
      signal.removeEventListener('abort', end);
      stream.end();
    }
  }

  /** Tells every watch that wants bookmarks where it stands. */
  bookmark(): void {
    this.#table.bookmark(this.revision);
  }

  get watches(): number {
    return this.#table.size;
  }

  apply(events: readonly StoreEvent[]): void {
    if (!this.#state) {
      this.#early?.push(...events);
      return;
    }
    const changes: CacheEvent[] = [];
    for (const event of events) if (event.revision > this.#state.filledAt) changes.push(this.#change(this.#state, event));
    if (changes.length === 0) return;
    this.#options.metrics.received(changes.length);
    this.#options.metrics.objects(this.#state.entries.size);
    this.#options.onChange?.(changes);
    this.#table.dispatch(changes, this.#options.indexOf);
  }

  /** History was lost: watches end, and the next reader fills the cache anew. */
  reset(): void {
    this.#resets++;
    this.#state = undefined;
    this.#table.endAll();
    this.#options.onReset?.();
  }

  /** Objects are read anew from their stored bytes, since their format has changed. Watches end, and see it when they resume. */
  renew(): void {
    const state = this.#state;
    if (state) {
      const entries: State['entries'] = new SortedMap();
      state.entries.scan('', undefined, (entry, key) => {
        entries.set(key, entry.at(entry.revision));
        return true;
      });
      state.entries = entries;
      state.history = [];
      state.historyStart = this.revision;
    }
    this.#table.endAll();
  }

  /** For good: its resource is no longer served. */
  close(): void {
    this.#closed = true;
    this.#options.feed.unregister(this.#options.prefix);
    this.reset();
  }

  #current(): State {
    if (this.#state) return this.#state;
    throw new ApiError('ServiceUnavailable', `the cache of ${this.#options.prefix} is being filled again; try again`);
  }

  #fill(): Promise<State> {
    this.#filling ??= this.#load().finally(() => {
      this.#filling = undefined;
      this.#early = undefined;
    });
    return this.#filling;
  }

  async #load(): Promise<State> {
    this.#options.feed.register(this.#options.prefix, this);
    for (;;) {
      const resets = this.#resets;
      this.#early = [];
      const state = await this.#read();
      if (this.#closed) throw gone(this.#options.prefix);
      if (resets !== this.#resets) continue;
      this.#state = state;
      const early = this.#early;
      this.#early = undefined;
      this.apply(early);
      return state;
    }
  }

  async #read(): Promise<State> {
    const { store } = this.#options;
    const filledAt = await store.revision();
    const state: State = {
      entries: new SortedMap(),
      index: new Map(),
      filledAt,
      changedAt: filledAt,
      history: [],
      historyStart: filledAt,
    };
    let start: string | undefined = this.#root;
    while (start !== undefined) {
      const page = await store.list({ ...this.range, start }, { revision: filledAt, limit: fillStep });
      for (const item of page.items) {
        const { key, value, modRevision: revision } = item;
        this.#put(state, key, this.#options.written.entry(this.#options.format, { key, value, revision }));
      }
      start = page.items.length < page.count ? `${(page.items.at(-1) as { key: string }).key}\0` : undefined;
    }
    this.#options.metrics.filled();
    this.#options.metrics.objects(state.entries.size);
    return state;
  }

  #put(state: State, key: string, entry: StoredEntry): void {
    const sorted = sortKey(key);
    const { indexOf } = this.#options;
    if (indexOf) {
      const before = state.entries.get(sorted);
      if (before) state.index.get(indexOf(before.peek()))?.delete(sorted);
      const value = indexOf(entry.peek());
      let bucket = state.index.get(value);
      if (!bucket) {
        bucket = new Map();
        state.index.set(value, bucket);
      }
      bucket.set(sorted, entry);
    }
    state.entries.set(sorted, entry);
  }

  #remove(state: State, key: string, entry: StoredEntry): void {
    const sorted = sortKey(key);
    const { indexOf } = this.#options;
    if (indexOf) state.index.get(indexOf(entry.peek()))?.delete(sorted);
    state.entries.delete(sorted);
  }

  #change(state: State, event: StoreEvent): CacheEvent {
    const previous = state.entries.get(sortKey(event.key));
    const change = this.#eventOf(event, previous);
    if (!change.deleted) this.#put(state, event.key, change.entry);
    else if (previous) this.#remove(state, event.key, previous);
    state.changedAt = event.revision;
    state.history.push(change);
    if (state.history.length > 2 * historySize) {
      state.history = state.history.slice(-historySize);
      // A revision may be split by the cut: its events are all read from the store then.
      state.historyStart = (state.history[0] as CacheEvent).revision;
    }
    return change;
  }

  #eventOf(event: StoreEvent, previous: StoredEntry | undefined): CacheEvent {
    const path = event.key.slice(this.#root.length);
    const slash = this.#options.namespaced ? path.indexOf('/') : -1;
    const entry =
      event.type === 'put'
        ? this.#options.written.entry(this.#options.format, { key: event.key, value: event.item.value, revision: event.revision })
        : (previous ?? new StoredEntry(this.#options.format, noValue, event.revision)).at(event.revision);
    return {
      revision: event.revision,
      deleted: event.type === 'delete',
      namespace: slash < 0 ? '' : path.slice(0, slash),
      name: path.slice(slash + 1),
      entry,
      previous,
    };
  }

  /** From the store's own history: batches of what the channel is told, and the revision up to which that is all. */
  async *#past(channel: WatchChannel, from: number, signal: AbortSignal): AsyncGenerator<[RegistryEvent[], number], void> {
    const { store, format } = this.#options;
    try {
      const range = this.rangeOf(channel.filter.namespace);
      for await (const batch of store.watch(range, { from: from + 1, previous: true, signal })) {
        const told: RegistryEvent[] = [];
        for (const event of batch.events) {
          const { previous } = event;
          const before = previous && new StoredEntry(format, previous.value, previous.modRevision);
          const told_ = channel.tell(this.#eventOf(event, before));
          if (told_) told.push(told_);
        }
        yield [told, batch.revision];
      }
    } catch (error) {
      if (isStoreError(error, 'Compacted')) throw tooOld(from, error.compactedRevision ?? 0);
      throw storeFailure(error);
    }
  }

  /** What the channel is told of the history after `from`. */
  *#recent(channel: WatchChannel, from: number): Generator<RegistryEvent[], void> {
    const { history } = this.#current();
    const told: RegistryEvent[] = [];
    for (const event of history) {
      if (event.revision <= from || !inNamespace(channel.filter, event)) continue;
      const told_ = channel.tell(event);
      if (told_) told.push(told_);
    }
    yield told;
  }

  #initial(filter: Filter, view: View, options: WatchStart): readonly (readonly RegistryEvent[])[] {
    const { revision } = this;
    const events: RegistryEvent[] = this.entries(filter).map((entry) => ({ type: 'ADDED', entry: view(entry) }));
    if (options.initialEnd) events.push({ type: 'BOOKMARK', revision, initialEventsEnd: true });
    const batches: RegistryEvent[][] = [];
    for (let i = 0; i < events.length; i += initialStep) batches.push(events.slice(i, i + initialStep));
    return batches;
  }
}

export interface WatchStart {
  readonly from: number | undefined;
  readonly initialEnd: boolean;
  readonly bookmarks: boolean;
  readonly signal: AbortSignal;
  /** When to say once more where the watch stands; gives back how to cancel that. */
  readonly schedule?: ((bookmark: () => void) => () => void) | undefined;
}

const noValue = new Uint8Array();

/** Where a scan of a range begins that goes on behind `after`: never before the range, whatever a client says. */
function beginning(start: string, after: string | undefined): string {
  const first = sortKey(start);
  return after === undefined || after < first ? first : `${after}\0`;
}

export function inNamespace(filter: Filter, event: CacheEvent): boolean {
  return filter.namespace === '' || filter.namespace === event.namespace;
}

function gone(prefix: string): ApiError {
  return new ApiError('ServiceUnavailable', `${prefix.slice(0, -1)} is no longer served`);
}

function tooOld(asked: number, oldest: number): ApiError {
  return new ApiError('Expired', `too old resource version: ${asked} (${oldest})`);
}
