import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../api/errors.ts';
import type { Deployment, ReplicaSet } from '../../api/generated/apps-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { deployments, events, pods, replicasets } from '../../api/generated/resources.ts';
import { controllerOf, type Draft } from '../../api/object.ts';
import { isPodAvailable } from '../pod-state.ts';
import { templateHashLabel, withoutTemplateHash } from '../template-hash.ts';
import { Stage, type StageOptions } from '../testing.ts';
import { byAge, maxReplicasAnnotation, revisionAnnotation, revisionHistoryAnnotation } from './replica-sets.ts';

const containers = (image: string) => [{ name: 'web', image }];
/** What the server's defaults would fill in stands here, since the fake server has none. */
const web = (replicas: number, more: Partial<Draft<Deployment>['spec']> = {}): Draft<Deployment> => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', annotations: { note: 'mine' } },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: containers('v1') } },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    ...more,
  },
});
const play = (story: (stage: Stage) => Promise<void>, options: StageOptions = {}): Promise<void> =>
  Stage.play({ controllers: ['replicaset', 'deployment'], ...options }, story);

const deployment = (stage: Stage): Deployment => stage.get(deployments, 'web');
const setImage = (stage: Stage, image: string) =>
  stage.patch(deployments, 'web', { spec: { template: { spec: { containers: containers(image) } } } });
const setsOf = (stage: Stage): ReplicaSet[] => byAge(stage.all(replicasets));
const imageOf = (object: Pod | ReplicaSet): string | undefined =>
  ('template' in object.spec ? object.spec.template.spec : object.spec).containers[0]?.image;
const condition = (stage: Stage, type: string) => deployment(stage).status.conditions?.find((each) => each.type === type);
const said = (stage: Stage, type: string): string => `${condition(stage, type)?.status} ${condition(stage, type)?.reason}`;
const complete = (stage: Stage, image: string) => (): boolean => {
  const { status, spec, metadata } = deployment(stage);
  const running = stage.all(pods);
  return (
    status.observedGeneration === metadata.generation &&
    status.availableReplicas === spec.replicas &&
    running.length === spec.replicas &&
    running.every((pod) => imageOf(pod) === image)
  );
};

test('a Deployment makes a ReplicaSet of its template, numbers it, and says when it has come through', () =>
  play(async (stage) => {
    const owner = await stage.create(deployments, web(3));
    await stage.advance(10);
    assert.equal(said(stage, 'Progressing'), 'True ReplicaSetUpdated');
    assert.equal(said(stage, 'Available'), 'False MinimumReplicasUnavailable');
    await stage.eventually('all are available', complete(stage, 'v1'));
    const [set] = setsOf(stage);
    const hash = set?.metadata.labels?.[templateHashLabel] ?? assert.fail();
    assert.equal(set?.metadata.name, `web-${hash}`);
    assert.equal(controllerOf(set)?.uid, owner.metadata.uid);
    assert.deepEqual(set.spec.selector, { matchLabels: { app: 'web', [templateHashLabel]: hash } });
    assert.deepEqual([set.metadata.annotations?.[revisionAnnotation], set.metadata.annotations?.['note']], ['1', 'mine']);
    assert.equal(deployment(stage).metadata.annotations?.[revisionAnnotation], '1');
    assert.equal(said(stage, 'Progressing'), 'True NewReplicaSetAvailable');
    assert.equal(condition(stage, 'Progressing')?.message, `ReplicaSet "web-${hash}" has successfully progressed.`);
    assert.equal(said(stage, 'Available'), 'True MinimumReplicasAvailable');
    const { conditions, ...counts } = deployment(stage).status;
    assert.deepEqual(counts, {
      observedGeneration: 1,
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      terminatingReplicas: 0,
    });
    assert.equal(
      stage.all(events).find(({ reason }) => reason === 'ScalingReplicaSet')?.message,
      `Scaled up replica set web-${hash} from 0 to 3`,
    );
  }));

