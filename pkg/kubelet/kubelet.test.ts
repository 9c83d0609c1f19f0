import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../api/generated/core-v1.ts';
import { leases, nodes, pods } from '../api/generated/resources.ts';
import { createTestNode, isReady } from './testing.ts';

test('a pod that is bound to the node runs, is told of, and is deleted in good order', async () => {
  const node = await createTestNode();
  await node.createPod('web', {});
  await node.eventually('the pod is ready', () => isReady(node.pod('web')));
  const pod = node.pod('web');
  assert.equal(pod?.status.phase, 'Running');
  assert.equal(pod?.status.podIP, '10.244.1.2');
  assert.equal(pod?.status.hostIP, '192.168.0.1');
  assert.deepEqual(
    pod?.status.conditions?.map(({ type, status }) => [type, status]),
    [
      ['PodReadyToStartContainers', 'True'],
      ['Initialized', 'True'],
      ['Ready', 'True'],
      ['ContainersReady', 'True'],
      ['PodScheduled', 'True'],
    ],
  );
  const [status] = pod?.status.containerStatuses ?? [];
  assert.equal(status?.ready, true);
  assert.equal(status?.started, true);
  assert.equal(status?.restartCount, 0);
  assert.match(status?.containerID ?? '', /^fake:\/\/[0-9a-f]{64}$/);
  assert.ok(status?.state.running?.startedAt);
  await node.clock.advance(1000);
  assert.deepEqual(node.events('web'), [
    'Pulling: Pulling image "nginx:1"',
    'Pulled: Successfully pulled image "nginx:1" in 0s (0s including waiting). Image size: 10000000 bytes.',
    'Created: Created container: web',
    'Started: Started container web',
  ]);

  await node.client.resource(pods).delete('web', { namespace: 'default' });
  await node.eventually('the pod is gone', () => node.pod('web') === undefined, 1);
  await node.eventually('nothing is left of it', () => node.runtime.files.list('/var/lib/kubelet/pods')?.length === 0, 1);
  assert.deepEqual(await node.runtime.listPodSandboxes(), []);
  assert.deepEqual(await node.runtime.listContainers(), []);
  assert.equal(node.network.attached.size, 0);
  assert.deepEqual(node.runtime.files.list('/var/lib/kubelet/logs'), []);
  await node.stop();
  assert.equal(node.clock.pendingTimers, 0);
});

test('the node registers itself and keeps its lease', async () => {
  const node = await createTestNode();
  const object = node.server.find(nodes, 'node-1') as Node;
  assert.equal(object.metadata.labels?.['kubernetes.io/hostname'], 'node-1');
  assert.equal(object.status.nodeInfo.containerRuntimeVersion, 'fake://1.0.0');
  assert.deepEqual(object.status.addresses, [
    { type: 'InternalIP', address: '192.168.0.1' },
    { type: 'Hostname', address: 'node-1' },
  ]);
  assert.equal(object.status.capacity?.['memory'], '8Gi');
  assert.equal(object.status.allocatable?.['memory'], '8092Mi');
  assert.equal(node.network.podCIDR, '10.244.1.0/24');
  const renewed = (): string | undefined => node.server.all(leases)[0]?.spec.renewTime;
  const first = renewed();
  assert.ok(first);
  await node.clock.advance(10_000);
  assert.equal(Date.parse(renewed() ?? '') - Date.parse(first), 10_000);
  await node.stop();
});
