import { isStoreError, type Store, type StoreEvent } from '../storage/store.ts';
import { decodeRecord } from '../trace/cause.ts';

type Past = Pick<Store, 'revision' | 'compactedRevision' | 'changes' | 'record'>;

/** Writes looked at in one place, should the first ones have no record. */
const most = 50;

/**
 * The newest revision that had been written at a time (milliseconds since the epoch), by the records kept with the
 * writes; undefined: what is kept begins later. A binary search: some twenty reads, however long the history.
 */
export async function revisionAt(store: Past, time: number): Promise<number | undefined> {
  const oldest = await store.compactedRevision();
  let low = oldest;
  let high = await store.revision();
  while (low < high) {
    const middle = low + Math.ceil((high - low) / 2);
    const dated = await firstDated(store, middle, high);
    if (!dated || dated.time > time) high = middle - 1;
    else low = dated.revision;
  }
  return low === oldest ? undefined : low;
}

/** The first write from a revision on of which it is known when it was. */
async function firstDated(store: Past, from: number, to: number): Promise<{ revision: number; time: number } | undefined> {
  for (const { key, revision } of await changesFrom(store, from, to)) {
    const record = decodeRecord(await store.record(key, revision));
    if (record) return { revision, time: record.time };
  }
  return undefined;
}

async function changesFrom(store: Past, from: number, to: number): Promise<readonly StoreEvent[]> {
  try {
    return await store.changes({ start: '' }, { from, to, limit: most });
  } catch (error) {
    // The store passed these revisions over when it was restored: what follows them counts.
    const next = isStoreError(error, 'Compacted') ? error.compactedRevision : undefined;
    if (next === undefined || next < from) throw error;
    return next < to ? store.changes({ start: '' }, { from: next + 1, to, limit: most }) : [];
  }
}