for (const [maxSurge, maxUnavailable] of [
  [1, 0],
  [0, 1],
  ['25%', '25%'],
  ['100%', 0],
  [0, '100%'],
  [3, 2],
] as const) {
  test(`a rolling update stays within maxSurge ${maxSurge} and maxUnavailable ${maxUnavailable} at every moment`, () =>
    play(async (stage) => {
      const replicas = 8;
      const part = (value: number | string): number => (typeof value === 'number' ? value : (replicas * Number.parseInt(value, 10)) / 100);
      await stage.create(deployments, web(replicas, { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } }));
      await stage.eventually('v1', complete(stage, 'v1'));
      await setImage(stage, 'v2');
      let most = 0;
      let least = replicas;
      const done = complete(stage, 'v2');
      await stage.eventually('v2', () => {
        const active = stage.activePods();
        most = Math.max(most, active.length);
        least = Math.min(least, active.filter((pod) => isPodAvailable(pod, 0, stage.env.clock.now())).length);
        return done();
      });
      assert.ok(most <= replicas + part(maxSurge), `${most} pods at once`);
      assert.ok(least >= replicas - part(maxUnavailable), `only ${least} were available`);
      assert.deepEqual(
        setsOf(stage).map((set) => [imageOf(set), set.spec.replicas]),
        [
          ['v1', 0],
          ['v2', replicas],
        ],
      );
    }));
}

test('Recreate lets the last old pod end before the first new one starts', () =>
  play(
    async (stage) => {
      await stage.create(deployments, web(3, { strategy: { type: 'Recreate' } }));
      await stage.eventually('v1', complete(stage, 'v1'));
      await setImage(stage, 'v2');
      const done = complete(stage, 'v2');
      await stage.eventually('v2', () => {
        assert.ok(new Set(stage.all(pods).map(imageOf)).size <= 1, 'both versions at once');
        return done();
      });
    },
    { behaviour: () => ({ stopAfter: 3000 }) },
  ));

test('going back to an earlier template reuses its ReplicaSet under a new revision', () =>
  play(async (stage) => {
    await stage.create(deployments, web(2));
    await stage.eventually('v1', complete(stage, 'v1'));
    const [first = assert.fail()] = setsOf(stage);
    await setImage(stage, 'v2');
    await stage.eventually('v2', complete(stage, 'v2'));
    // As `kubectl rollout undo` does: the template of the ReplicaSet with the revision before.
    const undo = withoutTemplateHash(first.spec.template);
    await stage.patch(deployments, 'web', { spec: { template: undo } });
    await stage.eventually('v1 again', complete(stage, 'v1'));
    assert.equal(setsOf(stage).length, 2);
    const again = stage.get(replicasets, first.metadata.name);
    assert.equal(again.metadata.uid, first.metadata.uid);
    assert.deepEqual(
      [again.metadata.annotations?.[revisionAnnotation], again.metadata.annotations?.[revisionHistoryAnnotation]],
      ['3', '1'],
    );
    assert.equal(deployment(stage).metadata.annotations?.[revisionAnnotation], '3');
    await setImage(stage, 'v3');
    await stage.eventually('v3', complete(stage, 'v3'));
    assert.equal(deployment(stage).metadata.annotations?.[revisionAnnotation], '4');
  }));

test('no more old ReplicaSets are kept than revisionHistoryLimit says', () =>
  play(async (stage) => {
    await stage.create(deployments, web(1, { revisionHistoryLimit: 2 }));
    for (const image of ['v1', 'v2', 'v3', 'v4', 'v5']) {
      await setImage(stage, image);
      await stage.eventually(image, complete(stage, image));
    }
    await stage.eventually('three are left', () => setsOf(stage).length === 3);
    assert.deepEqual(setsOf(stage).map(imageOf), ['v3', 'v4', 'v5']);
  }));

test('a paused Deployment rolls nothing out but still scales; resumed, it goes on', () =>
  play(async (stage) => {
    await stage.create(deployments, web(2));
    await stage.eventually('v1', complete(stage, 'v1'));
    await stage.patch(deployments, 'web', { spec: { paused: true } });
    await stage.advance(100);
    assert.equal(said(stage, 'Progressing'), 'Unknown DeploymentPaused');
    await setImage(stage, 'v2');
    await stage.patch(deployments, 'web', { spec: { replicas: 4 } });
    await stage.eventually('four of v1', complete(stage, 'v1'));
    await stage.advance(3_600_000);
    assert.equal(setsOf(stage).length, 1);
    assert.equal(said(stage, 'Progressing'), 'Unknown DeploymentPaused');
    await stage.patch(deployments, 'web', { spec: { paused: false } });
    await stage.eventually('v2', complete(stage, 'v2'));
    assert.equal(said(stage, 'Progressing'), 'True NewReplicaSetAvailable');
  }));

