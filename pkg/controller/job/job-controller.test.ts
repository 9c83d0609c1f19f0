import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Job } from '../../api/generated/batch-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { events, jobs, pods } from '../../api/generated/resources.ts';
import type { Draft } from '../../api/object.ts';
import { type PodBehaviour, Stage, type StageOptions } from '../testing.ts';
import { formatIndexes, parseIndexes } from './index-set.ts';
import { indexAnnotation, isTracked } from './job-pods.ts';

const succeeds: PodBehaviour = { readyAfter: 100, ends: { phase: 'Succeeded', after: 1000 } };
const fails = (exitCode = 1): PodBehaviour => ({ readyAfter: 100, ends: { phase: 'Failed', after: 100, exitCode } });
const work = (more: Partial<Draft<Job>['spec']> = {}): Draft<Job> => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'work' },
  spec: {
    parallelism: 1,
    completions: 1,
    backoffLimit: 6,
    selector: { matchLabels: { job: 'work' } },
    template: { metadata: { labels: { job: 'work' } }, spec: { containers: [{ name: 'work', image: 'x' }], restartPolicy: 'Never' } },
    ...more,
  },
});
const play = (behaviour: (pod: Pod) => PodBehaviour, story: (stage: Stage) => Promise<void>, options: StageOptions = {}): Promise<void> =>
  Stage.play({ controllers: ['job'], behaviour, ...options }, story);
const status = (stage: Stage) => stage.get(jobs, 'work').status;
const is = (stage: Stage, type: string): string | undefined => {
  const condition = status(stage).conditions?.find((each) => each.type === type);
  return condition?.status === 'True' ? condition.reason : undefined;
};
const indexOf = ({ metadata }: Pod): string => metadata.annotations?.[indexAnnotation] ?? '';

test('a Job runs as many pods at a time as allowed, until as many as wanted have succeeded', () =>
  play(
    () => succeeds,
    async (stage) => {
      await stage.create(jobs, work({ parallelism: 2, completions: 5 }));
      let most = 0;
      await stage.eventually('complete', () => {
        most = Math.max(most, stage.activePods().length);
        return is(stage, 'Complete') === 'CompletionsReached';
      });
      assert.equal(most, 2);
      const { conditions, startTime, completionTime, ...counts } = status(stage);
      assert.deepEqual(counts, { succeeded: 5, ready: 0, terminating: 0, uncountedTerminatedPods: {} });
      assert.ok(startTime && completionTime && startTime < completionTime);
      assert.equal(stage.all(pods).length, 5);
      assert.ok(!stage.all(pods).some(isTracked), 'nothing holds the pods');
      assert.ok(stage.all(events).some(({ reason }) => reason === 'Completed'));
    },
  ));

test('a Job without a selector finds its pods all the same', () =>
  play(
    () => succeeds,
    async (stage) => {
      const { selector: _, ...spec } = work().spec as Record<string, unknown>;
      await stage.create(jobs, { ...work(), spec: spec as never });
      await stage.eventually('complete', () => is(stage, 'Complete') !== undefined);
      assert.equal(stage.all(pods).length, 1);
    },
  ));

test('a work queue is done when one has succeeded and the others have ended', () =>
  play(
    () => succeeds,
    async (stage) => {
      const { completions: _, ...spec } = work({ parallelism: 3 }).spec as Record<string, unknown>;
      await stage.create(jobs, { ...work(), spec: spec as never });
      await stage.eventually('complete', () => is(stage, 'Complete') !== undefined);
      assert.equal(status(stage).succeeded, 3);
      assert.equal(stage.all(pods).length, 3);
    },
  ));

