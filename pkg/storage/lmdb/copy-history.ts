/**
 * Makes a store on disk from any other one, through the port: its state at the oldest revision that is kept, and all
 * that happened since, under the revisions that it has there and with its records. So a snapshot can be made of an
 * engine that keeps no file of its own, or not here. Only the log is written; the index follows from it when the store
 * is opened, as after a crash.
 */
import { rm } from 'node:fs/promises';
import { isStoreError, type KeyRange, type KeyValue, type Store } from '../store.ts';
import { lockDirectory } from './directory-lock.ts';
import { Changes, Environment } from './environment.ts';
import { encodeLogEntry, formatVersion, makeRef, type VersionRef } from './layout.ts';
import { LmdbStore } from './lmdb-store.ts';

/** What is read of a store that is copied. */
export type Source = Pick<Store, 'revision' | 'compactedRevision' | 'list' | 'changes' | 'record'>;

/** Items or events in one read; records asked for at once. */
const step = 2_000;
const together = 32;
/** In one transaction. */
const mostBytes = 8 * 2 ** 20;

/**
 * Copies the keys of `range` into a store of its own in `directory`, which is not there yet; returns its newest
 * revision. When the source is compacted meanwhile it begins again, twice at most. Throws what either side throws.
 */
export async function copyHistory(source: Source, range: KeyRange, directory: string): Promise<number> {
  for (let tries = 1; ; tries++) {
    await (await LmdbStore.open(directory)).close();
    const lock = await lockDirectory(directory);
    const environment = new Environment(directory);
    try {
      return await new Copy(source, range, environment).run();
    } catch (error) {
      if (tries === 3 || !isStoreError(error, 'Compacted')) throw error;
      await rm(directory, { recursive: true });
    } finally {
      await environment.close();
      await lock.release();
    }
  }
}

/** One write of a key; without an item, a deletion. */
interface Written {
  readonly key: string;
  readonly revision: number;
  readonly item: KeyValue | undefined;
}

class Copy {
  readonly #source: Source;
  readonly #range: KeyRange;
  readonly #environment: Environment;
  /** Each key's newest version so far. */
  readonly #newest = new Map<string, VersionRef>();
  #changes = new Changes();
  #bytes = 0;
  #place = 0;
  #revision = 0;

  constructor(source: Source, range: KeyRange, environment: Environment) {
    this.#source = source;
    this.#range = range;
    this.#environment = environment;
  }

  async run(): Promise<number> {
    const [revision, oldest] = [await this.#source.revision(), await this.#source.compactedRevision()];
    const standing = await this.#stateAt(oldest);
    await this.#writeAll(
      standing.sort((a, b) => a.revision - b.revision),
      oldest,
    );
    for (let from = oldest + 1; from <= revision; ) {
      const events = await this.#source.changes(this.#range, { from, to: revision, limit: step });
      await this.#writeAll(events.map((each) => ({ ...each, item: each.type === 'put' ? each.item : undefined })));
      from = events.length < step ? revision + 1 : this.#revision + 1;
    }
    const meta = { format: formatVersion, revision, compacted: oldest, cleaned: oldest, indexed: 0 };
    await this.#environment.write(this.#changes, meta);
    return revision;
  }

  async #stateAt(revision: number): Promise<Written[]> {
    const state: Written[] = [];
    for (let { start } = this.#range; ; ) {
      const { items } = await this.#source.list({ ...this.#range, start }, { revision, limit: step });
      for (const item of items) state.push({ key: item.key, revision: item.modRevision, item });
      const last = items.at(-1);
      if (!last || items.length < step) return state;
      start = `${last.key}\0`;
    }
  }

  /** Writes, ascending by revision; their records stand at their own revisions, or at `oldest` where that is later. */
  async #writeAll(writes: readonly Written[], oldest = 0): Promise<void> {
    for (let at = 0; at < writes.length; at += together) {
      const part = writes.slice(at, at + together);
      const records = await Promise.all(part.map(({ key, revision }) => this.#source.record(key, Math.max(revision, oldest))));
      for (const [i, write] of part.entries()) this.#append(write, records[i]);
      if (this.#bytes < mostBytes) continue;
      await this.#environment.write(this.#changes, { format: formatVersion, revision: 0, compacted: 0, cleaned: 0, indexed: 0 });
      this.#changes = new Changes();
      this.#bytes = 0;
    }
  }

  #append({ key, revision, item }: Written, record: Uint8Array | undefined): void {
    this.#place = revision === this.#revision ? this.#place + 1 : 0;
    this.#revision = revision;
    const ref = makeRef(revision, this.#place, item === undefined);
    const previous = this.#newest.get(key) ?? 0;
    const { version, createRevision, value } = item ?? { version: 0, createRevision: 0, value: new Uint8Array(0) };
    const entry = encodeLogEntry({ ref, key, version, createRevision, previous, value, record });
    this.#changes.log.push([ref, entry]);
    this.#newest.set(key, ref);
    this.#bytes += entry.length;
  }
}
