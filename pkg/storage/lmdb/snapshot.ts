/**
 * A snapshot is one file: a compact LMDB file of the whole store, some words about it as JSON, their length, the
 * SHA-256 of all that, and a line that says what it is. It is complete or not there: it is made beside its place and
 * moved there. Only its owner can read it, since secrets are in it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, appendFile, chmod, copyFile, link, mkdir, open, rename, rm, stat, truncate } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { readChanges } from '../changes.ts';
import { type Store, StoreError } from '../store.ts';
import { allocateReaderTable, dataFile, inspectDirectory, makeDirectory, syncDirectory, writeMarker } from './data-directory.ts';
import { verifyDataFile } from './data-file.ts';
import { lockDirectory } from './directory-lock.ts';
import { Environment } from './environment.ts';
import type { Meta } from './layout.ts';
import { rewindStore } from './rewind.ts';
import { Versions } from './versions.ts';

const version = 1;
const signatureOf = (n: number | string): string => `gokube store snapshot ${n}\n`;
const signatureBytes = signatureOf(version).length;
/** Length of the words u32 | SHA-256 | signature. */
const trailerBytes = 4 + 32 + signatureBytes;

/** What stands in a snapshot beside the store. */
export interface SnapshotInfo {
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** The newest revision when the snapshot was begun; what was written meanwhile may be in it. */
  readonly revision: number;
  /** What whoever made it wanted to keep with it. */
  readonly note?: unknown;
}

/** Bytes done of all. */
export type OnProgress = (done: number, all: number) => void;