test('a rollout without progress for progressDeadlineSeconds is reported as failed, and can still be mended', () =>
  play(
    async (stage) => {
      await stage.create(deployments, web(4, { progressDeadlineSeconds: 60 }));
      await stage.eventually('v1', complete(stage, 'v1'));
      await setImage(stage, 'broken');
      const broken = stage.env.clock.now();
      await stage.eventually('reported', () => said(stage, 'Progressing') === 'False ProgressDeadlineExceeded', 300_000);
      const waited = stage.env.clock.now() - broken;
      assert.ok(waited > 60_000 && waited < 65_000, `after ${waited} ms`);
      assert.match(condition(stage, 'Progressing')?.message ?? '', /^ReplicaSet "web-\w+" has timed out progressing.$/);
      assert.ok(stage.activePods().filter((pod) => imageOf(pod) === 'v1').length >= 3, 'the old pods serve on');
      await setImage(stage, 'v3');
      await stage.eventually('v3', complete(stage, 'v3'));
      assert.equal(said(stage, 'Progressing'), 'True NewReplicaSetAvailable');
    },
    { behaviour: (pod) => ({ readyAfter: imageOf(pod) === 'broken' ? undefined : 1000 }) },
  ));

test('pods of a broken template are the first to go when a good one follows', () =>
  play(
    async (stage) => {
      await stage.create(deployments, web(10));
      await stage.eventually('v1', complete(stage, 'v1'));
      await setImage(stage, 'broken');
      await stage.eventually('it is stuck', () => stage.activePods().filter((pod) => imageOf(pod) === 'broken').length === 5);
      await setImage(stage, 'v3');
      let least = 10;
      const done = complete(stage, 'v3');
      await stage.eventually('v3', () => {
        least = Math.min(least, stage.activePods().filter((pod) => isPodAvailable(pod, 0, stage.env.clock.now())).length);
        return done();
      });
      assert.ok(least >= 8, `only ${least} were available`);
    },
    { behaviour: (pod) => ({ readyAfter: imageOf(pod) === 'broken' ? undefined : 1000 }) },
  ));

test('in the middle of a rollout a change of replicas is shared out in proportion', () =>
  play(
    async (stage) => {
      await stage.create(deployments, web(10, { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } }));
      await stage.eventually('v1', complete(stage, 'v1'));
      await setImage(stage, 'broken');
      await stage.eventually(
        'eight and five',
        () =>
          setsOf(stage)
            .map(({ spec }) => spec.replicas)
            .join() === '8,5',
      );
      await stage.patch(deployments, 'web', { spec: { replicas: 15 } });
      // The documentation's own example: of the five more (18 in all, with the surge), three go to the larger one.
      await stage.eventually(
        'eleven and seven',
        () =>
          setsOf(stage)
            .map(({ spec }) => spec.replicas)
            .join() === '11,7',
      );
      assert.deepEqual(
        setsOf(stage).map(({ metadata }) => metadata.annotations?.[maxReplicasAnnotation]),
        ['18', '18'],
      );
    },
    { behaviour: (pod) => ({ readyAfter: imageOf(pod) === 'broken' ? undefined : 1000 }) },
  ));

test('scaled to 0, to 50 and back, the numbers are exact and no second ReplicaSet is made', () =>
  play(async (stage) => {
    await stage.create(deployments, web(3));
    for (const replicas of [0, 50, 2]) {
      await stage.patch(deployments, 'web', { spec: { replicas } });
      await stage.eventually(
        `${replicas}`,
        () => stage.all(pods).length === replicas && (deployment(stage).status.availableReplicas ?? 0) === replicas,
      );
    }
    assert.equal(setsOf(stage).length, 1);
  }));

