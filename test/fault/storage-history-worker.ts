/**
 * A process to be killed, of one of two kinds: `history DIRECTORY PREFIX SEED` lets clients call an LMDB store at
 * random and says on stdout, before each call and after its answer, what it does; `restore FILE DIRECTORY REVISION`
 * restores a snapshot as of a revision.
 */
import { writeSync } from 'node:fs';
import { recordHistory } from '../../pkg/storage/contract/history.ts';
import { LmdbStore } from '../../pkg/storage/lmdb/lmdb-store.ts';
import { restoreSnapshot } from '../../pkg/storage/lmdb/snapshot.ts';

const [kind, first = '', second = '', third = ''] = process.argv.slice(2);
if (kind === 'history') {
  const store = await LmdbStore.open(first, { maxRecent: 20 });
  writeSync(1, 'open\n');
  await recordHistory([store], second, { seed: third, calls: 2_000, past: true, tell: (line) => writeSync(1, `${line}\n`) });
} else {
  writeSync(1, 'begin\n');
  await restoreSnapshot(first, second, { to: Number(third), goOnAt: 1_000_000 });
  writeSync(1, 'end\n');
}
