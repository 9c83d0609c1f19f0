import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodDisruptionBudgetStatus } from '../../api/generated/policy-v1.ts';
import { deployments, poddisruptionbudgets, pods } from '../../api/generated/resources.ts';
import { timestamp } from '../../clock/clock.ts';
import { Stage } from '../testing.ts';

const labels = { app: 'web' };
const play = (
  spec: { minAvailable?: number | string; maxUnavailable?: number | string },
  story: (stage: Stage) => Promise<void>,
): Promise<void> =>
  Stage.play({ controllers: ['disruption', 'deployment', 'replicaset'] }, async (stage) => {
    const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'x' }] } };
    await stage.create(deployments, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { replicas: 5, selector: { matchLabels: labels }, template },
    });
    await stage.create(poddisruptionbudgets, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'web' },
      spec: { ...spec, selector: { matchLabels: labels } },
    });
    await stage.eventually('five', () => stage.get(deployments, 'web').status.availableReplicas === 5);
    await story(stage);
  });
const status = (stage: Stage): PodDisruptionBudgetStatus => stage.get(poddisruptionbudgets, 'web').status;
const numbers = (stage: Stage): (number | undefined)[] => {
  const { currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed } = status(stage);
  return [currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed];
};

for (const [spec, expected] of [
  [{ minAvailable: 3 }, [5, 3, 5, 2]],
  [{ minAvailable: '50%' }, [5, 3, 5, 2]],
  [{ maxUnavailable: 1 }, [5, 4, 5, 1]],
  [{ maxUnavailable: '30%' }, [5, 3, 5, 2]],
  [{ minAvailable: 9 }, [5, 9, 5, 0]],
] as const) {
  test(`of five pods ${JSON.stringify(spec)} allows ${expected[3]} to go`, () =>
    play(spec, async (stage) => {
      await stage.advance(100);
      assert.deepEqual(numbers(stage), expected);
      const condition = status(stage).conditions?.[0];
      assert.deepEqual(
        [condition?.type, condition?.reason],
        ['DisruptionAllowed', expected[3] > 0 ? 'SufficientPods' : 'InsufficientPods'],
      );
    }));
}

test('a pod that is not ready uses the budget up', () =>
  play({ minAvailable: 4 }, async (stage) => {
    await stage.patchStatus(pods, stage.activePods()[0]?.metadata.name ?? '', { conditions: [{ type: 'Ready', status: 'False' }] });
    await stage.advance(100);
    assert.deepEqual(numbers(stage), [4, 4, 5, 0]);
  }));

test('an eviction that was granted counts at once, and for two minutes if nothing comes of it', () =>
  play({ minAvailable: 4 }, async (stage) => {
    const pod = stage.activePods()[0]?.metadata.name ?? '';
    await stage.patchStatus(poddisruptionbudgets, 'web', { disruptedPods: { [pod]: timestamp(stage.env.clock) }, disruptionsAllowed: 0 });
    await stage.advance(1000);
    assert.deepEqual(numbers(stage), [4, 4, 5, 0]);
    await stage.advance(119_500);
    assert.deepEqual(numbers(stage), [5, 4, 5, 1]);
    assert.equal(status(stage).disruptedPods, undefined);
  }));

test('for pods whose controller has no known scale the number cannot be told, and nothing may go', () =>
  play({ maxUnavailable: 1 }, async (stage) => {
    await stage.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'bare',
        labels: { app: 'web' },
        ownerReferences: [{ apiVersion: 'x/v1', kind: 'X', name: 'x', uid: 'x', controller: true }],
      },
      spec: { containers: [] },
    });
    await stage.advance(100);
    assert.deepEqual([status(stage).disruptionsAllowed, status(stage).conditions?.[0]?.reason], [0, 'SyncFailed']);
  }));
