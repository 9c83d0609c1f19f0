import assert from 'node:assert/strict';
import { cp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { randomInt, SeededRandom } from '../../clock/random.ts';
import { assertSame, bytes, commitBoth, modelOf } from '../contract/harness.ts';
import { temporaryDirectory } from '../contract/temporary-directory.node.ts';
import { type Operation, prefixRange } from '../store.ts';
import { storeContract } from '../store-contract.ts';
import { LmdbStore, type LmdbStoreOptions } from './lmdb-store.ts';

interface Variant {
  readonly name: string;
  readonly options: LmdbStoreOptions;
  readonly crashes: boolean;
}
const variants: readonly Variant[] = [
  { name: 'LmdbStore', options: {}, crashes: false },
  { name: 'LmdbStore, whose index tree and watches are always behind', options: { maxUnread: 16, maxRecent: 3 }, crashes: false },
  { name: 'LmdbStore, which never ends in good order', options: { maxRecent: 10 }, crashes: true },
];

for (const { name, options, crashes } of variants) {
  storeContract({
    name,
    runs: 30,
    open: async () => {
      let directory = await temporaryDirectory();
      const under = {
        store: await LmdbStore.open(directory, options),
        async reopen() {
          const before = directory;
          // Between two groups of commits, the data file is what a crash would leave.
          if (crashes) directory = await copyOf(directory);
          await under.store.close();
          if (crashes) await rm(before, { recursive: true });
          under.store = await LmdbStore.open(directory, options);
        },
        async dispose() {
          await under.store.close();
          await rm(directory, { recursive: true });
        },
      };
      return under;
    },
  });
}

async function copyOf(directory: string): Promise<string> {
  const copy = await temporaryDirectory();
  await cp(directory, copy, { recursive: true, filter: (file) => !file.endsWith('lock') });
  return copy;
}

test('lists longer than one step are whole, at any revision, while the store is written and compacted', async () => {
  const directory = await temporaryDirectory();
  const store = await LmdbStore.open(directory, { maxRecent: 700 });
  try {
    const model = await modelOf(store);
    const random = new SeededRandom(1);
    const change = (): Operation => ({
      key: `/k/${randomInt(random, 2_000)}`,
      value: random.next() < 0.3 ? undefined : bytes(`${random.next()}`),
    });
    const write = (): Promise<number> => {
      const operations = new Map(Array.from({ length: 50 }, change).map((operation) => [operation.key, operation]));
      return commitBoth(store, model, [...operations.values()]);
    };
    for (let i = 0; i < 120; i++) await write();
    const range = prefixRange('/k/');
    for (const back of [0, 1, 40, 100]) {
      const revision = model.revision - back;
      const [whole, part, counted] = await Promise.all([
        store.list(range, { revision }),
        store.list(range, { revision, limit: 600 }),
        store.list(range, { revision, countOnly: true }),
        write(),
      ]);
      const expected = model.list(range, revision);
      assertSame(whole.items, expected);
      assertSame(part.items, expected.slice(0, 600));
      assert.deepEqual([whole.count, part.count, counted.count], [expected.length, expected.length, expected.length]);
    }
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
});

test('a list that has begun keeps what it needs from being compacted', async () => {
  const directory = await temporaryDirectory();
  const store = await LmdbStore.open(directory);
  try {
    const keys = Array.from({ length: 30_000 }, (_, i) => `/k/${String(i).padStart(5, '0')}`);
    await Promise.all(keys.map((key) => store.commit([{ key, value: bytes('old') }])));
    await store.compact(await store.revision());
    let listed = false;
    const listing = store.list(prefixRange('/k/')).finally(() => {
      listed = true;
    });
    const { revision } = await store.commit([{ key: keys.at(-1) as string, value: bytes('new') }]);
    const compacting = store.compact(revision);
    while ((await store.compactedRevision()) < revision) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(listed, false, 'the list should still be under way');
    const { items } = await listing;
    assert.equal(items.length, keys.length);
    assertSame(items.at(-1)?.value, bytes('old'));
    await compacting;
    await assert.rejects(store.get(keys.at(-1) as string, { revision: revision - 1 }), { code: 'Compacted' });
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
});

test('a key with more versions than its index entry holds can be read at each of them', async () => {
  const directory = await temporaryDirectory();
  const store = await LmdbStore.open(directory, { maxRecent: 20 });
  try {
    const model = await modelOf(store);
    for (let i = 0; i < 150; i++) await commitBoth(store, model, [{ key: '/hot', value: i % 11 === 10 ? undefined : bytes(String(i)) }]);
    for (const base of [0, 60]) {
      await store.compact(base);
      for (let r = base; r <= 150; r++) assertSame((await store.get('/hot', { revision: r })).item, model.get('/hot', r));
    }
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
});

test('under churn with compaction, the file stops growing', async () => {
  const directory = await temporaryDirectory();
  const store = await LmdbStore.open(directory, { maxRecent: 200 });
  try {
    const sizes: number[] = [];
    for (let round = 0; round < 24; round++) {
      const create = Array.from({ length: 200 }, (_, i) => store.commit([{ key: `/k/${round}-${i}`, value: new Uint8Array(2_000) }]));
      await Promise.all(create);
      const remove = Array.from({ length: 200 }, (_, i) => store.commit([{ key: `/k/${round}-${i}`, value: undefined }]));
      await Promise.all(remove);
      await store.compact(await store.revision());
      sizes.push((await stat(join(directory, 'data.mdb'))).size);
    }
    const settled = sizes[11] as number;
    assert.ok((sizes.at(-1) as number) <= 1.2 * settled, `the file grew on: ${sizes.join(' ')}`);
    // What is left is pages, not data.
    assert.ok((await store.size()) < 100_000, `${await store.size()} bytes in use`);
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
});