test('a name that another template has already leads to another name', () =>
  play(async (stage) => {
    await stage.create(deployments, web(1));
    await stage.eventually('v1', complete(stage, 'v1'));
    const [{ metadata, spec } = assert.fail()] = setsOf(stage);
    await stage.delete(deployments, 'web');
    await stage.delete(replicasets, metadata.name);
    const foreign = { ...spec, replicas: 0, template: { ...spec.template, spec: { containers: containers('other') } } };
    await stage.create(replicasets, {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: metadata.name, labels: { app: 'x' } },
      spec: foreign,
    });
    await stage.advance(5000);
    await stage.create(deployments, web(1));
    await stage.eventually('v1', () => deployment(stage).status.availableReplicas === 1);
    assert.equal(deployment(stage).status.collisionCount, 1);
    assert.equal(setsOf(stage).filter((set) => controllerOf(set)?.name === 'web').length, 1);
  }));

test('a ReplicaSet that cannot be made shows in Progressing, and is made when it can be', () =>
  play(async (stage) => {
    stage.server.intercept = ({ verb, ref }) => {
      if (verb === 'create' && ref.resource === 'replicasets') throw new ApiError('Forbidden', 'quota');
    };
    await stage.create(deployments, web(1));
    await stage.advance(100);
    assert.equal(said(stage, 'Progressing'), 'False ReplicaSetCreateError');
    assert.match(condition(stage, 'Progressing')?.message ?? '', /^Failed to create new replica set "web-\w+": quota$/);
    stage.server.intercept = undefined;
    await stage.eventually('v1', complete(stage, 'v1'));
    assert.equal(said(stage, 'Progressing'), 'True NewReplicaSetAvailable');
  }));

test('what stops pods from being made shows in ReplicaFailure', () =>
  play(async (stage) => {
    stage.server.intercept = ({ verb, ref, agent }) => {
      if (verb === 'create' && ref.resource === 'pods' && agent === 'replicaset-controller') throw new ApiError('Forbidden', 'quota');
    };
    await stage.create(deployments, web(1));
    await stage.advance(1000);
    assert.deepEqual([said(stage, 'ReplicaFailure'), condition(stage, 'ReplicaFailure')?.message], ['True FailedCreate', 'quota']);
    stage.server.intercept = undefined;
    await stage.eventually('v1', complete(stage, 'v1'));
    assert.equal(condition(stage, 'ReplicaFailure'), undefined);
  }));

test('ReplicaSets that match are adopted: a rollout goes on from them', () =>
  play(async (stage) => {
    await stage.create(deployments, web(2));
    await stage.eventually('v1', complete(stage, 'v1'));
    const [set = assert.fail()] = setsOf(stage);
    await stage.patch(replicasets, set.metadata.name, { metadata: { ownerReferences: null } });
    await stage.eventually(
      'adopted',
      () => controllerOf(stage.get(replicasets, set.metadata.name))?.uid === deployment(stage).metadata.uid,
    );
    assert.equal(setsOf(stage).length, 1);
  }));

test('a settled Deployment is not written to', () =>
  play(async (stage) => {
    await stage.create(deployments, web(3));
    await stage.eventually('v1', complete(stage, 'v1'));
    await stage.advance(5000);
    const { revision } = stage.server;
    await stage.advance(3_600_000);
    assert.equal(stage.server.revision, revision);
  }));

test('revisions are integers of 64 bits: one that is too large for a double is counted on from', () =>
  play(async (stage) => {
    await stage.create(deployments, web(1));
    await stage.eventually('it is there', complete(stage, 'v1'));
    const [set] = setsOf(stage);
    await stage.patch(replicasets, set?.metadata.name ?? '', {
      metadata: { annotations: { [revisionAnnotation]: '3546343826724305832' } },
    });
    await setImage(stage, 'v2');
    await stage.eventually('the next is there', complete(stage, 'v2'));
    assert.equal(deployment(stage).metadata.annotations?.[revisionAnnotation], '3546343826724305833');
    assert.equal(setsOf(stage).at(-1)?.metadata.annotations?.[revisionAnnotation], '3546343826724305833');
  }));
