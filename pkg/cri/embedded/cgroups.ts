import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerStats, LinuxResources } from '../cri.ts';

/**
 * Control groups, in both of the kernel's interfaces: CPU, memory and process limits per container and per pod,
 * what they use, and whether the kernel had to kill for memory. A path is relative: `gokube-x/node-1/POD/CONTAINER`.
 * Reference: the kernel's admin-guide, cgroup-v1/ and cgroup-v2.rst.
 */
export interface Cgroups {
  readonly version: 1 | 2;
  /** Makes the group and sets its limits. Only leaves of the tree hold processes. */
  create(path: string, resources?: LinuxResources): void;
  update(path: string, resources: LinuxResources): void;
  /** The `cgroup.procs` files that a process enters by writing 0. */
  procs(path: string): readonly string[];
  /** The group's folders, one per hierarchy. */
  folders(path: string): readonly string[];
  /** How often the kernel killed a process of this group for memory. */
  oomKills(path: string): number;
  stats(path: string): Omit<ContainerStats, 'timestamp'>;
  /** Removes the group and all below it, as soon as its processes are gone. Idempotent. */
  remove(path: string): Promise<void>;
}

/** Finds the machine's hierarchies from mountinfo; undefined when it has none of the two. */
export function detectCgroups(mountinfo: string = readFileSync('/proc/self/mountinfo', 'utf8')): Cgroups | undefined {
  const hierarchies = new Map<string, string>();
  let unified: string | undefined;
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    if (!left || !right) continue;
    const folder = (left.split(' ')[4] ?? '').replaceAll('\\040', ' ');
    const [type, , options] = right.split(' ');
    if (type === 'cgroup2') unified ??= folder;
    if (type !== 'cgroup') continue;
    for (const controller of (options ?? '').split(','))
      if (['cpu', 'cpuacct', 'memory', 'pids'].includes(controller)) hierarchies.set(controller, folder);
  }
  if (hierarchies.has('memory')) return new CgroupsV1(hierarchies);
  if (unified !== undefined && /\bmemory\b/.test(read(join(unified, 'cgroup.controllers')))) return new CgroupsV2(unified);
  return undefined;
}

export class CgroupsV1 implements Cgroups {
  readonly version = 1;
  readonly #roots: ReadonlyMap<string, string>;
  readonly #distinct: readonly string[];

  /** Controller to the folder where its hierarchy is mounted; `cpu` and `cpuacct` are often one. */
  constructor(roots: ReadonlyMap<string, string>) {
    this.#roots = roots;
    this.#distinct = [...new Set(roots.values())];
  }

  create(path: string, resources?: LinuxResources): void {
    for (const folder of this.folders(path)) mkdirSync(folder, { recursive: true });
    if (resources) this.update(path, resources);
  }

  update(path: string, resources: LinuxResources): void {
    if (resources.cpuShares !== undefined) this.#write('cpu', path, 'cpu.shares', Math.max(2, resources.cpuShares));
    if (resources.cpuQuota !== undefined) {
      this.#write('cpu', path, 'cpu.cfs_period_us', resources.cpuPeriod ?? defaultPeriod);
      this.#write('cpu', path, 'cpu.cfs_quota_us', resources.cpuQuota);
    }
    if (resources.memoryLimitBytes !== undefined && resources.memoryLimitBytes > 0) this.#limitMemory(path, resources.memoryLimitBytes);
    if (resources.pidsLimit !== undefined) this.#write('pids', path, 'pids.max', resources.pidsLimit > 0 ? resources.pidsLimit : 'max');
  }

  procs(path: string): readonly string[] {
    return this.folders(path).map((folder) => join(folder, 'cgroup.procs'));
  }
  folders(path: string): readonly string[] {
    return this.#distinct.map((root) => join(root, path));
  }

