import { chmodSync, chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Covers files of the machine that a container must not see: empty ones in the container's upper folder. */
export function coverFiles(files: readonly string[], upper: string): void {
  for (const path of files) {
    copyFolders(upper, dirname(path));
    writeFileSync(join(upper, path), '', { mode: 0o600 });
  }
}

/** Gives a folder the owner and mode of another. */
export function takeAfter(target: string, model: string): void {
  const { uid, gid, mode } = statSync(model);
  chownSync(target, uid, gid);
  chmodSync(target, mode & 0o7777);
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
