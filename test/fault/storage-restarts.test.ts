/** What clients see across sudden deaths of the store's process is one history; a restore that is killed can be done again. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomInt, SeededRandom } from '../../pkg/clock/random.ts';
import {
  checkPast,
  finalRead,
  type StoreCall,
  type StoreState,
  stateAfter,
  storeModel,
  toldHistory,
} from '../../pkg/storage/contract/history.ts';
import { isLinearizable } from '../../pkg/storage/contract/linearizability.ts';
import { LmdbStore } from '../../pkg/storage/lmdb/lmdb-store.ts';
import { restoreSnapshot } from '../../pkg/storage/lmdb/snapshot.ts';
import { isStoreError, prefixRange } from '../../pkg/storage/store.ts';

/** Two tests share what others have alone. */
const milliseconds = Number(process.env.GOKUBE_FAULT_SECONDS ?? 20) * 500;
const worker = new URL('storage-history-worker.ts', import.meta.url).pathname;

async function temporary(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'gokube-restarts-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  return root;
}

/** Runs the worker until `after` says that it is time, or it ends by itself; returns the whole lines that it said. */
async function run(args: readonly string[], after: (said: () => string) => Promise<void>): Promise<string[]> {
  const child = spawn(process.execPath, [worker, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  await Promise.race([closed, after(() => output)]);
  child.kill('SIGKILL');
  await closed;
  return output.split('\n').slice(0, -1);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(1);
}

test('reads and commits before and after kill -9 are one linearizable history', async (t) => {
  const root = await temporary(t);
  const random = new SeededRandom(process.pid);
  let state: StoreState = storeModel.initial;
  const pasts: StoreCall[] = [];
  let rounds = 0;
  let calls = 0;
  let unanswered = 0;
  for (const end = performance.now() + milliseconds; performance.now() < end; rounds++) {
    const lines = await run(['history', join(root, 'data'), '/k/', `${process.pid}.${rounds}`], async (said) => {
      // Not too many: the checker's work grows with the length of a history.
      const most = 50 + randomInt(random, 400);
      await until(() => said().split('\n').length > most);
    });
    const history = toldHistory(lines.slice(1));
    const store = await LmdbStore.open(join(root, 'data'));
    const final = await finalRead(store, '/k/', history);
    await store.close();
    assert.ok(
      isLinearizable({ ...storeModel, initial: state }, [...history, final]),
      `round ${rounds} is not linearizable: ${JSON.stringify({ state, history, final })}`,
    );
    state = stateAfter(final);
    pasts.push(...[...history, final].map((each) => ({ ...each, start: each.start + rounds * 1_000_000 })));
    calls += history.length;
    unanswered += history.filter(({ output }) => output === undefined).length;
  }
  assert.equal(checkPast(pasts), undefined);
  t.diagnostic(`${rounds} lives, ${calls} calls, ${unanswered} commits unanswered at a death, seed ${process.pid}`);
  assert.ok(rounds >= 3 && calls > 100);
});

test('a restore that is killed leaves no store, or a whole one, and can be done again', async (t) => {
  const root = await temporary(t);
  const random = new SeededRandom(process.pid);
  const snapshot = join(root, 'snapshot');
  const store = await LmdbStore.open(join(root, 'data'));
  const states = new Map<number, string>();
  const read = async (from: LmdbStore, revision: number): Promise<string> =>
    (await from.list(prefixRange('/k/'), { revision })).items
      .map(({ key, modRevision, version }) => `${key} ${modRevision} ${version}`)
      .join();
  for (let i = 0; i < 300; i++) {
    await Promise.all(
      Array.from({ length: 20 }, (_, k) =>
        store.commit([{ key: `/k/${randomInt(random, 900)}`, value: k % 4 === 3 ? undefined : new Uint8Array(500) }]),
      ),
    );
  }
  const newest = await store.revision();
  const revisions = Array.from({ length: 6 }, (_, i) => newest - i * Math.floor(newest / 8));
  for (const revision of revisions) states.set(revision, await read(store, revision));
  await store.backup(snapshot);
  await store.close();
  let rounds = 0;
  let killed = 0;
  for (const end = performance.now() + milliseconds; performance.now() < end; rounds++) {
    const target = join(root, `target-${rounds}`);
    const to = revisions[randomInt(random, revisions.length)] as number;
    const lines = await run(['restore', snapshot, target, String(to)], async (said) => {
      await until(() => said().includes('begin'));
      await sleep(random.next() * 120);
    });
    const whole = lines.includes('end');
    const opened = await LmdbStore.open(target).catch((error: unknown) => error);
    if (opened instanceof LmdbStore) {
      // It had not begun, or it was through: nothing in between may open.
      const revision = await opened.revision();
      if (revision !== 0) assert.equal(await read(opened, to), states.get(to));
      else assert.ok(!whole);
      await opened.close();
      if (revision === 0) await rm(target, { recursive: true });
    } else {
      assert.ok(!whole && isStoreError(opened, 'Damaged') && /was interrupted: restore it again/.test(opened.message), String(opened));
      killed++;
    }
    if (!(opened instanceof LmdbStore) || !whole) {
      const restored = await restoreSnapshot(snapshot, target, { to, goOnAt: 1_000_000 }).catch((error: unknown) => error);
      assert.ok(restored === to || isStoreError(restored, 'Invalid'), String(restored));
      const again = await LmdbStore.open(target);
      assert.equal(await read(again, to), states.get(to));
      assert.equal(await again.revision(), 1_000_000);
      await again.close();
    }
    await rm(target, { recursive: true });
  }
  t.diagnostic(`${rounds} restores, ${killed} of them killed half way, seed ${process.pid}`);
  assert.ok(rounds >= 3 && killed > 0);
});
