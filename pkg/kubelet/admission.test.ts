import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestNode, isReady, type TestNode } from './testing.ts';

const needs = (cpu: string, memory = '1Mi'): object => ({
  containers: [{ name: 'web', image: 'nginx:1', resources: { requests: { cpu, memory } } }],
});
const outcome = (node: TestNode, name: string): (string | undefined)[] => {
  const { phase, reason, message } = node.pod(name)?.status ?? {};
  return [phase, reason, message];
};

test('a pod that the node has no room for is Failed, and says what was missing', async () => {
  const node = await createTestNode();
  await node.createPod('first', needs('3'));
  await node.createPod('second', needs('1500m'));
  await node.createPod('third', needs('500m'));
  await node.createPod('fourth', needs('0', '9Gi'));
  await node.clock.advance(1000);
  assert.ok(isReady(node.pod('first')) && isReady(node.pod('third')));
  assert.deepEqual(outcome(node, 'second'), [
    'Failed',
    'OutOfcpu',
    "Pod was rejected: Node didn't have enough resource: cpu, requested: 1500, used: 3000, capacity: 4000",
  ]);
  assert.equal(outcome(node, 'fourth')[1], 'OutOfmemory');
  assert.equal(node.pod('second')?.status.containerStatuses, undefined);
  assert.ok(node.events('second').includes("OutOfcpu: Node didn't have enough resource: cpu, requested: 1500, used: 3000, capacity: 4000"));
  await node.stop();
});

test('two pods do not share a port of the node', async () => {
  const node = await createTestNode();
  const withPort = (hostIP?: string): object => ({
    containers: [
      { name: 'web', image: 'nginx:1', ports: [{ containerPort: 80, hostPort: 8080, protocol: 'TCP', ...(hostIP ? { hostIP } : {}) }] },
    ],
  });
  await node.createPod('first', withPort());
  await node.createPod('second', withPort('127.0.0.1'));
  await node.clock.advance(1000);
  assert.ok(isReady(node.pod('first')));
  assert.deepEqual(outcome(node, 'second'), ['Failed', 'NodePorts', 'Pod was rejected: Predicate NodePorts failed']);
  await node.stop();
});

test('a pod that was put on a node it did not ask for is Failed', async () => {
  const node = await createTestNode();
  await node.createPod('web', { nodeSelector: { disk: 'fast' } });
  await node.clock.advance(1000);
  assert.deepEqual(outcome(node, 'web').slice(0, 2), ['Failed', 'NodeAffinity']);
  await node.stop();
});

test('what a rejected pod is told stands after a restart of the kubelet', async () => {
  const node = await createTestNode();
  await node.createPod('web', needs('5'));
  await node.clock.advance(1000);
  const before = node.pod('web');
  await node.restart();
  await node.clock.advance(5000);
  assert.deepEqual(node.pod('web')?.status, before?.status);
  await node.stop();
});

test('pods that ran before a restart are admitted again', async () => {
  const node = await createTestNode();
  await node.createPod('b', needs('3'));
  await node.clock.advance(2000);
  await node.createPod('a', needs('1'));
  await node.clock.advance(1000);
  await node.restart();
  await node.clock.advance(5000);
  assert.ok(isReady(node.pod('a')) && isReady(node.pod('b')));
  await node.stop();
});
