import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod } from '../api/generated/core-v1.ts';
import { nodes } from '../api/generated/resources.ts';
import { evictionOrder } from './eviction.ts';
import type { MachineUsage } from './kubelet-host.ts';
import { createTestNode, isReady } from './testing.ts';

const mebibyte = 2 ** 20;
function candidate(name: string, uses: number, requests: number, priority = 0): { pod: Pod; memoryBytes: number } {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, uid: name, resourceVersion: '', creationTimestamp: '' },
    spec: { priority, containers: [{ name: 'c', resources: { requests: { memory: `${requests}Mi` } } }] },
    status: {},
  };
  return { pod, memoryBytes: uses * mebibyte };
}

test('those go first that use more than they asked for, the less important and the greedier before others; critical ones never', () => {
  const order = evictionOrder([
    candidate('modest', 10, 100),
    candidate('greedy', 300, 100),
    candidate('greedier', 900, 100),
    candidate('important and greedy', 900, 100, 1000),
    candidate('critical', 9000, 0, 2_000_000_000),
  ]);
  assert.deepEqual(
    order.map(({ pod }) => pod.metadata.name),
    ['greedier', 'greedy', 'important and greedy', 'modest'],
  );
});

test('a node short of memory says so and puts out one pod at a time; it is well again only after five minutes', async () => {
  const node = await createTestNode();
  const calm = await node.host.usage();
  let usage: MachineUsage = calm;
  node.host.usage = async () => usage;
  for (const [name, memory] of [
    ['small', '1048576'],
    ['big', '104857600'],
  ] as const) {
    await node.createPod(name, {}, { annotations: { 'fake.gokube.dev/memory': memory } });
    await node.eventually(`${name} is ready`, () => isReady(node.pod(name)));
  }
  usage = { ...calm, memoryAvailableBytes: 50 * mebibyte };
  await node.eventually('the big one is out', () => node.pod('big')?.status.phase === 'Failed', 15);
  assert.equal(node.pod('big')?.status.reason, 'Evicted');
  assert.match(node.pod('big')?.status.message ?? '', /^The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi/);
  assert.ok(isReady(node.pod('small')));
  const pressure = () =>
    (node.server.find(nodes, 'node-1') as Node).status.conditions?.find(({ type }) => type === 'MemoryPressure')?.status;
  await node.eventually('the node says so', () => pressure() === 'True', 1);
  usage = calm;
  await node.clock.advance(290_000);
  assert.equal(pressure(), 'True');
  await node.eventually('it is over', () => pressure() === 'False', 30);
  assert.ok(isReady(node.pod('small')));
  await node.stop();
});

test('a node without pressure admits what it refuses under pressure: pods that promise nothing', async () => {
  const node = await createTestNode();
  const calm = await node.host.usage();
  node.host.usage = async () => ({ ...calm, memoryAvailableBytes: 0 });
  await node.clock.advance(11_000);
  await node.createPod('best-effort', {});
  await node.clock.advance(1000);
  const { phase, reason, message } = node.pod('best-effort')?.status ?? {};
  assert.deepEqual([phase, reason, message], ['Failed', 'Evicted', 'Pod was rejected: The node had condition: [MemoryPressure]. ']);
  await node.stop();
});
