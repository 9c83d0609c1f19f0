/** A disk that fills up and is freed again, and a process that is stopped for a while. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LmdbStore } from '../../pkg/storage/lmdb/lmdb-store.ts';
import { isStoreError, prefixRange, type StoreError } from '../../pkg/storage/store.ts';

const megabyte = 2 ** 20;

/** A file system of 32 MB, or the reason why there can be none. */
async function smallDisk(t: TestContext, kind: 'ext4' | 'tmpfs'): Promise<string | { skip: string }> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return { skip: 'needs root on Linux, to mount a small file system' };
  const root = await mkdtemp(join(tmpdir(), 'gokube-disk-'));
  const mount = join(root, 'mount');
  await mkdir(mount);
  try {
    if (kind === 'tmpfs') execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', mount], { stdio: 'pipe' });
    else {
      const image = join(root, 'image');
      await writeFile(image, '');
      await truncate(image, 32 * megabyte);
      execFileSync('mkfs.ext4', ['-q', image], { stdio: 'pipe' });
      execFileSync('mount', ['-o', 'loop', image, mount], { stdio: 'pipe' });
    }
  } catch (error) {
    await rm(root, { recursive: true });
    return {
      skip: `needs to mount a small ${kind} (${String((error as Error).message).split('\n')[1] ?? error}): run as root on a machine that allows it`,
    };
  }
  t.after(async () => {
    execFileSync('umount', ['--lazy', mount]);
    await rm(root, { recursive: true });
  });
  return mount;
}

for (const kind of ['ext4', 'tmpfs'] as const) {
  test(`a full disk (${kind}) refuses writes by name, loses nothing, and writing goes on once there is room`, async (t) => {
    const disk = await smallDisk(t, kind);
    if (typeof disk !== 'string') return t.skip(disk.skip);
    const ballast = join(disk, 'ballast');
    await writeFile(ballast, Buffer.alloc(6 * megabyte, 1));
    const data = join(disk, 'data');
    const store = await LmdbStore.open(data, { maxRecent: 500 });
    const acknowledged = new Map<string, number>();
    const failures: StoreError[] = [];
    const fill = async (name: string, most: number): Promise<void> => {
      const writer = async (w: number): Promise<void> => {
        for (let i = 0; i < most; i++) {
          const key = `/${name}/${w}/${i}`;
          try {
            const result = await store.commit([{ key, value: new Uint8Array(5_000).fill(i) }]);
            acknowledged.set(key, result.revision);
          } catch (error) {
            assert.ok(isStoreError(error), String(error));
            failures.push(error);
            return;
          }
        }
      };
      await Promise.all(Array.from({ length: 16 }, (_, w) => writer(w)));
    };
    const checkAll = async (): Promise<void> => {
      const { items } = await store.list(prefixRange(''));
      assert.deepEqual(new Map(items.map((item) => [item.key, item.modRevision])), acknowledged);
    };

    await fill('first', 1_000);
    assert.equal(failures.length, 16, 'every writer should have met the full disk');
    for (const error of failures) {
      assert.equal(error.code, 'NoSpace');
      assert.ok(error.message.includes(data) && /\d+ KiB free/.test(error.message), error.message);
    }
    await checkAll();
    await fill('still full', 1);
    assert.equal(failures.length, 32);
    // Compaction needs a little room itself, but finds it in pages that were used before.
    await store.compact(await store.revision()).catch((error: unknown) => assert.ok(isStoreError(error, 'NoSpace')));
    await checkAll();

    await rm(ballast);
    failures.length = 0;
    await fill('second', 10);
    assert.deepEqual(failures, []);
    await checkAll();
    await store.compact(await store.revision());
    await store.close();

    const again = await LmdbStore.open(data);
    const { items } = await again.list(prefixRange(''));
    assert.deepEqual(new Map(items.map((item) => [item.key, item.modRevision])), acknowledged);
    await again.close();
  });
}

test('on a disk that is full already, no store is made, and nothing half made stays in the way', async (t) => {
  const disk = await smallDisk(t, 'tmpfs');
  if (typeof disk !== 'string') return t.skip(disk.skip);
  const ballast = join(disk, 'ballast');
  await writeFile(ballast, Buffer.alloc(64 * megabyte, 1)).catch((error: NodeJS.ErrnoException) => assert.equal(error.code, 'ENOSPC'));
  const data = join(disk, 'data');
  const refused = await LmdbStore.open(data).catch((error: unknown) => error);
  assert.ok(isStoreError(refused, 'NoSpace') && refused.message.includes(data), String(refused));
  await rm(ballast);
  const store = await LmdbStore.open(data);
  assert.ok((await store.commit([{ key: '/k', value: new Uint8Array(1) }])).ok);
  await store.close();
});

test('a process that is stopped and continued goes on where it was', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'gokube-stop-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, 'snapshots'));
  const worker = new URL('storage-worker.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [worker, join(root, 'data'), join(root, 'snapshots')], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  let acknowledged = 0;
  let newest = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('A')) return;
    acknowledged++;
    newest = Math.max(newest, Number(line.split(' ')[3]));
  });
  const until = async (more: number): Promise<void> => {
    const target = acknowledged + more;
    while (acknowledged < target) await sleep(5);
  };
  await until(500);
  for (const pause of [10_000, 50, 500]) {
    child.kill('SIGSTOP');
    await sleep(Math.min(pause, Number(process.env.GOKUBE_FAULT_SECONDS ?? 20) * 500));
    child.kill('SIGCONT');
    await until(500);
  }
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  const store = await LmdbStore.open(join(root, 'data'));
  assert.ok((await store.revision()) >= newest);
  await store.close();
});