/** Returns the bytes of the file. */
export async function saveSnapshot(environment: Environment, file: string, note?: unknown): Promise<number> {
  if (await exists(file)) throw alreadyThere(file);
  const { revision } = environment.meta() as Meta;
  const info: SnapshotInfo = { created: Date.now(), revision, ...(note === undefined ? {} : { note }) };
  const draft = join(dirname(resolve(file)), `.snapshot-${randomUUID()}`);
  await mkdir(draft, { mode: 0o700 });
  try {
    await environment.copy(draft);
    const copy = join(draft, dataFile);
    await chmod(copy, 0o600);
    await verifyDataFile(copy);
    const words = Buffer.from(JSON.stringify(info));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(words.length);
    await appendFile(copy, Buffer.concat([words, length]));
    const { size } = await stat(copy);
    await appendFile(copy, Buffer.concat([await digest(copy, size), Buffer.from(signatureOf(version))]));
    await syncFile(copy);
    await putInPlace(copy, file);
    await syncDirectory(dirname(resolve(file)));
    return size + trailerBytes - 4;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

export interface RestoreOptions {
  /**
   * Restore the state as of this revision, instead of the newest. It may be looked for in the store that is being
   * restored. Throws `Compacted` and `FutureRevision`.
   */
  readonly to?: number | ((store: PastStore) => Promise<number>);
  /** The store goes on after this revision, so that those which the original wrote later are not written again. */
  readonly goOnAt?: number;
  readonly onProgress?: OnProgress;
}

/** A store that is being restored, as far as it can be read. */
export type PastStore = Pick<Store, 'revision' | 'compactedRevision' | 'changes' | 'record'>;

/**
 * Makes a store in `directory` (empty, not there yet, or left by an interrupted restore) from a snapshot. Throws
 * `Damaged` for a file that is no snapshot or not whole, `WrongVersion`, `InUse`, and `Invalid` if there is a store
 * already. Resolves with the revision that it stands at.
 */
export async function restoreSnapshot(file: string, directory: string, options: RestoreOptions = {}): Promise<number> {
  const { bytes } = await checkSnapshot(file, options.onProgress);
  await makeDirectory(directory);
  const lock = await lockDirectory(directory);
  try {
    if ((await inspectDirectory(directory, { restoring: true })) === 'ready') {
      throw new StoreError('Invalid', `${directory} holds a store already: restore into an empty directory`);
    }
    await writeMarker(directory, 'restoring');
    const data = join(directory, dataFile);
    await copyFile(file, data);
    await truncate(data, bytes);
    await chmod(data, 0o600);
    await verifyDataFile(data);
    await allocateReaderTable(directory);
    const environment = new Environment(directory);
    let restored: number;
    try {
      restored = await choose(environment, options.to);
      await rewindStore(environment, restored, Math.max(restored, options.goOnAt ?? 0));
    } finally {
      await environment.close();
    }
    await syncFile(data);
    await syncDirectory(directory);
    await writeMarker(directory, 'ready');
    return restored;
  } catch (error) {
    // What was begun here can be begun again; but what can be seen to be in vain leaves nothing.
    if (error instanceof StoreError && error.code !== 'Invalid' && error.code !== 'InUse') await clear(directory);
    throw error;
  } finally {
    await lock.release();
  }
}

async function choose(environment: Environment, to: RestoreOptions['to']): Promise<number> {
  const meta = environment.meta() as Meta;
  if (typeof to !== 'function') return to ?? meta.revision;
  const versions = new Versions(environment, meta);
  const history = {
    revision: () => meta.revision,
    read: versions.events.bind(versions),
  };
  return to({
    revision: async () => meta.revision,
    compactedRevision: async () => meta.compacted,
    changes: (range, options) => readChanges(history, range, options),
    record: async (key, revision) => versions.record(key, revision),
  });
}

/** What a snapshot says of itself. Throws as `restoreSnapshot` does. */
export async function readSnapshotInfo(file: string, onProgress?: OnProgress): Promise<SnapshotInfo> {
  return (await checkSnapshot(file, onProgress)).info;
}

/** `bytes`: of the LMDB file within. Throws `Damaged` and `WrongVersion`. */
async function checkSnapshot(file: string, onProgress?: OnProgress): Promise<{ bytes: number; info: SnapshotInfo }> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const end = size - trailerBytes;
    const trailer = Buffer.alloc(trailerBytes);
    await handle.read(trailer, 0, trailerBytes, Math.max(0, end));
    const signature = trailer.toString('latin1', trailerBytes - signatureBytes);
    const found = /^gokube store snapshot (\d)\n$/.exec(signature)?.[1];
    if (end <= 0 || found === undefined) throw new StoreError('Damaged', `${file} is no snapshot of a store, or has been cut off`);
    if (found !== String(version)) {
      throw new StoreError('WrongVersion', `${file} is a snapshot of version ${found}; this program reads version ${version}`);
    }
    if (!trailer.subarray(4, 36).equals(await digest(file, end + 4, onProgress))) {
      throw new StoreError('Damaged', `${file} is damaged: its checksum does not match`);
    }
    const words = Buffer.alloc(trailer.readUInt32LE(0));
    const bytes = end - words.length;
    await handle.read(words, 0, words.length, bytes);
    return { bytes, info: JSON.parse(words.toString()) as SnapshotInfo };
  } finally {
    await handle.close();
  }
}

/** Moves a file to a place where there is none, also if one has come there since. */
async function putInPlace(draft: string, file: string): Promise<void> {
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw alreadyThere(file);
    // A file system without links.
    await rename(draft, file);
  }
}

function alreadyThere(file: string): StoreError {
  return new StoreError('Invalid', `${file} exists already: choose another name for the snapshot`);
}

async function clear(directory: string): Promise<void> {
  for (const name of [dataFile, 'lock.mdb', 'STORE']) await rm(join(directory, name), { force: true });
}

async function digest(file: string, bytes: number, onProgress?: OnProgress): Promise<Buffer> {
  const hash = createHash('sha256');
  let done = 0;
  for await (const chunk of createReadStream(file, { start: 0, end: bytes - 1, highWaterMark: 2 ** 20 })) {
    hash.update(chunk as Buffer);
    done += (chunk as Buffer).length;
    onProgress?.(done, bytes);
  }
  return hash.digest();
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
