import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { createLogger, silentLogger } from '../log/log.ts';
import { Compactor } from './compactor.ts';
import { MemoryStore } from './memory-store.ts';
import { StoreError } from './store.ts';

async function write(store: MemoryStore, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await store.commit([{ key: '/k', value: new Uint8Array(100) }]);
}

test('what is older than the age goes, and nothing younger', async () => {
  const clock = new VirtualClock();
  const store = new MemoryStore();
  const stop = new AbortController();
  const running = new Compactor({ store, clock, log: silentLogger, limits: { age: 600_000 } }).run(stop.signal);
  for (let minute = 1; minute <= 30; minute++) {
    await write(store, 10);
    await clock.advance(60_000);
    const compacted = await store.compactedRevision();
    // Looked at once a minute: up to a minute more is kept.
    assert.ok(compacted <= Math.max(0, minute - 10) * 10, `minute ${minute}: ${compacted}`);
    assert.ok(compacted >= Math.max(0, minute - 12) * 10, `minute ${minute}: ${compacted}`);
  }
  stop.abort();
  await running;
  assert.equal(clock.pendingTimers, 0);
});

test('limits on revisions and on bytes take away more', async () => {
  const clock = new VirtualClock();
  const store = new MemoryStore();
  const byCount = new Compactor({ store, clock, log: silentLogger, limits: { age: 600_000, revisions: 50 } });
  await write(store, 200);
  await byCount.look();
  assert.equal(await store.compactedRevision(), 150);
  const bySize = new Compactor({ store, clock, log: silentLogger, limits: { age: 600_000, bytes: 2_000 } });
  for (let i = 0; i < 10; i++) await bySize.look();
  assert.ok((await store.size()) <= 2_000);
  assert.ok((await store.compactedRevision()) < 200);
});

test('a failure is logged and tried again; a closed store ends it', async () => {
  const clock = new VirtualClock();
  const store = new MemoryStore();
  await write(store, 10);
  const lines: string[] = [];
  let failures = 2;
  const flaky = {
    revision: () => store.revision(),
    compactedRevision: () => store.compactedRevision(),
    size: () => store.size(),
    compact: async (revision: number) => {
      if (failures-- > 0) throw new StoreError('NoSpace', 'full');
      await store.compact(revision);
    },
  };
  const log = createLogger((_, message) => lines.push(message));
  const compactor = new Compactor({ store: flaky, clock, log, limits: { age: 60_000, revisions: 5 }, interval: 1_000 });
  const running = compactor.run(new AbortController().signal);
  await clock.advance(3_500);
  assert.equal(await store.compactedRevision(), 5);
  assert.equal(lines.filter((line) => line.startsWith('compaction failed')).length, 2);
  await store.close();
  await clock.advance(1_000);
  await running;
});

test('after a restart, what was written before is dated by whoever can', async () => {
  const clock = new VirtualClock();
  const store = new MemoryStore();
  await write(store, 100);
  const asked: number[] = [];
  const revisionAt = async (time: number): Promise<number | undefined> => {
    asked.push(clock.now() - time);
    return time < VirtualClock.defaultStart ? undefined : 40;
  };
  const compactor = new Compactor({ store, clock, log: silentLogger, limits: { age: 600_000 }, revisionAt });
  await compactor.look();
  assert.equal(await store.compactedRevision(), 0);
  await clock.advance(599_000);
  await write(store, 5);
  await clock.advance(1_000);
  await compactor.look();
  assert.deepEqual(asked, [600_000]);
  assert.equal(await store.compactedRevision(), 100, 'what this one has seen itself counts');
});

test('nothing goes because of its age where that is not limited', async () => {
  const clock = new VirtualClock();
  const store = new MemoryStore();
  const revisionAt = (): never => assert.fail('nobody needs to know');
  const compactor = new Compactor({
    store,
    clock,
    log: silentLogger,
    limits: { age: Number.POSITIVE_INFINITY, revisions: 50 },
    revisionAt,
  });
  await write(store, 70);
  await clock.advance(10 ** 12);
  await compactor.look();
  assert.equal(await store.compactedRevision(), 20);
});
