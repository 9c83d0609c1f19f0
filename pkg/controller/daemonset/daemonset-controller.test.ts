import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DaemonSet } from '../../api/generated/apps-v1.ts';
import { controllerrevisions, daemonsets, events, nodes, pods } from '../../api/generated/resources.ts';
import { controllerOf, type Draft } from '../../api/object.ts';
import { revisionHashLabel } from '../controller-history.ts';
import { isPodAvailable } from '../pod-state.ts';
import { Stage, type StageOptions } from '../testing.ts';
import { nodeOf } from './daemon-pods.ts';

const containers = (image: string) => [{ name: 'log', image }];
const log = (more: Partial<Draft<DaemonSet>['spec']> = {}, spec: Record<string, unknown> = {}): Draft<DaemonSet> => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'log' },
  spec: {
    selector: { matchLabels: { app: 'log' } },
    template: { metadata: { labels: { app: 'log' } }, spec: { containers: containers('v1'), ...spec } },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
    ...more,
  },
});
const names = ['node-1', 'node-2', 'node-3', 'node-4'];
const play = (story: (stage: Stage) => Promise<void>, options: StageOptions = {}): Promise<void> =>
  Stage.play({ controllers: ['daemonset'], ...options }, async (stage) => {
    for (const name of names) await stage.addNode(name, { labels: { role: name === 'node-1' ? 'control' : 'work' } });
    await story(stage);
  });
const status = (stage: Stage) => stage.get(daemonsets, 'log').status;
const on = (stage: Stage): (string | undefined)[] => stage.activePods().map(nodeOf).sort();
const setImage = (stage: Stage, image: string) =>
  stage.patch(daemonsets, 'log', { spec: { template: { spec: { containers: containers(image) } } } });
const imagesOf = (stage: Stage): string =>
  stage
    .all(pods)
    .map(({ spec }) => spec.containers[0]?.image)
    .sort()
    .join();

test('every node gets one pod, a new node as well; a node that goes loses its pod’s place', () =>
  play(async (stage) => {
    await stage.create(daemonsets, log());
    await stage.eventually('four are available', () => status(stage).numberAvailable === 4);
    assert.deepEqual(on(stage), names);
    assert.deepEqual(status(stage), {
      currentNumberScheduled: 4,
      desiredNumberScheduled: 4,
      numberMisscheduled: 0,
      numberReady: 4,
      numberAvailable: 4,
      updatedNumberScheduled: 4,
      observedGeneration: 1,
    });
    assert.equal(controllerOf(stage.activePods()[0] ?? assert.fail())?.kind, 'DaemonSet');
    await stage.addNode('node-5');
    await stage.eventually('five', () => status(stage).numberAvailable === 5);
    await stage.delete(nodes, 'node-5');
    await stage.eventually('four are wanted', () => status(stage).desiredNumberScheduled === 4);
  }));

test('a node selector chooses nodes; a label that changes moves a pod', () =>
  play(async (stage) => {
    await stage.create(daemonsets, log({}, { nodeSelector: { role: 'work' } }));
    await stage.eventually('three', () => status(stage).numberReady === 3);
    assert.deepEqual(on(stage), ['node-2', 'node-3', 'node-4']);
    await stage.patch(nodes, 'node-2', { metadata: { labels: { role: 'control' } } });
    await stage.patch(nodes, 'node-1', { metadata: { labels: { role: 'work' } } });
    await stage.eventually('moved', () => on(stage).join() === 'node-1,node-3,node-4');
  }));

test('taints of the cluster’s own are tolerated, others keep away, and NoExecute drives away', () =>
  play(async (stage) => {
    await stage.patch(nodes, 'node-1', {
      spec: { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] },
    });
    await stage.patch(nodes, 'node-2', { spec: { taints: [{ key: 'mine', effect: 'NoSchedule' }] } });
    await stage.create(daemonsets, log());
    await stage.eventually('three', () => status(stage).numberReady === 3);
    assert.deepEqual(on(stage), ['node-1', 'node-3', 'node-4']);
    await stage.patch(nodes, 'node-3', { spec: { taints: [{ key: 'mine', effect: 'NoSchedule' }] } });
    await stage.patch(nodes, 'node-4', { spec: { taints: [{ key: 'mine', effect: 'NoExecute' }] } });
    await stage.eventually('driven away', () => on(stage).join() === 'node-1,node-3');
    // It may stay where it would not be put.
    await stage.eventually('one is out of place', () => status(stage).numberMisscheduled === 1);
  }));

