import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../api/errors.ts';
import { leases } from '../api/generated/resources.ts';
import { runLeaderElection } from './leader-election.ts';
import { createTestEnvironment, type TestEnvironment } from './testing.ts';

const lease = { namespace: 'kube-system', name: 'controller' };

function candidate(env: TestEnvironment, identity: string, log: string[], work?: (signal: AbortSignal) => Promise<void>) {
  const stop = new AbortController();
  const ended = runLeaderElection(
    env,
    {
      lease,
      identity,
      async lead(signal) {
        log.push(`${identity} leads`);
        if (work) await work(signal);
        else await new Promise((resolve) => signal.addEventListener('abort', resolve));
        log.push(`${identity} ends`);
      },
    },
    stop.signal,
  );
  return { ended, stop: () => stop.abort(new Error('stopped')) };
}

test('one candidate leads; when it leaves, it gives the lease back and the other leads within a retry period', async () => {
  const env = createTestEnvironment();
  const log: string[] = [];
  const a = candidate(env, 'a', log);
  await env.clock.advance(10);
  const b = candidate(env, 'b', log);
  await env.clock.advance(60_000);
  assert.deepEqual(log, ['a leads']);
  a.stop();
  await env.clock.advance(5000);
  await a.ended;
  assert.deepEqual(log, ['a leads', 'a ends', 'b leads']);
  const held = env.server.find(leases, 'kube-system/controller');
  assert.deepEqual([held?.spec.holderIdentity, held?.spec.leaseTransitions, held?.spec.leaseDurationSeconds], ['b', 1, 15]);
  b.stop();
  await env.clock.advance(1);
  await b.ended;
  assert.equal(env.clock.pendingTimers, 0);
});

test('a leader that is cut off stops leading before another begins', async () => {
  const env = createTestEnvironment();
  const log: string[] = [];
  let cut = false;
  env.server.intercept = async () => {
    if (cut) throw new ApiError('ServiceUnavailable', 'cut off');
  };
  const other = createTestEnvironment();
  const a = candidate(env, 'a', log);
  await env.clock.advance(3000);
  // The second candidate reaches the same server by another way.
  const bEnv: TestEnvironment = { ...other, clock: env.clock, client: env.client, server: env.server };
  cut = true;
  await env.clock.advance(12_100);
  assert.deepEqual(log, ['a leads', 'a ends']);
  cut = false;
  await env.clock.advance(1);
  await a.ended;
  const b = candidate(bEnv, 'b', log);
  await env.clock.advance(20_000);
  assert.deepEqual(log, ['a leads', 'a ends', 'b leads']);
  b.stop();
  await env.clock.advance(1);
  await b.ended;
});

test('of many candidates that begin at once exactly one leads at any time', async () => {
  const env = createTestEnvironment();
  let leading = 0;
  let terms = 0;
  const work = async (signal: AbortSignal): Promise<void> => {
    terms++;
    assert.equal(++leading, 1);
    await env.clock.sleep(4000, signal).catch(() => {});
    leading--;
  };
  const all = Array.from({ length: 6 }, (_, i) => candidate(env, `c${i}`, [], work));
  await env.clock.advance(120_000);
  await Promise.all(all.map(({ ended }) => ended));
  assert.equal(terms, 6, 'each had its term');
});

test('what the leader’s work throws comes out', async () => {
  const env = createTestEnvironment();
  const { ended } = candidate(env, 'a', [], () => Promise.reject(new Error('broken')));
  const failed = assert.rejects(ended, /broken/);
  await env.clock.advance(10);
  await failed;
});
