import { isStoreError, type Store, type StoreEvent } from '../storage/store.ts';
import { decodeRecord, type WriteRecord } from '../trace/cause.ts';
import { registryPrefix } from './cache/event-feed.ts';
import type { ObjectKey, ResourceDeclaration } from './contract.ts';

/** What one commit did: its record, and which objects it changed. Keys that hold no objects (reservations) are left out. */
export interface PastCommit {
  readonly revision: number;
  readonly record: WriteRecord | undefined;
  readonly changes: readonly PastChange[];
}
export interface PastChange {
  readonly declaration: ResourceDeclaration;
  readonly key: ObjectKey;
  readonly type: 'created' | 'updated' | 'deleted';
}

/** Reads one revision of the store back as what was written; undefined where it is not kept. */
export async function readCommit(
  store: Store,
  stored: readonly ResourceDeclaration[],
  revision: number,
  signal: AbortSignal,
): Promise<PastCommit | undefined> {
  try {
    const events = await store.changes({ start: registryPrefix }, { from: revision, to: revision, signal });
    const [first] = events;
    if (!first) return undefined;
    const record = decodeRecord(await store.record(first.key, revision));
    return { revision, record, changes: events.flatMap((event) => changeOf(stored, event) ?? []) };
  } catch (error) {
    if (isStoreError(error, 'Compacted') || isStoreError(error, 'FutureRevision')) return undefined;
    throw error;
  }
}

function changeOf(stored: readonly ResourceDeclaration[], event: StoreEvent): PastChange | undefined {
  const path = event.key.slice(registryPrefix.length);
  const declaration = stored.find(({ storagePrefix }) => path.startsWith(`${storagePrefix}/`));
  if (!declaration) return undefined;
  const parts = path.slice(declaration.storagePrefix.length + 1).split('/');
  const [namespace, name] = declaration.namespaced ? parts : ['', ...parts];
  if (namespace === undefined || name === undefined) return undefined;
  const type = event.type === 'delete' ? 'deleted' : event.item.version === 1 ? 'created' : 'updated';
  return { declaration, key: { namespace, name }, type };
}
