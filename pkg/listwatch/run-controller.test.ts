import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvariantError } from '../api/errors.ts';
import { configmaps } from '../api/generated/resources.ts';
import type { ReconcileResult } from './contract.ts';
import { runController, TerminalError } from './run-controller.ts';
import { createTestEnvironment } from './testing.ts';
import { createWorkqueue } from './workqueue.ts';

function world(reconcile: (key: string, tries: number) => Promise<ReconcileResult> | ReconcileResult, workers = 1) {
  const env = createTestEnvironment();
  const queue = createWorkqueue({ name: 'test', clock: env.clock, metrics: env.metrics });
  const calls: string[] = [];
  const stop = new AbortController();
  const counts = new Map<string, number>();
  const ended = runController(
    {
      name: 'test-controller',
      async reconcile(key, { causes, client }) {
        calls.push(`${env.clock.monotonic()} ${key} @${causes}`);
        const tries = (counts.get(key) ?? 0) + 1;
        counts.set(key, tries);
        await client.resource(configmaps).list();
        return reconcile(key, tries);
      },
    },
    queue,
    env,
    { workers },
    stop.signal,
  );
  const end = async (): Promise<void> => {
    stop.abort(new Error('test over'));
    await ended;
    assert.equal(env.clock.pendingTimers, 0);
  };
  return { env, queue, calls, ended, end };
}

test('a reconcile that throws is tried again with back-off and the same causes; success forgets the back-off', async () => {
  const { env, queue, calls, end } = world((_, tries) => {
    if (tries < 4) throw new Error('not yet');
    return undefined;
  });
  queue.add('a', [42]);
  await env.clock.advance(1000);
  assert.deepEqual(calls, ['0 a @42', '5 a @42', '15 a @42', '35 a @42']);
  assert.equal(queue.retries('a'), 0);
  await end();
});

test('a reconcile may ask to be called again', async () => {
  const { env, queue, calls, end } = world((_, tries) => (tries === 1 ? { after: 300 } : undefined));
  queue.add('a', [1]);
  await env.clock.advance(1000);
  assert.deepEqual(calls, ['0 a @1', '300 a @1']);
  await end();
});

test('a terminal error is not tried again', async () => {
  const { env, queue, calls, end } = world(() => {
    throw new TerminalError('never');
  });
  queue.add('a');
  await env.clock.advance(100_000);
  assert.equal(calls.length, 1);
  await end();
});

test('a bug ends the controller', async () => {
  const { env, queue, ended } = world(() => {
    throw new InvariantError('a bug');
  });
  const failed = assert.rejects(ended, /a bug/);
  queue.add('a');
  await env.clock.advance(1);
  await failed;
});

test('requests carry the controller’s name and the causes of the reconcile', async () => {
  const { env, queue, end } = world(() => undefined);
  queue.add('a', [7, 5]);
  await env.clock.advance(1);
  assert.deepEqual([env.server.calls[0]?.agent, env.server.calls[0]?.causes], ['test-controller', [7, 5]]);
  await end();
});

test('several workers work on several keys at once', async () => {
  let under = 0;
  let most = 0;
  const { env, queue, end } = world(async () => {
    most = Math.max(most, ++under);
    await env.clock.sleep(100);
    under--;
    return undefined;
  }, 3);
  for (const key of ['a', 'b', 'c', 'd', 'e']) queue.add(key);
  await env.clock.advance(1000);
  assert.equal(most, 3);
  await end();
});
