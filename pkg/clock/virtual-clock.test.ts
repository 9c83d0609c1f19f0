import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatMicroTime, formatTime } from './clock.ts';
import { jitter, PlatformRandom, randomSuffix, SeededRandom, uuid } from './random.ts';
import { VirtualClock } from './virtual-clock.ts';

describe('VirtualClock', () => {
  test('fires timers in order of due time, then of creation, and never after they are cancelled', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.boolean()), { maxLength: 60 }), async (timers) => {
        const clock = new VirtualClock();
        const fired: number[] = [];
        const handles = timers.map(([ms], at) => clock.setTimer(ms, () => fired.push(at)));
        timers.forEach(([, cancel], at) => {
          if (cancel) handles[at]?.cancel();
        });
        await clock.advance(50);
        const expected = timers.map(([ms, cancel], at) => ({ ms, cancel, at })).filter(({ cancel }) => !cancel);
        expected.sort((a, b) => a.ms - b.ms || a.at - b.at);
        assert.deepEqual(
          fired,
          expected.map(({ at }) => at),
        );
        assert.equal(clock.pendingTimers, 0);
      }),
    );
  });

  test('lets promise chains end before time moves on', async () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    const start = clock.now();
    void (async () => {
      for (let i = 0; i < 3; i++) {
        for (let hop = 0; hop < 100; hop++) await Promise.resolve();
        seen.push(clock.now() - start);
        await clock.sleep(10);
      }
    })();
    await clock.advance(100);
    assert.deepEqual(seen, [0, 10, 20]);
    assert.equal(clock.now() - start, 100);
  });

  test('stops where the condition came true', async () => {
    const clock = new VirtualClock();
    let done = false;
    clock.setTimer(30, () => {
      done = true;
    });
    assert.equal(await clock.advanceUntil(() => done, 1000), true);
    assert.equal(clock.monotonic(), 30);
    assert.equal(await clock.advanceUntil(() => false, 1000), false);
    assert.equal(clock.monotonic(), 1030);
  });

  test('refuses to move while work that it cannot see is pending', async () => {
    const clock = new VirtualClock();
    const ended = clock.outside();
    await assert.rejects(clock.advance(1), /outside the clock's control/);
    ended();
    await clock.advance(1);
  });

  test('a sleep ends with the signal, and leaves no timer', async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const sleeping = clock.sleep(1000, stop.signal);
    stop.abort(new Error('enough'));
    await assert.rejects(sleeping, /enough/);
    assert.equal(clock.pendingTimers, 0);
  });
});

test('one seed gives one sequence, another seed another, and forks do not depend on what was drawn', () => {
  const draw = (random: { next(): number }): number[] => Array.from({ length: 20 }, () => random.next());
  assert.deepEqual(draw(new SeededRandom(7)), draw(new SeededRandom(7)));
  assert.notDeepEqual(draw(new SeededRandom(7)), draw(new SeededRandom(8)));
  const used = new SeededRandom(7);
  draw(used);
  assert.deepEqual(draw(used.fork('a')), draw(new SeededRandom(7).fork('a')));
  assert.notDeepEqual(draw(used.fork('a')), draw(used.fork('b')));
});

test('seeded randomness is spread evenly', () => {
  const random = new SeededRandom(1);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) {
    const bin = Math.floor(random.next() * 10);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  for (const count of counts) assert.ok(count > 850 && count < 1150, String(counts));
});

test('ids and times have the form that Kubernetes gives them', () => {
  const random = new SeededRandom(1);
  assert.match(uuid(random), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(randomSuffix(random), /^[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.ok(jitter(random, 100, 0.5) >= 100 && jitter(random, 100, 0.5) < 150);
  assert.equal(formatTime(1_767_225_600_999), '2026-01-01T00:00:00Z');
  assert.equal(formatMicroTime(1_767_225_600_123), '2026-01-01T00:00:00.123000Z');
});

test('randomness of the platform is new with every draw, spread evenly, and its caller’s own', () => {
  const random = new PlatformRandom();
  const seen = new Set<string>();
  let sum = 0;
  for (let i = 0; i < 2_000; i++) {
    const bytes = random.bytes(16);
    seen.add(bytes.join());
    bytes.fill(0); // what is done with them touches nobody else's
    sum += random.next();
  }
  assert.equal(seen.size, 2_000);
  assert.ok(sum > 900 && sum < 1_100, `the mean of 2,000 numbers is ${sum / 2_000}`);
  assert.equal(random.bytes(5_000).length, 5_000);
  assert.notDeepEqual(random.bytes(5_000), random.bytes(5_000));
});
