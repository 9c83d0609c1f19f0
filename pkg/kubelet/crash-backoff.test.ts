import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CrashBackoff, formatSeconds } from './crash-backoff.ts';

test('a first failure costs nothing; then the wait doubles from 10 s to 5 min', () => {
  const backoff = new CrashBackoff();
  let now = 0;
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    const wait = backoff.remaining('x', now, now);
    waits.push(wait / 1000);
    now += wait;
    backoff.next('x', now - wait, now);
    now += 100;
  }
  assert.deepEqual(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
});

test('whatever fails when, a wait is 0 or between 10 s and 5 min, and never longer than it was said to be', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 1_000_000 })), { maxLength: 40 }), (failures) => {
      const backoff = new CrashBackoff();
      let now = 0;
      for (const [key, gap] of failures) {
        now += gap;
        const wait = backoff.remaining(key, now, now);
        assert.ok(wait === 0 || (wait >= CrashBackoff.initial && wait <= CrashBackoff.longest));
        assert.equal(backoff.remaining(key, now, now + wait), 0);
        backoff.next(key, now, now + wait);
      }
    }),
  );
});

test('ten minutes without a failure start it over, and forgetting does', () => {
  const backoff = new CrashBackoff();
  backoff.next('pod/a', 0, 0);
  backoff.next('pod/a', 0, 0);
  assert.equal(backoff.remaining('pod/a', 600_000, 600_000), 20_000);
  assert.equal(backoff.remaining('pod/a', 600_001, 600_001), 0);
  backoff.next('pod/b', 0, 0);
  backoff.forget('pod/');
  assert.equal(backoff.remaining('pod/b', 1, 1), 0);
});

test('durations are written as Go prints them', () => {
  assert.deepEqual([10_000, 40_000, 80_000, 160_000, 300_000].map(formatSeconds), ['10s', '40s', '1m20s', '2m40s', '5m0s']);
});
