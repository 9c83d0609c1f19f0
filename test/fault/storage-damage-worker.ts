/** Opens a store that is perhaps damaged, reads and writes it, and says how that ended: `fine`, or the error's code. */
import { LmdbStore } from '../../pkg/storage/lmdb/lmdb-store.ts';
import { isStoreError, prefixRange } from '../../pkg/storage/store.ts';

try {
  const store = await LmdbStore.open(process.argv[2] as string);
  await store.list(prefixRange(''));
  await store.list(prefixRange(''), { revision: (await store.compactedRevision()) + 1 });
  await store.changes(prefixRange(''), { from: (await store.compactedRevision()) + 1 });
  await store.commit([{ key: '/new', value: new Uint8Array(10) }]);
  await store.close();
  console.log('fine');
} catch (error) {
  console.log(isStoreError(error) ? error.code : String(error));
}
process.exit(0);
