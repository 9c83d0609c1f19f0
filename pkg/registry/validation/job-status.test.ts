import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Draft, having, updateRefusals } from '../testing/validation-table.ts';
import { commonIndex } from './job-indexes.ts';

const job: Draft = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } },
};
const indexed = having(job, { 'spec.completionMode': 'Indexed', 'spec.completions': 5, 'spec.backoffLimitPerIndex': 1 });
const [start, end] = ['2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z'];
const conditions = (...types: readonly string[]) => types.map((type) => ({ type, status: 'True' }));
const running: Draft = { startTime: start, active: 1, failed: 2, succeeded: 1 };
const complete: Draft = { startTime: start, completionTime: end, conditions: conditions('SuccessCriteriaMet', 'Complete') };
const failed: Draft = { startTime: start, conditions: conditions('FailureTarget', 'Failed') };

const table: readonly (readonly [what: string, of: Draft, before: Draft, after: Draft, said: readonly string[]])[] = [
  ['a job that completes', job, { startTime: start }, complete, []],
  ['a job that fails', job, { startTime: start }, failed, []],
  ['as it was, be it what it may', job, { ready: 3 }, { ready: 3 }, []],
  [
    'complete all of a sudden',
    job,
    {},
    { active: 1, conditions: conditions('Complete') },
    [
      'status.completionTime: Required value: completionTime is required for Complete jobs',
      'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
      'status.active: Invalid value: 1: active>0 is invalid for finished job',
      'status.startTime: Required value: startTime is required for finished job',
    ],
  ],
  [
    'failed without a reason',
    job,
    { startTime: start },
    { startTime: start, conditions: conditions('Failed') },
    ['status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition'],
  ],
  [
    'both ends',
    job,
    complete,
    { ...complete, conditions: conditions('SuccessCriteriaMet', 'Complete', 'FailureTarget', 'Failed') },
    [
      'status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions',
      'status.conditions: Invalid value: cannot set Complete=True and FailureTarget=true conditions',
      'status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and Failed=true conditions',
      'status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions',
    ],
  ],
  [
    'ended before it began',
    job,
    { startTime: end },
    { ...complete, startTime: end, completionTime: start },
    [`status.completionTime: Invalid value: "${start}": must be equal to or after \`startTime\``],
  ],
  [
    'counts that fall, and a start that moves',
    job,
    running,
    { startTime: end, active: 1 },
    [
      'status.failed: Invalid value: 0: cannot decrease the failed counter',
      'status.succeeded: Invalid value: 0: cannot decrease the succeeded counter',
      `status.startTime: Invalid value: "${end}": field is immutable for unsuspended job once set`,
    ],
  ],
  [
    'more ready than there are',
    job,
    running,
    { ...running, ready: 2 },
    ['status.ready: Invalid value: 2: cannot set more ready pods than active'],
  ],
  [
    'indexes of a job that has none',
    job,
    {},
    { completedIndexes: '0', failedIndexes: '0' },
    [
      'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
      'status.failedIndexes: Invalid value: "0": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
      'status.failedIndexes: Invalid value: "0": failedIndexes and completedIndexes overlap at index: 0',
    ],
  ],
  [
    'indexes that cannot be read',
    indexed,
    {},
    { completedIndexes: '1-x', failedIndexes: '7' },
    [
      'status.completedIndexes: Invalid value: "1-x": error parsing completedIndexes: cannot convert string to integer for index: "x"',
      'status.failedIndexes: Invalid value: "7": error parsing failedIndexes: too large index: "7"',
    ],
  ],
  [
    'a pod that is counted twice',
    job,
    {},
    { uncountedTerminatedPods: { succeeded: ['a', ''], failed: ['a'] } },
    [
      'status.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty',
      'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
    ],
  ],
];

test('the status of a job is refused as Kubernetes refuses it', () => {
  for (const [what, of, before, after, said] of table) {
    assert.deepEqual(updateRefusals({ ...of, status: before }, { ...of, status: after }, 'status'), said, what);
  }
});

test('an index that two texts name', () => {
  assert.equal(commonIndex('0-2,4', '3', 5), undefined);
  assert.equal(commonIndex('0-2,4', '1-4', 5), 1);
  assert.equal(commonIndex('x', '0', 5), undefined);
});
