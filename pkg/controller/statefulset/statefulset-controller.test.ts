import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatefulSet } from '../../api/generated/apps-v1.ts';
import { controllerrevisions, events, persistentvolumeclaims, pods, statefulsets } from '../../api/generated/resources.ts';
import type { Draft } from '../../api/object.ts';
import { revisionHashLabel } from '../controller-history.ts';
import { Stage, type StageOptions } from '../testing.ts';

const containers = (image: string) => [{ name: 'db', image }];
const db = (replicas: number, more: Partial<Draft<StatefulSet>['spec']> = {}): Draft<StatefulSet> => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'db' },
  spec: {
    replicas,
    serviceName: 'db',
    selector: { matchLabels: { app: 'db' } },
    template: { metadata: { labels: { app: 'db' } }, spec: { containers: containers('v1') } },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    ...more,
  },
});
const play = (story: (stage: Stage) => Promise<void>, options: StageOptions = {}): Promise<void> =>
  Stage.play({ controllers: ['statefulset', 'garbagecollector'], ...options }, story);
const status = (stage: Stage) => stage.get(statefulsets, 'db').status;
const names = (stage: Stage): string[] => stage.all(pods).map(({ metadata }) => metadata.name);
const setImage = (stage: Stage, image: string) =>
  stage.patch(statefulsets, 'db', { spec: { template: { spec: { containers: containers(image) } } } });
const images = (stage: Stage): string =>
  stage
    .all(pods)
    .map(({ metadata, spec }) => `${metadata.name}=${spec.containers[0]?.image}`)
    .join();
const scale = (stage: Stage, replicas: number) => stage.patch(statefulsets, 'db', { spec: { replicas } });

test('pods come one after the other, each when those before it are ready, under lasting names', () =>
  play(async (stage) => {
    await stage.create(statefulsets, db(3));
    const order: string[] = [];
    await stage.eventually('three are ready', () => {
      for (const name of names(stage)) if (!order.includes(name)) order.push(name);
      const ready = stage.all(pods).filter((pod) => pod.status.conditions?.[0]?.status === 'True').length;
      assert.ok(names(stage).length <= ready + 1, 'one at a time');
      return status(stage).readyReplicas === 3;
    });
    assert.deepEqual(order, ['db-0', 'db-1', 'db-2']);
    const pod = stage.get(pods, 'db-1');
    assert.deepEqual([pod.spec.hostname, pod.spec.subdomain], ['db-1', 'db']);
    assert.equal(pod.metadata.labels?.['statefulset.kubernetes.io/pod-name'], 'db-1');
    assert.equal(pod.metadata.labels?.['apps.kubernetes.io/pod-index'], '1');
    await stage.eventually('events tell of each, in the words of StatefulSets', () =>
      order.every((name) => stage.all(events).some(({ message }) => message === `create Pod ${name} in StatefulSet db successful`)),
    );
    const { currentRevision, updateRevision, ...counts } = status(stage);
    assert.equal(currentRevision, updateRevision);
    assert.deepEqual(counts, {
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      observedGeneration: 1,
      collisionCount: 0,
    });
  }));

test('they go in reverse order, one at a time', () =>
  play(async (stage) => {
    await stage.create(statefulsets, db(4));
    await stage.eventually('four', () => status(stage).readyReplicas === 4);
    await scale(stage, 1);
    const order: string[] = [];
    await stage.eventually('one is left', () => {
      for (const name of ['db-0', 'db-1', 'db-2', 'db-3']) if (!names(stage).includes(name) && !order.includes(name)) order.push(name);
      assert.ok(stage.all(pods).filter(({ metadata }) => metadata.deletionTimestamp).length <= 1);
      return names(stage).join() === 'db-0';
    });
    assert.deepEqual(order, ['db-3', 'db-2', 'db-1']);
  }));

test('Parallel makes and removes all at once', () =>
  play(async (stage) => {
    await stage.create(statefulsets, db(4, { podManagementPolicy: 'Parallel' }));
    await stage.advance(100);
    assert.equal(names(stage).length, 4);
    await stage.eventually('four', () => status(stage).readyReplicas === 4);
    await scale(stage, 0);
    await stage.advance(100);
    assert.equal(stage.activePods().length, 0);
  }));

test('a pod that is lost or has failed comes back under its name', () =>
  play(async (stage) => {
    await stage.create(statefulsets, db(3));
    await stage.eventually('three', () => status(stage).readyReplicas === 3);
    const { uid } = stage.get(pods, 'db-1').metadata;
    await stage.delete(pods, 'db-1');
    await stage.patchStatus(pods, 'db-2', { phase: 'Failed', conditions: [] });
    await stage.eventually('three again', () => status(stage).readyReplicas === 3 && stage.activePods().length === 3);
    assert.notEqual(stage.get(pods, 'db-1').metadata.uid, uid);
  }));

