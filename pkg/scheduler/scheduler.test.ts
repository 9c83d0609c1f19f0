import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../api/generated/core-v1.ts';
import { deployments, events, nodes, pods, replicasets } from '../api/generated/resources.ts';
import type { Draft, KubeObject, ResourceRef } from '../api/object.ts';
import { createInformerFactory } from '../listwatch/informer-factory.ts';
import { runTogether } from '../listwatch/run-together.ts';
import { createTestEnvironment, type TestEnvironment } from '../listwatch/testing.ts';
import { createScheduler, type Scheduler, type SchedulerOptions } from './scheduler.ts';
import { type NodeRow, nodeOf, type PodRow, podOf } from './testing.ts';

interface World extends TestEnvironment {
  readonly scheduler: Scheduler;
  addNode(row: NodeRow): Promise<void>;
  addPod(row: PodRow): Promise<void>;
  create<T extends KubeObject>(ref: ResourceRef<T>, object: T): Promise<void>;
  /** Where each pod is: name → node, or '-'. */
  places(): Record<string, string>;
  pod(name: string): Pod;
  settle(ms?: number): Promise<void>;
  stop(): Promise<void>;
}

function createWorld(options: SchedulerOptions = {}, seed = 7): World {
  const env = createTestEnvironment({ seed });
  const informers = createInformerFactory(env);
  const scheduler = createScheduler({ ...env, informers }, options);
  const stop = new AbortController();
  const running = runTogether([(signal) => informers.run(signal), (signal) => scheduler.run(signal)], stop.signal);
  const draft = <T extends KubeObject>(object: T): Draft<T> => {
    const { uid: _uid, resourceVersion: _revision, creationTimestamp: _created, ...metadata } = object.metadata;
    return { ...object, metadata } as unknown as Draft<T>;
  };
  const create: World['create'] = async (ref, object) => {
    await env.client.resource(ref).create(draft(object), object.metadata.namespace ? { namespace: object.metadata.namespace } : {});
  };
  return {
    ...env,
    scheduler,
    create,
    addNode: (row) => create(nodes, nodeOf(row)),
    addPod: (row) => create(pods, podOf(row)),
    places: () => Object.fromEntries(env.server.all(pods).map((pod) => [pod.metadata.name, pod.spec.nodeName ?? '-'])),
    pod: (name) => env.server.find(pods, `default/${name}`) as Pod,
    settle: (ms = 0) => env.clock.advance(ms),
    async stop() {
      stop.abort();
      await running;
    },
  };
}

const eventsOf = (world: World, reason: string): string[] =>
  world.server
    .all(events)
    .filter((event) => event.reason === reason)
    .map((event) => event.message ?? '');

const attemptsOf = (world: World): number =>
  ['scheduled', 'unschedulable', 'error']
    .map((result) => world.metrics.value('scheduler_schedule_attempts_total', { result, profile: 'default-scheduler' }))
    .reduce((sum, count) => sum + count, 0);

test('pods are spread over the nodes that have room, with an event and an explanation', async () => {
  const world = createWorld();
  for (const name of ['node-1', 'node-2', 'node-3']) await world.addNode({ name, cpu: '1' });
  for (let i = 0; i < 6; i++) await world.addPod({ name: `web-${i}`, cpu: '400m' });
  await world.settle();
  const counts = Object.values(world.places()).sort();
  assert.deepEqual(counts, ['node-1', 'node-1', 'node-2', 'node-2', 'node-3', 'node-3']);
  assert.equal(eventsOf(world, 'Scheduled').length, 6);
  const explanation = world.scheduler.explain('default/web-0');
  assert.equal(explanation?.outcome, 'scheduled');
  assert.equal(explanation?.node, world.places()['web-0']);
  assert.equal(explanation?.scored.length, 3);
  assert.ok(explanation?.scored[0]?.plugins.some(({ plugin }) => plugin === 'NodeResourcesFit'));
  await world.stop();
});

