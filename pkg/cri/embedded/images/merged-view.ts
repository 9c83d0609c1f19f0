import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RuntimeError } from '../../cri.ts';

/** Layers as one folder, in which to write the next one. */
export interface MergedView {
  /** Reached through the process that holds the mount. */
  readonly path: string;
  close(): Promise<void>;
}

/**
 * Mounts `lower` (uppermost first, relative to `directory`) with `upper` on top. The mount lives in the mount
 * namespace of a process of its own: nobody else sees it, and it is gone with the process.
 */
export async function mergedView(directory: string, lower: readonly string[], upper: string): Promise<MergedView> {
  const work = `${upper}.work`;
  const target = `${upper}.view`;
  await mkdir(join(directory, work), { recursive: true });
  await mkdir(join(directory, target), { recursive: true });
  const script = 'mount -n -i -t overlay overlay -o "$1" "$2" && echo ok && read -r hold';
  const options = `lowerdir=${lower.join(':')},upperdir=${upper},workdir=${work}`;
  const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', options, target], {
    cwd: directory,
    env: { ...process.env, LC_ALL: 'C', LIBMOUNT_FORCE_MOUNT2: 'always' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('error', reject);
    child.once('close', () => reject(new RuntimeError('Internal', `cannot mount the image's layers: ${complaint.trim()}`)));
  });
  return {
    path: join(`/proc/${child.pid}/root`, directory, target),
    close: async () => {
      child.stdin.end();
      await closed;
    },
  };
}
