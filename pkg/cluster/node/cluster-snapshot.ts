/**
 * Saving a cluster of this machine in one file, and making one from such a file: the whole of it, or as of a past
 * revision. What is in it: the store, with its history, and the facts of `cluster.json`. What is not: keys and
 * certificates, which a new cluster makes for itself, so that who is given a snapshot is not given the right to act
 * as the cluster it came from; and what containers wrote.
 */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lockDirectory } from '../../storage/lmdb/directory-lock.ts';
import { LmdbStore } from '../../storage/lmdb/lmdb-store.ts';
import { type OnProgress, type PastStore, readSnapshotInfo, restoreSnapshot } from '../../storage/lmdb/snapshot.ts';
import { isStoreError, type Operation, prefixRange, type Store } from '../../storage/store.ts';
import { encodeRecord } from '../../trace/cause.ts';
import { type ClusterConfig, readClusterConfig, writeClusterConfig } from './cluster-config.ts';

export interface SavedSnapshot {
  readonly bytes: number;
  readonly revision: number;
}

/** Words a cluster whose objects are kept elsewhere than in its data directory. */
export function cannotBeSaved(storeName: string): Error {
  if (storeName === 'etcd')
    return new Error(
      'this cluster keeps its objects in etcd, which saves itself: etcdctl --endpoints=URL snapshot save FILE; and back: etcdutl snapshot restore FILE --bump-revision 1000000000 --mark-compacted --data-dir DIR, then etcd over DIR and gokube up --store etcd:URL',
    );
  return new Error('this cluster keeps its objects in memory: what is to be kept needs gokube up --store lmdb');
}

/** While the cluster runs, by the process that it runs in. */
export async function saveRunning(store: Store, storeName: string, directory: string, file: string): Promise<SavedSnapshot> {
  if (!(store instanceof LmdbStore)) throw cannotBeSaved(storeName);
  const revision = await store.revision();
  return { revision, bytes: await store.backup(file, readClusterConfig(directory)) };
}

/** While nobody uses its directory. Throws `InUse` otherwise; undefined: there is no store on disk. */
export async function saveStopped(directory: string, file: string): Promise<SavedSnapshot | undefined> {
  if (!existsSync(join(directory, 'store', 'data.mdb'))) return undefined;
  const store = await LmdbStore.open(join(directory, 'store'));
  try {
    return await saveRunning(store, 'lmdb', directory, file);
  } finally {
    await store.close();
  }
}

export interface RestoreClusterOptions {
  readonly file: string;
  readonly directory: string;
  readonly name: string;
  readonly now: number;
  /** A revision, or how to find one; default: all that is in the file. */
  readonly to?: number | ((store: PastStore) => Promise<number>);
  readonly onProgress?: OnProgress;
}

export interface RestoredCluster {
  /** The cluster that the snapshot was made of. */
  readonly origin: string;
  readonly created: number;
  /** The state that it stands at, and the revision after which it goes on. */
  readonly revision: number;
  readonly goesOnAt: number;
  readonly nodes: readonly string[];
}

/** Where a restore works until it is complete; inside the directory, which may be a mount of its own. */
const workplace = '.restoring';

/** The names that are in the way of a restore; none: the directory is empty, not there, or left by a restore that was cut short. */
export function inTheWay(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  const names = readdirSync(directory);
  const begun = names.includes(workplace);
  return names.filter((name) => name !== workplace && !(begun && name === 'cluster.json'));
}

/** The caller has made sure that nothing is in the way. All or nothing; begun again after an interruption, it ends well. */
export async function restoreCluster(options: RestoreClusterOptions): Promise<RestoredCluster> {
  const { file, directory, name, now } = options;
  const { created, revision: newest, note } = await readSnapshotInfo(file, options.onProgress);
  const goesOnAt = beyond(newest, now - created);
  const origin = note as ClusterConfig | undefined;
  const work = join(directory, workplace);
  const store = join(work, 'store');
  await mkdir(store, { recursive: true, mode: 0o700 });
  let ours = false;
  try {
    // Of another process that is at it just now, nothing is touched.
    await lockDirectory(store);
    ours = true;
    await rm(work, { recursive: true });
    const revision = await restoreSnapshot(file, store, { goOnAt: goesOnAt, ...(options.to === undefined ? {} : { to: options.to }) });
    await settle(store, now);
    if (origin) {
      // Ranges of addresses are chosen anew, beside those of clusters that run; services keep theirs.
      const { podNetwork: _p, nodeNetwork: _n, ...kept } = origin;
      writeClusterConfig(directory, { ...kept, name });
    }
    await rename(store, join(directory, 'store'));
    return { origin: origin?.name ?? 'unknown', created, revision, goesOnAt, nodes: origin?.nodes ?? [] };
  } catch (error) {
    ours ||= !isStoreError(error, 'InUse');
    throw error;
  } finally {
    if (ours) await rm(work, { recursive: true, force: true });
    if (readdirSync(directory).length === 0) await rmdir(directory);
  }
}

/**
 * The next round million after every revision that the original can have written since: a thousand a second is more
 * than it does for long.
 */
function beyond(revision: number, age: number): number {
  const reached = revision + Math.max(0, age);
  return Math.ceil((reached + 1) / 1_000_000) * 1_000_000;
}

/** What only held where the snapshot was made is taken out: nodes get their ranges of pod addresses from the new network. */
async function settle(directory: string, now: number): Promise<void> {
  const store = await LmdbStore.open(directory);
  try {
    const { items } = await store.list(prefixRange('/registry/minions/'));
    const operations = items.flatMap(({ key, value, modRevision }): Operation[] => {
      const node = JSON.parse(new TextDecoder().decode(value)) as { spec?: { podCIDR?: string; podCIDRs?: string[] } };
      if (!node.spec?.podCIDR) return [];
      const { podCIDR: _one, podCIDRs: _all, ...spec } = node.spec;
      return [{ key, value: new TextEncoder().encode(JSON.stringify({ ...node, spec })), expect: modRevision }];
    });
    const record = encodeRecord({ actor: 'gokube', agent: 'gokube', verb: 'restore', request: '', time: now });
    for (let at = 0; at < operations.length; at += 50) await store.commit(operations.slice(at, at + 50), { record });
  } finally {
    await store.close();
  }
}
