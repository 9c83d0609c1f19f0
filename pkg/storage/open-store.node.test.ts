import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { temporaryDirectory } from './contract/temporary-directory.node.ts';
import { EtcdStore } from './etcd/etcd-store.ts';
import { LmdbStore } from './lmdb/lmdb-store.ts';
import { MemoryStore } from './memory-store.ts';
import { openStore } from './open-store.node.ts';

test('a store is opened by its spec, and a spec that names none is refused', async () => {
  const directory = await temporaryDirectory();
  try {
    assert.ok((await openStore('memory')) instanceof MemoryStore);
    const local = await openStore(`lmdb:${directory}/data`);
    assert.ok(local instanceof LmdbStore);
    await local.close();
    const etcd = await openStore('etcd:http://127.0.0.1:2379,http://127.0.0.1:3379');
    assert.ok(etcd instanceof EtcdStore);
    await etcd.close();
    for (const spec of ['', 'memory:x', 'lmdb', 'lmdb:', 'etcd:', 'etcd:127.0.0.1:2379', 'sqlite:x']) {
      await assert.rejects(openStore(spec), { code: 'Invalid' });
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});
