import { type CommitOptions, type CommitResult, type KeyValue, type Operation, StoreError, type StoreEvent } from '../store.ts';
import type { WatchHub } from '../watch-hub.ts';
import { Compaction } from './compaction.ts';
import { Changes } from './environment.ts';
import {
  encodeIndexEntry,
  encodeLogEntry,
  type IndexEntry,
  isDeletion,
  type Meta,
  makeRef,
  refRevision,
  type VersionRef,
} from './layout.ts';
import type { RecentEntry } from './recent-index.ts';
import { newerRefs, type Versions } from './versions.ts';

/** A commit that somebody waits for. */
interface Waiting {
  readonly operations: readonly Operation[];
  readonly options: CommitOptions;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (reason: unknown) => void;
}

/** One key's change, decided but not yet on disk. */
interface Write {
  readonly entry: RecentEntry;
  readonly item: KeyValue | undefined;
  readonly previous: VersionRef;
  readonly previousItem: KeyValue | undefined;
}

/** A key as the commits decided so far leave it; looked up once for each operation, since a new key is looked for on disk. */
interface Before {
  readonly entry: IndexEntry | undefined;
  /** How the index tree knows it. */
  readonly stored: RecentEntry['stored'];
  /** What it holds, if a commit of the same group has decided that. */
  readonly item?: KeyValue | undefined;
}

/** The commits that share one transaction and one flush. */
interface Group {
  readonly changes: Changes;
  readonly writes: Write[];
  /** What each key looks like after the commits decided so far. */
  readonly staged: Map<string, Write>;
  readonly outcomes: { readonly waiting: Waiting; readonly result: CommitResult }[];
  revision: number;
}

/**
 * The one writer. Commits queue up while a flush is under way; then all that wait are decided in their order, each
 * against what stands on disk and what those before it in the group have decided, and written together. Their
 * outcomes, conflicts too, are told when the group is on disk: in one step it becomes readable, its events go to the
 * watches, and its promises resolve. A group that fails has changed nothing.
 *
 * Housekeeping rides along: each group takes a few entries from the recent index into the index tree, and a few
 * steps of compaction, in proportion to its own size; without commits, it goes on in groups of its own.
 */
export class Writer {
  readonly #versions: Versions;
  readonly #hub: WatchHub;
  readonly #compaction: Compaction;
  #queue: Waiting[] = [];
  /** The loop that writes groups, while there is something to write. */
  #running: Promise<void> | undefined;
  /** The group that is being written. */
  #writing: Promise<void> | undefined;
  /** Housekeeping failed (the disk is full): wait for a commit that succeeds. */
  #blocked = false;
  #closing = false;
  /** Set once it is unknown what is on disk: nothing can be decided any more. */
  #broken: StoreError | undefined;

  constructor(versions: Versions, hub: WatchHub) {
    this.#versions = versions;
    this.#hub = hub;
    this.#compaction = new Compaction(versions);
  }

