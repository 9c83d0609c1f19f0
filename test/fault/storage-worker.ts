/**
 * A process to be killed: writes to an LMDB store as fast as it can, and says on stdout, before each commit and after
 * its acknowledgement, what it does. Lines: `S <writer> <n>` a commit was begun, `A <writer> <n> <revision>` it was
 * acknowledged, `R <writer> <n> <revision>` it was read, perhaps before that, `B <file>` a snapshot is complete.
 * Meanwhile the store is compacted and snapshots are made.
 *
 * Commit n of writer w puts n under two keys; every seventh also deletes and every eighth makes again a third one.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LmdbStore } from '../../pkg/storage/lmdb/lmdb-store.ts';
import type { Operation } from '../../pkg/storage/store.ts';

const [directory = '', snapshots = '', firstNumber = '0'] = process.argv.slice(2);
const writers = 24;
const kept = 400;

const store = await LmdbStore.open(directory, { maxRecent: 300 });

async function write(writer: number): Promise<void> {
  for (let n = Number(firstNumber); ; n++) {
    const value = new TextEncoder().encode(String(n).padEnd(50 + ((writer * n) % 3_000), '.'));
    const operations: Operation[] = [
      { key: `/a/${writer}`, value },
      { key: `/b/${writer}`, value },
    ];
    if (n % 7 === 0) operations.push({ key: `/c/${writer}`, value: undefined });
    if (n % 8 === 0) operations.push({ key: `/c/${writer}`, value });
    writeSync(1, `S ${writer} ${n}\n`);
    const result = await store.commit(n % 56 === 0 ? operations.slice(0, 3) : operations, { record: value.subarray(0, 8) });
    writeSync(1, `A ${writer} ${n} ${result.revision}\n`);
  }
}

/** Looks for what has just been written, in every turn. */
async function read(): Promise<void> {
  const seen = new Map<number, number>();
  for (let writer = 0; ; writer = (writer + 1) % writers) {
    const { item } = await store.get(`/a/${writer}`);
    if (item && item.modRevision > (seen.get(writer) ?? 0)) {
      seen.set(writer, item.modRevision);
      writeSync(1, `R ${writer} ${Number.parseInt(new TextDecoder().decode(item.value), 10)} ${item.modRevision}\n`);
    }
    if (writer === writers - 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

async function compact(): Promise<void> {
  for (;;) {
    await sleep(20);
    const revision = (await store.revision()) - kept;
    if (revision > 0) await store.compact(revision);
  }
}

async function backup(): Promise<void> {
  for (let i = 0; ; i++) {
    const file = `${snapshots}/${process.pid}-${i}`;
    await store.backup(file);
    writeSync(1, `B ${file}\n`);
    await sleep(100);
  }
}

await Promise.all([read(), compact(), backup(), ...Array.from({ length: writers }, (_, writer) => write(writer))]);
