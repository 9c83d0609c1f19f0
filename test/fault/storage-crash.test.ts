/**
 * Nothing acknowledged or read is lost: the store's process is killed at random moments under load, with and without the loss
 * of everything that was not flushed. Bounded by GOKUBE_FAULT_SECONDS (default 20) a test.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../../pkg/clock/random.ts';
import { LmdbStore } from '../../pkg/storage/lmdb/lmdb-store.ts';
import { restoreSnapshot } from '../../pkg/storage/lmdb/snapshot.ts';
import { type KeyValue, prefixRange, type Store, type StoreEvent } from '../../pkg/storage/store.ts';

/** As many as the worker has. */
const writers = 24;
const milliseconds = Number(process.env.GOKUBE_FAULT_SECONDS ?? 20) * 1_000;

/** What the killed process has said, over all rounds. */
class Witness {
  readonly started = new Map<number, number>();
  readonly acknowledged = new Map<number, { n: number; revision: number }>();
  readonly snapshots: string[] = [];
  acknowledgements = 0;
  reads = 0;
  newest = 0;
  next = 0;

  hear(line: string): void {
    const [kind, a = '', n, revision] = line.split(' ');
    if (kind === 'S') this.started.set(Number(a), Number(n));
    if (kind === 'B') this.snapshots.push(a);
    // What was read has to stay as much as what was acknowledged.
    if (kind !== 'A' && kind !== 'R') return;
    if (kind === 'A') this.acknowledgements++;
    else this.reads++;
    if ((this.acknowledged.get(Number(a))?.revision ?? 0) > Number(revision)) return;
    this.acknowledged.set(Number(a), { n: Number(n), revision: Number(revision) });
    this.newest = Math.max(this.newest, Number(revision));
  }
}

/** One life of the process: resolves once it has been killed, `after` milliseconds after its first commit. */
async function live(directory: string, snapshots: string, witness: Witness, after: number, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const worker = new URL('storage-worker.ts', import.meta.url).pathname;
  witness.next += 1_000_000;
  const child = spawn(process.execPath, [worker, directory, snapshots, String(witness.next)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const exited = new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  const first = Promise.withResolvers<void>();
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    witness.hear(line);
    first.resolve();
  });
  const heard = new Promise((resolve) => lines.once('close', resolve));
  await Promise.race([first.promise, exited]);
  await sleep(after);
  child.kill('SIGKILL');
  assert.equal(await exited, 'SIGKILL', 'the process ended by itself');
  await heard;
}

async function check(store: Store, witness: Witness): Promise<void> {
  const revision = await store.revision();
  const compacted = await store.compactedRevision();
  assert.ok(revision >= witness.newest, `revision ${revision}, but ${witness.newest} was acknowledged`);
  for (let writer = 0; writer < writers; writer++) {
    const begun = witness.started.get(writer);
    const [a, b] = await Promise.all([store.get(`/a/${writer}`), store.get(`/b/${writer}`)]);
    const acknowledged = witness.acknowledged.get(writer);
    const n = numberIn(a.item);
    assert.equal(numberIn(b.item), n, 'the two keys of one commit differ');
    assert.equal(a.item?.modRevision, b.item?.modRevision);
    assert.ok(
      n === begun || n === (acknowledged?.n ?? 0),
      `writer ${writer}: ${n} stands, ${acknowledged?.n} acknowledged, ${begun} begun`,
    );
    if (acknowledged && acknowledged.revision >= compacted) {
      const then = await store.get(`/a/${writer}`, { revision: acknowledged.revision });
      assert.equal(numberIn(then.item), acknowledged.n, 'an acknowledged commit is not in its revision');
      assert.equal(then.item?.modRevision, acknowledged.revision);
    }
  }
  await checkHistory(store, compacted, revision);
  // What a commit in doubt has come to is known now, and must stay.
  for (let writer = 0; writer < writers; writer++) {
    const { item } = await store.get(`/a/${writer}`);
    if (item) witness.acknowledged.set(writer, { n: numberIn(item), revision: item.modRevision });
  }
  witness.started.clear();
}

/** The list at the oldest revision, folded with everything that happened since, is the newest list. */
async function checkHistory(store: Store, compacted: number, revision: number): Promise<void> {
  const folded = new Map((await store.list(prefixRange(''), { revision: compacted })).items.map((item) => [item.key, item]));
  const stop = new AbortController();
  let last = compacted;
  for await (const { events, revision: delivered } of store.watch(prefixRange(''), {
    from: compacted + 1,
    previous: true,
    signal: stop.signal,
  })) {
    for (const event of events) {
      assert.ok(event.revision === last || event.revision === last + 1, `revision ${event.revision} follows ${last}`);
      last = event.revision;
      assert.equal(event.previous?.modRevision, folded.get(event.key)?.modRevision);
      apply(folded, event);
    }
    if (delivered >= revision) break;
  }
  stop.abort();
  const { items, count } = await store.list(prefixRange(''));
  assert.deepEqual(
    [...folded.values()].map((item) => `${item.key} ${item.modRevision}`).sort(),
    items.map((item) => `${item.key} ${item.modRevision}`),
  );
  assert.equal((await store.list(prefixRange(''), { countOnly: true })).count, count);
}

