import { execFile } from 'node:child_process';
import { watch } from 'node:fs';
import { chmod, lchown, mkdir, open, readdir, readFile, readlink, realpath, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { FileStat, HostFiles } from '../kubelet-host.ts';

const run = promisify(execFile);

/** Against changes that the kernel does not tell of (an overlay, a network file system), in milliseconds. */
const lookAgain = 1000;

/** The machine's own files. */
export function createNodeFiles(): HostFiles {
  return {
    async makeDirectory(path, mode) {
      await mkdir(path, { recursive: true });
      // mkdir's mode is cut by the umask.
      if (mode !== undefined) await chmod(path, mode);
    },
    async writeFile(path, data, mode) {
      await writeFile(path, data, mode === undefined ? {} : { mode });
      if (mode !== undefined) await chmod(path, mode);
    },
    async readFile(path, { offset = 0, length = Number.POSITIVE_INFINITY } = {}) {
      return unlessMissing(() => readPart(path, offset, length));
    },
    stat: (path) => unlessMissing(() => statOf(path)),
    async list(path) {
      return unlessMissing(async () => (await readdir(path)).sort());
    },
    async remove(path) {
      await rm(path, { recursive: true, force: true });
    },
    symlink: (target, path) => symlink(target, path),
    readLink: (path) => unlessMissing(() => readlink(path), 'EINVAL'),
    rename: (from, to) => rename(from, to),
    realPath: (path) => unlessMissing(() => realpath(path)),
    setGroup,
    async mountTmpfs(path, sizeBytes) {
      if ((await mounts()).includes(path)) return;
      const size = sizeBytes === undefined ? '' : `,size=${sizeBytes}`;
      await run('mount', ['-t', 'tmpfs', '-o', `mode=0777${size}`, 'tmpfs', path], { timeout: 10_000 });
    },
    async unmount(path) {
      if ((await mounts()).includes(path)) await run('umount', ['-l', path], { timeout: 10_000 });
    },
    async mountsBelow(path) {
      return (await mounts()).filter((mount) => mount === path || mount.startsWith(`${path}/`)).sort();
    },
    changes,
  };
}

async function readPart(path: string, offset: number, length: number): Promise<Uint8Array> {
  if (offset === 0 && length === Number.POSITIVE_INFINITY) return readFile(path);
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const start = offset < 0 ? Math.max(0, size + offset) : offset;
    const wanted = Math.max(0, Math.min(length, size - start));
    const buffer = new Uint8Array(wanted);
    let read = 0;
    while (read < wanted) {
      const { bytesRead } = await file.read(buffer, read, wanted - read, start + read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return buffer.subarray(0, read);
  } finally {
    await file.close();
  }
}

async function statOf(path: string): Promise<FileStat> {
  const found = await stat(path);
  const kind = found.isDirectory()
    ? 'directory'
    : found.isFile()
      ? 'file'
      : found.isSocket()
        ? 'socket'
        : found.isBlockDevice()
          ? 'block'
          : found.isCharacterDevice()
            ? 'character'
            : 'other';
  return { kind, size: found.size, mode: found.mode & 0o7777, identity: `${found.dev}:${found.ino}` };
}

async function setGroup(path: string, gid: number): Promise<void> {
  await lchown(path, -1, gid);
  const { mode, kind } = await statOf(path);
  // The group may do what the owner may; what is made in a directory belongs to the group as well.
  const group = (mode & 0o700) >> 3;
  await chmod(path, mode | group | (kind === 'directory' ? 0o2070 : 0));
  if (kind !== 'directory') return;
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (entry.isSymbolicLink()) await lchown(inner, -1, gid);
    else await setGroup(inner, gid);
  }
}

/** Mount points of this process, with the kernel's escapes resolved. */
async function mounts(): Promise<string[]> {
  const content = (await unlessMissing(() => readFile('/proc/self/mountinfo', 'utf8'))) ?? '';
  return content
    .split('\n')
    .map((line) => line.split(' ')[4])
    .filter((path) => path !== undefined)
    .map((path) => path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))));
}

function changes(path: string, signal: AbortSignal): AsyncIterable<void> {
  let changed = false;
  let wake: (() => void) | undefined;
  const poke = (): void => {
    changed = true;
    wake?.();
  };
  let watcher: ReturnType<typeof watch> | undefined;
  try {
    watcher = watch(path, { persistent: false }, poke);
    // A file that goes away is looked at again all the same.
    watcher.on('error', poke);
  } catch {
    // Not there yet, or no watches left: the timer finds it.
  }
  const timer = setInterval(poke, lookAgain);
  timer.unref();
  const stop = (): void => {
    watcher?.close();
    clearInterval(timer);
    poke();
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  return (async function* () {
    while (!signal.aborted) {
      if (!changed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      changed = false;
      if (!signal.aborted) yield;
    }
  })();
}

/** Undefined for what is not there (`ENOENT`, `ENOTDIR`, or another code that means as much to the caller). */
async function unlessMissing<T>(read: () => Promise<T>, also?: string): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ENOENT' || code === 'ENOTDIR' || (also !== undefined && code === also)) return undefined;
    throw error;
  }
}
