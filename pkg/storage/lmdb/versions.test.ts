import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytes } from '../contract/harness.ts';
import { temporaryDirectory } from '../contract/temporary-directory.node.ts';
import { Environment, type Tree } from './environment.ts';
import type { Meta, VersionRef } from './layout.ts';
import { LmdbStore } from './lmdb-store.ts';
import { Versions } from './versions.ts';

/** Counts what is looked up in the log. */
function counted(log: Tree<VersionRef>): { readonly log: Tree<VersionRef>; lookups: number } {
  const counter = { lookups: 0, log };
  counter.log = Object.assign(Object.create(log) as Tree<VersionRef>, {
    get: (...given: Parameters<Tree<VersionRef>['get']>) => {
      counter.lookups++;
      return log.get(...given);
    },
    list: (...given: Parameters<Tree<VersionRef>['list']>) => {
      counter.lookups++;
      return log.list(...given);
    },
  });
  return counter;
}

test('the record of each write of a key with many versions is found at once, those of deletions too', async () => {
  const root = await temporaryDirectory();
  const writes = 600;
  try {
    const store = await LmdbStore.open(join(root, 'data'), { maxRecent: 50 });
    for (let i = 1; i <= writes; i++)
      await store.commit(
        [
          { key: '/other', value: bytes(String(i)) },
          { key: '/key', value: i % 50 === 0 ? undefined : bytes(String(i)) },
        ],
        { record: bytes(`r${i}`) },
      );
    await store.close();
    const environment = new Environment(join(root, 'data'));
    const counter = counted(environment.log);
    const { index, deleted, directory } = environment;
    const versions = new Versions({ index, deleted, directory, log: counter.log } as unknown as Environment, environment.meta() as Meta);
    counter.lookups = 0;
    for (let i = 1; i <= writes; i++) assert.equal(new TextDecoder().decode(versions.record('/key', i)), `r${i}`);
    assert.ok(counter.lookups <= 2 * writes, `${counter.lookups} lookups`);
    assert.equal(versions.record('/never', 7), undefined);
    await environment.close();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