test('a binding names the pod and what the scheduler reacted to', async () => {
  const world = createWorld();
  await world.addNode({});
  await world.addPod({});
  await world.settle();
  const binding = world.server.calls.find((call) => call.subresource === 'binding');
  assert.equal(binding?.agent, 'kube-scheduler');
  assert.deepEqual(binding?.causes, [2], 'the revision of the pod');
  await world.stop();
});

test('a pod that fits nowhere says why as Kubernetes does, and wakes when room is made', async () => {
  const world = createWorld();
  await world.addNode({ name: 'node-1', cpu: '1' });
  await world.addNode({ name: 'node-2', cpu: '4', spec: { taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] } });
  await world.addNode({ name: 'node-3', cpu: '4', spec: { unschedulable: true } });
  await world.addPod({ name: 'first', cpu: '800m' });
  await world.settle();
  await world.addPod({ name: 'second', cpu: '500m' });
  await world.settle();
  assert.deepEqual(world.places(), { first: 'node-1', second: '-' });
  const message =
    '0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {dedicated: db}, 1 node(s) were unschedulable. ' +
    'preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.';
  assert.deepEqual(eventsOf(world, 'FailedScheduling'), [message]);
  const condition = world.pod('second').status.conditions?.find(({ type }) => type === 'PodScheduled');
  assert.equal(condition?.status, 'False');
  assert.equal(condition?.reason, 'Unschedulable');
  assert.equal(condition?.message, message);
  const rejected = world.scheduler.explain('default/second')?.rejected;
  assert.deepEqual(
    rejected?.map(({ node, plugin }) => [node, plugin]),
    [
      ['node-1', 'NodeResourcesFit'],
      ['node-2', 'TaintToleration'],
      ['node-3', 'NodeUnschedulable'],
    ],
  );
  assert.match(rejected?.[0]?.change ?? '', /asks for 500m of cpu, 200m of 1000m are free: free 300m/);

  await world.client.resource(pods).delete('first', { namespace: 'default', gracePeriodSeconds: 0 });
  await world.settle();
  assert.deepEqual(world.places(), { second: 'node-1' });
  await world.stop();
});

test('only what may help wakes a sleeping pod', async () => {
  const world = createWorld();
  await world.addNode({ name: 'node-1' });
  await world.addPod({ name: 'picky', spec: { nodeSelector: { disk: 'ssd' } } });
  await world.settle();
  const attempts = (): number => attemptsOf(world);
  assert.equal(attempts(), 1);
  const client = world.client.resource(nodes);
  await client.patch('node-1', { type: 'merge', body: { metadata: { labels: { colour: 'red' } } } });
  await world.addNode({ name: 'node-2' });
  await world.addPod({ name: 'other' });
  await world.settle(60_000);
  assert.equal(attempts(), 2, 'the other pod alone was tried');
  await client.patch('node-1', { type: 'merge', body: { metadata: { labels: { disk: 'ssd' } } } });
  await world.settle();
  assert.equal(world.places()['picky'], 'node-1');
  await world.stop();
});

test('with no node at all, pods wait for the first', async () => {
  const world = createWorld();
  await world.addPod({});
  await world.settle(30_000);
  assert.deepEqual(eventsOf(world, 'FailedScheduling'), ['no nodes available to schedule pods']);
  assert.equal(attemptsOf(world), 1);
  await world.addNode({});
  await world.settle();
  assert.deepEqual(world.places(), { web: 'node-1' });
  await world.stop();
});

test('a gated pod is not tried until its last gate is gone', async () => {
  const world = createWorld();
  await world.addNode({});
  await world.addPod({ spec: { schedulingGates: [{ name: 'example.com/quota' }] } });
  await world.settle(600_000);
  assert.deepEqual(world.places(), { web: '-' });
  assert.equal(world.scheduler.explain('default/web')?.outcome, 'gated');
  await world.client.resource(pods).patch('web', { type: 'merge', body: { spec: { schedulingGates: null } } }, { namespace: 'default' });
  await world.settle();
  assert.deepEqual(world.places(), { web: 'node-1' });
  await world.stop();
});

