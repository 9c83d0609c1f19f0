import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { assertRejects, bytes } from '../contract/harness.ts';
import { temporaryDirectory } from '../contract/temporary-directory.node.ts';
import { isStoreError, prefixRange } from '../store.ts';
import { LmdbStore } from './lmdb-store.ts';

async function temporary(t: TestContext): Promise<string> {
  const directory = await temporaryDirectory();
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A closed store with some keys, some of them too large for one page. */
async function filled(t: TestContext): Promise<string> {
  const directory = await temporary(t);
  const store = await LmdbStore.open(directory);
  for (let i = 0; i < 200; i++) await store.commit([{ key: `/k/${i}`, value: bytes('v'.repeat(i % 10 === 0 ? 20_000 : 500)) }]);
  await store.close();
  return directory;
}

test('a directory in use is refused, naming the process, and free again after close', async (t) => {
  const directory = await temporary(t);
  const store = await LmdbStore.open(directory);
  await assertRejects(LmdbStore.open(directory), 'InUse');
  await assert.rejects(LmdbStore.open(directory), new RegExp(`in use by this process \\(pid ${process.pid}\\)`));
  await store.close();
  await (await LmdbStore.open(directory)).close();
});

test('a directory in use by another process is refused; after that process is killed, it is taken over', async (t) => {
  const directory = await temporary(t);
  const script = `import { LmdbStore } from ${JSON.stringify(new URL('lmdb-store.ts', import.meta.url).href)};
    const store = await LmdbStore.open(${JSON.stringify(directory)});
    await store.commit([{ key: '/k', value: new Uint8Array(1) }]);
    console.log('open');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    await assert.rejects(LmdbStore.open(directory), new RegExp(`in use by process ${child.pid}`));
    child.kill('SIGKILL');
    await once(child, 'exit');
    // Of several that come at the same time, one gets it.
    const attempts = await Promise.allSettled(Array.from({ length: 5 }, () => LmdbStore.open(directory)));
    const opened = attempts.filter((attempt) => attempt.status === 'fulfilled');
    assert.equal(opened.length, 1);
    assert.equal((await (opened[0] as PromiseFulfilledResult<LmdbStore>).value.list(prefixRange(''))).count, 1);
    await (opened[0] as PromiseFulfilledResult<LmdbStore>).value.close();
  } finally {
    child.kill('SIGKILL');
  }
});

test('a data file cut off anywhere is refused, or everything is in it', async (t) => {
  const directory = await filled(t);
  const file = join(directory, 'data.mdb');
  const copy = join(directory, 'copy');
  await copyFile(file, copy);
  const { size } = await stat(file);
  let refused = 0;
  const cuts = [
    0,
    1,
    24,
    4_096,
    8_191,
    8_192,
    12_288,
    ...Array.from({ length: 20 }, (_, i) => Math.floor((size * (i + 1)) / 21)),
    size - 4_096,
    size - 1,
  ];
  for (const cut of cuts) {
    await copyFile(copy, file);
    await truncate(file, cut);
    const store = await LmdbStore.open(directory).catch((error: unknown) => error);
    if (store instanceof LmdbStore) {
      const { items } = await store.list(prefixRange('/k/'));
      assert.equal(items.length, 200);
      assert.equal(
        items.reduce((sum, item) => sum + item.value.length, 0),
        20 * 20_000 + 180 * 500,
      );
      await store.close();
    } else {
      await assertRejects(Promise.reject(store), 'Damaged');
      refused++;
    }
  }
  assert.ok(refused >= cuts.length - 3, `${refused} of ${cuts.length} cuts were noticed`);
  await copyFile(copy, file);
  await (await LmdbStore.open(directory)).close();
});

test('foreign files are refused and left alone', async (t) => {
  const text = await temporary(t);
  await writeFile(join(text, 'notes.txt'), 'mine');
  await assert.rejects(LmdbStore.open(text), /holds notes.txt but no store/);
  assert.equal(await readFile(join(text, 'notes.txt'), 'utf8'), 'mine');

  const directory = await filled(t);
  const file = join(directory, 'data.mdb');
  const good = await readFile(file);
  const foreign: Buffer[] = [Buffer.from('SQLite format 3\0'.padEnd(8_192, 'x')), Buffer.alloc(100_000, 0xff), Buffer.alloc(100_000)];
  for (const at of [24, 28, 0x30, 0x58, 0x88, 4_096 + 24]) {
    const changed = Buffer.from(good);
    changed.writeUInt32LE(0x7fff_1234, at);
    foreign.push(changed);
  }
  for (const content of foreign) {
    await writeFile(file, content);
    await assertRejects(LmdbStore.open(directory), 'Damaged');
    assert.ok((await readFile(file)).equals(content));
  }
  await rm(file);
  await assert.rejects(LmdbStore.open(directory), /data file of the store in .* is missing/);
  await writeFile(file, good);
  await (await LmdbStore.open(directory)).close();
});

test('a flipped bit in a value is reported when the value is read, and the rest can be read', async (t) => {
  const directory = await filled(t);
  const file = join(directory, 'data.mdb');
  const content = await readFile(file);
  const at = content.lastIndexOf(Buffer.from('v'.repeat(300)));
  content.writeUInt8(content.readUInt8(at) ^ 1, at);
  await writeFile(file, content);
  const store = await LmdbStore.open(directory);
  t.after(() => store.close());
  const reads = await Promise.allSettled(Array.from({ length: 200 }, (_, i) => store.get(`/k/${i}`)));
  const failed = reads.filter((read) => read.status === 'rejected');
  assert.equal(failed.length, 1);
  await assertRejects(Promise.reject(failed[0]?.reason), 'Damaged');
});

test('data of another format is refused', async (t) => {
  const directory = await filled(t);
  await writeFile(join(directory, 'STORE'), '{"state":"ready","format":2}\n');
  await assertRejects(LmdbStore.open(directory), 'WrongVersion');
  await assert.rejects(LmdbStore.open(directory), /has format 2, this program reads format 1/);
  await writeFile(join(directory, 'STORE'), 'what is this');
  await assertRejects(LmdbStore.open(directory), 'Damaged');
});

test('a store whose creation was interrupted is made anew', async (t) => {
  const directory = await temporary(t);
  await writeFile(join(directory, 'STORE'), '{"state":"new","format":1}\n');
  await writeFile(join(directory, 'data.mdb'), 'half');
  const store = await LmdbStore.open(directory);
  assert.equal(await store.revision(), 0);
  await store.close();
});

test('a directory that cannot be made is refused with the reason; folders above it are made, and links followed', async (t) => {
  const directory = await temporary(t);
  await writeFile(join(directory, 'file'), '');
  await symlink(join(directory, 'nowhere'), join(directory, 'dangling'));
  await symlink(join(directory, 'circle'), join(directory, 'circle'));
  const refused = ['file', 'file/data', 'dangling', 'dangling/data', 'circle', 'x'.repeat(300)].map((name) => join(directory, name));
  for (const each of [...refused, ...(process.platform === 'linux' ? ['/proc/no/store'] : [])]) {
    const error = await LmdbStore.open(each).catch((e: unknown) => e);
    assert.ok(isStoreError(error, 'Invalid') && /cannot be a directory: /.test(error.message), String(error));
  }
  await mkdir(join(directory, 'empty'));
  await (await LmdbStore.open(join(directory, 'empty'))).close();
  await symlink(join(directory, 'a'), join(directory, 'link'));
  await (await LmdbStore.open(join(directory, 'a', 'b', 'c'))).close();
  const store = await LmdbStore.open(join(directory, 'link', 'b', 'c'));
  await assertRejects(LmdbStore.open(join(directory, 'a', 'b', 'c')), 'InUse');
  await store.close();
});

test('a lock that says nothing is left to a person, and says so', async (t) => {
  const directory = await filled(t);
  for (const text of ['', 'null', '{}', '{"pid":"1"}', 'what']) {
    await writeFile(join(directory, 'lock'), text);
    await assertRejects(LmdbStore.open(directory), 'Damaged');
  }
  await rm(join(directory, 'lock'));
  await (await LmdbStore.open(directory)).close();
});
