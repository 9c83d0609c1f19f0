import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../api/errors.ts';
import type { ReplicaSet } from '../../api/generated/apps-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { events, pods, replicasets, replicationcontrollers } from '../../api/generated/resources.ts';
import { controllerOf, type Draft } from '../../api/object.ts';
import { type PodBehaviour, Stage, type StageOptions } from '../testing.ts';

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'gokube/host' }] } };
const web = (replicas: number, more: Partial<Draft<ReplicaSet>['spec']> = {}): Draft<ReplicaSet> => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'web' },
  spec: { replicas, selector: { matchLabels: { app: 'web' } }, template, ...more },
});
const play = (story: (stage: Stage) => Promise<void>, options: StageOptions = {}): Promise<void> =>
  Stage.play({ controllers: ['replicaset', 'replicationcontroller'], ...options }, story);
const status = (stage: Stage) => stage.get(replicasets, 'web').status;

test('pods are created up to the wanted number, owned by the ReplicaSet, and counted', () =>
  play(async (stage) => {
    const owner = await stage.create(replicasets, web(3));
    await stage.eventually('three are available', () => status(stage).availableReplicas === 3);
    assert.deepEqual(status(stage), {
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      terminatingReplicas: 0,
      observedGeneration: 1,
    });
    for (const pod of stage.all(pods)) {
      assert.match(pod.metadata.name, /^web-[a-z0-9]{5}$/);
      assert.deepEqual(controllerOf(pod), {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: 'web',
        uid: owner.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      });
    }
    assert.equal(stage.all(events).filter(({ reason }) => reason === 'SuccessfulCreate').length, 3);
  }));

test('a pod that is deleted or fails is replaced; no pod too many is ever made', () =>
  play(async (stage) => {
    await stage.create(replicasets, web(3));
    await stage.eventually('three are ready', () => status(stage).readyReplicas === 3);
    const [first, second] = stage.activePods();
    await stage.delete(pods, first?.metadata.name ?? '');
    await stage.patchStatus(pods, second?.metadata.name ?? '', { phase: 'Failed', conditions: [] });
    await stage.eventually('three are ready again', () => status(stage).readyReplicas === 3 && stage.activePods().length === 3);
    const created = stage.server.calls.filter(
      ({ verb, ref, agent }) => verb === 'create' && ref === pods && agent === 'replicaset-controller',
    );
    assert.equal(created.length, 5);
  }));

/** Every second pod becomes ready, the others never do. */
function everySecondReady(): (pod: Pod) => PodBehaviour {
  const seen: string[] = [];
  return ({ metadata }) => {
    if (!seen.includes(metadata.uid)) seen.push(metadata.uid);
    return { readyAfter: seen.indexOf(metadata.uid) % 2 === 0 ? 1000 : undefined };
  };
}

test('scaling down removes those with the least to lose', () =>
  play(
    async (stage) => {
      await stage.create(replicasets, web(6));
      await stage.eventually('half of them are ready', () => status(stage).readyReplicas === 3);
      const keep = stage.activePods().filter((pod) => pod.status.conditions?.[0]?.status === 'True');
      await stage.patch(replicasets, 'web', { spec: { replicas: 3 } });
      await stage.eventually('three are left', () => stage.all(pods).length === 3);
      assert.deepEqual(stage.all(pods), keep);
      assert.deepEqual([status(stage).replicas, status(stage).observedGeneration], [3, 2]);
    },
    { behaviour: everySecondReady() },
  ));

test('creations come in batches of 1, 2, 4 …, and stop at the first failure', () =>
  play(async (stage) => {
    let tries = 0;
    stage.server.intercept = ({ verb, ref, agent }) => {
      if (verb === 'create' && ref.resource === 'pods' && agent === 'replicaset-controller') {
        tries++;
        throw new ApiError('Forbidden', 'exceeded quota: compute');
      }
    };
    await stage.create(replicasets, web(50));
    await stage.advance(0);
    assert.ok(tries <= 2, `${tries} tries at once`);
    const { conditions } = status(stage);
    assert.deepEqual(
      [conditions?.[0]?.type, conditions?.[0]?.status, conditions?.[0]?.reason, conditions?.[0]?.message],
      ['ReplicaFailure', 'True', 'FailedCreate', 'exceeded quota: compute'],
    );
    await stage.advance(1000);
    assert.ok(tries > 3 && tries < 15, `${tries} tries in a second`);
    stage.server.intercept = undefined;
    await stage.eventually('all run', () => status(stage).readyReplicas === 50);
    assert.equal(status(stage).conditions, undefined);
    const failure = stage.all(events).find(({ reason }) => reason === 'FailedCreate');
    assert.equal(failure?.message, 'Error creating: exceeded quota: compute');
  }));