test('a failed binding is tried again with back-off, and its place is free meanwhile', async () => {
  const world = createWorld();
  await world.addNode({ cpu: '1' });
  let failures = 2;
  world.server.intercept = (call) => {
    if (call.subresource === 'binding' && failures-- > 0) throw new Error('the store is away');
  };
  await world.addPod({ name: 'first', cpu: '800m' });
  await world.settle();
  assert.deepEqual(world.places(), { first: '-' });
  const condition = world.pod('first').status.conditions?.[0];
  assert.equal(condition?.reason, 'SchedulerError');
  assert.equal(condition?.message, 'binding rejected: the store is away');
  await world.settle(999);
  assert.deepEqual(world.places(), { first: '-' });
  await world.settle(1);
  assert.deepEqual(world.places(), { first: '-' }, 'failed a second time after 1 s');
  await world.settle(1999);
  assert.deepEqual(world.places(), { first: '-' });
  await world.settle(1);
  assert.deepEqual(world.places(), { first: 'node-1' });
  await world.stop();
});

test('a more important pod takes the place of the least important ones that will do', async () => {
  const world = createWorld();
  await world.addNode({ name: 'node-1', cpu: '2' });
  await world.addNode({ name: 'node-2', cpu: '2' });
  await world.addPod({ name: 'low', cpu: '1500m', priority: 1 });
  await world.settle();
  await world.addPod({ name: 'middle', cpu: '1500m', priority: 5 });
  await world.settle();
  const lowNode = world.places()['low'];
  await world.addPod({ name: 'high', cpu: '1', priority: 10 });
  await world.settle();
  assert.equal(world.pod('high').status.nominatedNodeName, lowNode);
  assert.ok(world.pod('low').metadata.deletionTimestamp, 'on its way out, gracefully');
  assert.equal(world.pod('middle').metadata.deletionTimestamp, undefined);
  assert.deepEqual(eventsOf(world, 'Preempted'), [`Preempted by pod ${world.pod('high').metadata.uid} on node ${lowNode}`]);
  const target = world.pod('low').status.conditions?.find(({ type }) => type === 'DisruptionTarget');
  assert.equal(target?.reason, 'PreemptionByScheduler');

  // Somebody less important may not slip in while the victim is leaving.
  await world.addPod({ name: 'sneaky', cpu: '400m', spec: { nodeSelector: { 'kubernetes.io/hostname': lowNode ?? '' } } });
  await world.settle();
  assert.equal(world.places()['sneaky'], '-', 'half a CPU is free there, but promised');
  await world.client.resource(pods).delete('low', { namespace: 'default', gracePeriodSeconds: 0 });
  await world.settle();
  assert.equal(world.places()['high'], lowNode);
  assert.equal(world.places()['sneaky'], lowNode, 'room for both after all');
  await world.stop();
});

test('pods of another scheduler, finished and leaving pods are left alone', async () => {
  const world = createWorld();
  await world.addNode({});
  await world.addPod({ name: 'foreign', spec: { schedulerName: 'mine' } });
  await world.addPod({ name: 'ended', status: { phase: 'Failed' } });
  await world.settle();
  assert.deepEqual(world.places(), { ended: '-', foreign: '-' });
  assert.equal(attemptsOf(world), 0);
  await world.stop();
});

test('finished pods give their room back', async () => {
  const world = createWorld();
  await world.addNode({ cpu: '1' });
  await world.addPod({ name: 'job', cpu: '1' });
  await world.settle();
  await world.addPod({ name: 'next', cpu: '1' });
  await world.settle();
  assert.equal(world.places()['next'], '-');
  await world.client
    .resource(pods)
    .patch('job', { type: 'merge', body: { status: { phase: 'Succeeded' } } }, { namespace: 'default', subresource: 'status' });
  await world.settle();
  assert.equal(world.places()['next'], 'node-1');
  await world.stop();
});

