import { mkdir, open, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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

/**
 * Makes a directory and what is missing above it. Throws `Invalid` where there can be none, and the system's own error
 * where it must not be made.
 */
export async function makeDirectory(directory: string): Promise<void> {
  try {
    if (await isDirectory(directory)) return;
    // One level at a time: Node.js' own recursive way never ends in a file system that has no room for more, as /proc.
    if (dirname(directory) !== directory) await makeDirectory(dirname(directory));
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    // Somebody else was faster.
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'EEXIST' && (await isDirectory(directory))) return;
    const why = impossible[code];
    if (why === undefined) throw error;
    throw new StoreError('Invalid', `${directory} cannot be a directory: ${why}`, { cause: error });
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  throw Object.assign(new Error(`${path} is no directory`), { code: 'ENOTDIR' });
}

const impossible: Readonly<Record<string, string>> = {
  EEXIST: 'there is something else of that name',
  ENOTDIR: 'there is a file of that name, or above it',
  ENOENT: 'none can be made there',
  EROFS: 'the file system there can only be read',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'its symbolic links lead in a circle',
};

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
  throw new StoreError('Damaged', `${file} is not what a store writes there: ${text.slice(0, 80).trim()}`);
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
