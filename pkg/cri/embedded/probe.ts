import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { detectCgroups } from './cgroups.ts';

/** What stands in the way, and what to do about it: one line each, for people. */
export interface Obstacle {
  readonly what: string;
  readonly remedy: string;
}
export interface ProbeResult {
  readonly ok: boolean;
  /** Without these it does not run. */
  readonly reasons: readonly Obstacle[];
  /** It runs, but not all of it. */
  readonly warnings: readonly Obstacle[];
}
export interface ProbeOptions {
  /** Where the runtime would keep its state; the nearest existing folder above is tried. */
  readonly directory: string;
  /** Where commands are looked for; default: PATH and the system's folders. */
  readonly path?: readonly string[];
}

/** Programs by the package that brings them (Debian's names). */
const programs: Readonly<Record<string, readonly string[]>> = {
  'util-linux': ['unshare', 'nsenter', 'setpriv', 'setsid', 'pivot_root'],
  mount: ['mount', 'umount'],
  iproute2: ['ip'],
  coreutils: ['env', 'mkdir', 'mkfifo', 'chown'],
  'libc-bin': ['ldd'],
};
const systemPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
/** capabilities(7): chown, setuid, setpcap, net_admin, sys_chroot, sys_admin. */
const capabilities: Readonly<Record<string, number>> = { CHOWN: 0, SETUID: 7, SETPCAP: 8, NET_ADMIN: 12, SYS_CHROOT: 18, SYS_ADMIN: 21 };

/** Finds out whether the embedded runtime would work here, by trying what it needs; leaves nothing behind. */
export async function probeEmbedded(options: ProbeOptions): Promise<ProbeResult> {
  const reasons: Obstacle[] = [];
  const warnings: Obstacle[] = [];
  const result = (): ProbeResult => ({ ok: reasons.length === 0, reasons, warnings });
  if (process.platform !== 'linux') {
    reasons.push({ what: `containers need Linux, and this is ${process.platform}`, remedy: 'use --runtime fake' });
    return result();
  }
  const path = options.path ?? [...(process.env['PATH'] ?? '').split(':').filter(Boolean), ...systemPath];
  const has = (name: string): boolean => path.some((folder) => existsSync(join(folder, name)));
  for (const [source, names] of Object.entries(programs)) {
    const missing = names.filter((name) => !has(name));
    if (missing.length > 0) reasons.push({ what: `the command ${missing.join(', ')} is missing`, remedy: `apt-get install ${source}` });
  }
  if (!has('nft'))
    warnings.push({
      what: 'the command nft is missing: pods reach each other, but nothing outside, and host ports do not work',
      remedy: 'apt-get install nftables',
    });
  const rights = missingRights();
  if (rights) reasons.push(rights);
  // What follows would fail for the same reasons.
  if (reasons.length > 0) return result();
  const controlGroups = tryCgroups();
  if (controlGroups) reasons.push(controlGroups);
  const namespaces = await tryNamespaces();
  if (namespaces) reasons.push(namespaces);
  else {
    const overlay = await tryOverlay(nearestFolder(options.directory));
    if (overlay) reasons.push(overlay);
  }
  return result();
}

/** One line a reason: `no root: run it with sudo, or use --runtime fake`. */
export function describeObstacles(obstacles: readonly Obstacle[]): string {
  return obstacles.map(({ what, remedy }) => `${what}: ${remedy}`).join('\n');
}

function missingRights(): Obstacle | undefined {
  if (process.geteuid?.() !== 0)
    return { what: 'containers need root, and this is another user', remedy: 'run it with sudo, or use --runtime fake' };
  const effective = BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  const missing = Object.entries(capabilities).filter(([, bit]) => ((effective >> BigInt(bit)) & 1n) === 0n);
  if (missing.length === 0) return undefined;
  return {
    what: `root lacks the capabilities ${missing.map(([name]) => name).join(', ')}, as in a container`,
    remedy: 'run it on the machine itself or in a privileged container, or use --runtime fake',
  };
}

function tryCgroups(): Obstacle | undefined {
  const cgroups = detectCgroups();
  if (!cgroups)
    return {
      what: 'no control groups with a memory controller are mounted',
      remedy: 'mount -t cgroup2 cgroup2 /sys/fs/cgroup, or boot with systemd.unified_cgroup_hierarchy=1',
    };
  const name = `gokube-probe-${process.pid}`;
  try {
    cgroups.create(name);
    for (const folder of cgroups.folders(name)) rmdirSync(folder);
    return undefined;
  } catch (error) {
    return { what: `control groups cannot be made: ${textOf(error)}`, remedy: 'mount /sys/fs/cgroup so that it can be written to' };
  }
}

async function tryNamespaces(): Promise<Obstacle | undefined> {
  try {
    await run(['unshare', '--net', '--ipc', '--uts', '--mount', '--pid', 'sh', '-c', 'true; true'], '/');
    return undefined;
  } catch (error) {
    return { what: `the kernel makes no namespaces: ${textOf(error)}`, remedy: 'use a kernel with CONFIG_NAMESPACES, or --runtime fake' };
  }
}

/** In a mount namespace of its own, so that nothing can be left. */
async function tryOverlay(directory: string): Promise<Obstacle | undefined> {
  const folder = mkdtempSync(join(directory, '.gokube-probe-'));
  try {
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(folder, name));
    const script =
      'mount -n -i -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged && echo x >merged/file && cp /bin/true program && ./program';
    await run(['unshare', '--mount', 'sh', '-c', script], folder);
    return undefined;
  } catch (error) {
    const text = textOf(error);
    if (/unknown filesystem type|No such device/.test(text)) return { what: 'the kernel has no overlayfs', remedy: 'modprobe overlay' };
    if (/program/.test(text)) return { what: `programs may not run in ${directory} (mounted noexec)`, remedy: 'choose another --data-dir' };
    return { what: `overlayfs does not work in ${directory}: ${text}`, remedy: 'choose a --data-dir on ext4, xfs, btrfs or tmpfs' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function nearestFolder(path: string): string {
  let folder = path;
  while (!existsSync(folder)) folder = join(folder, '..');
  return folder;
}

async function run(argv: readonly string[], cwd: string): Promise<void> {
  const [file = '', ...args] = argv;
  await promisify(execFile)(file, args, { cwd, env: { PATH: systemPath.join(':'), LC_ALL: 'C' }, timeout: 10_000 });
}

function textOf(error: unknown): string {
  const stderr = (error as { stderr?: string }).stderr?.trim();
  return (stderr || (error instanceof Error ? error.message : String(error))).split('\n')[0] ?? '';
}