test('a pod that is deleted or ends is replaced; one that fails again and again waits longer and longer', () =>
  play(
    async (stage) => {
      await stage.create(daemonsets, log());
      await stage.advance(60_000);
      const failures = stage.all(events).filter(({ reason }) => reason === 'FailedDaemonPod');
      assert.ok(failures.length > 0);
      const created = stage.server.calls.filter(
        ({ verb, ref, agent }) => verb === 'create' && ref === pods && agent === 'daemonset-controller',
      ).length;
      assert.ok(created > 12 && created < 40, `${created} pods in a minute`);
    },
    { behaviour: () => ({ readyAfter: 100, ends: { phase: 'Failed', after: 100 } }) },
  ));

test('a rolling update replaces one node after the other, within maxUnavailable', () =>
  play(async (stage) => {
    await stage.create(daemonsets, log());
    await stage.eventually('v1', () => status(stage).numberAvailable === 4);
    await setImage(stage, 'v2');
    let least = 4;
    await stage.eventually('v2', () => {
      least = Math.min(least, stage.activePods().filter((pod) => isPodAvailable(pod, 0, stage.env.clock.now())).length);
      return imagesOf(stage) === 'v2,v2,v2,v2' && status(stage).numberAvailable === 4;
    });
    assert.equal(least, 3);
    assert.equal(status(stage).updatedNumberScheduled, 4);
    assert.deepEqual(
      stage
        .all(controllerrevisions)
        .map(({ revision }) => revision)
        .sort(),
      [1, 2],
    );
  }));

test('with a surge the new pod is there before the old one goes', () =>
  play(async (stage) => {
    await stage.create(daemonsets, log({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }));
    await stage.eventually('v1', () => status(stage).numberAvailable === 4);
    await setImage(stage, 'v2');
    let least = 9;
    let most = 0;
    await stage.eventually('v2', () => {
      const active = stage.activePods();
      most = Math.max(most, active.length);
      least = Math.min(least, active.filter((pod) => isPodAvailable(pod, 0, stage.env.clock.now())).length);
      return imagesOf(stage) === 'v2,v2,v2,v2' && status(stage).numberAvailable === 4;
    });
    assert.deepEqual([least, most], [4, 5]);
  }));

test('OnDelete leaves old pods until somebody deletes them', () =>
  play(async (stage) => {
    await stage.create(daemonsets, log({ updateStrategy: { type: 'OnDelete' } }));
    await stage.eventually('v1', () => status(stage).numberAvailable === 4);
    await setImage(stage, 'v2');
    await stage.advance(60_000);
    assert.equal(imagesOf(stage), 'v1,v1,v1,v1');
    await stage.delete(pods, stage.activePods()[0]?.metadata.name ?? '');
    await stage.eventually('one is new', () => imagesOf(stage) === 'v1,v1,v1,v2');
    assert.equal(status(stage).updatedNumberScheduled, 1);
  }));

test('an old template that comes back gets its revision under a new number; the history is bounded', () =>
  play(async (stage) => {
    await stage.create(daemonsets, log({ revisionHistoryLimit: 1 }));
    const hashOf = (): string => stage.activePods()[0]?.metadata.labels?.[revisionHashLabel] ?? '';
    const settle = (image: string) =>
      stage.eventually(image, () => imagesOf(stage) === Array(4).fill(image).join() && status(stage).numberAvailable === 4);
    await settle('v1');
    const first = hashOf();
    await setImage(stage, 'v2');
    await settle('v2');
    await setImage(stage, 'v1');
    await settle('v1');
    assert.equal(hashOf(), first);
    assert.deepEqual(
      stage
        .all(controllerrevisions)
        .map(({ revision }) => revision)
        .sort(),
      [2, 3],
    );
    await setImage(stage, 'v3');
    await settle('v3');
    await stage.eventually('two are left', () => stage.all(controllerrevisions).length === 2);
  }));

test('a revision holds its template with the fields in order, whatever order they came in', () =>
  play(async (stage) => {
    await stage.create(daemonsets, log({}, { terminationGracePeriodSeconds: 30, dnsPolicy: 'Default' }));
    await stage.eventually('v1', () => status(stage).numberAvailable === 4);
    const [revision] = stage.all(controllerrevisions);
    const keys = (value: unknown): string[] =>
      typeof value === 'object' && value !== null ? [Object.keys(value).join(), ...Object.values(value).flatMap(keys)] : [];
    const written = keys(revision?.data);
    assert.deepEqual(
      written,
      written.map((each) => each.split(',').sort().join()),
    );
    assert.ok(written.includes('$patch,metadata,spec'));
  }));

test('a settled DaemonSet is not written to', () =>
  play(async (stage) => {
    await stage.create(daemonsets, log());
    await stage.eventually('v1', () => status(stage).numberAvailable === 4);
    await stage.advance(1000);
    const written = (): number =>
      stage.server.calls.filter(({ verb, agent }) => agent === 'daemonset-controller' && !['list', 'watch', 'get'].includes(verb)).length;
    const before = written();
    await stage.advance(3_600_000);
    assert.equal(written(), before);
  }));
