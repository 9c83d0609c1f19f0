import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { MemoryMetrics } from '../metrics/memory-metrics.ts';
import { createWorkqueue } from './workqueue.ts';

function world() {
  const clock = new VirtualClock();
  const metrics = new MemoryMetrics();
  return { clock, metrics, queue: createWorkqueue({ name: 'test', clock, metrics }) };
}

test('a key is in the queue at most once, and its causes are merged', async () => {
  const { queue } = world();
  queue.add('a', [1]);
  queue.add('b', [2]);
  queue.add('a', [3]);
  assert.equal(queue.length, 2);
  assert.deepEqual(await queue.next(), { key: 'a', causes: [3, 1] });
  assert.deepEqual(await queue.next(), { key: 'b', causes: [2] });
});

test('a key that is added while it is worked on comes again after done, and not before', async () => {
  const { queue, clock } = world();
  queue.add('a', [1]);
  await queue.next();
  queue.add('a', [2]);
  let second: unknown;
  const taking = queue.next().then((item) => (second = item));
  await clock.advance(1000);
  assert.equal(second, undefined);
  queue.done('a');
  await taking;
  assert.deepEqual(second, { key: 'a', causes: [2] });
});

test('of two delays of one key the shorter holds, and it comes once', async () => {
  const { queue, clock } = world();
  queue.addAfter('a', 500, [1]);
  queue.addAfter('a', 100, [2]);
  queue.addAfter('a', 900, [3]);
  await clock.advance(99);
  assert.equal(queue.length, 0);
  await clock.advance(1);
  assert.deepEqual(await queue.next(), { key: 'a', causes: [3, 2, 1] });
  queue.done('a');
  await clock.advance(2000);
  assert.equal(queue.length, 0);
});

test('a key’s back-off doubles from 5 ms to 1,000 s and is forgotten on request', async () => {
  const { queue, clock, metrics } = world();
  const waits: number[] = [];
  for (let i = 0; i < 20; i++) {
    const began = clock.monotonic();
    queue.addRateLimited('a');
    await clock.advanceUntil(() => queue.length > 0, 2_000_000);
    waits.push(clock.monotonic() - began);
    queue.done((await queue.next())?.key ?? '');
  }
  assert.deepEqual(waits.slice(0, 4), [5, 10, 20, 40]);
  assert.equal(waits.at(-1), 1_000_000);
  assert.equal(queue.retries('a'), 20);
  assert.equal(metrics.value('workqueue_retries_total', { name: 'test' }), 20);
  queue.forget('a');
  assert.equal(queue.retries('a'), 0);
});

test('shutting down ends all waiting at once and leaves no timer', async () => {
  const { queue, clock } = world();
  const first = queue.next();
  const second = queue.next();
  queue.addAfter('a', 1000);
  queue.shutDown();
  assert.deepEqual(await Promise.all([first, second, queue.next()]), [undefined, undefined, undefined]);
  queue.add('b');
  assert.equal(queue.length, 0);
  assert.equal(clock.pendingTimers, 0);
});

test('depth, additions and waiting times are measured', async () => {
  const { queue, clock, metrics } = world();
  queue.add('a');
  queue.add('b');
  assert.equal(metrics.value('workqueue_depth', { name: 'test' }), 2);
  await clock.advance(3000);
  await queue.next();
  assert.equal(metrics.value('workqueue_depth', { name: 'test' }), 1);
  assert.equal(metrics.value('workqueue_adds_total', { name: 'test' }), 2);
  assert.equal(metrics.value('workqueue_queue_duration_seconds', { name: 'test' }), 3);
  await clock.advance(2000);
  queue.done('a');
  assert.equal(metrics.value('workqueue_work_duration_seconds', { name: 'test' }), 2);
});

test('property: no key is ever worked on twice at a time, and the last addition of each is worked on', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom('add', 'take', 'done'), fc.constantFrom('a', 'b', 'c')), { maxLength: 100 }),
      async (steps) => {
        const { queue } = world();
        const pending = new Set<string>();
        const working = new Set<string>();
        for (const [step, key] of steps) {
          if (step === 'add') {
            queue.add(key);
            pending.add(key);
          } else if (step === 'done' && working.delete(key)) {
            queue.done(key);
          } else if (step === 'take' && queue.length > 0) {
            const item = (await queue.next()) as { key: string };
            assert.ok(pending.delete(item.key), 'only what was added comes');
            assert.ok(!working.has(item.key), 'never twice at a time');
            working.add(item.key);
          }
          assert.equal(queue.length, [...pending].filter((waiting) => !working.has(waiting)).length);
        }
      },
    ),
  );
});
