/**
 * The LMDB store beside the distribution's etcd, through the same port, in one program, on the same disk, in turns:
 * durable writes, range reads now and in the past, watches, opening a large store, and writing during compaction.
 * `node tools/bench/storage.ts [--keys N] [--seconds S]` prints a table and a line of JSON.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EtcdCluster, type EtcdProcess, etcdBinaries } from '../../pkg/storage/etcd/etcd-harness.ts';
import { EtcdStore } from '../../pkg/storage/etcd/etcd-store.ts';
import { LmdbStore } from '../../pkg/storage/lmdb/lmdb-store.ts';
import { type Operation, prefixRange, type Store } from '../../pkg/storage/store.ts';
import { type BenchRow, formatRows } from './bench-row.ts';

export interface BenchStorageOptions {
  /** Keys in the store whose opening is timed; default 1,000,000. */
  readonly keys?: number;
  /** Seconds of each measurement of throughput; default 3. */
  readonly seconds?: number;
}

/** Two engines with data on disk, beside each other. */
interface Pair {
  readonly directory: string;
  lmdb: LmdbStore;
  readonly etcd: EtcdStore | undefined;
  readonly member: EtcdProcess | undefined;
}

const value = new Uint8Array(1024).fill(120);

export async function benchStorage(options: BenchStorageOptions = {}): Promise<BenchRow[]> {
  const { keys = 1_000_000, seconds = 3 } = options;
  return [
    ...(await withPair((pair) => benchPuts(pair, seconds))),
    ...(await withPair(benchRanges)),
    ...(await withPair((pair) => benchWatches(pair, seconds))),
    ...(await withPair((pair) => benchCompaction(pair, seconds))),
    ...(await withPair((pair) => benchOpen(pair, keys))),
  ];
}

async function withPair(measure: (pair: Pair) => Promise<BenchRow[]>): Promise<BenchRow[]> {
  const directory = await mkdtemp(join(tmpdir(), 'gokube-bench-'));
  const { path, skip } = etcdBinaries[0] as (typeof etcdBinaries)[number];
  const quota = ['--quota-backend-bytes', String(8 * 2 ** 30)];
  const cluster = skip ? undefined : await EtcdCluster.start(path, { directory: join(directory, 'etcd'), arguments: quota });
  const pair: Pair = {
    directory,
    lmdb: await LmdbStore.open(join(directory, 'lmdb')),
    etcd: cluster && new EtcdStore({ endpoints: cluster.endpoints, callTimeout: 120_000, attemptTimeout: 120_000 }),
    member: cluster?.members[0],
  };
  try {
    return await measure(pair);
  } finally {
    await pair.lmdb.close();
    await pair.etcd?.close();
    await cluster?.dispose();
    await rm(directory, { recursive: true });
  }
}

/** For figures of which more is better. */
function row(name: string, unit: string, wanted: number, ours: number, reference: number | undefined, referenceName = 'etcd'): BenchRow {
  return { name, unit, ours, reference, referenceName, ratio: reference === undefined ? undefined : ours / reference, wanted };
}

/** For times, of which less is better. */
function timeRow(name: string, wanted: number, ours: number, reference: number | undefined, referenceName = 'etcd'): BenchRow {
  return { ...row(name, 'ms', wanted, ours, reference, referenceName), ratio: reference === undefined ? undefined : reference / ours };
}

async function benchPuts({ lmdb, etcd }: Pair, seconds: number): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const [writers, wanted] of [
    [1, 1.5],
    [64, 5],
    [512, 8],
  ] as const) {
    const theirs: number[] = [];
    const ours: number[] = [];
    // Many short turns: whatever else the machine does meets both alike.
    for (let turn = 0; turn < 4; turn++) {
      if (etcd) theirs.push((await load(etcd, writers, seconds / 2)).perSecond);
      ours.push((await load(lmdb, writers, seconds / 2)).perSecond);
    }
    rows.push(row(`durable puts of 1 KB, ${writers} writers`, '/s', wanted, mean(ours), etcd && mean(theirs)));
  }
  return rows;
}

interface Load {
  readonly perSecond: number;
  /** Milliseconds, ascending. */
  readonly latencies: number[];
}

/** Each writer puts one key after the other, 200 of its own in turn, for some seconds or until `done`. */
async function load(store: Store, writers: number, seconds: number, done?: Promise<unknown>): Promise<Load> {
  const start = performance.now();
  let end = start + seconds * 1_000;
  const latencies: number[] = [];
  if (done) end = Number.POSITIVE_INFINITY;
  void done?.then(() => {
    end = 0;
  });
  const writer = async (w: number): Promise<void> => {
    for (let i = 0, now = performance.now(); now < end; i++) {
      await store.commit([{ key: `/registry/bench/${w}/${i % 200}`, value }]);
      const after = performance.now();
      latencies.push(after - now);
      now = after;
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, w) => writer(w)));
  const perSecond = Math.round((latencies.length * 1_000) / (performance.now() - start));
  return { perSecond, latencies: latencies.sort((a, b) => a - b) };
}