test('failed pods are replaced, further and further apart, until the limit; then the Job has failed', () =>
  play(
    () => fails(),
    async (stage) => {
      await stage.create(jobs, work({ backoffLimit: 3 }));
      const born: number[] = [];
      await stage.eventually(
        'failed',
        () => {
          if (stage.all(pods).length > born.length) born.push(stage.env.clock.monotonic());
          return is(stage, 'Failed') === 'BackoffLimitExceeded';
        },
        300_000,
      );
      assert.equal(status(stage).failed, 4);
      const gaps = born.slice(1).map((time, i) => Math.round((time - (born[i] as number)) / 1000));
      assert.deepEqual(gaps, [10, 20, 40]);
      assert.ok(!stage.all(pods).some(isTracked));
      assert.ok(stage.all(events).some(({ reason, type }) => reason === 'BackoffLimitExceeded' && type === 'Warning'));
    },
  ));

/** The first pod of the index fails, those after it succeed. */
function failsFirst(index: string): (pod: Pod) => PodBehaviour {
  let first: string | undefined;
  return (pod) => {
    if (indexOf(pod) === index) first ??= pod.metadata.uid;
    return pod.metadata.uid === first ? fails() : succeeds;
  };
}

test('each index runs to its success; the set of those that are done is kept in short', () =>
  play(failsFirst('2'), async (stage) => {
    await stage.create(jobs, work({ completionMode: 'Indexed', completions: 5, parallelism: 5 }));
    await stage.eventually('four', () => status(stage).completedIndexes === '0,1,3,4');
    const pod = stage.all(pods)[0] as Pod;
    assert.match(pod.metadata.name, /^work-0-[a-z0-9]{5}$/);
    assert.equal(pod.spec.hostname, 'work-0');
    assert.equal(pod.spec.containers[0]?.env?.[0]?.name, 'JOB_COMPLETION_INDEX');
    await stage.eventually('complete', () => is(stage, 'Complete') !== undefined, 120_000);
    assert.deepEqual([status(stage).completedIndexes, status(stage).succeeded, status(stage).failed], ['0-4', 5, 1]);
  }));

test('with a limit for each index, others go on when one has failed for good', () =>
  play(
    (pod) => (indexOf(pod) === '1' ? fails() : succeeds),
    async (stage) => {
      await stage.create(
        jobs,
        work({ completionMode: 'Indexed', completions: 4, parallelism: 1, backoffLimitPerIndex: 1, backoffLimit: 2 ** 31 - 1 }),
      );
      await stage.eventually('failed', () => is(stage, 'Failed') === 'FailedIndexes', 300_000);
      assert.deepEqual([status(stage).completedIndexes, status(stage).failedIndexes, status(stage).failed], ['0,2,3', '1', 2]);
    },
  ));

test('a Job that takes longer than its deadline is stopped', () =>
  play(
    () => ({ readyAfter: 100 }),
    async (stage) => {
      await stage.create(jobs, work({ activeDeadlineSeconds: 60, parallelism: 2, completions: 2 }));
      await stage.advance(59_000);
      assert.equal(stage.activePods().length, 2);
      await stage.eventually('failed', () => is(stage, 'Failed') === 'DeadlineExceeded', 5000);
      assert.equal(stage.activePods().length, 0);
      assert.equal(is(stage, 'FailureTarget'), 'DeadlineExceeded');
    },
  ));

test('a suspended Job runs nothing; resumed, its clock starts anew', () =>
  play(
    () => ({ readyAfter: 100 }),
    async (stage) => {
      await stage.create(jobs, work({ suspend: true, parallelism: 2, completions: 2, activeDeadlineSeconds: 100 }));
      await stage.advance(60_000);
      assert.deepEqual([stage.all(pods).length, is(stage, 'Suspended'), status(stage).startTime], [0, 'JobSuspended', undefined]);
      await stage.patch(jobs, 'work', { spec: { suspend: false } });
      await stage.eventually('two', () => status(stage).ready === 2);
      await stage.patch(jobs, 'work', { spec: { suspend: true } });
      await stage.eventually('none', () => stage.all(pods).length === 0);
      assert.equal(status(stage).failed, undefined, 'they were taken away, they did not fail');
      await stage.advance(200_000);
      await stage.patch(jobs, 'work', { spec: { suspend: false } });
      await stage.eventually('two', () => status(stage).ready === 2);
      assert.equal(is(stage, 'Failed'), undefined);
    },
  ));

