import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertRejects, assertSame, bytes, commitBoth, readWatch } from '../contract/harness.ts';
import { ModelStore } from '../contract/model-store.ts';
import { temporaryDirectory } from '../contract/temporary-directory.node.ts';
import { type Operation, prefixRange } from '../store.ts';
import { LmdbStore } from './lmdb-store.ts';
import { restoreSnapshot } from './snapshot.ts';

const all = prefixRange('/');
const write = fc.uniqueArray(fc.record({ key: fc.constantFrom('/a', '/b', '/c', '/d'), put: fc.boolean() }), {
  minLength: 1,
  maxLength: 3,
  selector: ({ key }) => key,
});
const story = fc.record({
  writes: fc.array(write, { minLength: 1, maxLength: 60 }),
  compact: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
  to: fc.double({ min: 0, max: 1, noNaN: true }),
  skip: fc.constantFrom(0, 1, 2, 1_000),
  later: fc.array(write, { maxLength: 10 }),
  maxRecent: fc.constantFrom(1, 5, undefined),
});

test('a store restored as of a past revision is what it was then, history included, and goes on beyond all it had', async () => {
  const root = await temporaryDirectory();
  try {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(story, async ({ writes, compact, to: at, skip, later, maxRecent }) => {
        const directory = join(root, String(run++));
        const store = await LmdbStore.open(join(directory, 'data'), maxRecent === undefined ? {} : { maxRecent });
        const model = new ModelStore(0, 0);
        const applied: [Operation[], number, Uint8Array][] = [];
        for (const [i, keys] of writes.entries()) {
          const operations = keys.map(({ key, put }): Operation => ({ key, value: put ? bytes(`${i}${key}`) : undefined }));
          const before = model.revision;
          await commitBoth(store, model, operations, { record: bytes(`r${i}`) });
          if (model.revision > before) applied.push([operations, model.revision, bytes(`r${i}`)]);
        }
        if (compact !== null) model.compacted = Math.round(compact * model.revision);
        await store.compact(model.compacted);
        const to = model.compacted + Math.round(at * (model.revision - model.compacted));
        await store.backup(join(directory, 'snapshot'), { name: 'n' });
        await store.close();

        const restored = join(directory, 'restored');
        assert.equal(await restoreSnapshot(join(directory, 'snapshot'), restored, { to, goOnAt: to + skip }), to);
        const again = await LmdbStore.open(restored, maxRecent === undefined ? {} : { maxRecent });
        const past = new ModelStore(0, 0);
        for (const [operations, revision, record] of applied) if (revision <= to) past.apply(operations, revision, record);
        past.compacted = model.compacted;
        assert.equal(await again.revision(), to + skip);
        const check = async (): Promise<void> => {
          for (let revision = model.compacted; revision <= to; revision++) {
            const { items, count } = await again.list(all, { revision, limit: 2 });
            assertSame(items, past.list(all, revision).slice(0, 2));
            assert.equal(count, past.list(all, revision).length);
            for (const key of ['/a', '/b', '/c', '/d']) {
              assertSame((await again.get(key, { revision })).item, past.get(key, revision));
              const record = await again.record(key, revision);
              if (record !== undefined || !past.recordMayBeGone(key, revision)) assertSame(record, past.record(key, revision));
            }
          }
          assertSame(await again.changes(all, { from: model.compacted + 1, previous: true }), past.events(all, model.compacted + 1));
        };
        await check();
        for (const revision of new Set([to + 1, to + skip - 1])) {
          if (revision <= to || revision >= to + skip) continue;
          await assertRejects(again.get('/a', { revision }), 'Compacted');
          await assertRejects(readWatch(again, all, revision + 1, revision + 1), 'Compacted');
        }
        for (const [i, keys] of later.entries()) {
          await commitBoth(
            again,
            past,
            keys.map(({ key, put }) => ({ key, value: put ? bytes(`later ${i}`) : undefined })),
          );
          assert.ok(past.revision === to || past.revision > to + skip);
        }
        await check();
        assertSame((await again.list(all)).items, past.list(all));
        if (skip > 1) {
          await again.compact(to + 1);
          assert.equal(await again.compactedRevision(), to + skip, 'a revision that was never there cannot be the oldest one');
          assertSame((await again.list(all, { revision: to + skip })).items, past.list(all, to + skip));
        }
        await again.close();
        const reopened = await LmdbStore.open(restored);
        assertSame((await reopened.list(all)).items, past.list(all));
        await reopened.close();
      }),
      { numRuns: 60 },
    );
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test('a store that was rewound can be saved and rewound again, also to before the first time', async () => {
  const root = await temporaryDirectory();
  try {
    let store = await LmdbStore.open(join(root, '0'));
    for (let i = 1; i <= 30; i++) await store.commit([{ key: `/k/${i % 7}`, value: bytes(String(i)) }]);
    const at = async (revision: number): Promise<string[]> =>
      (await store.list(prefixRange('/k/'), { revision })).items.map(({ key, value }) => `${key}=${new TextDecoder().decode(value)}`);
    const then = [await at(10), await at(20)];
    for (const [i, to] of [20, 10].entries()) {
      await store.backup(join(root, `s${i}`));
      await store.close();
      await restoreSnapshot(join(root, `s${i}`), join(root, `r${i}`), { to, goOnAt: to + 1_000 });
      store = await LmdbStore.open(join(root, `r${i}`));
      assert.deepEqual(await at(10), then[0]);
      assert.equal(await store.revision(), to + 1_000);
      await store.commit([{ key: '/k/new', value: bytes(String(i)) }]);
    }
    await assertRejects(store.get('/k/1', { revision: 20 }), 'Compacted');
    assert.equal((await store.list(prefixRange('/k/'))).count, 8);
    await store.close();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test('a revision that is not kept, not there yet, or passed over is refused, and nothing is left half restored', async () => {
  const root = await temporaryDirectory();
  try {
    const store = await LmdbStore.open(join(root, 'data'));
    for (let i = 1; i <= 9; i++) await store.commit([{ key: '/k', value: bytes(String(i)) }]);
    await store.compact(5);
    const snapshot = join(root, 'snapshot');
    await store.backup(snapshot);
    await store.close();
    const target = join(root, 'target');
    await assertRejects(restoreSnapshot(snapshot, target, { to: 4 }), 'Compacted');
    await assertRejects(restoreSnapshot(snapshot, target, { to: 10 }), 'FutureRevision');
    assert.equal(await restoreSnapshot(snapshot, target, { to: async (past) => (await past.revision()) - 2, goOnAt: 107 }), 7);
    const restored = await LmdbStore.open(target);
    assert.equal(new TextDecoder().decode((await restored.get('/k')).item?.value), '7');
    await restored.backup(join(root, 'second'));
    await restored.close();
    await assertRejects(restoreSnapshot(join(root, 'second'), join(root, 'other'), { to: 50 }), 'Compacted');
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
