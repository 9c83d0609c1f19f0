import { mkdir, open, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '../store.ts';
import { checkDataFile } from './data-file.ts';
import { formatVersion } from './layout.ts';

export const dataFile = 'data.mdb';
const markerFile = 'STORE';
const markerDraft = `${markerFile}.draft`;

/**
 * What the marker file says. It is written before the data file is made (`new`, or `restoring` from a snapshot) and
 * again once that is safely on disk (`ready`), so that a store whose creation was cut short can be told from one
 * whose data was lost.
 */
interface Marker {
  readonly state: (typeof states)[number];
  readonly format: number;
}
const states = ['new', 'restoring', 'ready'] as const;

/**
 * Decides whether LMDB may open the data file of a directory: LMDB maps it into memory and trusts it, so a file that
 * is truncated or not its own would end the process. Removes what an interrupted creation left. Throws `Damaged` and
 * `WrongVersion`. The caller holds the directory's lock.
 */
export async function inspectDirectory(directory: string, options: { restoring?: boolean } = {}): Promise<'empty' | 'ready'> {
  const marker = await readMarker(directory);
  const size = await sizeOf(join(directory, dataFile));
  if (!marker) {
    const others = (await readdir(directory)).filter((name) => !name.startsWith('lock') && name !== markerDraft);
    if (others.length === 0) return 'empty';
    throw new StoreError('Damaged', `${directory} holds ${others.slice(0, 3).join(', ')} but no store: choose an empty directory`);
  }
  if (marker.format !== formatVersion) {
    const message = `the data in ${directory} has format ${marker.format}, this program reads format ${formatVersion}`;
    throw new StoreError('WrongVersion', message);
  }
  if (marker.state === 'restoring' && !options.restoring) {
    throw new StoreError('Damaged', `restoring a snapshot into ${directory} was interrupted: restore it again`);
  }
  if (marker.state !== 'ready') {
    await rm(join(directory, dataFile), { force: true });
    return 'empty';
  }
  if (size === undefined) throw new StoreError('Damaged', `the data file of the store in ${directory} is missing: restore a snapshot`);
  await checkDataFile(join(directory, dataFile));
  return 'ready';
}

/** Returns once the marker is on disk. */
export async function writeMarker(directory: string, state: Marker['state']): Promise<void> {
  const marker: Marker = { state, format: formatVersion };
  const draft = join(directory, markerDraft);
  await writeFile(draft, `${JSON.stringify(marker)}\n`, { flush: true });
  await rename(draft, join(directory, markerFile));
  await syncDirectory(directory);
}

export async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
}

export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** LMDB does not survive running out of space while it makes a store. Throws `NoSpace` before it begins. */
export async function checkRoomForStore(directory: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (free >= smallestRoom) return;
  const message = `no space left in ${directory} (${Math.floor(free / 1024)} KiB free): a store needs ${smallestRoom / 1024} KiB to begin with`;
  throw new StoreError('NoSpace', message);
}

const smallestRoom = 2 ** 20;

/**
 * Gives LMDB's table of readers real blocks on disk. LMDB makes a file of holes and writes to it through memory, so
 * that on a full disk the process would be ended by a signal. The caller holds the directory's lock.
 */
export async function allocateReaderTable(directory: string): Promise<void> {
  const file = join(directory, 'lock.mdb');
  if (((await sizeOf(file)) ?? 0) < readerTableBytes) await writeFile(file, Buffer.alloc(readerTableBytes), { flush: true });
}

/** LMDB's 126 readers take 8,272 bytes. */
const readerTableBytes = 16_384;

async function readMarker(directory: string): Promise<Marker | undefined> {
  const file = join(directory, markerFile);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { state, format } = Object(JSON.parse(text)) as Partial<Marker>;
    if (state !== undefined && states.includes(state) && typeof format === 'number') return { state, format };
  } catch (cause) {
    throw new StoreError('Damaged', `${file} is not what a store writes there`, { cause });
  }
  throw new StoreError('Damaged', `${file} is not what a store writes there: ${text.slice(0, 80)}`);
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