async function benchRanges(pair: Pair): Promise<BenchRow[]> {
  const { etcd } = pair;
  const measure = async (filled: Store): Promise<{ newest: number; old: number }> => {
    let old = 0;
    for (let version = 0; version < 10; version++) {
      const puts = Array.from({ length: 10_000 }, (_, i): Operation => ({ key: `/registry/range/${String(i).padStart(5, '0')}`, value }));
      await fill(filled, puts);
      if (version === 0) old = await filled.revision();
    }
    // Opened again, it has nothing of what was written in memory.
    if (filled === pair.lmdb) await reopen(pair);
    const store = filled === etcd ? etcd : pair.lmdb;
    const list = (revision?: number): Promise<number> => {
      return best(5, async () => {
        const { items } = await store.list(prefixRange('/registry/range/'), revision === undefined ? {} : { revision });
        if (items.length !== 10_000) throw new Error(`${items.length} items`);
      });
    };
    return { newest: await list(), old: await list(old) };
  };
  const theirs = etcd && (await measure(etcd));
  const ours = await measure(pair.lmdb);
  return [
    timeRow('list of 10,000 keys of 1 KB, newest', 2, ours.newest, theirs?.newest),
    timeRow('the same at an old revision, 10 versions each', 0.5, ours.old, theirs?.old),
  ];
}

/** 1,000 watches of one range, and 16 writers into it: events delivered per second, over all watches. */
async function benchWatches({ lmdb, etcd }: Pair, seconds: number): Promise<BenchRow[]> {
  const watches = 1_000;
  const measure = async (store: Store): Promise<number> => {
    const stop = new AbortController();
    const from = (await store.revision()) + 1;
    let delivered = 0;
    const readers = Array.from({ length: watches }, async () => {
      for await (const { events } of store.watch(prefixRange('/registry/bench/'), { from, signal: stop.signal }))
        delivered += events.length;
    });
    // A first event to all says that they stand.
    await store.commit([{ key: '/registry/bench/first', value }]);
    while (delivered < watches) await new Promise((resolve) => setTimeout(resolve, 5));
    delivered = 0;
    const start = performance.now();
    const { latencies } = await load(store, 16, seconds);
    while (delivered < latencies.length * watches) await new Promise((resolve) => setTimeout(resolve, 5));
    const perSecond = (delivered * 1_000) / (performance.now() - start);
    stop.abort();
    await Promise.all(readers);
    return Math.round(perSecond);
  };
  const theirs = etcd && (await measure(etcd));
  return [row('events to 1,000 watches of one range', '/s', 3, await measure(lmdb), theirs)];
}

async function benchCompaction({ lmdb }: Pair, seconds: number): Promise<BenchRow[]> {
  const p99 = ({ latencies }: Load): number => latencies[Math.floor(latencies.length * 0.99)] ?? 0;
  for (let version = 0; version < 5; version++) {
    await fill(
      lmdb,
      Array.from({ length: 10_000 }, (_, i): Operation => ({ key: `/registry/compact/${i}`, value })),
    );
  }
  const without = p99(await load(lmdb, 64, seconds));
  const during = p99(await load(lmdb, 64, seconds, lmdb.compact(await lmdb.revision())));
  return [timeRow('p99 of a write by 64 writers during compaction', 0.5, during, without, 'without')];
}

/** From the start of opening until the first read is answered. */
async function benchOpen(pair: Pair, count: number): Promise<BenchRow[]> {
  const small = new Uint8Array(100).fill(120);
  const first = '/registry/open/0';
  for (const store of [pair.lmdb, pair.etcd]) {
    if (!store) continue;
    for (let i = 0; i < count; i += 50_000) {
      await fill(
        store,
        Array.from({ length: Math.min(50_000, count - i) }, (_, k): Operation => ({ key: `/registry/open/${i + k}`, value: small })),
      );
    }
  }
  let theirs: number | undefined;
  if (pair.etcd && pair.member) {
    await pair.member.stop('SIGTERM');
    const start = performance.now();
    pair.member.start();
    const probe = new EtcdStore({ endpoints: [pair.member.endpoint], callTimeout: 120_000 });
    await probe.get(first);
    theirs = performance.now() - start;
    await probe.close();
  }
  const opening = await reopen(pair);
  const start = performance.now();
  await pair.lmdb.get(first);
  return [timeRow(`open ${count.toLocaleString('en')} keys and read one`, 10, opening + performance.now() - start, theirs)];
}

/** Milliseconds that opening took. */
async function reopen(pair: Pair): Promise<number> {
  await pair.lmdb.close();
  const start = performance.now();
  pair.lmdb = await LmdbStore.open(join(pair.directory, 'lmdb'));
  return performance.now() - start;
}

/** Commits of 50 puts, 32 at a time. */
async function fill(store: Store, operations: readonly Operation[]): Promise<void> {
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < operations.length) {
      const part = operations.slice(next, next + 50);
      next += 50;
      await store.commit(part);
    }
  };
  await Promise.all(Array.from({ length: 32 }, writer));
}

/** The shortest of several runs, in milliseconds. */
async function best(runs: number, work: () => Promise<void>): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await work();
    shortest = Math.min(shortest, performance.now() - start);
  }
  return shortest;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({ options: { keys: { type: 'string' }, seconds: { type: 'string' } } });
  const rows = await benchStorage({
    ...(values.keys !== undefined && { keys: Number(values.keys) }),
    ...(values.seconds !== undefined && { seconds: Number(values.seconds) }),
  });
  console.log(formatRows(rows));
  console.log(JSON.stringify(rows));
}
