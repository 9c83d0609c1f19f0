import assert from 'node:assert/strict';
import { copyFile, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { assertRejects, assertSame, bytes, commitBoth, modelOf } from '../contract/harness.ts';
import { temporaryDirectory } from '../contract/temporary-directory.node.ts';
import { prefixRange } from '../store.ts';
import { LmdbStore } from './lmdb-store.ts';
import { readSnapshotInfo, restoreSnapshot } from './snapshot.ts';

async function temporary(t: TestContext): Promise<string> {
  const directory = await temporaryDirectory();
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test('a snapshot made while the store is written holds a past moment whole, with its history', async (t) => {
  const directory = await temporary(t);
  const store = await LmdbStore.open(join(directory, 'data'), { maxRecent: 50 });
  const model = await modelOf(store);
  for (let i = 0; i < 300; i++)
    await commitBoth(store, model, [{ key: `/k/${i % 90}`, value: i % 7 === 6 ? undefined : bytes(String(i)) }], {
      record: bytes(`r${i}`),
    });
  const atLeast = model.revision;
  let backedUp = false;
  const backup = store.backup(join(directory, 'snapshot')).finally(() => {
    backedUp = true;
  });
  for (let i = 0; !backedUp || i < 20; i++) await commitBoth(store, model, [{ key: `/k/${i % 90}`, value: bytes(`later ${i}`) }]);
  await backup;
  await store.close();
  assert.deepEqual((await readdir(directory)).sort(), ['data', 'snapshot']);

  await restoreSnapshot(join(directory, 'snapshot'), join(directory, 'restored'));
  const restored = await LmdbStore.open(join(directory, 'restored'));
  const revision = await restored.revision();
  assert.ok(revision >= atLeast);
  for (const r of [1, 50, 200, atLeast, revision]) {
    assertSame((await restored.list(prefixRange('/k/'), { revision: r })).items, model.list(prefixRange('/k/'), r));
    assertSame(await restored.record('/k/3', r), model.record('/k/3', r));
  }
  assert.equal((await restored.commit([{ key: '/k/1', value: bytes('on') }])).revision, revision + 1);
  await restored.close();
});

test('a snapshot is refused where there is a file, and restored only where there is no store', async (t) => {
  const directory = await temporary(t);
  const store = await LmdbStore.open(join(directory, 'data'));
  await store.commit([{ key: '/k', value: bytes('v') }]);
  const snapshot = join(directory, 'snapshot');
  await store.backup(snapshot);
  await assertRejects(store.backup(snapshot), 'Invalid');
  await assertRejects(restoreSnapshot(snapshot, join(directory, 'data')), 'InUse');
  await store.close();
  await assertRejects(restoreSnapshot(snapshot, join(directory, 'data')), 'Invalid');
  await assert.rejects(restoreSnapshot(join(directory, 'nothing'), join(directory, 'new')), { code: 'ENOENT' });
});

test('a snapshot that is cut off, changed or none is refused, and nothing is left behind', async (t) => {
  const directory = await temporary(t);
  const store = await LmdbStore.open(join(directory, 'data'));
  for (let i = 0; i < 50; i++) await store.commit([{ key: `/k/${i}`, value: bytes('v'.repeat(3_000)) }]);
  const snapshot = join(directory, 'snapshot');
  await store.backup(snapshot);
  await store.close();
  const { size } = await stat(snapshot);
  const bad = join(directory, 'bad');
  for (const cut of [0, 10, 8_192, size - 100, size - 1]) {
    await copyFile(snapshot, bad);
    await truncate(bad, cut);
    await assertRejects(restoreSnapshot(bad, join(directory, 'new')), 'Damaged');
  }
  const content = await readFile(snapshot);
  content.writeUInt8(content.readUInt8(20_000) ^ 4, 20_000);
  await writeFile(bad, content);
  await assertRejects(restoreSnapshot(bad, join(directory, 'new')), 'Damaged');
  assert.deepEqual((await readdir(directory)).sort(), ['bad', 'data', 'snapshot']);
});

test('a snapshot says of itself what it is; one of another version is refused by name', async (t) => {
  const directory = await temporary(t);
  const store = await LmdbStore.open(join(directory, 'data'));
  for (let i = 0; i < 3; i++) await store.commit([{ key: '/k', value: bytes(String(i)) }]);
  const snapshot = join(directory, 'snapshot');
  const size = await store.backup(snapshot, { cluster: 'c' });
  await store.close();
  const file = await stat(snapshot);
  assert.equal(size, file.size);
  assert.equal(file.mode & 0o777, 0o600);
  const { created, ...info } = await readSnapshotInfo(snapshot);
  assert.deepEqual(info, { revision: 3, note: { cluster: 'c' } });
  assert.ok(Math.abs(Date.now() - created) < 60_000);
  const content = await readFile(snapshot);
  await writeFile(snapshot, Buffer.concat([content.subarray(0, -2), Buffer.from('9\n')]));
  await assert.rejects(restoreSnapshot(snapshot, join(directory, 'new')), /is a snapshot of version 9; this program reads version 1/);
  await assertRejects(readSnapshotInfo(snapshot), 'WrongVersion');
});

test('an interrupted restore is noticed, and can be done again', async (t) => {
  const directory = await temporary(t);
  const store = await LmdbStore.open(join(directory, 'data'));
  await store.commit([{ key: '/k', value: bytes('v') }]);
  await store.backup(join(directory, 'snapshot'));
  await store.close();
  const target = join(directory, 'target');
  await restoreSnapshot(join(directory, 'snapshot'), target);
  // As a crash in the middle would leave it.
  await writeFile(join(target, 'STORE'), '{"state":"restoring","format":1}\n');
  await truncate(join(target, 'data.mdb'), 9_000);
  await assert.rejects(LmdbStore.open(target), /was interrupted: restore it again/);
  await restoreSnapshot(join(directory, 'snapshot'), target);
  const restored = await LmdbStore.open(target);
  assert.equal((await restored.list(prefixRange(''))).count, 1);
  await restored.close();
});
