import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../api/errors.ts';
import type { Node, Pod, Toleration } from '../../api/generated/core-v1.ts';
import { events, nodes, pods, replicasets } from '../../api/generated/resources.ts';
import { Stage, type StageOptions } from '../testing.ts';
import { nodeCondition, readinessOf } from './node-health.ts';

const play = async (
  story: (stage: Stage) => Promise<void>,
  options: StageOptions = {},
  names: readonly string[] = ['node-1', 'node-2', 'node-3'],
): Promise<void> =>
  Stage.play({ controllers: ['nodelifecycle', 'tainteviction', 'replicaset', 'podgc'], nodes: names, ...options }, async (stage) => {
    for (const name of names) await stage.addNode(name);
    await stage.advance(1000);
    await story(stage);
  });
const node = (stage: Stage, name = 'node-2'): Node => stage.get(nodes, name);
const taints = (stage: Stage, name = 'node-2'): string[] =>
  (node(stage, name).spec.taints ?? []).map(({ key, effect }) => `${key.split('/')[1]}:${effect}`).sort();
const on = (stage: Stage, name: string): Pod[] => stage.activePods().filter(({ spec }) => spec.nodeName === name);

/** What the API server's admission gives to every pod. */
const defaultTolerations = (seconds: number): Toleration[] =>
  ['not-ready', 'unreachable'].map((key) => ({
    key: `node.kubernetes.io/${key}`,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: seconds,
  }));

async function webOf(stage: Stage, replicas: number, seconds = 300): Promise<void> {
  const template = {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'web', image: 'x' }], tolerations: defaultTolerations(seconds) },
  };
  await stage.create(replicasets, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web' },
    spec: { replicas, selector: { matchLabels: { app: 'web' } }, template },
  });
  await stage.eventually('all are ready', () => stage.get(replicasets, 'web').status.readyReplicas === replicas);
}

test('a node that is silent for 40 s is declared Unknown, tainted, and its pods are not ready at that moment', () =>
  play(async (stage) => {
    await webOf(stage, 6);
    await stage.advance(30_000);
    stage.kill('node-2');
    const killed = stage.env.clock.now();
    await stage.eventually('Unknown', () => readinessOf(node(stage)) === 'Unknown', 120_000);
    const silent = stage.env.clock.now() - killed;
    assert.ok(silent > 29_000 && silent <= 40_000, `after ${silent} ms: the last beat was up to 10 s before`);
    await stage.advance(1000);
    assert.deepEqual(taints(stage), ['unreachable:NoExecute', 'unreachable:NoSchedule']);
    assert.deepEqual(
      stage
        .all(pods)
        .filter(({ spec }) => spec.nodeName === 'node-2')
        .map((pod) => pod.status.conditions?.[0]?.status),
      ['False', 'False'],
    );
    assert.equal(nodeCondition(node(stage), 'Ready')?.reason, 'NodeStatusUnknown');
    assert.equal(nodeCondition(node(stage), 'MemoryPressure')?.status, 'Unknown');
    assert.ok(stage.all(events).some(({ reason, involvedObject }) => reason === 'NodeNotReady' && involvedObject.kind === 'Node'));
    assert.deepEqual([taints(stage, 'node-1'), taints(stage, 'node-3')], [[], []]);
  }));

test('its pods are evicted when their tolerations have run out, and run elsewhere', () =>
  play(
    async (stage) => {
      await webOf(stage, 6);
      stage.kill('node-2');
      await stage.eventually('Unknown', () => readinessOf(node(stage)) === 'Unknown', 120_000);
      const declared = stage.env.clock.now();
      const before = stage.activePods().map(({ metadata }) => metadata.name);
      await stage.advance(299_000);
      assert.deepEqual(
        stage.activePods().map(({ metadata }) => metadata.name),
        before,
        'five minutes are not over',
      );
      await stage.eventually('evicted', () => on(stage, 'node-2').length === 0, 10_000);
      const waited = stage.env.clock.now() - declared;
      assert.ok(waited >= 300_000 && waited < 301_500, `after ${waited} ms`);
      await stage.eventually(
        'six run again',
        () => stage.get(replicasets, 'web').status.readyReplicas === 6 && on(stage, 'node-2').length <= 2,
      );
      const leaving = stage.all(pods).filter(({ metadata }) => metadata.deletionTimestamp);
      assert.equal(leaving.length, 2);
      assert.equal(leaving[0]?.status.conditions?.find(({ type }) => type === 'DisruptionTarget')?.reason, 'DeletionByTaintManager');
    },
    { nodes: ['node-1', 'node-2', 'node-3'] },
  ));

test('with a grace period of 8 s and tolerations of 2 s, replacements run within 15 s of the death', () =>
  Stage.play({ controllers: ['nodelifecycle', 'tainteviction', 'replicaset'], nodeMonitorGracePeriod: 8000 }, async (stage) => {
    for (const name of ['node-1', 'node-2', 'node-3']) await stage.addNode(name, { beatMs: 2000 });
    await webOf(stage, 6, 2);
    stage.kill('node-2');
    await stage.eventually(
      'six run elsewhere',
      () => [...on(stage, 'node-1'), ...on(stage, 'node-3')].filter((pod) => pod.status.conditions?.[0]?.status === 'True').length >= 5,
      15_000,
    );
  }));

