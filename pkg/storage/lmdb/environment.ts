import { statfs } from 'node:fs/promises';
import { type Database, open, type RootDatabase } from 'lmdb';
import { StoreError } from '../store.ts';
import { decodeMeta, encodeMeta, type Meta, type VersionRef } from './layout.ts';

/** The changes of one transaction, in order. `null` removes the key. */
export class Changes {
  readonly log: [VersionRef, Buffer | null][] = [];
  readonly index: [string, Buffer | null][] = [];
  readonly deleted: [string, Buffer | null][] = [];

  get size(): number {
    return this.log.length + this.index.length + this.deleted.length;
  }
}

/**
 * The LMDB files of one data directory, with the settings that this store's guarantees rest on:
 *  - `overlappingSync: false`: a transaction becomes visible when it is on disk, not before;
 *  - `eventTurnBatching: false` and one `batch` at a time: a failing flush rejects promises that somebody holds.
 *
 * Reads see the newest transaction that `write` has acknowledged, or one later.
 */
export class Environment {
  readonly directory: string;
  readonly log: Tree<VersionRef>;
  readonly index: Tree<string>;
  readonly deleted: Tree<string>;
  readonly #root: RootDatabase<Buffer, Key>;
  readonly #meta: Tree<string>;
  /** The revision in `meta` when it was last written with success. */
  #revision: number | undefined;

  /** Opens the files, or makes them. The caller has checked that LMDB may touch them. */
  constructor(directory: string) {
    this.directory = directory;
    this.#root = open<Buffer, Key>({
      path: directory,
      noSubdir: false,
      maxDbs: 8,
      overlappingSync: false,
      eventTurnBatching: false,
      encoding: 'binary',
    });
    this.log = new Tree(this.#root, { directory, name: 'log', keys: refKeys });
    this.index = new Tree(this.#root, { directory, name: 'index', keys: stringKeys });
    this.deleted = new Tree(this.#root, { directory, name: 'deleted', keys: stringKeys });
    this.#meta = new Tree(this.#root, { directory, name: 'meta', keys: stringKeys });
    this.#revision = this.meta()?.revision;
  }

  /** undefined: this is a store that has just been made. Throws `Damaged` and `WrongVersion`. */
  meta(): Meta | undefined {
    const bytes = this.#meta.get('meta', (_, b, size) => Buffer.from(b.subarray(0, size)));
    return bytes && decodeMeta(bytes);
  }

  /**
   * Writes all changes and `meta` in one transaction; returns when they are on disk. Throws `NoSpace` or
   * `Unavailable`: then nothing of it happened; or `Unknown`.
   */
  async write(changes: Changes, meta: Meta): Promise<void> {
    try {
      // Nothing in here may throw: lmdb would commit what came before.
      await this.#root.batch(() => {
        for (const [ref, bytes] of changes.log) {
          if (bytes) this.log.append(ref, bytes);
          else this.log.write(ref, null);
        }
        for (const [key, bytes] of changes.index) this.index.write(key, bytes);
        for (const [key, bytes] of changes.deleted) this.deleted.write(key, bytes);
        this.#meta.write('meta', encodeMeta(meta));
      });
      this.#revision = meta.revision;
    } catch (error) {
      throw await this.#explain(error);
    } finally {
      this.refresh();
    }
  }

  /** Makes reads see what has been written since they last looked. */
  refresh(): void {
    this.#root.resetReadTxn();
  }

  /** Bytes of the pages in use; the file itself does not shrink, it is filled again. */
  size(): number {
    return [this.log, this.index, this.deleted, this.#meta].reduce((sum, tree) => sum + tree.size(), 0);
  }

  /** Copies a consistent state into a file, without free pages, while writing goes on. */
  async copy(to: string): Promise<void> {
    await this.#root.backup(to, true);
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  async #explain(error: unknown): Promise<StoreError> {
    // lmdb hands the reason in a promise of its own, which must not stay without a reader.
    const reason = await reasonOf(error);
    const { bavail, bsize } = await statfs(this.directory);
    const free = bavail * bsize;
    this.refresh();
    if (this.meta()?.revision !== this.#revision) {
      return new StoreError('Unknown', `writing to ${this.directory} failed at its last step: ${reason}`, { cause: error });
    }
    if (free < fullBelow) {
      const message = `no space left in ${this.directory} (${Math.floor(free / 1024)} KiB free): make room there, nothing that was acknowledged is lost`;
      return new StoreError('NoSpace', message, { cause: error });
    }
    if (damage.test(reason)) return explainDamage(new Error(reason, { cause: error }), this.directory) as StoreError;
    return new StoreError('Unavailable', `writing to ${this.directory} failed: ${reason}`, { cause: error });
  }
}

/** A failed write with less free space than this is put down to that: lmdb reports a full disk as any I/O error. */
const fullBelow = 16 * 2 ** 20;

async function reasonOf(error: unknown): Promise<string> {
  const { commitError } = error as { commitError?: unknown };
  const reason: unknown = await Promise.resolve(commitError).catch((inner: unknown) => inner);
  return String((reason as Error | undefined)?.message ?? (error as Error).message);
}

