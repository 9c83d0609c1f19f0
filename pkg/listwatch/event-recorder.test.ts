import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../api/errors.ts';
import { events, pods } from '../api/generated/resources.ts';
import { createEventRecorder } from './event-recorder.ts';
import { createTestEnvironment } from './testing.ts';

async function world() {
  const env = createTestEnvironment();
  const pod = await env.client.resource(pods).create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' } }, { namespace: 'shop' });
  const recorder = createEventRecorder(env, { component: 'kubelet', host: 'node-1' });
  const stop = new AbortController();
  const ended = recorder.run(stop.signal);
  const end = async (): Promise<void> => {
    stop.abort(new Error('test over'));
    await ended;
    assert.equal(env.clock.pendingTimers, 0);
  };
  return { env, pod, recorder, end };
}

test('an event names its object, its source and its cause', async () => {
  const { env, pod, recorder, end } = await world();
  recorder.event(pod, 'Normal', 'Started', 'Started container web');
  await env.clock.advance(1);
  const [event] = env.server.all(events);
  assert.equal(event?.metadata.namespace, 'shop');
  assert.match(event?.metadata.name ?? '', /^web\.[0-9a-f]{16}$/);
  assert.deepEqual(event?.involvedObject, {
    apiVersion: 'v1',
    kind: 'Pod',
    name: 'web',
    namespace: 'shop',
    uid: pod.metadata.uid,
    resourceVersion: '1',
  });
  assert.deepEqual(event?.source, { component: 'kubelet', host: 'node-1' });
  assert.equal(event?.reportingComponent, 'kubelet');
  assert.equal(event?.count, 1);
  assert.deepEqual(env.server.calls.at(-1)?.causes, [1]);
  await end();
});

test('the same event again raises count and lastTimestamp', async () => {
  const { env, pod, recorder, end } = await world();
  for (let i = 0; i < 3; i++) {
    recorder.event(pod, 'Warning', 'BackOff', 'Back-off restarting failed container');
    await env.clock.advance(60_000);
  }
  const [event, ...others] = env.server.all(events);
  assert.equal(others.length, 0);
  assert.equal(event?.count, 3);
  assert.deepEqual([event?.firstTimestamp, event?.lastTimestamp], ['2026-01-01T00:00:00Z', '2026-01-01T00:02:00Z']);
  await end();
});

test('repetitions noted before the first is written are merged as well', async () => {
  const { env, pod, recorder, end } = await world();
  for (let i = 0; i < 5; i++) recorder.event(pod, 'Normal', 'Pulled', 'image is present');
  await env.clock.advance(1);
  assert.deepEqual(
    env.server.all(events).map(({ count }) => count),
    [5],
  );
  await end();
});

test('an event that was deleted meanwhile is written anew', async () => {
  const { env, pod, recorder, end } = await world();
  recorder.event(pod, 'Normal', 'Pulled', 'image is present');
  await env.clock.advance(1);
  await env.client.resource(events).deleteCollection({ namespace: 'shop' });
  recorder.event(pod, 'Normal', 'Pulled', 'image is present');
  await env.clock.advance(1);
  assert.equal(env.server.all(events)[0]?.count, 2);
  await end();
});

test('more than ten that differ in the message alone become one', async () => {
  const { env, pod, recorder, end } = await world();
  for (let i = 0; i < 15; i++) recorder.event(pod, 'Normal', 'SuccessfulCreate', `Created pod: web-${i}`);
  await env.clock.advance(1);
  const written = env.server.all(events);
  assert.equal(written.length, 11);
  const combined = written.find(({ message }) => message?.startsWith('(combined from similar events): '));
  assert.deepEqual([combined?.count, combined?.message], [5, '(combined from similar events): Created pod: web-14']);
  await end();
});

test('one object may cause 25 events at once and one more every five minutes', async () => {
  const { env, pod, recorder, end } = await world();
  for (let i = 0; i < 40; i++) recorder.event(pod, 'Normal', `Reason${i}`, 'x');
  await env.clock.advance(1);
  assert.equal(env.server.all(events).length, 25);
  await env.clock.advance(5 * 60_000);
  recorder.event(pod, 'Normal', 'Late1', 'x');
  recorder.event(pod, 'Normal', 'Late2', 'x');
  await env.clock.advance(1);
  assert.equal(env.server.all(events).length, 26);
  await end();
});

test('while the server is away events wait; one that it refuses is given up', async () => {
  const { env, pod, recorder, end } = await world();
  let failure: ApiError | undefined = new ApiError('ServiceUnavailable', 'down');
  env.server.intercept = () => {
    if (failure) throw failure;
  };
  recorder.event(pod, 'Normal', 'First', 'x');
  await env.clock.advance(25_000);
  failure = undefined;
  await env.clock.advance(10_000);
  assert.equal(env.server.all(events)[0]?.reason, 'First');
  failure = new ApiError('Forbidden', 'the namespace is being terminated');
  recorder.event(pod, 'Normal', 'Second', 'x');
  await env.clock.advance(1);
  failure = undefined;
  recorder.event(pod, 'Normal', 'Third', 'x');
  await env.clock.advance(1);
  assert.deepEqual(
    env.server.all(events).map(({ reason }) => reason),
    ['First', 'Third'],
  );
  await end();
});
