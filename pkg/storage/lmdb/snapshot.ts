/**
 * A snapshot is one file: a compact LMDB file of the whole store, followed by the SHA-256 of it and a line that says
 * what it is. It is complete or not there: it is made beside its place and renamed.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, appendFile, copyFile, mkdir, open, rename, rm, stat, truncate } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { StoreError } from '../store.ts';
import { dataFile, inspectDirectory, makeDirectory, syncDirectory, writeMarker } from './data-directory.ts';
import { verifyDataFile } from './data-file.ts';
import { lockDirectory } from './directory-lock.ts';
import type { Environment } from './environment.ts';

const signature = 'gokube store snapshot 1\n';
const trailerBytes = 32 + signature.length;

export async function saveSnapshot(environment: Environment, file: string): Promise<void> {
  if (await exists(file)) throw new StoreError('Invalid', `${file} exists already: choose another name for the snapshot`);
  const draft = join(dirname(resolve(file)), `.snapshot-${randomUUID()}`);
  await mkdir(draft, { recursive: true, mode: 0o700 });
  try {
    await environment.copy(draft);
    const copy = join(draft, dataFile);
    await verifyDataFile(copy);
    await appendFile(copy, Buffer.concat([await digest(copy, (await stat(copy)).size), Buffer.from(signature)]));
    await syncFile(copy);
    await rename(copy, file);
    await syncDirectory(dirname(resolve(file)));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/**
 * Makes a store in `directory` (empty, not there yet, or left by an interrupted restore) from a snapshot. Throws
 * `Damaged` for a file that is no snapshot or not whole, `InUse`, and `Invalid` if there is a store already.
 */
export async function restoreSnapshot(file: string, directory: string): Promise<void> {
  const bytes = await checkSnapshot(file);
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
    await verifyDataFile(data);
    await syncFile(data);
    await syncDirectory(directory);
    await writeMarker(directory, 'ready');
  } finally {
    await lock.release();
  }
}

/** Returns the bytes of the LMDB file within. Throws `Damaged`. */
async function checkSnapshot(file: string): Promise<number> {
  const { size } = await stat(file);
  const bytes = size - trailerBytes;
  const trailer = Buffer.alloc(trailerBytes);
  const handle = await open(file, 'r');
  try {
    await handle.read(trailer, 0, trailerBytes, Math.max(0, bytes));
  } finally {
    await handle.close();
  }
  if (bytes <= 0 || trailer.toString('latin1', 32) !== signature) {
    throw new StoreError('Damaged', `${file} is no snapshot, or has been cut off`);
  }
  if (!trailer.subarray(0, 32).equals(await digest(file, bytes))) {
    throw new StoreError('Damaged', `${file} is damaged: its checksum does not match`);
  }
  return bytes;
}

async function digest(file: string, bytes: number): Promise<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { start: 0, end: bytes - 1 })) hash.update(chunk as Buffer);
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
