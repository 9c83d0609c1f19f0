import { existsSync, mkdirSync, readdirSync, realpathSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { type ContainerConfig, type Mount, RuntimeError } from '../cri.ts';
import { boundingSet } from './capabilities.ts';
import { coverHidden } from './covers.ts';
import { fstabLine } from './fstab.ts';
import type { ImageRoot } from './images/image.ts';
import { type StartPlan, startScript } from './start-script.ts';
import { type Toolkit, toolkitMount } from './toolkit.ts';

/**
 * Everything of a container on disk, made before it starts: overlay folders, mount lists, start script. Plain data:
 * the helper does the work, since it is some hundred small file operations.
 */
export interface BundleOptions {
  /** The machine's state folder; all other paths here are relative to it. */
  readonly directory: string;
  readonly folder: string;
  readonly config: ContainerConfig;
  readonly image: ImageRoot;
  readonly toolkit: Toolkit;
  readonly hostname: string;
  /** What a pod gives each of its containers unless the container mounts something else there. */
  readonly podMounts: readonly Mount[];
  /** Absolute: what /dev/shm shows. */
  readonly shm: string;
  readonly cgroupProcs: readonly string[];
  /** Folders to show at /sys/fs/cgroup: name within it (empty for cgroup v2) and folder. */
  readonly cgroupView: readonly (readonly [name: string, folder: string])[];
  readonly pid: 'container' | 'pod' | 'node';
  /** Kernel 5.10 and later: what a container wrote need not be flushed when it ends. */
  readonly volatileOverlay: boolean;
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
/** Kubernetes' defaults for `procMount: Default`. */
const defaultMaskedPaths = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const defaultReadonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** What an exec in this container needs to know. */
export interface Bundle {
  readonly script: string;
  readonly propagation: 'private' | 'slave';
  readonly environment: readonly { readonly name: string; readonly value: string }[];
  readonly workingDir: string;
  readonly boundingSet: string;
}

export function createBundle(options: BundleOptions): Bundle {
  const { config, image, directory, folder } = options;
  const security = config.security ?? {};
  const privileged = security.privileged === true;
  const command = commandOf(config, image);
  const environment = environmentOf(config, image, options.hostname);
  for (const text of [...command, ...environment.flatMap(({ name, value }) => [name, value])])
    if (text.includes('\0')) throw new RuntimeError('InvalidArgument', 'command and environment cannot hold a NUL character');
  const workingDir = posix.join('/', config.workingDir || image.config.workingDir || '/');

  const at = (...names: string[]): string => join(directory, folder, ...names);
  for (const name of [
    'upper/dev',
    'upper/proc',
    'upper/sys',
    'work',
    'root',
    'dev/pts',
    'dev/shm',
    'dev/mqueue',
    `dev/${basename(toolkitMount)}`,
    'from',
  ])
    mkdirSync(at(name), { recursive: true });
  for (const [name, target] of [
    ['fd', '/proc/self/fd'],
    ['stdin', '/proc/self/fd/0'],
    ['stdout', '/proc/self/fd/1'],
    ['stderr', '/proc/self/fd/2'],
    ['ptmx', 'pts/ptmx'],
    ['core', '/proc/kcore'],
  ] as const)
    symlinkSync(target, at('dev', name));

  const mounts = [...coverHidden(image.hidden, at('upper'), at('covers')), ...image.mounts, ...options.podMounts, ...config.mounts];
  const wanted = new Map(mounts.map((mount) => [posix.normalize(mount.containerPath).replace(/(.)\/$/, '$1'), mount]));
  const slave = mounts.some(({ propagation }) => propagation === 'hostToContainer');
  for (const { propagation } of mounts)
    if (propagation === 'bidirectional')
      throw new RuntimeError('InvalidArgument', 'mount propagation Bidirectional is not available in the embedded runtime');

  const nodev = privileged ? '' : ',nodev';
  const root = at('root');
  const inRoot = (path: string): string => `${root}${path}`;
  // Relative to the folder of the layers, which keeps the options short and free of characters that mean something.
  const overlay = `lowerdir=${image.layers.join(':')},upperdir=../${folder}/upper,workdir=../${folder}/work${options.volatileOverlay ? ',volatile' : ''}`;
  let before =
    fstabLine('overlay', root, 'overlay', overlay + nodev) +
    fstabLine(at('dev'), inRoot('/dev'), 'none', `bind,nosuid${nodev}`) +
    fstabLine(options.toolkit.folder, inRoot(toolkitMount), 'none', 'bind,ro,nosuid,nodev') +
    fstabLine(at('from'), inRoot(`${toolkitMount}/from`), 'none', 'bind,ro') +
    fstabLine('proc', inRoot('/proc'), 'proc', 'nosuid,nodev,noexec') +
    fstabLine('sysfs', inRoot('/sys'), 'sysfs', `${privileged ? 'rw' : 'ro'},nosuid,nodev,noexec`) +
    fstabLine('devpts', inRoot('/dev/pts'), 'devpts', 'newinstance,ptmxmode=0666,mode=0620,gid=5,nosuid,noexec') +
    fstabLine('mqueue', inRoot('/dev/mqueue'), 'mqueue', 'nosuid,nodev,noexec');
  if (!wanted.has('/dev/shm')) before += fstabLine(options.shm, inRoot('/dev/shm'), 'none', 'bind,nosuid,nodev,noexec');
  for (const device of privileged ? machineDevices() : devices) {
    mkdirSync(dirname(at('dev', device)), { recursive: true });
    writeFileSync(at('dev', device), '');
    before += fstabLine(`/dev/${device}`, inRoot(`/dev/${device}`), 'none', 'bind');
  }
  if (config.tty) writeFileSync(at('dev/console'), '');
  before += cgroupLines(options.cgroupView, inRoot('/sys/fs/cgroup'), privileged);

  const after: { fstab: string; folders: string[]; files: string[] }[] = [];
  const lists: string[] = [];
  let covered: string[] = [];
  const sorted = [...wanted].sort(([a], [b]) => depth(a) - depth(b));
  for (const [index, [target, mount]] of sorted.entries()) {
    if (target === '/') throw new RuntimeError('InvalidArgument', 'a volume cannot be mounted at /');
    const source = sourceOf(mount);
    const isFolder = statSync(source).isDirectory();
    if (isFolder) mkdirSync(at('from', String(index)));
    else writeFileSync(at('from', String(index)), '');
    before += fstabLine(source, inRoot(`${toolkitMount}/from/${index}`), 'none', isFolder ? 'rbind' : 'bind');
    // A target below another volume can be made only once that one is mounted; and since links may lead there
    // (/var/run to /run), what lies deeper always comes later.
    if (after.length === 0 || depth(target) > depth(covered[0] as string)) {
      after.push({ fstab: `fstab.${after.length}`, folders: [], files: [] });
      lists.push('');
      covered = [];
    }
    const group = after.at(-1) as (typeof after)[number];
    (isFolder ? group.folders : group.files).push(target);
    const flags = [
      isFolder ? 'rbind' : 'bind',
      mount.readonly ? 'ro' : 'rw',
      ...(privileged ? [] : ['nodev']),
      mount.propagation === 'hostToContainer' ? 'rslave' : 'rprivate',
    ];
    lists[lists.length - 1] += fstabLine(`${toolkitMount}/from/${index}`, target, 'none', flags.join(','));
    covered.push(target);
  }
  if (after.length === 0) {
    after.push({ fstab: 'fstab.0', folders: [], files: [] });
    lists.push('');
  }
  if (!privileged)
    lists[lists.length - 1] += restrictions(security.maskedPaths ?? defaultMaskedPaths, security.readonlyPaths ?? defaultReadonlyPaths);

  for (const [index, list] of lists.entries()) writeFileSync(at('from', `fstab.${index}`), list);
  writeFileSync(at('before.fstab'), before);
  const bounding = boundingSet(security);
  const plan: StartPlan = {
    layers: join(directory, 'layers'),
    beforeFstab: at('before.fstab'),
    root,
    after,
    cgroupProcs: options.cgroupProcs,
    oomScoreAdj: config.resources?.oomScoreAdj,
    tty: config.tty,
    stdin: config.stdin,
    hideProc: options.pid === 'node',
    readonlyRoot: security.readOnlyRootFilesystem === true,
    workingDir,
    user: security.runAsUser !== undefined ? String(security.runAsUser) : (security.runAsUsername ?? image.config.user),
    group: security.runAsGroup === undefined ? undefined : String(security.runAsGroup),
    supplementalGroups: security.supplementalGroups ?? [],
    environment,
    command,
    boundingSet: bounding,
    noNewPrivileges: security.noNewPrivileges === true,
  };
  writeFileSync(at('start.sh'), startScript(plan, options.toolkit));
  return { script: at('start.sh'), propagation: slave ? 'slave' : 'private', environment, workingDir, boundingSet: bounding };
}

/** Kubernetes' rule: a command of the pod's also replaces the image's arguments. */
function commandOf(config: ContainerConfig, image: ImageRoot): readonly string[] {
  const entrypoint = config.command?.length ? config.command : image.config.entrypoint;
  const args = config.args?.length ? config.args : config.command?.length ? [] : image.config.command;
  const command = [...entrypoint, ...args];
  if (command.length === 0) throw new RuntimeError('StartFailed', 'no command specified: neither the image nor the pod names one');
  return command;
}

function environmentOf(config: ContainerConfig, image: ImageRoot, hostname: string): readonly { name: string; value: string }[] {
  const environment = new Map<string, string>([
    ['PATH', defaultPath],
    ['HOSTNAME', hostname],
  ]);
  if (config.tty) environment.set('TERM', 'xterm');
  for (const entry of image.config.environment) {
    const at = entry.indexOf('=');
    if (at > 0) environment.set(entry.slice(0, at), entry.slice(at + 1));
  }
  for (const { name, value } of config.env) environment.set(name, value);
  return [...environment].map(([name, value]) => ({ name, value }));
}

/** Without symbolic links: they would be followed by a process that sees another root. */
function sourceOf(mount: Mount): string {
  if (!existsSync(mount.hostPath)) mkdirSync(mount.hostPath, { recursive: true });
  return realpathSync(mount.hostPath);
}

function depth(path: string): number {
  return path.split('/').length;
}

/** Paths of /proc and /sys are the kernel's, so that this machine can tell whether and what they are. */
function restrictions(masked: readonly string[], readonly: readonly string[]): string {
  let lines = '';
  for (const path of readonly) if (kernelPath(path)) lines += fstabLine(path, path, 'none', 'bind,ro,nosuid,nodev,noexec');
  for (const path of masked) {
    const kind = kernelPath(path);
    if (kind === 'folder') lines += fstabLine('tmpfs', path, 'tmpfs', 'ro,nosuid,nodev,noexec');
    else if (kind === 'file') lines += fstabLine('/dev/null', path, 'none', 'bind');
  }
  return lines;
}

function kernelPath(path: string): 'folder' | 'file' | undefined {
  if (!/^\/(proc|sys)\//.test(path) || path.split('/').includes('..'))
    throw new RuntimeError('InvalidArgument', `masked and read-only paths lie below /proc or /sys, not at "${path}"`);
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? undefined : stat.isDirectory() ? 'folder' : 'file';
}

function cgroupLines(view: BundleOptions['cgroupView'], target: string, privileged: boolean): string {
  const flags = `bind,${privileged ? 'rw' : 'ro'},nosuid,nodev,noexec`;
  const unified = view.find(([name]) => name === '')?.[1];
  if (unified !== undefined) return fstabLine(unified, target, 'none', flags);
  let lines = fstabLine('tmpfs', target, 'tmpfs', 'nosuid,nodev,noexec,mode=755,size=64k');
  for (const [name, folder] of view) lines += fstabLine(folder, `${target}/${name}`, 'none', `${flags},X-mount.mkdir`);
  return lines;
}

/** Every device node of the machine, for privileged containers: names relative to /dev. */
function machineDevices(folder = '/dev', prefix = ''): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const name = prefix + entry.name;
    if (entry.isDirectory() && !['pts', 'shm', 'mqueue', 'hugepages', 'fd'].includes(name))
      found.push(...machineDevices(join(folder, entry.name), `${name}/`));
    else if ((entry.isCharacterDevice() || entry.isBlockDevice()) && name !== 'ptmx' && name !== 'console') found.push(name);
  }
  return found;
}