test('less parallelism takes pods away without calling them failed', () =>
  play(
    () => ({ readyAfter: 100 }),
    async (stage) => {
      await stage.create(jobs, work({ parallelism: 4, completions: 8 }));
      await stage.eventually('four', () => status(stage).ready === 4);
      await stage.patch(jobs, 'work', { spec: { parallelism: 1 } });
      await stage.eventually('one', () => stage.all(pods).length === 1 && status(stage).active === 1);
      assert.equal(status(stage).failed, undefined);
    },
  ));

test('a failure policy ends the Job at once, or ignores what does not count', () =>
  play(
    () => fails(42),
    async (stage) => {
      const rule = (action: string) => ({ rules: [{ action, onExitCodes: { operator: 'In', values: [42] } }] });
      await stage.create(jobs, work({ podFailurePolicy: rule('FailJob') }));
      await stage.eventually('failed', () => is(stage, 'Failed') === 'PodFailurePolicy');
      assert.equal(stage.all(pods).length, 1);
      assert.match(
        status(stage).conditions?.find(({ type }) => type === 'Failed')?.message ?? '',
        /^Container work for pod default\/work-\w+ failed with exit code 42 matching FailJob rule at index 0$/,
      );
      await stage.create(jobs, {
        ...work({
          podFailurePolicy: rule('Ignore'),
          backoffLimit: 0,
          selector: { matchLabels: { job: 'more' } },
          template: { ...work().spec?.template, metadata: { labels: { job: 'more' } } } as never,
        }),
        metadata: { name: 'more' },
      });
      await stage.advance(45_000);
      assert.equal(stage.get(jobs, 'more').status.failed, undefined);
      assert.ok(stage.all(pods).length > 2);
    },
  ));

test('a success policy ends the Job when the indexes that matter are done', () =>
  play(
    (pod) => (indexOf(pod) === '0' ? succeeds : { readyAfter: 100 }),
    async (stage) => {
      await stage.create(
        jobs,
        work({
          completionMode: 'Indexed',
          completions: 3,
          parallelism: 3,
          successPolicy: { rules: [{ succeededIndexes: '0', succeededCount: 1 }] },
        }),
      );
      await stage.eventually('complete', () => is(stage, 'Complete') === 'SuccessPolicy');
      assert.equal(stage.activePods().length, 0);
    },
  ));

test('pods of a Job that is deleted are not held for ever', () =>
  play(
    () => ({ readyAfter: 100 }),
    async (stage) => {
      await stage.create(jobs, work({ parallelism: 2, completions: 2 }));
      await stage.eventually('two', () => status(stage).ready === 2);
      await stage.delete(jobs, 'work', { propagationPolicy: 'Background' });
      await stage.eventually('gone', () => stage.all(pods).length === 0);
    },
    { controllers: ['job', 'garbagecollector'] },
  ));

test('every ended pod is counted exactly once, also when status writes fail', () =>
  play(
    () => succeeds,
    async (stage) => {
      let dice = 0;
      stage.server.intercept = ({ agent, verb, subresource }) => {
        if (agent === 'job-controller' && (subresource === 'status' || verb === 'patch') && dice++ % 3 === 0) throw new Error('a bad line');
      };
      await stage.create(jobs, work({ parallelism: 3, completions: 9 }));
      await stage.eventually('complete', () => is(stage, 'Complete') !== undefined, 600_000);
      assert.deepEqual([status(stage).succeeded, stage.all(pods).length], [9, 9]);
    },
  ));

test('property: index sets survive being written and read', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(60)), (indexes) => {
      const set = new Set(indexes);
      assert.deepEqual(parseIndexes(formatIndexes(set), 61), new Set([...set].sort((a, b) => a - b)));
    }),
  );
  assert.equal(formatIndexes(new Set([0, 1, 2, 4, 5, 7])), '0-2,4,5,7');
});
