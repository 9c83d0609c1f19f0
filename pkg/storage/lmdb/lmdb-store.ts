/**
 * The store on local disk, over LMDB. The way of a write: `LmdbStore.commit` → `Writer` (group, decide, one
 * transaction, one flush) → `Environment` (LMDB) → acknowledged: readable through `Versions`, handed to watches by the
 * `WatchHub`. What lies on disk is described in `layout.ts`; the directory around it is guarded by `directory-lock.ts`
 * and `data-directory.ts`; snapshots are made and restored by `snapshot.ts`.
 */
import { join } from 'node:path';
import { readChanges } from '../changes.ts';
import { checkOperations, checkRange, checkRevision } from '../commit-check.ts';
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
} from '../store.ts';
import { type History, WatchHub } from '../watch-hub.ts';
import {
  allocateReaderTable,
  checkRoomForStore,
  dataFile,
  inspectDirectory,
  makeDirectory,
  syncDirectory,
  writeMarker,
} from './data-directory.ts';
import { type DirectoryLock, lockDirectory } from './directory-lock.ts';
import { Changes, Environment } from './environment.ts';
import { formatVersion, type Meta } from './layout.ts';
import { saveSnapshot } from './snapshot.ts';
import { Versions } from './versions.ts';
import { Writer } from './writer.ts';

export interface LmdbStoreOptions {
  /** Unread events of one watch that are kept for it; beyond, it reads from disk. */
  readonly maxUnread?: number;
  /** Keys that have changed before the index tree is brought up to date; default 16,384. */
  readonly maxRecent?: number;
}