function apply(state: Map<string, KeyValue>, event: StoreEvent): void {
  if (event.type === 'put') state.set(event.key, event.item);
  else state.delete(event.key);
}

function numberIn(item: KeyValue | undefined): number {
  return item ? Number.parseInt(new TextDecoder().decode(item.value), 10) : 0;
}

async function prepare(t: TestContext): Promise<{ root: string; data: string; snapshots: string }> {
  const root = await mkdtemp(join(tmpdir(), 'gokube-crash-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, 'snapshots'));
  return { root, data: join(root, 'data'), snapshots: join(root, 'snapshots') };
}

test('kill -9 at any moment loses nothing that was acknowledged', async (t) => {
  const { root, data, snapshots } = await prepare(t);
  const witness = new Witness();
  const random = new SeededRandom(process.pid);
  const end = Date.now() + milliseconds;
  let rounds = 0;
  for (; Date.now() < end; rounds++) {
    await live(data, snapshots, witness, random.next() ** 2 * 200);
    const store = await LmdbStore.open(data);
    await check(store, witness);
    await store.close();
    const leftovers = (await readdir(data)).filter(
      (name) => !['STORE', 'data.mdb', 'lock.mdb'].includes(name) && !name.startsWith('lock.'),
    );
    assert.deepEqual(leftovers, []);
    const snapshot = witness.snapshots.pop();
    if (snapshot && rounds % 5 === 0) await checkSnapshot(snapshot, join(root, `restored-${rounds}`));
    for (const name of await readdir(snapshots)) await rm(join(snapshots, name), { recursive: true });
  }
  t.diagnostic(`${rounds} rounds, ${witness.acknowledgements} acknowledged commits, ${witness.reads} reads, seed ${process.pid}`);
  assert.ok(rounds >= 3 && witness.acknowledgements > rounds);
});

async function checkSnapshot(file: string, directory: string): Promise<void> {
  await restoreSnapshot(file, directory);
  const store = await LmdbStore.open(directory);
  await checkHistory(store, await store.compactedRevision(), await store.revision());
  await store.close();
  await rm(directory, { recursive: true });
}

test('the loss of everything that was not flushed loses nothing that was acknowledged', async (t) => {
  if (process.platform !== 'linux') return t.skip('needs Linux: the shim is preloaded by its dynamic linker');
  const { root, data, snapshots } = await prepare(t);
  const shim = join(root, 'shim.so');
  try {
    execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-o', shim, new URL('storage-shim.c', import.meta.url).pathname, '-ldl'], {
      stdio: 'pipe',
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return t.skip('needs a C compiler: apt-get install gcc libc6-dev');
    throw error;
  }
  const witness = new Witness();
  const random = new SeededRandom(process.pid);
  // The store is made first: what the shim keeps begins as a copy of it.
  await (await LmdbStore.open(data)).close();
  const durable = join(root, 'durable');
  const end = Date.now() + milliseconds;
  let rounds = 0;
  let lost = 0;
  for (; Date.now() < end; rounds++) {
    await copyFile(join(data, 'data.mdb'), durable);
    // In some rounds a part of what was not flushed survives nevertheless, as it may.
    const survives = rounds % 3 === 0 ? 0 : random.next();
    await live(data, snapshots, witness, random.next() ** 2 * 200, {
      LD_PRELOAD: shim,
      SHIM_FILE: join(data, 'data.mdb'),
      SHIM_DURABLE: durable,
      SHIM_SURVIVES: String(survives),
      SHIM_SEED: String(rounds),
    });
    const same = execFileSync('sh', ['-c', `cmp -s '${join(data, 'data.mdb')}' '${durable}' && echo same || echo different`]).toString();
    if (same.startsWith('different')) lost++;
    await copyFile(durable, join(data, 'data.mdb'));
    const store = await LmdbStore.open(data);
    await check(store, witness);
    await store.close();
    for (const name of await readdir(snapshots)) await rm(join(snapshots, name), { recursive: true });
  }
  t.diagnostic(
    `${rounds} rounds, ${lost} of them with a loss, ${witness.acknowledgements} acknowledged commits, ${witness.reads} reads, seed ${process.pid}`,
  );
  assert.ok(rounds >= 3 && lost > 0 && witness.acknowledgements > rounds);
});
