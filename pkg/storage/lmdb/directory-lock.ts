import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '../store.ts';

/** Who holds a lock. A process is named by its id and its start, since ids are used again. */
interface Holder {
  readonly pid: number;
  /** Which boot, and clock ticks since then; absent where there is no /proc. */
  readonly started?: string;
  readonly token: string;
}

export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * One process at a time: a file naming the holder, made by `link`, which fails if it is there already. The lock of a
 * process that has died is taken over. So that only one successor does it, it first takes a second lock of the same
 * kind, named after the dead holder's token, and then looks again. Throws `InUse` naming the process that has it.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  return acquire(directory, 'lock');
}

async function acquire(directory: string, name: string): Promise<DirectoryLock> {
  const file = join(directory, name);
  const started = await startOf(process.pid);
  const me: Holder = { pid: process.pid, ...(started !== undefined && { started }), token: randomUUID() };
  const draft = `${file}.${me.token}`;
  // On disk before it has the name: after a power failure, too, a lock says who held it.
  await writeFile(draft, JSON.stringify(me), { flush: true });
  try {
    for (;;) {
      if (await tryLink(draft, file)) break;
      const holder = await read(file);
      if (!holder) continue;
      if (await isAlive(holder)) {
        throw new StoreError('InUse', `the data directory ${directory} is in use by ${describe(holder)}`);
      }
      const takeover = await acquire(directory, `lock-after-${holder.token}`);
      try {
        if ((await read(file))?.token !== holder.token) continue;
        await rename(draft, file);
        break;
      } finally {
        await takeover.release();
      }
    }
  } finally {
    await rm(draft, { force: true });
  }
  return {
    release: async () => {
      if ((await read(file))?.token === me.token) await rm(file, { force: true });
    },
  };
}

function describe(holder: Holder): string {
  return holder.pid === process.pid ? `this process (pid ${holder.pid})` : `process ${holder.pid}`;
}

async function tryLink(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** undefined: nobody holds it any more. */
async function read(file: string): Promise<Holder | undefined> {
  const unreadable = `the lock ${file} cannot be read; remove it if no process uses the directory`;
  let holder: Partial<Holder>;
  try {
    holder = Object(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StoreError('Damaged', unreadable, { cause: error });
  }
  if (!Number.isInteger(holder.pid) || typeof holder.token !== 'string') throw new StoreError('Damaged', unreadable);
  return holder as Holder;
}

async function isAlive(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it is alive, and somebody else's.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const started = await startOf(holder.pid);
  return holder.started === undefined || started === undefined || started === holder.started;
}

async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => undefined);
  if (!stat || !boot) return undefined;
  // The name, in parentheses, may hold anything; the start is the 20th field after it, and a zombie is dead.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? 'dead' : `${boot.trim()}/${fields[19]}`;
}
