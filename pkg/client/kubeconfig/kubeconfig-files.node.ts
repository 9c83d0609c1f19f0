/**
 * Where kubeconfigs lie, by kind's rules: an explicit file alone, else the files of $KUBECONFIG, else
 * ~/.kube/config. Changes are made under kubectl's own lock (`<file>.lock`) and appear at once or not at all.
 */
import { chmod, mkdir, open, readFile, realpath, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpsTransport } from '../https-transport.node.ts';
import {
  type ContextCredentials,
  type Kubeconfig,
  mergeKubeconfigs,
  parseKubeconfig,
  resolveContext,
  setContext,
  unsetContext,
} from './kubeconfig.ts';

export interface KubeconfigLocation {
  /** `--kubeconfig`: that file only. */
  readonly explicit?: string | undefined;
  /** The value of $KUBECONFIG. */
  readonly environment?: string | undefined;
  readonly home: string;
}

/** The files that are read, in the order in which they count. */
export function kubeconfigPaths({ explicit, environment, home }: KubeconfigLocation): string[] {
  if (explicit) return [explicit];
  const listed = [...new Set((environment ?? '').split(delimiter).filter((path) => path !== ''))];
  return listed.length > 0 ? listed : [join(home, '.kube', 'config')];
}

/** All files as one; those that are not there count as empty. */
export async function loadKubeconfig(location: KubeconfigLocation): Promise<Kubeconfig> {
  const configs: Kubeconfig[] = [];
  for (const path of kubeconfigPaths(location)) {
    const text = await readIfThere(path);
    if (text === undefined) continue;
    try {
      configs.push(parseKubeconfig(text, dirname(path)));
    } catch (error) {
      throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
  return mergeKubeconfigs(configs);
}

/** Sets the context in the first file that is there (else the last one of the list) and makes it current. Resolves with the file's path. */
export async function writeContext(location: KubeconfigLocation, name: string, credentials: ContextCredentials): Promise<string> {
  const paths = kubeconfigPaths(location);
  let path = paths.at(-1) as string;
  for (const each of paths) {
    if ((await readIfThere(each)) === undefined) continue;
    path = each;
    break;
  }
  await change(path, (text) => setContext(text ?? '', name, credentials));
  return path;
}

/** Takes the context out of all files. Resolves with the paths of those that were changed. */
export async function removeContext(location: KubeconfigLocation, name: string): Promise<string[]> {
  const changed: string[] = [];
  for (const path of kubeconfigPaths(location)) {
    if ((await readIfThere(path)) === undefined) continue;
    await change(path, (text) => {
      const next = unsetContext(text ?? '', name);
      if (next !== undefined) changed.push(path);
      return next;
    });
  }
  return changed;
}

/** A transport to the server of a context; default: the current one. */
export async function transportFromKubeconfig(location: KubeconfigLocation, context?: string): Promise<HttpsTransport> {
  const credentials = await resolveContext(await loadKubeconfig(location), {
    ...(context === undefined ? {} : { context }),
    readFile: (folder, path) => readFile(isAbsolute(path) ? path : join(folder, path), 'utf8'),
  });
  const { clientCertificate: certificate, clientKey: key, ...rest } = credentials;
  return new HttpsTransport({ ...rest, ...(certificate === undefined ? {} : { certificate }), ...(key === undefined ? {} : { key }) });
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A lock that is held for longer than this was left behind by somebody who died. */
const patience = 5000;

async function change(path: string, edit: (text: string | undefined) => string | undefined): Promise<void> {
  await mkdir(dirname(resolve(path)), { recursive: true });
  const unlock = await lock(path);
  try {
    const text = await readIfThere(path);
    let next: string | undefined;
    try {
      next = edit(text);
    } catch (error) {
      throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    if (next !== undefined && next !== text) await replaceFile(path, next);
  } finally {
    await unlock();
  }
}

/** kubectl's lock: whoever makes the file holds it. Throws when it is held for too long, naming it. */
async function lock(path: string): Promise<() => Promise<void>> {
  const name = `${path}.lock`;
  const deadline = performance.now() + patience;
  for (;;) {
    try {
      await (await open(name, 'wx')).close();
      return () => unlink(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (performance.now() > deadline)
        throw new Error(`${path} is locked by another program; if none is running, delete ${name}`, { cause: error });
      await sleep(20);
    }
  }
}

/** Written beside, then renamed: a reader sees the old file or the new one. A link stays a link, the mode stays. */
async function replaceFile(path: string, text: string): Promise<void> {
  let target = path;
  let mode = 0o600; // it holds keys
  try {
    target = await realpath(path);
    mode = (await stat(target)).mode & 0o777;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const temporary = `${target}.${process.pid}.new`;
  try {
    await writeFile(temporary, text, { mode });
    await chmod(temporary, mode); // the umask may have taken something away
    await rename(temporary, target);
  } catch (error) {
    await unlink(temporary).catch(() => {}); // it may not have been made
    throw error;
  }
}
