import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestEnvironment } from '../listwatch/testing.ts';
import { chooseControllers, controllers, createControllerManager } from './controller-manager.ts';

test('controllers are chosen by name or alias; the star is all, a minus takes one away', () => {
  const names = (...list: string[]): string[] => chooseControllers(list).map(({ alias }) => alias);
  assert.deepEqual(
    names('*'),
    controllers.map(({ alias }) => alias),
  );
  assert.deepEqual(names('deployment', 'replicaset-controller').sort(), ['deployment', 'replicaset']);
  assert.ok(!names('*', '-nodelifecycle').includes('nodelifecycle'));
  assert.deepEqual(names('-replicaset', 'replicaset'), ['replicaset']);
  assert.throws(() => chooseControllers(['replicasets']), /unknown controller "replicasets"; there are: .*replicaset/);
});

test('names and aliases are unique', () => {
  const all = controllers.flatMap(({ name, alias }) => [name, alias]);
  assert.equal(new Set(all).size, all.length);
});

test('all loops start on an empty server, and end leaving nothing behind', async () => {
  const env = createTestEnvironment();
  const stop = new AbortController();
  const ended = createControllerManager(env, { rootCA: 'PEM', apiServerEndpoints: { addresses: ['10.0.0.1'], port: 6443 } }).run(
    stop.signal,
  );
  await env.clock.advance(60_000);
  stop.abort(new Error('enough'));
  await ended;
  assert.equal(env.clock.pendingTimers, 0);
});
