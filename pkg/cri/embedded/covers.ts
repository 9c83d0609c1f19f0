import { chmodSync, chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Mount } from '../cri.ts';
import type { ImageRoot } from './images/image.ts';

/**
 * Covers what a container must not see of the machine's root: folders by mounts of empty ones (with owner and mode
 * of those they hide), which lie in `covers` and take what the container writes; files by empty ones in `upper`.
 */
export function coverHidden(hidden: ImageRoot['hidden'], upper: string, covers: string): Mount[] {
  for (const path of hidden.files) {
    copyFolders(upper, dirname(path));
    writeFileSync(join(upper, path), '', { mode: 0o600 });
  }
  return hidden.folders.map((path) => {
    const cover = join(covers, path.slice(1).replaceAll('/', '.'));
    mkdirSync(cover, { recursive: true });
    takeAfter(cover, path);
    return { containerPath: path, hostPath: cover, readonly: false };
  });
}

/** The folders above a file: where layers are merged, owner and mode are those of the uppermost. */
function copyFolders(upper: string, folder: string): void {
  let path = '';
  for (const part of folder.split('/').filter(Boolean)) {
    path += `/${part}`;
    const target = join(upper, path);
    if (existsSync(target)) continue;
    mkdirSync(target);
    takeAfter(target, path);
  }
}

function takeAfter(target: string, model: string): void {
  const { uid, gid, mode } = statSync(model);
  chownSync(target, uid, gid);
  chmodSync(target, mode & 0o7777);
}
