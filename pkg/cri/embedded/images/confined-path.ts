import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { RuntimeError } from '../../cri.ts';

/** The kernel's own limit of links on one path. */
const mostLinks = 40;

/**
 * A name from an archive as its parts. A leading `/` or `./` means the archive's root; `..` is refused, since no
 * honest archive needs it.
 */
export function archiveParts(name: string, what: string): readonly string[] {
  if (name.includes('\0')) throw new RuntimeError('InvalidArgument', `${what}: a name with a NUL character`);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new RuntimeError('InvalidArgument', `${what}: "${name}" leads out of the archive; nothing was loaded`);
  return parts;
}

/**
 * Where a path ends up below `root` when links are followed as inside a container that has `root` as its `/`: an
 * absolute link begins at `root`, and `..` stops there. What does not exist yet is taken literally.
 */
export async function confinedPath(root: string, parts: readonly string[]): Promise<string> {
  let left = [...parts];
  let done: string[] = [];
  for (let links = 0; left.length > 0; ) {
    const part = left.shift() as string;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const here = join(root, ...done, part);
    const target = await linkTarget(here);
    if (target === undefined) {
      done.push(part);
      continue;
    }
    if (++links > mostLinks) throw new RuntimeError('InvalidArgument', `too many symbolic links in "${parts.join('/')}"`);
    if (target.startsWith('/')) done = [];
    left = [...target.split('/'), ...left];
  }
  return join(root, ...done);
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
