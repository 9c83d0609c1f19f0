import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../api/errors.ts';
import { pods } from '../api/generated/resources.ts';
import { createTestNode, isReady, type TestNode } from './testing.ts';

async function withPods(names: readonly string[]): Promise<TestNode> {
  const node = await createTestNode();
  for (const name of names) await node.createPod(name, {});
  await node.eventually('all are ready', () => names.every((name) => isReady(node.pod(name))));
  return node;
}

test('a restarted kubelet adopts what runs', async () => {
  const node = await withPods(['a', 'b']);
  const before = await node.runtime.listContainers();
  const revision = node.pod('a')?.metadata.resourceVersion;
  await node.restart();
  await node.clock.advance(120_000);
  assert.deepEqual(await node.runtime.listContainers(), before);
  assert.equal(isReady(node.pod('a')), true);
  assert.equal(node.pod('a')?.metadata.resourceVersion, revision, 'nothing new to tell');
  await node.stop();
});

test('pods deleted while the kubelet was away are ended when it comes back', async () => {
  const node = await withPods(['gone', 'going', 'stays']);
  await node.stop();
  await node.client.resource(pods).delete('gone', { namespace: 'default', gracePeriodSeconds: 0 });
  await node.client.resource(pods).delete('going', { namespace: 'default' });
  assert.equal(node.runtime.files.list('/var/lib/kubelet/pods')?.length, 3);
  await node.restart();
  await node.eventually('it is deleted', () => node.pod('going') === undefined);
  await node.clock.advance(1000);
  assert.deepEqual(
    (await node.runtime.listContainers()).map(({ labels }) => labels['io.kubernetes.pod.name']),
    ['stays'],
  );
  assert.equal(node.runtime.files.list('/var/lib/kubelet/pods')?.length, 1);
  assert.equal(node.runtime.files.list('/var/lib/kubelet/logs')?.length, 1);
  await node.stop();
});

test('after a power cut every pod runs again, and one that never restarts is Failed', async () => {
  const node = await withPods(['web']);
  await node.createPod('job', { restartPolicy: 'Never' });
  await node.eventually('it runs', () => isReady(node.pod('job')));
  await node.stop();
  await node.runtime.powerOff();
  await node.clock.advance(60_000);
  node.runtime.powerOn();
  await node.restart();
  await node.eventually('it is back', () => isReady(node.pod('web')) && node.pod('web')?.status.containerStatuses?.[0]?.restartCount === 1);
  const [status] = node.pod('web')?.status.containerStatuses ?? [];
  assert.equal(status?.lastState.terminated?.reason, 'ContainerStatusUnknown');
  assert.equal(status?.lastState.terminated?.exitCode, 137);
  await node.eventually('it failed', () => node.pod('job')?.status.phase === 'Failed');
  assert.equal((await node.runtime.listContainers()).length, 1);
  await node.stop();
});

test('cut off from the server the node keeps its pods; once back, those deleted meanwhile end, and what changed is told', async () => {
  const node = await withPods(['deleted', 'crashed', 'replaced']);
  const direct = node.client.resource(pods);
  let cut = true;
  node.server.intercept = ({ agent }) => {
    if (cut && agent === 'kubelet') throw new ApiError('ServiceUnavailable', 'no route to host');
  };
  node.server.breakWatches();
  await node.clock.advance(30_000);
  assert.equal((await node.runtime.listContainers({ state: 'running' })).length, 3);

  await direct.delete('deleted', { namespace: 'default' });
  await direct.delete('replaced', { namespace: 'default', gracePeriodSeconds: 0 });
  await node.createPod('replaced', {});
  // What a node controller says of a node that it does not hear from.
  const conditions = (node.pod('crashed')?.status.conditions ?? []).map((condition) =>
    condition.type === 'Ready' ? { ...condition, status: 'False' } : condition,
  );
  await direct.patch('crashed', { type: 'merge', body: { status: { conditions } } }, { namespace: 'default', subresource: 'status' });
  const crashed = (await node.runtime.listContainers()).find(({ labels }) => labels['io.kubernetes.pod.name'] === 'crashed');
  node.runtime.killContainer(crashed?.id ?? '');
  await node.clock.advance(60_000);
  assert.equal(node.pod('crashed')?.status.containerStatuses?.[0]?.restartCount, 0);

  cut = false;
  // No later than its next heartbeat: seven seconds at most lie between two tries.
  await node.eventually(
    'all is told',
    () =>
      node.pod('deleted') === undefined &&
      node.pod('crashed')?.status.containerStatuses?.[0]?.restartCount === 1 &&
      isReady(node.pod('crashed')) &&
      isReady(node.pod('replaced')),
    8,
  );
  await node.clock.advance(30_000);
  const running = (await node.runtime.listContainers({ state: 'running' })).map(({ labels }) => labels['io.kubernetes.pod.uid']);
  assert.deepEqual(new Set(running), new Set([node.pod('crashed')?.metadata.uid, node.pod('replaced')?.metadata.uid]));
  await node.stop();
});

test('what others write over is put right', async () => {
  const node = await withPods(['web']);
  await node.client
    .resource(pods)
    .patch('web', { type: 'merge', body: { status: { phase: 'Failed' } } }, { namespace: 'default', subresource: 'status' });
  await node.eventually('it says what is', () => node.pod('web')?.status.phase === 'Running', 1);
  await node.stop();
});