test('pods that match are adopted, those that match no longer are released and replaced', () =>
  play(async (stage) => {
    await stage.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'orphan', labels: { app: 'web' } }, spec: template.spec });
    const owner = await stage.create(replicasets, web(2));
    await stage.eventually('two are ready', () => status(stage).readyReplicas === 2);
    assert.equal(controllerOf(stage.get(pods, 'orphan'))?.uid, owner.metadata.uid);
    assert.equal(stage.all(pods).length, 2);
    await stage.patch(pods, 'orphan', { metadata: { labels: { app: 'debug' } } });
    await stage.eventually('it was released', () => controllerOf(stage.get(pods, 'orphan')) === undefined);
    await stage.eventually('and replaced', () => status(stage).readyReplicas === 2);
    assert.equal(stage.all(pods).length, 3);
    await stage.patch(pods, 'orphan', { metadata: { labels: { app: 'web' } } });
    await stage.eventually('taken back, it is one too many', () => stage.all(pods).length === 2);
  }));

test('an owner that was made anew since the local copy was taken adopts nothing', () =>
  play(async (stage) => {
    await stage.create(replicasets, web(0));
    await stage.advance(100);
    // The loop's picture of ReplicaSets stands still while the owner is replaced.
    stage.server.intercept = ({ verb, ref }) => {
      if (verb === 'watch' && ref.resource === 'replicasets') throw new ApiError('ServiceUnavailable', 'away');
    };
    stage.server.breakWatches();
    await stage.advance(0);
    await stage.delete(replicasets, 'web');
    await stage.create(replicasets, web(0));
    const lonely = await stage.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'orphan', labels: { app: 'web' } },
      spec: template.spec,
    });
    await stage.advance(50);
    assert.equal(controllerOf(stage.get(pods, lonely.metadata.name)), undefined);
    stage.server.intercept = undefined;
    await stage.eventually('the new owner adopts it and removes it', () => stage.all(pods).length === 0);
  }));

test('a pod counts as available when it has been ready for minReadySeconds', () =>
  play(async (stage) => {
    await stage.create(replicasets, web(2, { minReadySeconds: 30 }));
    await stage.eventually('ready', () => status(stage).readyReplicas === 2);
    assert.equal(status(stage).availableReplicas, undefined);
    await stage.advance(29_000);
    assert.equal(status(stage).availableReplicas, undefined);
    await stage.advance(1100);
    assert.equal(status(stage).availableReplicas, 2);
  }));

test('a ReplicaSet that is being deleted creates no more pods', () =>
  play(async (stage) => {
    await stage.create(replicasets, { ...web(2), metadata: { name: 'web', finalizers: ['example.com/wait'] } });
    await stage.eventually('ready', () => status(stage).readyReplicas === 2);
    await stage.delete(replicasets, 'web');
    await stage.delete(pods, stage.all(pods)[0]?.metadata.name ?? '');
    await stage.eventually('one is left', () => stage.all(pods).length === 1);
    await stage.advance(10_000);
    assert.equal(stage.all(pods).length, 1);
  }));

test('after a restart of the loops nothing is created twice', async () => {
  const stage = new Stage({ controllers: ['replicaset'] });
  await stage.create(replicasets, web(5));
  stage.start();
  await stage.eventually('five', () => status(stage).readyReplicas === 5);
  const [revision] = [stage.server.revision];
  await stage.advance(600_000);
  assert.equal(stage.server.revision, revision, 'a settled cluster is not written to');
  await stage.end();
});

test('two runs with one seed write the same, another seed writes something else', async () => {
  const run = async (seed: number): Promise<string> => {
    const written: string[] = [];
    await play(
      async (stage) => {
        await stage.create(replicasets, web(8));
        await stage.advance(5000);
        await stage.patch(replicasets, 'web', { spec: { replicas: 2 } });
        await stage.advance(5000);
        written.push(JSON.stringify([stage.all(pods), stage.all(events), stage.all(replicasets), stage.server.revision]));
      },
      { seed },
    );
    return written.join();
  };
  assert.equal(await run(1), await run(1));
  assert.notEqual(await run(1), await run(2));
});

test('a ReplicationController does the same with a map for a selector', () =>
  play(async (stage) => {
    await stage.create(replicationcontrollers, {
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata: { name: 'old' },
      spec: { replicas: 2, selector: { app: 'web' }, template },
    });
    await stage.eventually('two', () => stage.get(replicationcontrollers, 'old').status.availableReplicas === 2);
    assert.deepEqual(stage.get(replicationcontrollers, 'old').status, {
      replicas: 2,
      fullyLabeledReplicas: 2,
      readyReplicas: 2,
      availableReplicas: 2,
      observedGeneration: 1,
    });
    assert.equal(controllerOf(stage.activePods()[0] ?? assert.fail())?.kind, 'ReplicationController');
    await stage.patch(replicationcontrollers, 'old', { spec: { replicas: 0 } });
    await stage.eventually('none', () => stage.all(pods).length === 0);
  }));