  oomKills(path: string): number {
    return field(this.#read('memory', path, 'memory.oom_control'), 'oom_kill');
  }

  stats(path: string): Omit<ContainerStats, 'timestamp'> {
    const inactive = field(this.#read('memory', path, 'memory.stat'), 'total_inactive_file');
    return {
      cpuUsageNanos: Number(this.#read('cpuacct', path, 'cpuacct.usage') || 0),
      memoryWorkingSetBytes: Math.max(0, Number(this.#read('memory', path, 'memory.usage_in_bytes') || 0) - inactive),
      pids: Number(this.#read('pids', path, 'pids.current') || 0),
    };
  }

  async remove(path: string): Promise<void> {
    for (const folder of this.folders(path)) await removeTree(folder);
  }

  /** Without swap, as Kubernetes has it: memory and memory with swap get the same limit, the larger of the two first. */
  #limitMemory(path: string, bytes: number): void {
    const [memory, withSwap] = ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'] as const;
    const hasSwap = this.#read('memory', path, withSwap) !== '';
    const grows = bytes > Number(this.#read('memory', path, memory) || 0);
    if (hasSwap && grows) this.#write('memory', path, withSwap, bytes);
    this.#write('memory', path, memory, bytes);
    if (hasSwap && !grows) this.#write('memory', path, withSwap, bytes);
  }

  #write(controller: string, path: string, file: string, value: number | string): void {
    const root = this.#roots.get(controller);
    if (root !== undefined) writeFileSync(join(root, path, file), String(value));
  }
  #read(controller: string, path: string, file: string): string {
    const root = this.#roots.get(controller);
    return root === undefined ? '' : read(join(root, path, file));
  }
}

export class CgroupsV2 implements Cgroups {
  readonly version = 2;
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  create(path: string, resources?: LinuxResources): void {
    // A controller works in a group once every group above hands it down.
    let parent = this.#root;
    for (const name of path.split('/')) {
      const enabled = read(join(parent, 'cgroup.subtree_control')).trim().split(' ');
      const missing = ['cpu', 'memory', 'pids'].filter((controller) => !enabled.includes(controller));
      if (missing.length > 0)
        writeFileSync(join(parent, 'cgroup.subtree_control'), missing.map((controller) => `+${controller}`).join(' '));
      parent = join(parent, name);
      if (!existsSync(parent)) mkdirSync(parent);
    }
    if (resources) this.update(path, resources);
  }

  update(path: string, resources: LinuxResources): void {
    const write = (file: string, value: number | string): void => writeFileSync(join(this.#root, path, file), String(value));
    if (resources.cpuShares !== undefined) write('cpu.weight', weightOfShares(resources.cpuShares));
    if (resources.cpuQuota !== undefined)
      write('cpu.max', `${resources.cpuQuota > 0 ? resources.cpuQuota : 'max'} ${resources.cpuPeriod ?? defaultPeriod}`);
    if (resources.memoryLimitBytes !== undefined && resources.memoryLimitBytes > 0) {
      write('memory.max', resources.memoryLimitBytes);
      if (existsSync(join(this.#root, path, 'memory.swap.max'))) write('memory.swap.max', 0);
      // Kubernetes kills a container as a whole since v1.28 (KubeletConfiguration singleProcessOOMKill).
      if (existsSync(join(this.#root, path, 'memory.oom.group'))) write('memory.oom.group', 1);
    }
    if (resources.pidsLimit !== undefined) write('pids.max', resources.pidsLimit > 0 ? resources.pidsLimit : 'max');
  }

  procs(path: string): readonly string[] {
    return [join(this.#root, path, 'cgroup.procs')];
  }
  folders(path: string): readonly string[] {
    return [join(this.#root, path)];
  }
  oomKills(path: string): number {
    return field(read(join(this.#root, path, 'memory.events')), 'oom_kill');
  }
  stats(path: string): Omit<ContainerStats, 'timestamp'> {
    const at = (file: string): string => read(join(this.#root, path, file));
    return {
      cpuUsageNanos: field(at('cpu.stat'), 'usage_usec') * 1000,
      memoryWorkingSetBytes: Math.max(0, Number(at('memory.current') || 0) - field(at('memory.stat'), 'inactive_file')),
      pids: Number(at('pids.current') || 0),
    };
  }
  remove(path: string): Promise<void> {
    return removeTree(join(this.#root, path));
  }
}

const defaultPeriod = 100_000;

/** Kubernetes' conversion: [2, 262144] of cgroup v1 onto [1, 10000] of v2 (KEP-2254). */
export function weightOfShares(shares: number): number {
  const bounded = Math.min(262_144, Math.max(2, shares));
  return 1 + Math.floor(((bounded - 2) * 9999) / 262_142);
}

/** A file's text; empty when it is not there: a controller that is off, a group that is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function field(text: string, name: string): number {
  for (const line of text.split('\n')) {
    const [key, value] = line.split(' ');
    if (key === name) return Number(value);
  }
  return 0;
}

/** A group whose last process just died is busy for a moment longer. */
async function removeTree(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  for (let wait = 1; ; wait *= 2) {
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT') return;
      if (wait > 1000) throw new Error(`cannot remove the cgroup ${dirname(folder)}: ${code}`, { cause: error });
      await sleep(wait);
    }
  }
}
