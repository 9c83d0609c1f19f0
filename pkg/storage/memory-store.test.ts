import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from './memory-store.ts';
import { prefixRange } from './store.ts';
import { storeContract } from './store-contract.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

storeContract({
  name: 'MemoryStore',
  open: async () => {
    const store = new MemoryStore({ maxUnread: 64 });
    return { store, dispose: () => store.close() };
  },
});

test('a fork holds everything, history included, and neither sees what the other writes', async () => {
  const store = new MemoryStore();
  for (let i = 0; i < 1_000; i++) await store.commit([{ key: `/k/${i % 300}`, value: bytes(String(i)) }], { record: bytes(`r${i}`) });
  const before = await store.list(prefixRange('/k/'));
  const old = await store.list(prefixRange('/k/'), { revision: 500 });
  const fork = store.fork();
  assert.deepEqual(await fork.list(prefixRange('/k/')), before);
  assert.deepEqual(await fork.list(prefixRange('/k/'), { revision: 500 }), { ...old });
  await store.commit([{ key: '/k/1', value: undefined }]);
  await store.compact(900);
  assert.deepEqual(await fork.list(prefixRange('/k/')), before);
  assert.equal(await fork.revision(), 1_000);
  assert.equal(await fork.compactedRevision(), 0);
  await fork.commit([{ key: '/k/new', value: bytes('x') }]);
  assert.equal((await store.get('/k/new')).item, undefined);
  await store.close();
  assert.equal(await fork.revision(), 1_001);
});

test('a fork of a large store takes well under a millisecond', async () => {
  const store = new MemoryStore();
  for (let i = 0; i < 300; i++) await store.commit(Array.from({ length: 60 }, (_, k) => ({ key: `/k/${k}/${i}`, value: bytes('v') })));
  const times = Array.from({ length: 20 }, () => {
    const start = performance.now();
    store.fork();
    return performance.now() - start;
  });
  assert.ok(Math.min(...times) < 1, `fork took ${Math.min(...times)} ms`);
});

test('compaction frees what only the past could see', async () => {
  const store = new MemoryStore();
  for (let i = 0; i < 100; i++) await store.commit([{ key: '/k', value: bytes('12345678') }]);
  assert.equal(await store.size(), 100 * 10);
  await store.compact(100);
  assert.equal(await store.size(), 10);
  await store.commit([{ key: '/k', value: undefined }]);
  await store.compact(101);
  assert.equal(await store.size(), 0);
});
