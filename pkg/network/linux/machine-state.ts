import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What the clusters of one machine share: which address ranges are taken, and whether the machine forwarded packets
 * before the first of them. Kept in /run/gokube, one file per running cluster; the last one to leave puts
 * forwarding back as it was. A cluster that was killed counts as gone: its process is.
 */
export interface Registration {
  readonly pid: number;
  /** When that process started (field 22 of /proc/PID/stat): a pid alone may have a new owner. */
  readonly started: string;
  readonly nodeNetwork: string;
  readonly podNetwork: string;
}

const folder = '/run/gokube';
const networks = join(folder, 'networks');
const forwardFile = '/proc/sys/net/ipv4/ip_forward';
const rememberedForward = join(folder, 'ip_forward');
const lockFile = join(folder, 'lock');

/** Runs `work` while no other cluster of this machine chooses ranges or leaves. */
export async function withMachineLock<T>(work: () => Promise<T>): Promise<T> {
  mkdirSync(networks, { recursive: true });
  for (let waited = 0; ; waited++) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT') mkdirSync(networks, { recursive: true });
      else if (code !== 'EEXIST') throw error;
      else if (isAbandoned()) rmSync(lockFile, { force: true });
      else if (waited > 1000) throw new Error(`${lockFile} is held by process ${readText(lockFile)} for too long`, { cause: error });
      await sleep(10);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(lockFile, { force: true });
    removeIfEmpty(networks);
    removeIfEmpty(folder);
  }
}

/** The clusters that run now, without the one named. Call under the lock. */
export function registrations(except: string): readonly Registration[] {
  const found: Registration[] = [];
  for (const name of readdirSync(networks)) {
    if (name === except) continue;
    try {
      const entry = JSON.parse(readText(join(networks, name))) as Registration;
      if (startTime(entry.pid) === entry.started) found.push(entry);
      else rmSync(join(networks, name), { force: true });
    } catch {
      rmSync(join(networks, name), { force: true }); // Half written by a process that was killed.
    }
  }
  return found;
}

/** Notes the cluster and makes the machine forward. Call under the lock. */
export function register(prefix: string, ranges: { nodeNetwork: string; podNetwork: string }): void {
  const entry: Registration = { pid: process.pid, started: startTime(process.pid) ?? '', ...ranges };
  writeFileSync(join(networks, prefix), JSON.stringify(entry));
  const before = readText(forwardFile).trim();
  if (before === '1') return;
  writeFileSync(rememberedForward, before);
  writeFileSync(forwardFile, '1');
}

/** Forgets the cluster; the last one puts forwarding back. Call under the lock. */
export function unregister(prefix: string): void {
  rmSync(join(networks, prefix), { force: true });
  if (registrations(prefix).length > 0) return;
  const before = readText(rememberedForward).trim();
  if (before !== '') writeFileSync(forwardFile, before);
  rmSync(rememberedForward, { force: true });
}

function startTime(pid: number): string | undefined {
  // The name in field 2 may hold spaces and brackets: count from its end.
  const stat = readText(`/proc/${pid}/stat`);
  return stat === '' ? undefined : stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

/** Its owner is gone; one that has not yet written its number gets a second to do so. */
function isAbandoned(): boolean {
  const owner = Number(readText(lockFile));
  if (owner > 0) return startTime(owner) === undefined;
  const stat = statSync(lockFile, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > 1000;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // Not there: nothing known.
  }
}

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Others are still there.
  }
}
