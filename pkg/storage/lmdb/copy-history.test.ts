import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertRejects, assertSame, bytes } from '../contract/harness.ts';
import { temporaryDirectory } from '../contract/temporary-directory.node.ts';
import { MemoryStore } from '../memory-store.ts';
import { keyRange, type Operation, prefixRange, type Store, StoreError } from '../store.ts';
import { copyHistory } from './copy-history.ts';
import { LmdbStore } from './lmdb-store.ts';

const all = prefixRange('/k/');
const write = fc.record({
  keys: fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), put: fc.boolean() }), {
    minLength: 1,
    maxLength: 4,
    selector: ({ name }) => name,
  }),
  recorded: fc.boolean(),
});
const story = fc.record({
  writes: fc.array(write, { minLength: 1, maxLength: 40 }),
  compact: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
  later: fc.array(write, { maxLength: 10 }),
  maxRecent: fc.constantFrom(1, 5, undefined),
});
type Story = typeof story extends fc.Arbitrary<infer S> ? S : never;

async function apply(stores: readonly Store[], writes: Story['writes'], label: string): Promise<void> {
  for (const [i, { keys, recorded }] of writes.entries()) {
    const operations = keys.map(({ name, put }): Operation => ({ key: `/k/${name}`, value: put ? bytes(`${label}${i}`) : undefined }));
    const options = recorded ? { record: bytes(`r${i}`) } : {};
    const [first, ...others] = await Promise.all(stores.map((store) => store.commit(operations, options)));
    for (const other of others) assert.deepEqual(other, first);
  }
}

/** What a reader can learn of a store, at every revision that is kept. */
async function told(store: Store): Promise<unknown> {
  const [oldest, newest] = [await store.compactedRevision(), await store.revision()];
  const states: unknown[] = [];
  for (let revision = oldest; revision <= newest; revision++) {
    const { items, count } = await store.list(all, { revision });
    const records = await Promise.all(items.map(({ key }) => store.record(key, revision)));
    states.push({ items, count, limited: (await store.list(all, { revision, limit: 1 })).count, records });
  }
  const events = await store.changes(all, { from: oldest + 1, previous: true });
  const records = await Promise.all(events.map(({ key, revision }) => store.record(key, revision)));
  const one = await store.changes(keyRange('/k/a'), { from: oldest + 1, previous: true });
  return { oldest, newest, states, events, records, one, size: (await store.list(all, { countOnly: true })).count };
}

test('a copy tells what its source does, at every revision that is kept, and goes on as it would', async () => {
  const root = await temporaryDirectory();
  try {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(story, async ({ writes, compact, later, maxRecent }) => {
        const source = new MemoryStore();
        await source.commit([{ key: '/elsewhere', value: bytes('not copied') }]);
        await apply([source], writes, 'v');
        if (compact !== null) await source.compact(Math.round(compact * (await source.revision())));
        const directory = join(root, String(run++));
        assert.equal(await copyHistory(source, all, directory), await source.revision());
        const copy = await LmdbStore.open(directory, maxRecent === undefined ? {} : { maxRecent });
        assertSame(await told(copy), await told(source));
        await apply([source, copy], later, 'w');
        const to = Math.floor(((await source.revision()) + (await source.compactedRevision())) / 2);
        await Promise.all([source.compact(to), copy.compact(to)]);
        assertSame(await told(copy), await told(source));
        await copy.close();
      }),
      { numRuns: 60 },
    );
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test('more than fits one step is copied whole; what is compacted meanwhile has it begun again, and what fails is told', async () => {
  const root = await temporaryDirectory();
  const source = new MemoryStore();
  for (let i = 0; i < 130; i++)
    await source.commit(Array.from({ length: 50 }, (_, k) => ({ key: `/k/${(i * 50 + k) % 3_000}`, value: new Uint8Array(3_000) })));
  await source.compact(20);
  try {
    let disturbances = 1;
    const disturbed = {
      revision: () => source.revision(),
      compactedRevision: () => source.compactedRevision(),
      list: source.list.bind(source),
      record: source.record.bind(source),
      changes: async (...given: Parameters<Store['changes']>) => {
        if (disturbances-- > 0) await source.compact(60);
        return source.changes(...given);
      },
    };
    await copyHistory(disturbed, all, join(root, 'copy'));
    const copy = await LmdbStore.open(join(root, 'copy'));
    assert.equal(await copy.compactedRevision(), 60);
    for (const revision of [60, 99, 130])
      assertSame(await copy.list(all, { revision }), { ...(await source.list(all, { revision })), revision: 130 });
    await copy.close();
    const broken = { ...disturbed, record: () => Promise.reject(new StoreError('Unavailable', 'no answer')) };
    await assertRejects(copyHistory(broken, all, join(root, 'broken')), 'Unavailable');
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
