/** Every kept revision of one object, straight from the store: what is gone, and what was before, is not in the cache. */
import type { KeyValue, Store, StoreEvent } from '../../storage/store.ts';
import { isStoreError, keyRange } from '../../storage/store.ts';
import { decodeRecord, type WriteRecord } from '../../trace/cause.ts';
import type { HistoryQuery, ObjectKey } from '../contract.ts';
import type { Resource } from '../resource.ts';
import type { StoredEntry } from '../stored-entry.ts';

export interface PastStoredEntry {
  readonly revision: number;
  readonly type: 'created' | 'updated' | 'deleted';
  readonly entry: StoredEntry | undefined;
  readonly record: WriteRecord | undefined;
}
export interface StoredHistory {
  readonly entries: readonly PastStoredEntry[];
  readonly revision: number;
  readonly oldestRevision: number;
  readonly earlier: boolean;
}

export async function historyOf(resource: Resource, key: ObjectKey, query: HistoryQuery): Promise<StoredHistory> {
  const { cache, environment } = resource;
  const { store } = environment;
  const storeKey = cache.keyOf(key.namespace, key.name);
  for (let tries = 1; ; tries++) {
    try {
      const { events, ...span } = await eventsOf(store, storeKey, query);
      const entries = events.map(async (event): Promise<PastStoredEntry> => {
        const { revision } = event;
        const record = decodeRecord(await store.record(storeKey, Math.max(revision, span.oldestRevision)));
        if (event.type === 'delete') return { revision, type: 'deleted', entry: undefined, record };
        const { value, version } = event.item;
        return { revision, type: version === 1 ? 'created' : 'updated', entry: cache.entryFor(storeKey, value, revision), record };
      });
      return { ...span, entries: await Promise.all(entries) };
    } catch (error) {
      // What was kept when the reading began may be compacted at its end.
      if (tries === 3 || !isStoreError(error, 'Compacted')) throw error;
    }
  }
}

/** The writes of a key that are kept, the one that stood at the oldest revision included. */
async function eventsOf(store: Store, key: string, query: HistoryQuery) {
  const { limit, signal } = query;
  const [revision, oldestRevision] = [await store.revision(), await store.compactedRevision()];
  const to = Math.min(revision, (query.before ?? Number.POSITIVE_INFINITY) - 1);
  const standing = oldestRevision > 0 && to > 0 ? (await store.get(key, { revision: oldestRevision, signal })).item : undefined;
  const since = to > oldestRevision ? await store.changes(keyRange(key), { from: oldestRevision + 1, to, signal }) : [];
  const all = [...(standing && standing.modRevision <= to ? [putOf(standing)] : []), ...since];
  const events = limit === undefined ? all : all.slice(-limit);
  return { events, revision, oldestRevision, earlier: events.length < all.length };
}

function putOf(item: KeyValue): StoreEvent {
  return { type: 'put', key: item.key, revision: item.modRevision, item };
}
