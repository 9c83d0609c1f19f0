import type { EtcdStoreOptions } from './etcd/etcd-store.ts';
import { LmdbStore, type LmdbStoreOptions } from './lmdb/lmdb-store.ts';
import { MemoryStore } from './memory-store.ts';
import { type Store, StoreError } from './store.ts';

export interface OpenStoreOptions {
  readonly lmdb?: LmdbStoreOptions;
  readonly etcd?: Omit<EtcdStoreOptions, 'endpoints'>;
}

/**
 * Opens the store that a flag names: `memory`, `lmdb:<directory>`, or `etcd:<url>[,<url>…]` with http or https URLs of
 * the members. Throws `Invalid` for anything else, and what the engine throws.
 */
export async function openStore(spec: string, options: OpenStoreOptions = {}): Promise<Store> {
  const colon = spec.indexOf(':');
  const engine = colon < 0 ? spec : spec.slice(0, colon);
  const where = colon < 0 ? '' : spec.slice(colon + 1);
  if (spec === 'memory') return new MemoryStore();
  if (engine === 'lmdb' && where !== '') return LmdbStore.open(where, options.lmdb);
  if (engine === 'etcd' && where !== '') {
    // gRPC takes as long to load as all else together: only who speaks to etcd waits for it.
    const { EtcdStore } = await import('./etcd/etcd-store.ts');
    return new EtcdStore({ ...options.etcd, endpoints: where.split(',') });
  }
  throw new StoreError('Invalid', `"${spec}" names no store: use memory, lmdb:<directory> or etcd:http://<host>:<port>[,…]`);
}
