import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Programs that work inside any container. After pivot_root an image may hold no mount, no setpriv, no shell and no
 * C library; so copies of the machine's own, with the loader and libraries they need, are bound read-only to
 * `/dev/.gokube`, a mount point that no container can move.
 */
export interface Toolkit {
  /** Absolute path of the folder to bind. */
  readonly folder: string;
  /** Whether the programs need the loader that is among them. */
  readonly loader: boolean;
  /** Device and inode of everything that runs before a container's own program. */
  readonly launchers: readonly string[];
}
export type ToolkitProgram = (typeof toolkitPrograms)[number];

const toolkitPrograms = ['sh', 'mount', 'umount', 'mkdir', 'setpriv', 'setsid', 'env', 'chown'] as const;
export const toolkitMount = '/dev/.gokube';

/** How a container runs one of its programs: `/dev/.gokube/ld.so --library-path /dev/.gokube/lib /dev/.gokube/env`. */
export function toolkitCommand({ loader }: Pick<Toolkit, 'loader'>, program: ToolkitProgram): string {
  const path = `${toolkitMount}/${program}`;
  return loader ? `${toolkitMount}/ld.so --library-path ${toolkitMount}/lib ${path}` : path;
}

/** What a toolkit was copied from, as `manifest.json` in it: it is made anew when one of these files changed. */
interface Manifest {
  readonly files: readonly { readonly name: string; readonly path: string; readonly size: number; readonly mtimeMs: number }[];
}

/** Builds the toolkit below `folder`, or finds it there. */
export async function createToolkit(folder: string): Promise<Toolkit> {
  const programs = toolkitPrograms.map((name) => ({ name, path: findProgram(name) }));
  const missing = programs.filter(({ path }) => path === undefined).map(({ name }) => name);
  if (missing.length > 0) throw new Error(`cannot find ${missing.join(', ')} in PATH; they come with util-linux and coreutils`);
  const paths = new Map(programs.map(({ name, path }) => [name as string, path as string]));
  const { files } = existingManifest(folder, paths) ?? (await buildToolkit(folder, paths));
  const identity = (path: string): string => {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  };
  const target = join(folder, current);
  const copies = files.filter(({ name }) => !name.startsWith('lib/')).map(({ name }) => join(target, name));
  return {
    folder: target,
    loader: files.some(({ name }) => name === 'ld.so'),
    launchers: [...new Set([paths.get('sh') as string, ...copies].map(identity))],
  };
}

const current = 'current';

function existingManifest(folder: string, paths: ReadonlyMap<string, string>): Manifest | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, current, 'manifest.json'), 'utf8')) as Manifest;
    const same = manifest.files.every(({ path, size, mtimeMs }) => {
      const stat = statSync(path);
      return stat.size === size && stat.mtimeMs === mtimeMs;
    });
    const complete = [...paths].every(([name, path]) => manifest.files.some((file) => file.name === name && file.path === path));
    return same && complete ? manifest : undefined;
  } catch {
    return undefined; // Never made, made by an older version, or one of its files is gone.
  }
}

async function buildToolkit(folder: string, paths: ReadonlyMap<string, string>): Promise<Manifest> {
  const sources = new Map(paths);
  for (const path of paths.values())
    for (const needed of await neededFiles(path)) {
      const loader = /^ld(-linux|-musl|\d*\.so|64\.so)/.test(basename(needed));
      sources.set(loader ? 'ld.so' : join('lib', basename(needed)), needed);
    }
  const files = [...sources].map(([name, path]) => {
    const { size, mtimeMs } = statSync(path);
    return { name, path, size, mtimeMs };
  });
  rmSync(folder, { recursive: true, force: true });
  const making = join(folder, 'making');
  // Mount points for the start script: the machine's root until it is let go, and the pod's volumes.
  for (const name of ['lib', 'old', 'from']) mkdirSync(join(making, name), { recursive: true });
  for (const { name, path } of files) {
    copyFileSync(path, join(making, name));
    chmodSync(join(making, name), 0o755);
  }
  if (sources.has('ld.so')) forgetConfiguration(join(making, 'ld.so'));
  writeFileSync(join(making, 'manifest.json'), JSON.stringify({ files }));
  renameSync(making, join(folder, current));
  return { files };
}

/**
 * The GNU loader reads /etc/ld.so.preload and /etc/ld.so.cache, inside a container the image's own: an image could
 * have its code run by our programs while they still have every right. In our copy the two names lead to the
 * toolkit's folder, where no such file is. (musl's loader has neither.)
 */
function forgetConfiguration(loader: string): void {
  const bytes = readFileSync(loader);
  for (const name of ['/etc/ld.so.preload', '/etc/ld.so.cache']) {
    const from = Buffer.from(`${name}\0`);
    // Padded with slashes to the same length: `/dev/.gokube//no`.
    const to = Buffer.from(`${toolkitMount}/`.padEnd(name.length - 2, '/').concat('no\0'));
    for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from)) to.copy(bytes, at);
  }
  if (bytes.includes('/etc/ld.so.preload'))
    throw new Error(`${loader}: the loader names its configuration in a way that is not known here`);
  writeFileSync(loader, bytes);
}

export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  for (const folder of folders.filter(Boolean)) {
    const path = join(folder, name);
    if (existsSync(path)) return realpathSync(path);
  }
  return undefined;
}

/** The loader and libraries of a program, as ldd prints them; none for a static one. */
async function neededFiles(path: string): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)('ldd', [path], { env: { ...process.env, LC_ALL: 'C' } });
    return [...stdout.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x/gm)].map((match) => match[1] as string);
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    if (/not a dynamic executable|statically linked|Not a valid dynamic program/.test(`${stdout}${stderr}`)) return [];
    throw new Error(`ldd ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