  commit(operations: readonly Operation[], options: CommitOptions): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ operations, options, resolve, reject });
      this.#start();
    });
  }

  /** Resolves when nothing that only reads before `revision` could see is on disk. */
  compact(revision: number): Promise<void> {
    const done = this.#compaction.request(revision);
    this.#blocked = false;
    this.#start();
    return done;
  }

  /** Resolves in a moment at which no transaction is under way; the caller has it until it awaits something. */
  async quiet(): Promise<void> {
    await this.#writing;
  }

  /** Ends all work, and brings the index tree up to date, so that the next start has nothing to read again. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#blocked = false;
    this.#start();
    await this.#running;
    this.#compaction.failed(new StoreError('Closed', 'the store has been closed'));
  }

  /** Goes on with housekeeping that had to wait for a reader. */
  wake(): void {
    if (this.#wantsHousekeeping()) this.#start();
  }

  #start(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    for (;;) {
      // All that is committed in this turn of the event loop, or in answer to the last group, joins one group.
      await turn();
      if (this.#queue.length === 0 && !this.#wantsHousekeeping()) {
        this.#running = undefined;
        return;
      }
      this.#writing = this.#writeGroup(this.#takeQueue());
      await this.#writing;
      this.#writing = undefined;
    }
  }

  #wantsHousekeeping(): boolean {
    if (this.#blocked || this.#broken) return false;
    return this.#versions.recent.wantsFlush(this.#closing) || this.#compaction.wanted;
  }

  #takeQueue(): Waiting[] {
    let count = 0;
    let bytes = 0;
    while (count < this.#queue.length && count < maxCommits && bytes < maxBytes) {
      for (const { value } of (this.#queue[count] as Waiting).operations) bytes += value?.length ?? 0;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  /** Never rejects: what fails is told to those who wait. */
  async #writeGroup(waiting: readonly Waiting[]): Promise<void> {
    if (this.#broken) {
      for (const { reject } of waiting) reject(this.#broken);
      return;
    }
    const versions = this.#versions;
    const { changes, flushed, erased, meta } = this.#housekeeping(waiting.length);
    const group: Group = { changes, writes: [], staged: new Map(), outcomes: [], revision: versions.meta.revision };
    for (const key of erased) group.staged.set(key, erasedWrite(key));
    for (const commit of waiting) this.#decide(commit, group, meta.compacted);
    const next: Meta = { ...meta, revision: group.revision };
    try {
      if (changes.size > 0 || !sameMeta(next, versions.meta)) await versions.environment.write(changes, next);
    } catch (error) {
      this.#fail(group, error as StoreError);
      return;
    }
    this.#blocked = false;
    versions.meta = next;
    for (const key of erased) versions.recent.erase(key);
    for (const { entry } of group.writes) versions.recent.put(entry);
    versions.recent.flushed(flushed, erased);
    this.#publish(group);
    for (const { waiting: commit, result } of group.outcomes) commit.resolve(result);
    this.#compaction.advanced();
  }

  #publish({ writes, revision }: Group): void {
    if (this.#hub.size === 0 || writes.length === 0) return;
    try {
      this.#hub.publish(
        revision,
        writes.map((write) => this.#event(write)),
      );
    } catch (error) {
      this.#hub.fail(new StoreError('Damaged', 'what stood there before a write cannot be read', { cause: error }));
    }
  }

  /** What goes with a group of `commits`. If it fails, it does not keep the commits from being written. */
  #housekeeping(commits: number): { changes: Changes; flushed: readonly RecentEntry[]; erased: readonly string[]; meta: Meta } {
    const { meta, recent } = this.#versions;
    const idle = { changes: new Changes(), flushed: [], erased: [], meta };
    if (this.#blocked) return idle;
    try {
      const changes = new Changes();
      const flushed = this.#flushRecent(changes, Math.max(minFlush, 2 * commits));
      const indexed = flushed && recent.endsWith(flushed) ? recent.flushingRevision : meta.indexed;
      const step = this.#compaction.step(changes, 2 * commits);
      return { changes, flushed: flushed ?? [], erased: step?.erased ?? [], meta: { ...meta, indexed, ...step?.meta } };
    } catch (error) {
      this.#blocked = true;
      this.#compaction.failed(error as StoreError);
      return idle;
    }
  }

  /** The next entries of the recent index, written into the tree; undefined if it is not time for that. */
  #flushRecent(changes: Changes, limit: number): readonly RecentEntry[] | undefined {
    const { recent, meta } = this.#versions;
    if (!recent.wantsFlush(this.#closing)) return undefined;
    const entries = recent.flushable(this.#closing ? 2 * maxCommits : limit, meta.revision);
    for (const entry of entries) {
      changes.index.push([entry.key, encodeIndexEntry(entry)]);
      if (entry.version === 0) changes.deleted.push([entry.key, mark]);
      else if (entry.stored === 'deleted') changes.deleted.push([entry.key, null]);
    }
    return entries;
  }

  #decide(waiting: Waiting, group: Group, compacted: number): void {
    const { operations, options } = waiting;
    if (options.signal?.aborted) {
      waiting.reject(options.signal.reason);
      return;
    }
    try {
      const before = operations.map(({ key }) => this.#before(key, group));
      const conflicts = this.#conflicts(operations, before);
      if (conflicts) {
        group.outcomes.push({ waiting, result: { ok: false, revision: group.revision, current: conflicts } });
        return;
      }
      const revision = group.revision + 1;
      const writes: Write[] = [];
      for (const [i, operation] of operations.entries()) {
        const write = this.#change(operation, before[i] as Before, makeRef(revision, writes.length, !operation.value), compacted);
        if (write) writes.push(write);
      }
      // From here on nothing can fail: the commit goes into the group whole.
      for (const write of writes) {
        const { key, refs, version, createRevision } = write.entry;
        const ref = refs[0] as VersionRef;
        const value = write.item?.value ?? nothing;
        group.changes.log.push([
          ref,
          encodeLogEntry({ ref, key, version, createRevision, previous: write.previous, value, record: options.record }),
        ]);
        group.staged.set(key, write);
        group.writes.push(write);
      }
      if (writes.length > 0) group.revision = revision;
      group.outcomes.push({ waiting, result: { ok: true, revision: group.revision } });
    } catch (error) {
      waiting.reject(error);
    }
  }

  #before(key: string, group: Group): Before {
    const staged = group.staged.get(key);
    if (!staged) return this.#versions.lookup(key);
    return { entry: staged.entry, stored: staged.entry.stored, item: staged.item };
  }

  #conflicts(operations: readonly Operation[], before: readonly Before[]): Map<string, KeyValue | undefined> | undefined {
    let conflicts: Map<string, KeyValue | undefined> | undefined;
    for (const [i, { key, expect }] of operations.entries()) {
      if (expect === undefined) continue;
      const { entry, item } = before[i] as Before;
      const ref = entry?.refs[0];
      const alive = ref !== undefined && !isDeletion(ref);
      if ((alive ? refRevision(ref) : 0) === expect) continue;
      conflicts ??= new Map();
      conflicts.set(key, !alive ? undefined : (item ?? this.#versions.item(key, ref)));
    }
    return conflicts;
  }

  /** undefined: it changes nothing. */
  #change(
    { key, value }: Operation,
    { entry: before, stored, item: staged }: Before,
    ref: VersionRef,
    compacted: number,
  ): Write | undefined {
    const previous = before?.refs[0] ?? 0;
    const alive = previous > 0 && !isDeletion(previous);
    if (!value && !alive) return undefined;
    const revision = refRevision(ref);
    const refs = newerRefs(before, ref, compacted);
    const previousItem = staged ?? (before as RecentEntry | undefined)?.item;
    if (!value) {
      return { entry: { key, refs, version: 0, createRevision: 0, item: undefined, stored }, item: undefined, previous, previousItem };
    }
    const version = alive ? (before?.version ?? 0) + 1 : 1;
    const createRevision = alive ? (before?.createRevision ?? revision) : revision;
    const item: KeyValue = { key, value, createRevision, modRevision: revision, version };
    const kept = value.length <= maxKeptItem ? item : undefined;
    return { entry: { key, refs, version, createRevision, item: kept, stored }, item, previous, previousItem };
  }

  #event({ entry, item, previous, previousItem }: Write): StoreEvent {
    const revision = refRevision(entry.refs[0] as VersionRef);
    const had = previous > 0 && !isDeletion(previous);
    const before = had ? { previous: previousItem ?? this.#versions.item(entry.key, previous) } : undefined;
    return item ? { type: 'put', key: entry.key, revision, item, ...before } : { type: 'delete', key: entry.key, revision, ...before };
  }

  #fail(group: Group, error: StoreError): void {
    for (const { waiting } of group.outcomes) waiting.reject(error);
    this.#blocked = true;
    this.#compaction.failed(error);
    if (error.code === 'Unknown') {
      const message = 'a flush has failed at its last step: the store must be opened again';
      this.#broken = new StoreError('Unavailable', message, { cause: error });
    }
  }
}

/** A group is bounded so that one flush stays short: 8 MiB take a disk of 200 MB/s 40 ms. */
const maxCommits = 1024;
const maxBytes = 8 * 2 ** 20;
/** Index entries that go with even the smallest group. */
const minFlush = 64;
/** Larger items are read back from disk when they are needed. */
const maxKeptItem = 16 * 1024;

const nothing = new Uint8Array(0);
/** LMDB wants a value; this is the smallest. */
const mark = Buffer.from([1]);

/** A key that compaction has just taken out of the index. */
function erasedWrite(key: string): Write {
  return {
    entry: { key, refs: [], version: 0, createRevision: 0, item: undefined, stored: 'absent' },
    item: undefined,
    previous: 0,
    previousItem: undefined,
  };
}

function sameMeta(a: Meta, b: Meta): boolean {
  return a.revision === b.revision && a.compacted === b.compacted && a.cleaned === b.cleaned && a.indexed === b.indexed;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