test('pods of one ReplicaSet spread over nodes without being told to', async () => {
  const world = createWorld();
  for (const name of ['node-1', 'node-2', 'node-3']) await world.addNode({ name, cpu: '64', memory: '64Gi' });
  const labels = { app: 'web' };
  await world.create(replicasets, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web', namespace: 'default', uid: '', resourceVersion: '', creationTimestamp: '' },
    spec: { selector: { matchLabels: labels }, template: { metadata: podOf({ labels }).metadata, spec: { containers: [] } } },
    status: { replicas: 0 },
  });
  await world.settle();
  for (let i = 0; i < 9; i++) {
    const pod = podOf({ name: `web-${i}`, labels });
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'u', controller: true };
    await world.create(pods, { ...pod, metadata: { ...pod.metadata, ownerReferences: [owner] } });
    await world.settle();
  }
  const byNode = Map.groupBy(Object.values(world.places()), (node) => node);
  assert.deepEqual(
    [...byNode.values()].map((list) => list.length),
    [3, 3, 3],
  );
  assert.equal(world.server.all(deployments).length, 0);
  await world.stop();
});

test('two runs with one seed decide alike, another seed may not', async () => {
  const run = async (seed: number): Promise<string> => {
    const world = createWorld({}, seed);
    for (let i = 0; i < 20; i++) await world.addNode({ name: `node-${i}` });
    for (let i = 0; i < 15; i++) await world.addPod({ name: `web-${i}` });
    await world.settle();
    const places = JSON.stringify(world.places());
    await world.stop();
    return places;
  };
  assert.equal(await run(1), await run(1));
  assert.notEqual(await run(1), await run(2));
});

test('explanations are served without a server', async () => {
  const world = createWorld();
  await world.addNode({});
  await world.addPod({});
  await world.settle();
  const ask = (path: string, method = 'GET'): { status: number; body: Record<string, unknown> } => {
    const { status, body } = world.scheduler.handle({ method, path });
    return { status, body: JSON.parse(new TextDecoder().decode(body as Uint8Array)) as Record<string, unknown> };
  };
  assert.equal((ask('/debug/scheduling').body['decisions'] as unknown[]).length, 1);
  const one = ask('/debug/scheduling/default/web');
  assert.equal(one.status, 200);
  assert.equal((one.body['explanations'] as { node: string }[])[0]?.node, 'node-1');
  assert.equal(ask('/debug/scheduling/default/nobody').status, 404);
  assert.equal(ask('/debug/scheduling', 'POST').status, 405);
  assert.equal(ask('/elsewhere').status, 404);
  await world.stop();
});

test('nothing is left running after a stop', async () => {
  const world = createWorld();
  await world.addNode({ cpu: '1' });
  await world.addPod({ cpu: '2' });
  await world.settle(5000);
  await world.stop();
  assert.equal(world.clock.pendingTimers, 0);
});

test('a thousand pods find their places on a thousand nodes, none overcommitted', async () => {
  const world = createWorld();
  for (let i = 0; i < 1000; i++) await world.addNode({ name: `node-${i}`, cpu: '1' });
  for (let i = 0; i < 1000; i++) await world.addPod({ name: `web-${i}`, cpu: i % 10 === 0 ? '900m' : '300m' });
  await world.settle();
  const used = new Map<string, number>();
  for (const pod of world.server.all(pods)) {
    const milliCpu = pod.spec.containers[0]?.resources.requests?.['cpu'] === '900m' ? 900 : 300;
    assert.ok(pod.spec.nodeName, `${pod.metadata.name} has no node`);
    used.set(pod.spec.nodeName, (used.get(pod.spec.nodeName) ?? 0) + milliCpu);
  }
  assert.ok(Math.max(...used.values()) <= 1000);
  await world.stop();
});
