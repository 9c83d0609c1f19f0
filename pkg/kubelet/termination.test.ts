import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pods } from '../api/generated/resources.ts';
import { createTestNode, isReady, type TestNode } from './testing.ts';

const fake = (values: Record<string, string>): { annotations: Record<string, string> } => ({
  annotations: Object.fromEntries(Object.entries(values).map(([key, value]) => [`fake.gokube.dev/${key}`, value])),
});
const remove = (node: TestNode, name: string, gracePeriodSeconds?: number): Promise<unknown> =>
  node.client.resource(pods).delete(name, { namespace: 'default', ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }) });

async function running(
  metadata: { annotations?: Record<string, string> } = {},
  spec: Parameters<TestNode['createPod']>[1] = {},
): Promise<TestNode> {
  const node = await createTestNode();
  await node.createPod('web', spec, metadata);
  await node.eventually('it is ready', () => isReady(node.pod('web')));
  return node;
}

/** Seconds until the pod's object is gone. */
async function secondsUntilGone(node: TestNode, atMost = 60): Promise<number> {
  const began = node.clock.monotonic();
  await node.eventually('the pod is gone', () => node.pod('web') === undefined, atMost);
  return (node.clock.monotonic() - began) / 1000;
}

test('a container has its grace, and is killed when it is over', async () => {
  const node = await running(fake({ 'stop-delay': 'never' }), { terminationGracePeriodSeconds: 20 });
  await remove(node, 'web');
  assert.equal(await secondsUntilGone(node), 20);
  assert.ok(node.events('web').includes('Killing: Stopping container web'));
  await node.stop();
});

test('a container that ends sooner ends the pod sooner', async () => {
  const node = await running(fake({ 'stop-delay': '4s' }));
  await remove(node, 'web');
  assert.equal(await secondsUntilGone(node), 4);
  await node.stop();
});

test('a second deletion with less grace shortens the wait', async () => {
  const node = await running(fake({ 'stop-delay': 'never' }));
  await remove(node, 'web');
  await node.clock.advance(5000);
  await remove(node, 'web', 2);
  assert.equal(await secondsUntilGone(node), 2);
  await node.stop();
});

test('a pod deleted by force is ended though its object is gone', async () => {
  const node = await running(fake({ 'stop-delay': 'never' }));
  await remove(node, 'web', 0);
  assert.equal(node.pod('web'), undefined);
  await node.clock.advance(2500);
  assert.deepEqual(await node.runtime.listContainers(), []);
  assert.deepEqual(node.runtime.files.list('/var/lib/kubelet/pods'), []);
  await node.stop();
});

test('the last status is told before the object goes', async () => {
  const node = await running(fake({ 'stop-code': '3' }));
  const seen: (string | undefined)[] = [];
  node.server.intercept = ({ verb, name, subresource }) => {
    if (name !== 'web') return;
    if (verb === 'delete')
      seen.push(
        `deleted as ${node.pod('web')?.status.phase} ${node.pod('web')?.status.containerStatuses?.[0]?.state.terminated?.exitCode}`,
      );
    else if (subresource === 'status') seen.push('status');
  };
  await remove(node, 'web', 10);
  await secondsUntilGone(node);
  assert.equal(seen.at(-1), 'deleted as Failed 3');
  await node.stop();
});

test('preStop runs before the signal and within the grace', async () => {
  const node = await running(fake({ 'stop-delay': '1s' }), {
    terminationGracePeriodSeconds: 10,
    containers: [{ name: 'web', image: 'nginx:1', lifecycle: { preStop: { exec: { command: ['sleep', '4'] } } } }],
  });
  await remove(node, 'web');
  assert.equal(await secondsUntilGone(node), 5);
  await node.stop();
});

test('preStop that takes too long is cut off, and two seconds are left for the signal', async () => {
  const node = await running(fake({ 'stop-delay': 'never' }), {
    terminationGracePeriodSeconds: 10,
    containers: [{ name: 'web', image: 'nginx:1', lifecycle: { preStop: { sleep: { seconds: 60 } } } }],
  });
  await remove(node, 'web');
  assert.equal(await secondsUntilGone(node), 12);
  assert.ok(node.events('web').some((event) => event.startsWith('FailedPreStopHook: PreStopHook failed')));
  await node.stop();
});

test('a failed postStart hook ends the container, and the pod says why', async () => {
  const node = await createTestNode();
  await node.createPod('web', {
    containers: [{ name: 'web', image: 'nginx:1', lifecycle: { postStart: { exec: { command: ['exit', '7'] } } } }],
  });
  await node.clock.advance(2000);
  assert.ok(
    node.events('web').some((event) => event.startsWith("FailedPostStartHook: PostStartHook failed: command 'exit 7' exited with 7")),
  );
  assert.match(node.pod('web')?.status.containerStatuses?.[0]?.state.waiting?.reason ?? '', /PostStartHookError|CrashLoopBackOff/);
  await node.stop();
});

test('a pod past its deadline is ended as Failed', async () => {
  const node = await running(fake({}), { activeDeadlineSeconds: 30 });
  await node.clock.advance(32_000);
  const { phase, reason, message } = node.pod('web')?.status ?? {};
  assert.deepEqual(
    [phase, reason, message],
    ['Failed', 'DeadlineExceeded', 'Pod was active on the node longer than the specified deadline'],
  );
  assert.deepEqual(await node.runtime.listContainers({ state: 'running' }), []);
  await node.stop();
});

test('a pod that is deleted while its image is pulled goes at once', async () => {
  const node = await createTestNode();
  await node.createPod('web', { containers: [{ name: 'web', image: 'slow-300s/app:1' }] });
  await node.clock.advance(2000);
  assert.equal(node.pod('web')?.status.containerStatuses?.[0]?.state.waiting?.reason, 'ContainerCreating');
  await remove(node, 'web');
  assert.ok((await secondsUntilGone(node)) < 1);
  await node.clock.advance(400_000);
  assert.deepEqual(await node.runtime.listContainers(), []);
  await node.stop();
});

test('a completed pod is deleted at once, and its containers stay until then', async () => {
  const node = await createTestNode();
  await node.createPod('web', { restartPolicy: 'Never' }, fake({ 'run-for': '1s' }));
  await node.eventually('it succeeds', () => node.pod('web')?.status.phase === 'Succeeded');
  await node.clock.advance(100_000);
  assert.equal((await node.runtime.listContainers()).length, 1, 'kept for its log');
  await remove(node, 'web');
  assert.equal(await secondsUntilGone(node), 0);
  await node.eventually('nothing is left', () => node.runtime.files.list('/var/lib/kubelet/pods')?.length === 0, 1);
  assert.deepEqual(await node.runtime.listContainers(), []);
  await node.stop();
});