test('a node that comes back in time keeps its pods, and loses its taints', () =>
  play(async (stage) => {
    await webOf(stage, 6);
    const before = stage.activePods().map(({ metadata }) => metadata.uid);
    stage.kill('node-2');
    await stage.eventually('tainted', () => taints(stage).length === 2, 120_000);
    await stage.advance(200_000);
    await stage.revive('node-2');
    await stage.eventually('untainted', () => taints(stage).length === 0);
    await stage.advance(600_000);
    assert.deepEqual(
      stage.activePods().map(({ metadata }) => metadata.uid),
      before,
    );
    assert.equal(stage.get(replicasets, 'web').status.readyReplicas, 6);
  }));

test('after it comes back late no pod is left over', () =>
  play(async (stage) => {
    await webOf(stage, 6);
    stage.kill('node-2');
    await stage.eventually('evicted', () => stage.all(pods).some(({ metadata }) => metadata.deletionTimestamp), 600_000);
    await stage.advance(60_000);
    await stage.revive('node-2');
    await stage.eventually(
      'six, all ready',
      () => stage.all(pods).length === 6 && stage.get(replicasets, 'web').status.readyReplicas === 6,
    );
    assert.deepEqual(taints(stage), []);
  }));

test('a node that reports itself not ready is tainted as such, and a deadline does not matter', () =>
  play(async (stage) => {
    await webOf(stage, 3);
    await stage.report('node-2', 'False');
    await stage.advance(500);
    assert.deepEqual(taints(stage), ['not-ready:NoExecute', 'not-ready:NoSchedule']);
    assert.equal(on(stage, 'node-2')[0]?.status.conditions?.[0]?.status, 'False');
    await stage.report('node-2', 'True');
    await stage.advance(500);
    assert.deepEqual(taints(stage), []);
  }));

test('a cordoned node and one under pressure are kept free of new pods', () =>
  play(async (stage) => {
    await stage.patch(nodes, 'node-1', { spec: { unschedulable: true, taints: [{ key: 'mine', effect: 'NoSchedule' }] } });
    await stage.patchStatus(nodes, 'node-2', {
      conditions: [
        { type: 'Ready', status: 'True' },
        { type: 'DiskPressure', status: 'True' },
      ],
    });
    await stage.advance(500);
    assert.deepEqual(
      [taints(stage, 'node-1'), taints(stage)],
      [['undefined:NoSchedule', 'unschedulable:NoSchedule'], ['disk-pressure:NoSchedule']],
    );
    await stage.patch(nodes, 'node-1', { spec: { unschedulable: null } });
    await stage.advance(500);
    assert.deepEqual(taints(stage, 'node-1'), ['undefined:NoSchedule']);
  }));

test('a node that never reports is given a minute', () =>
  play(async (stage) => {
    await stage.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'new' } });
    await stage.advance(59_000);
    assert.equal(nodeCondition(node(stage, 'new'), 'Ready'), undefined);
    await stage.advance(1500);
    assert.equal(nodeCondition(node(stage, 'new'), 'Ready')?.reason, 'NodeStatusNeverUpdated');
  }));

test('nodes of a zone are given up one in ten seconds', () =>
  play(
    async (stage) => {
      const evicting = (): number =>
        stage.all(nodes).filter(({ metadata }) => taints(stage, metadata.name).some((taint) => taint.endsWith('NoExecute'))).length;
      for (const name of ['n1', 'n2', 'n3']) stage.kill(name);
      await stage.eventually('the first', () => evicting() === 1, 120_000);
      await stage.advance(8000);
      assert.equal(evicting(), 1);
      await stage.advance(3000);
      assert.equal(evicting(), 2);
      await stage.advance(10_000);
      assert.equal(evicting(), 3);
    },
    {},
    ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7', 'n8'],
  ));

test('when every node is gone at once, nothing is evicted: the fault is more likely at this end', () =>
  play(async (stage) => {
    await webOf(stage, 6);
    for (const name of ['node-1', 'node-2', 'node-3']) stage.kill(name);
    await stage.advance(3_600_000);
    assert.equal(stage.activePods().length, 6);
    assert.deepEqual(taints(stage), ['unreachable:NoSchedule']);
  }));

test('a loop that could not reach the server blames no node for the silence', () =>
  play(async (stage) => {
    const silent = ({ agent, verb }: { agent: string; verb: string }): void => {
      if (agent !== 'test' || verb === 'watch') throw new ApiError('ServiceUnavailable', 'cut off');
    };
    stage.server.intercept = silent;
    stage.server.breakWatches();
    await stage.advance(300_000);
    stage.server.intercept = undefined;
    await stage.advance(60_000);
    assert.deepEqual(stage.all(nodes).map(readinessOf), ['True', 'True', 'True']);
    assert.equal(stage.all(events).filter(({ reason }) => reason === 'NodeNotReady').length, 0);
  }));

test('a settled cluster costs nothing but its heartbeats', () =>
  play(async (stage) => {
    await webOf(stage, 3);
    await stage.advance(60_000);
    const written = (): number =>
      stage.server.calls.filter(({ verb, agent }) => !['get', 'list', 'watch'].includes(verb) && agent !== 'test').length;
    const before = written();
    await stage.advance(3_600_000);
    assert.equal(written(), before);
  }));
