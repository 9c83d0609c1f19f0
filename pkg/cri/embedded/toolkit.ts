import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
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

/** Builds the toolkit below `folder`, or finds it there: it is remade when one of the machine's programs changed. */
export async function createToolkit(folder: string): Promise<Toolkit> {
  const programs = toolkitPrograms.map((name) => ({ name, path: findProgram(name) }));
  const missing = programs.filter(({ path }) => path === undefined).map(({ name }) => name);
  if (missing.length > 0) throw new Error(`cannot find ${missing.join(', ')} in PATH; they come with util-linux and coreutils`);
  const files = new Map<string, string>();
  let loader: string | undefined;
  for (const { name, path } of programs as { name: string; path: string }[]) {
    files.set(name, path);
    for (const needed of await neededFiles(path)) {
      if (/^ld(-linux|-musl|\d*\.so|64\.so)/.test(basename(needed))) loader = needed;
      else files.set(join('lib', basename(needed)), needed);
    }
  }
  if (loader) files.set('ld.so', loader);

  const fingerprint = createHash('sha256');
  for (const [name, path] of files) {
    const { size, mtimeMs } = statSync(path);
    fingerprint.update(`${name} ${path} ${size} ${mtimeMs}\n`);
  }
  const target = join(folder, fingerprint.digest('hex').slice(0, 12));
  if (!existsSync(target)) {
    // What an older version of the machine's programs left.
    if (existsSync(folder)) for (const old of readdirSync(folder)) rmSync(join(folder, old), { recursive: true, force: true });
    const making = `${target}.making`;
    mkdirSync(join(making, 'lib'), { recursive: true });
    // Mount points for the start script: the machine's root until it is let go, and the pod's volumes.
    mkdirSync(join(making, 'old'));
    mkdirSync(join(making, 'from'));
    for (const [name, path] of files) {
      copyFileSync(path, join(making, name));
      chmodSync(join(making, name), 0o755);
    }
    if (loader) forgetConfiguration(join(making, 'ld.so'));
    renameSync(making, target);
  }
  const identity = (path: string): string => {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  };
  return {
    folder: target,
    loader: loader !== undefined,
    launchers: [
      ...new Set([
        files.get('sh') as string,
        ...[...files.keys()].filter((name) => !name.startsWith('lib/')).map((name) => join(target, name)),
      ]),
    ].map(identity),
  };
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