export class LmdbStore implements Store {
  readonly directory: string;
  readonly #environment: Environment;
  readonly #lock: DirectoryLock;
  readonly #versions: Versions;
  readonly #history: History;
  readonly #hub: WatchHub;
  readonly #writer: Writer;
  /** Lists and backups under way. */
  readonly #reading = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  private constructor(environment: Environment, lock: DirectoryLock, options: LmdbStoreOptions) {
    this.directory = environment.directory;
    this.#environment = environment;
    this.#lock = lock;
    this.#versions = new Versions(environment, environment.meta() as Meta, options.maxRecent);
    this.#history = {
      revision: () => this.#versions.meta.revision,
      read: (range, from, previous) => this.#versions.events(range, from, previous),
      pause,
    };
    this.#hub = new WatchHub(this.#history, options);
    this.#writer = new Writer(this.#versions, this.#hub);
  }

  /**
   * Opens the store in a directory, or makes one in a directory that is empty or does not exist. Takes a few
   * milliseconds, whatever its size; after a crash, some tens more. Throws `InUse`, `Damaged`, `WrongVersion` and
   * `NoSpace`.
   */
  static async open(directory: string, options: LmdbStoreOptions = {}): Promise<LmdbStore> {
    return explainNoSpace(directory, async () => {
      await makeDirectory(directory);
      const lock = await lockDirectory(directory);
      try {
        const environment = await openEnvironment(directory);
        try {
          return new LmdbStore(environment, lock, options);
        } catch (error) {
          await environment.close();
          throw error;
        }
      } catch (error) {
        await lock.release();
        throw error;
      }
    });
  }

  async revision(): Promise<number> {
    this.#checkOpen();
    return this.#versions.meta.revision;
  }

  async get(key: string, options: ReadOptions = {}): Promise<GetResult> {
    const revision = this.#readRevision(options);
    return { revision: this.#versions.meta.revision, item: this.#versions.get(key, revision) };
  }

  list(range: KeyRange, options: ListOptions = {}): Promise<ListResult> {
    return this.#track(this.#list(range, options));
  }

  async #list(asked: KeyRange, options: ListOptions): Promise<ListResult> {
    checkRange(asked);
    const range = { start: bound(asked.start), ...(asked.end !== undefined && { end: bound(asked.end) }) };
    const at = this.#readRevision(options);
    const { revision } = this.#versions.meta;
    const unpin = this.#versions.pin(at);
    try {
      if (options.countOnly) return { revision, items: [], count: await this.#count(range, at) };
      const limit = options.limit || Number.POSITIVE_INFINITY;
      const items: KeyValue[] = [];
      for (let start: string | undefined = range.start; ; ) {
        const part = this.#versions.list({ ...range, start }, at, limit - items.length);
        items.push(...part.items);
        start = part.next;
        if (start === undefined) return { revision, items, count: items.length };
        if (items.length >= limit) return { revision, items, count: await this.#count(range, at) };
        await pause();
        options.signal?.throwIfAborted();
        this.#checkOpen();
      }
    } finally {
      unpin();
      this.#writer.wake();
    }
  }

  commit(operations: readonly Operation[], options: CommitOptions = {}): Promise<CommitResult> {
    try {
      this.#checkOpen();
      options.signal?.throwIfAborted();
      checkOperations(operations);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#writer.commit(operations, options);
  }

  watch(range: KeyRange, options: WatchOptions): AsyncIterable<WatchBatch> {
    checkRange(range);
    if (options.from !== undefined) checkRevision(options.from);
    return this.#hub.open(range, options);
  }

  async progress(range: KeyRange): Promise<number> {
    this.#checkOpen();
    this.#hub.progress(range, this.#versions.meta.revision);
    return this.#versions.meta.revision;
  }

  async record(key: string, revision: number): Promise<Uint8Array | undefined> {
    return this.#versions.record(key, this.#readRevision({ revision }));
  }

  async changes(range: KeyRange, options: ChangesOptions): Promise<readonly StoreEvent[]> {
    this.#checkOpen();
    return this.#track(readChanges(this.#history, range, options));
  }

  async compact(revision: number): Promise<void> {
    this.#checkOpen();
    checkRevision(revision);
    await this.#writer.compact(revision);
  }

  async compactedRevision(): Promise<number> {
    this.#checkOpen();
    return this.#versions.meta.compacted;
  }

  async size(): Promise<number> {
    this.#checkOpen();
    return this.#environment.size();
  }

  /**
   * Writes a snapshot of everything, history included, to a file that does not exist yet, while the store goes on
   * working. Restore it with `restoreSnapshot`. `note` is kept with it, as JSON. Resolves with its size in bytes.
   */
  async backup(file: string, note?: unknown): Promise<number> {
    this.#checkOpen();
    return this.#track(explainNoSpace(file, () => saveSnapshot(this.#environment, file, note)));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#hub.close();
    await Promise.allSettled(this.#reading);
    await this.#writer.close();
    await this.#environment.close();
    await this.#lock.release();
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#reading.add(work);
    try {
      return await work;
    } finally {
      this.#reading.delete(work);
    }
  }

  async #count(range: KeyRange, revision: number): Promise<number> {
    await this.#writer.quiet();
    this.#checkOpen();
    const now = this.#versions.meta.revision;
    const count = this.#versions.countNow(range);
    return now === revision ? count : count - (await this.#versions.growth(range, revision, now, pause));
  }

  #readRevision(options: ReadOptions): number {
    this.#checkOpen();
    options.signal?.throwIfAborted();
    if (options.revision === undefined) return this.#versions.meta.revision;
    checkRevision(options.revision);
    this.#versions.check(options.revision);
    return options.revision;
  }

  #checkOpen(): void {
    if (this.#closing) throw new StoreError('Closed', 'the store has been closed');
  }
}

/** A bound that LMDB can look for: keys are no longer than 1,024 bytes, so what comes after these does not matter. */
function bound(key: string): string {
  return key.length * 3 <= longestBound ? key : Buffer.from(key).subarray(0, longestBound).toString();
}

const longestBound = 1_200;

/** The caller holds the directory's lock. */
async function openEnvironment(directory: string): Promise<Environment> {
  const state = await inspectDirectory(directory);
  if (state === 'empty') {
    await checkRoomForStore(directory);
    await writeMarker(directory, 'new');
  }
  await allocateReaderTable(directory);
  const environment = makeEnvironment(directory);
  try {
    if (state === 'empty') {
      await environment.write(new Changes(), { format: formatVersion, revision: 0, compacted: 0, cleaned: 0, indexed: 0 });
      await syncDirectory(directory);
      await writeMarker(directory, 'ready');
    }
    if (!environment.meta()) throw new StoreError('Damaged', `${join(directory, dataFile)} holds no store: restore a snapshot`);
    return environment;
  } catch (error) {
    await environment.close();
    throw error;
  }
}

function makeEnvironment(directory: string): Environment {
  try {
    return new Environment(directory);
  } catch (error) {
    // LMDB numbers its errors as the system does.
    if (/No space left/.test(String(error))) throw Object.assign(error as Error, { code: 'ENOSPC' });
    throw new StoreError('Damaged', `LMDB cannot open ${join(directory, dataFile)}: ${(error as Error).message}`, { cause: error });
  }
}

async function explainNoSpace<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // LMDB's own copies say it in words alone.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC' && !/No space left on device/.test(String(error))) throw error;
    throw new StoreError('NoSpace', `no space left for ${path}: make room there`, { cause: error });
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
