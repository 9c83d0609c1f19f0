/**
 * Saving a cluster of this machine in one file, and making one from such a file: the whole of it, or as of a past
 * revision. What is in it: the store, with its history, and the facts of `cluster.json`. What is not: keys and
 * certificates, which a new cluster makes for itself, so that who is given a snapshot is not given the right to act
 * as the cluster it came from; and what containers wrote.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { copyHistory } from '../../storage/lmdb/copy-history.ts';
import { makeDirectory } from '../../storage/lmdb/data-directory.ts';
import { lockDirectory } from '../../storage/lmdb/directory-lock.ts';
import { LmdbStore } from '../../storage/lmdb/lmdb-store.ts';
import { type OnProgress, type PastStore, readSnapshotInfo, restoreSnapshot } from '../../storage/lmdb/snapshot.ts';
import { isStoreError, type Operation, prefixRange, type Store } from '../../storage/store.ts';
import { encodeRecord } from '../../trace/cause.ts';
import { revisionAt } from '../revision-at.ts';
import { type ClusterConfig, readClusterConfig, writeClusterConfig } from './cluster-config.ts';

export interface SavedSnapshot {
  readonly bytes: number;
  readonly revision: number;
}

/** A past moment: a revision, or a time in milliseconds since the epoch. */
export type Moment = { readonly revision: number } | { readonly time: number };

export interface Saved {
  readonly store: Store;
  /** The cluster's. */
  readonly directory: string;
}

/** While the cluster runs, by the process that it runs in. */
export async function saveRunning({ store, directory }: Saved, file: string): Promise<SavedSnapshot> {
  const note = readClusterConfig(directory);
  if (store instanceof LmdbStore) return { revision: await store.revision(), bytes: await store.backup(file, note) };
  // Engines that keep no file, or not here, are copied through the port, with all that is kept of their past.
  const work = join(dirname(file), `.copy-${randomUUID()}`);
  try {
    const revision = await copyHistory(store, prefixRange('/registry/'), work);
    const copy = await LmdbStore.open(work);
    try {
      return { revision, bytes: await copy.backup(file, note) };
    } finally {
      await copy.close();
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Throws an Error for people when what is kept begins later. */
export async function revisionOf(moment: Moment, store: PastStore): Promise<number> {
  const [newest, oldest] = [await store.revision(), await store.compactedRevision()];
  if ('revision' in moment) {
    if (moment.revision <= newest) return moment.revision;
    throw new Error(`revision ${moment.revision} has not been written yet; the newest one is ${newest}`);
  }
  const revision = await revisionAt(store, moment.time);
  if (revision !== undefined) return revision;
  const words = `what is kept begins later than ${new Date(moment.time).toISOString()}; the oldest revision that can be read is`;
  throw new Error(`${words} ${Math.max(1, oldest)} (how long the past is kept is said by gokube up --history)`);
}

/** While nobody uses its directory. Throws `InUse` otherwise; undefined: there is no store on disk. */
export async function saveStopped(directory: string, file: string): Promise<SavedSnapshot | undefined> {
  if (!existsSync(join(directory, 'store', 'data.mdb'))) return undefined;
  const store = await LmdbStore.open(join(directory, 'store'));
  try {
    return await saveRunning({ store, directory }, file);
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
  const origin = (note ?? {}) as Partial<ClusterConfig>;
  const goesOnAt = beyond(newest, now - created);
  const { to } = options;
  const work = join(directory, workplace);
  const store = join(work, 'store');
  await makeDirectory(store);
  let ours = false;
  try {
    // Of another process that is at it just now, nothing is touched.
    await lockDirectory(store);
    ours = true;
    await rm(work, { recursive: true });
    const revision = await restoreSnapshot(file, store, { goOnAt: goesOnAt, ...(to === undefined ? {} : { to }) });
    await settle(store, now);
    if (origin.version) {
      // Ranges of addresses are chosen anew, beside those of clusters that run; services keep theirs.
      const { podNetwork: _p, nodeNetwork: _n, ...kept } = origin as ClusterConfig;
      writeClusterConfig(directory, { ...kept, name });
    }
    await rename(store, join(directory, 'store'));
    return { origin: origin.name ?? 'unknown', created, revision, goesOnAt, nodes: origin.nodes ?? [] };
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
