import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cgroups } from './cgroups.ts';

/**
 * Removes what an earlier process of the same cluster left, found by the cluster's prefix: helpers, processes in its
 * control groups, the groups, shared memory, containers' folders. Namespaces and mounts end with the processes.
 */
export async function sweepMachine(options: {
  readonly prefix: string;
  readonly directory: string;
  readonly cgroups: Cgroups;
}): Promise<void> {
  const { prefix, directory, cgroups } = options;
  for (let round = 0; ; round++) {
    const pids = [...helpers(prefix), ...cgroups.folders(prefix).flatMap(members)];
    for (const pid of pids) kill(pid);
    if (pids.length === 0) break;
    if (round > 100) throw new Error(`processes of an earlier run do not end: ${pids.join(', ')}`);
    await sleep(20);
  }
  await cgroups.remove(prefix);
  for (const name of readdirSync('/dev/shm'))
    if (name.startsWith(`${prefix}.`)) await rm(join('/dev/shm', name), { recursive: true, force: true });
  await rm(join(directory, 'nodes'), { recursive: true, force: true });
}

/** Runtime helpers carry the prefix as an argument of its own. */
function helpers(prefix: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      const words = read(`/proc/${pid}/cmdline`).split('\0');
      return words.includes(prefix) && words.some((word) => /\/helper\/main\.[tj]s$/.test(word));
    })
    .map(Number);
}

/** Every process in a cgroup folder and below. */
function members(folder: string): number[] {
  let entries: string[];
  try {
    entries = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return []; // Not there: nothing in it.
  }
  const own = read(join(folder, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);
  return [...own, ...entries.flatMap((name) => members(join(folder, name)))];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // The process or group ended in between.
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended in between.
  }
}
