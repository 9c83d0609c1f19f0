/** A wall clock that jumps, by minutes and by weeks, both ways, while stores are used: time is nothing that they rely on. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { randomInt, SeededRandom } from '../../pkg/clock/random.ts';
import { checkPast, finalRead, recordHistory, storeModel } from '../../pkg/storage/contract/history.ts';
import { isLinearizable } from '../../pkg/storage/contract/linearizability.ts';
import { EtcdCluster, etcdBinaries } from '../../pkg/storage/etcd/etcd-harness.ts';
import { EtcdStore } from '../../pkg/storage/etcd/etcd-store.ts';
import { LmdbStore } from '../../pkg/storage/lmdb/lmdb-store.ts';
import { prefixRange, type Store } from '../../pkg/storage/store.ts';

const milliseconds = Number(process.env.GOKUBE_FAULT_SECONDS ?? 20) * 150;

/** Replaces this process's wall clock by one that is off by as much as `jump` says; timers go on as they do. */
function jumpingClock(t: TestContext): { jump(by: number): void } {
  const Real = Date;
  let offset = 0;
  class JumpingDate extends Real {
    constructor(...given: ConstructorParameters<typeof Real> | []) {
      if (given.length === 0) super(Real.now() + offset);
      else super(...given);
    }
    static override now(): number {
      return Real.now() + offset;
    }
  }
  globalThis.Date = JumpingDate as DateConstructor;
  t.after(() => {
    globalThis.Date = Real;
  });
  return {
    jump: (by) => {
      offset += by;
    },
  };
}

const minute = 60_000;
const jumps = [-14 * 24 * 60, -24 * 60, -60, -1, 1, 60, 24 * 60, 14 * 24 * 60].map((minutes) => minutes * minute);

async function useWhileItJumps(t: TestContext, stores: readonly Store[]): Promise<void> {
  const random = new SeededRandom(process.pid);
  const { jump } = jumpingClock(t);
  const stop = new AbortController();
  const prefix = '/registry/clock/';
  let seen = 0;
  const watching = (async () => {
    for await (const { events } of (stores[0] as Store).watch(prefixRange(prefix), {
      from: 1 + (await (stores[0] as Store).revision()),
      signal: stop.signal,
    }))
      seen += events.length;
  })();
  let calls = 0;
  let unanswered = 0;
  let commits = 0;
  let longest = 0;
  for (let round = 0, end = performance.now() + milliseconds; performance.now() < end; round++) {
    let last = performance.now();
    const history = await recordHistory(stores, `${prefix}${round}/`, {
      seed: `${process.pid}/${round}`,
      calls: 12,
      past: true,
      next: async () => {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
        if (random.next() < 0.3) jump(jumps[randomInt(random, jumps.length)] as number);
        return true;
      },
    });
    const whole = [...history, await finalRead(stores[0] as Store, `${prefix}${round}/`, history)];
    assert.ok(isLinearizable(storeModel, whole), `round ${round} is not linearizable: ${JSON.stringify(whole)}`);
    assert.equal(checkPast(whole), undefined);
    calls += history.length;
    commits += history.filter(({ input, output }) => input.kind === 'commit' && output?.kind === 'ok').length;
    unanswered += history.filter(({ output }) => output === undefined).length;
  }
  const end = performance.now() + 5_000;
  await (stores[0] as Store).commit([{ key: `${prefix}end`, value: new Uint8Array(1) }]);
  for (let before = -1; before !== seen && performance.now() < end; ) {
    before = seen;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  stop.abort();
  await watching;
  t.diagnostic(`${calls} calls, ${unanswered} unanswered, ${seen} events, longest wait ${Math.round(longest)} ms, seed ${process.pid}`);
  assert.ok(calls > 100 && seen >= commits / 2);
  assert.ok(unanswered <= calls / 20, `${unanswered} of ${calls} calls were given up`);
  assert.ok(longest < 5_000, `a call took ${longest} ms`);
}

test('LmdbStore: a clock that jumps changes nothing', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'gokube-clock-'));
  const store = await LmdbStore.open(join(root, 'data'));
  t.after(async () => {
    await store.close();
    await rm(root, { recursive: true, force: true });
  });
  await useWhileItJumps(t, [store]);
});

for (const { name, path, skip } of etcdBinaries) {
  test(`EtcdStore over ${name}: a clock that jumps changes nothing`, async (t) => {
    if (skip) return t.skip(skip);
    const cluster = await EtcdCluster.start(path);
    t.after(() => cluster.dispose());
    const stores = [new EtcdStore({ endpoints: cluster.endpoints }), new EtcdStore({ endpoints: cluster.endpoints })];
    t.after(() => Promise.all(stores.map((store) => store.close())));
    await useWhileItJumps(t, stores);
  });
}
