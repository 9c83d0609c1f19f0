import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeContract } from '../store-contract.ts';
import { LmdbStore, type LmdbStoreOptions } from './lmdb-store.ts';

const variants: readonly { readonly name: string; readonly options: LmdbStoreOptions }[] = [
  { name: 'LmdbStore', options: {} },
  { name: 'LmdbStore, whose index tree and watches are behind at every moment', options: { maxUnread: 16, maxRecent: 3 } },
];

for (const { name, options } of variants) {
  storeContract({
    name,
    runs: 30,
    open: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'gokube-lmdb-'));
      const under = {
        store: await LmdbStore.open(directory, options),
        async reopen() {
          await under.store.close();
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
