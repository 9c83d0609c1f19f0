import { existsSync, mkdirSync, readdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { type Mount, RuntimeError } from '../cri.ts';
import type { BundleOptions } from './bundle-options.ts';
import { coverFiles, takeAfter } from './covers.ts';
import { fstabLine } from './fstab.ts';
import { toolkitMount } from './toolkit.ts';

/** What `mount -a` gets to do, and what must be there before: see start-script.ts. */
export interface MountLists {
  /** Before pivot_root; all targets are paths of ours. */
  readonly before: string;
  /** After it, one after the other, in the container's root. */
  readonly passes: readonly MountPass[];
  /** At the very end, when /proc is there for good. */
  readonly last: string;
  readonly propagation: 'private' | 'slave';
}
export interface MountPass {
  /** Mount points to make first. */
  readonly folders: readonly string[];
  readonly files: readonly string[];
  readonly fstab: string;
}

/** Where a container finds what is to be mounted, until that is done. */
export const stage = `${toolkitMount}/from`;

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

/** Decides what is mounted where, and makes the container's own ends of it on disk. */
export function mountLists(options: BundleOptions): MountLists {
  const { config, image, folder } = options;
  const security = config.security ?? {};
  const privileged = security.privileged === true;
  const at = (...names: string[]): string => join(options.directory, folder, ...names);
  const root = (path: string): string => at('root') + path;
  const nodev = privileged ? '' : ',nodev';
  const volumes = stageVolumes(options);

  // Relative to the folder of the layers, which keeps the options short and free of characters that mean something.
  const overlay = `lowerdir=${image.layers.join(':')},upperdir=../${folder}/upper,workdir=../${folder}/work`;
  let before =
    fstabLine('overlay', root(''), 'overlay', `${overlay}${options.volatileOverlay ? ',volatile' : ''}${nodev}`) +
    fstabLine(at('dev'), root('/dev'), 'none', `bind,nosuid${nodev}`) +
    fstabLine(options.toolkit.folder, root(toolkitMount), 'none', 'bind,ro,nosuid,nodev') +
    fstabLine(at('from'), root(stage), 'none', 'bind') +
    fstabLine('proc', root('/proc'), 'proc', 'nosuid,nodev,noexec') +
    fstabLine('sysfs', root('/sys'), 'sysfs', `${privileged ? 'rw' : 'ro'},nosuid,nodev,noexec`) +
    fstabLine('devpts', root('/dev/pts'), 'devpts', 'newinstance,ptmxmode=0666,mode=0620,gid=5,nosuid,noexec') +
    fstabLine('mqueue', root('/dev/mqueue'), 'mqueue', 'nosuid,nodev,noexec');
  if (!volumes.some(({ target }) => target === '/dev/shm'))
    before += fstabLine(options.shm, root('/dev/shm'), 'none', 'bind,nosuid,nodev,noexec');
  for (const device of privileged ? machineDevices() : devices) {
    mkdirSync(dirname(at('dev', device)), { recursive: true });
    writeFileSync(at('dev', device), '');
    before += fstabLine(`/dev/${device}`, root(`/dev/${device}`), 'none', 'bind');
  }
  if (config.tty) writeFileSync(at('dev/console'), '');
  before += cgroupLines(options.cgroupView, root('/sys/fs/cgroup'), privileged);
  for (const { source, staged, kind } of volumes)
    if (source !== undefined) before += fstabLine(source, root(staged), 'none', kind === 'folder' ? 'rbind' : 'bind');

  return {
    before,
    passes: options.pid === 'node' ? passesByDepth(volumes) : passesByKind(volumes),
    last: privileged ? '' : restrictions(security.maskedPaths ?? defaultMaskedPaths, security.readonlyPaths ?? defaultReadonlyPaths),
    propagation: volumes.some(({ flags }) => flags.includes('rslave')) ? 'slave' : 'private',
  };
}

/** A volume on its way into the container. */
interface Volume {
  readonly target: string;
  readonly kind: 'folder' | 'file';
  /** On the machine; absent: what is staged is the volume itself. */
  readonly source?: string;
  readonly staged: string;
  readonly flags: string;
}

/** What the image hides or brings, what the pod gives all its containers, and the container's own; the last one wins. */
function stageVolumes({ config, image, podMounts, directory, folder }: BundleOptions): readonly Volume[] {
  const at = (...names: string[]): string => join(directory, folder, ...names);
  coverFiles(image.hidden.files, at('upper'));
  const wanted = new Map<string, Mount | 'cover'>(image.hidden.folders.map((path) => [path, 'cover']));
  for (const mount of [...image.mounts, ...podMounts, ...config.mounts]) {
    const target = posix.normalize(posix.join('/', mount.containerPath)).replace(/(.)\/$/, '$1');
    if (target === '/') throw new RuntimeError('InvalidArgument', 'a volume cannot be mounted at /');
    if (mount.propagation === 'bidirectional')
      throw new RuntimeError('InvalidArgument', 'mount propagation Bidirectional is not available in the embedded runtime');
    wanted.set(target, mount);
  }
  const nodev = config.security?.privileged ? '' : ',nodev';
  return [...wanted]
    .sort(([a], [b]) => depth(a) - depth(b))
    .map(([target, mount], index): Volume => {
      const staged = `${stage}/${index}`;
      const here = at('from', String(index));
      if (mount === 'cover') {
        mkdirSync(here);
        takeAfter(here, target);
        return { target, kind: 'folder', staged, flags: `bind,rw${nodev}` };
      }
      const source = sourceOf(mount);
      const kind = statSync(source).isDirectory() ? 'folder' : 'file';
      if (kind === 'folder') mkdirSync(here);
      else writeFileSync(here, '');
      const propagation = mount.propagation === 'hostToContainer' ? 'rslave' : 'rprivate';
      const flags = `${kind === 'folder' ? 'rbind' : 'bind'},${mount.readonly ? 'ro' : 'rw'}${nodev},${propagation}`;
      return { target, kind, source, staged, flags };
    });
}

/**
 * Folders in one pass: `mount` makes each mount point when what lies above is mounted, whatever links lead there
 * (/var/run to /run). Then files, whose mount points it cannot make.
 */
function passesByKind(volumes: readonly Volume[]): readonly MountPass[] {
  const list = (kind: Volume['kind'], options: string): string =>
    volumes
      .filter((volume) => volume.kind === kind)
      .map(({ staged, target, flags }) => fstabLine(staged, target, 'none', flags + options))
      .join('');
  const files = volumes.filter(({ kind }) => kind === 'file').map(({ target }) => target);
  return [
    { folders: [], files: [], fstab: list('folder', ',X-mount.mkdir') },
    { folders: [], files, fstab: list('file', '') },
  ].filter(({ fstab }) => fstab !== '');
}

/** Mount points of one depth are made while nothing is at /proc, then mounted: deeper ones may lie in them. */
function passesByDepth(volumes: readonly Volume[]): readonly MountPass[] {
  const depths = [...new Set(volumes.map(({ target }) => depth(target)))];
  return depths.map((level) => {
    const here = volumes.filter(({ target }) => depth(target) === level);
    const targets = (kind: Volume['kind']): string[] => here.filter((volume) => volume.kind === kind).map(({ target }) => target);
    const fstab = here.map(({ staged, target, flags }) => fstabLine(staged, target, 'none', flags)).join('');
    return { folders: targets('folder'), files: targets('file'), fstab };
  });
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