test('each pod has claims of its own, which stay when it goes', () =>
  play(async (stage) => {
    const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
    await stage.create(statefulsets, db(2, { volumeClaimTemplates: [claim as never] }));
    await stage.eventually('two', () => status(stage).readyReplicas === 2);
    assert.deepEqual(
      stage.all(persistentvolumeclaims).map(({ metadata }) => metadata.name),
      ['data-db-0', 'data-db-1'],
    );
    assert.deepEqual(stage.get(pods, 'db-1').spec.volumes, [{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-1' } }]);
    const { uid } = stage.get(persistentvolumeclaims, 'data-db-1').metadata;
    await scale(stage, 1);
    await stage.eventually('one', () => names(stage).length === 1);
    await scale(stage, 2);
    await stage.eventually('two', () => status(stage).readyReplicas === 2);
    assert.equal(stage.get(persistentvolumeclaims, 'data-db-1').metadata.uid, uid);
  }));

test('with the retention policy Delete claims go with the pod that is scaled away, and with the set', () =>
  play(async (stage) => {
    const claim = { metadata: { name: 'data' }, spec: {} };
    await stage.create(
      statefulsets,
      db(3, {
        volumeClaimTemplates: [claim as never],
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
      }),
    );
    await stage.eventually('three', () => status(stage).readyReplicas === 3);
    await scale(stage, 2);
    await stage.eventually('a claim went', () => stage.all(persistentvolumeclaims).length === 2);
    await stage.delete(statefulsets, 'db');
    await stage.eventually('all of it', () => stage.all(persistentvolumeclaims).length + names(stage).length === 0);
  }));

test('an update goes from the highest ordinal down, one at a time, and then is the current revision', () =>
  play(async (stage) => {
    await stage.create(statefulsets, db(3));
    await stage.eventually('v1', () => status(stage).readyReplicas === 3);
    const before = status(stage).currentRevision;
    await setImage(stage, 'v2');
    const seen: string[] = [];
    await stage.eventually('v2', () => {
      const fresh = stage.all(pods).filter(({ spec }) => spec.containers[0]?.image === 'v2');
      for (const { metadata } of fresh) if (!seen.includes(metadata.name)) seen.push(metadata.name);
      assert.ok(stage.activePods().filter((pod) => pod.status.conditions?.[0]?.status === 'True').length >= 2);
      return status(stage).updatedReplicas === 3 && status(stage).readyReplicas === 3;
    });
    assert.deepEqual(seen, ['db-2', 'db-1', 'db-0']);
    await stage.eventually('current', () => status(stage).currentRevision === status(stage).updateRevision);
    assert.notEqual(status(stage).currentRevision, before);
    assert.equal(stage.get(pods, 'db-0').metadata.labels?.[revisionHashLabel], status(stage).currentRevision?.slice('db-'.length));
  }));

test('a partition holds the lower ordinals at the old revision, also when they are lost', () =>
  play(async (stage) => {
    await stage.create(statefulsets, db(3, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } }));
    await stage.eventually('v1', () => status(stage).readyReplicas === 3);
    await setImage(stage, 'v2');
    await stage.eventually('the highest', () => images(stage) === 'db-0=v1,db-1=v1,db-2=v2' && status(stage).readyReplicas === 3);
    await stage.delete(pods, 'db-0');
    await stage.advance(600);
    await stage.eventually('back as it was', () => images(stage) === 'db-0=v1,db-1=v1,db-2=v2' && status(stage).readyReplicas === 3);
    assert.deepEqual([status(stage).currentReplicas, status(stage).updatedReplicas], [2, 1]);
    await stage.patch(statefulsets, 'db', { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } });
    await stage.eventually('all', () => images(stage) === 'db-0=v2,db-1=v2,db-2=v2' && status(stage).readyReplicas === 3);
  }));

test('OnDelete waits for somebody to delete the pods', () =>
  play(async (stage) => {
    await stage.create(statefulsets, db(2, { updateStrategy: { type: 'OnDelete' } }));
    await stage.eventually('v1', () => status(stage).readyReplicas === 2);
    await setImage(stage, 'v2');
    await stage.advance(60_000);
    assert.equal(images(stage), 'db-0=v1,db-1=v1');
    await stage.delete(pods, 'db-0');
    await stage.eventually('one', () => images(stage) === 'db-0=v2,db-1=v1');
  }));

test('a broken update stops at the first pod, and a good one goes on from there', () =>
  play(
    async (stage) => {
      await stage.create(statefulsets, db(3));
      await stage.eventually('v1', () => status(stage).readyReplicas === 3);
      await setImage(stage, 'broken');
      await stage.advance(120_000);
      assert.equal(images(stage), 'db-0=v1,db-1=v1,db-2=broken');
      await setImage(stage, 'v1');
      await stage.delete(pods, 'db-2');
      await stage.eventually('v1', () => images(stage) === 'db-0=v1,db-1=v1,db-2=v1' && status(stage).readyReplicas === 3);
      assert.deepEqual(
        stage
          .all(controllerrevisions)
          .map(({ revision }) => revision)
          .sort(),
        [2, 3],
      );
    },
    { behaviour: (pod) => ({ readyAfter: pod.spec.containers[0]?.image === 'broken' ? undefined : 1000 }) },
  ));

test('ordinals may start elsewhere', () =>
  play(async (stage) => {
    await stage.create(statefulsets, db(2, { ordinals: { start: 5 } }));
    await stage.eventually('two', () => status(stage).readyReplicas === 2);
    assert.deepEqual(names(stage), ['db-5', 'db-6']);
  }));