type Key = string | number;

/** The entry is the first `size` of `bytes`, which is about to be reused. */
export type Decode<K, V> = (key: K, bytes: Buffer, size: number) => V;

/** One tree. What it hands out is decoded at once, from memory that LMDB is about to reuse. */
export class Tree<K extends Key> {
  readonly #db: Database<Buffer, K>;
  readonly #directory: string;
  /** The key of the entry that LMDB is reading. */
  #key: K | undefined;
  /** How to decode that entry; set by the reading method, used before it returns. */
  #decode: Decode<K, unknown> = (_, bytes) => bytes;

  constructor(
    root: RootDatabase<Buffer, Key>,
    options: { readonly directory: string; readonly name: string; readonly keys: KeyEncoder<K> },
  ) {
    const { directory, name, keys } = options;
    this.#directory = directory;
    const keyEncoder: KeyEncoder<K> = {
      writeKey: keys.writeKey,
      readKey: (source, start, end) => {
        this.#key = keys.readKey(source, start, end);
        return this.#key;
      },
    };
    const encoder = {
      encode: (bytes: Buffer): Buffer => bytes,
      decode: (bytes: Uint8Array): unknown => {
        // lmdb sets `length` on a buffer that is longer, or hands out a part of the file itself.
        const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
        return this.#decode(this.#key as K, buffer, bytes.length);
      },
    };
    this.#db = root.openDB<Buffer, K>(name, { encoding: 'binary', encoder, keyEncoder } as never);
  }

  get<V>(key: K, decode: Decode<K, V>): V | undefined {
    this.#key = key;
    this.#decode = decode;
    try {
      return this.#db.get(key) as V | undefined;
    } catch (error) {
      throw explainDamage(error, this.#directory);
    }
  }

  /** The entries of [start, end), ascending, at most `limit`. */
  list<V>(start: K, end: K | undefined, limit: number, decode: Decode<K, V>): V[] {
    this.#decode = decode;
    const values: V[] = [];
    try {
      for (const { value } of this.#db.getRange({ start, limit, ...(end !== undefined && { end }) })) values.push(value as V);
    } catch (error) {
      throw explainDamage(error, this.#directory);
    }
    return values;
  }

  /** Counts the keys of [start, end), inside LMDB: some tens of nanoseconds each. */
  count(start: K, end: K | undefined): number {
    try {
      return this.#db.getKeysCount({ start, ...(end !== undefined && { end }) });
    } catch (error) {
      throw explainDamage(error, this.#directory);
    }
  }

  /** Bytes of the tree's pages. */
  size(): number {
    const stats = (this.#db as unknown as { db: { stat(): TreeStats } }).db.stat();
    return stats.pageSize * (stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages);
  }

  /** Part of a transaction; to be called inside `batch`, whose promise tells the outcome. */
  write(key: K, bytes: Buffer | null): void {
    void (bytes ? this.#db.put(key, bytes) : this.#db.remove(key));
  }

  /** The same for a key after all others: fills pages to the last byte, where others are left half empty. */
  append(key: K, bytes: Buffer): void {
    const put = this.#db.put as (key: K, bytes: Buffer, options: { append: boolean }) => Promise<boolean>;
    put.call(this.#db, key, bytes, { append: true }).catch(() => undefined);
  }
}

/** LMDB's own words for pages that are not what they should be. */
const damage = /MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID|CURSOR_FULL|PAGE_FULL|BAD_VALSIZE|BAD_TXN)/;

function explainDamage(error: unknown, directory: string): unknown {
  // An entry that ends before what it says it holds.
  const torn = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_OUT_OF_BOUNDS';
  if (error instanceof StoreError || !(torn || damage.test(String(error)))) return error;
  return new StoreError('Damaged', `the data in ${directory} is damaged (${(error as Error).message}): restore a snapshot`, {
    cause: error,
  });
}

interface TreeStats {
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

interface KeyEncoder<K> {
  writeKey(key: K, target: Buffer, start: number): number;
  readKey(source: Buffer, start: number, end: number): K;
}

/** UTF-8, whose byte order is the store's key order. */
const stringKeys: KeyEncoder<string> = {
  writeKey(key, target, start) {
    // lmdb makes a larger buffer when it sees this error.
    if (key.length * 3 > target.length - start && Buffer.byteLength(key) > target.length - start) throw new RangeError('key');
    return start + target.write(key, start);
  },
  readKey: (source, start, end) => source.toString('utf8', start, end),
};

/** Eight bytes, most significant first. */
const refKeys: KeyEncoder<VersionRef> = {
  writeKey(ref, target, start) {
    target.writeUInt32BE(Math.floor(ref / 2 ** 32), start);
    return target.writeUInt32BE(ref % 2 ** 32, start + 4);
  },
  readKey: (source, start) => source.readUInt32BE(start) * 2 ** 32 + source.readUInt32BE(start + 4),
};
