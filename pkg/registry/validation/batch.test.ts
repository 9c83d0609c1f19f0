import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, checkTable, type Draft, having, refusals, updateRefusals } from '../testing/validation-table.ts';
import { scheduleFault, timeZoneFault } from './cron-schedule.ts';
import { indexesOf } from './job-indexes.ts';

const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'i' }] } };
const job: Draft = { apiVersion: 'batch/v1', kind: 'Job', spec: { template } };
const indexed = having(job, { 'spec.completionMode': 'Indexed', 'spec.completions': 3, 'spec.parallelism': 3 });
const failing = (...rules: readonly object[]): Draft => having(job, { 'spec.podFailurePolicy': { rules } });
const succeeding = (...rules: readonly object[]): Draft => having(indexed, { 'spec.successPolicy': { rules } });
const cronJob: Draft = { apiVersion: 'batch/v1', kind: 'CronJob', spec: { schedule: '* * * * *', jobTemplate: { spec: { template } } } };
const exits = (fields: object): Draft => failing({ action: 'Ignore', onExitCodes: { operator: 'In', values: [1], ...fields } });

const table: readonly Case[] = [
  ['a job', job, []],
  ['an indexed job', indexed, []],
  ['a cron job', cronJob, []],
  [
    'pods that start again for ever',
    having(job, { 'spec.template.spec.restartPolicy': undefined }),
    ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
  ],
  ['less than none', having(job, { 'spec.parallelism': -1 }), ['spec.parallelism: Invalid value: -1: must be greater than or equal to 0']],
  [
    'indexes without a number of them',
    having(indexed, { 'spec.completions': undefined }),
    ['spec.completions: Required value: when completion mode is Indexed'],
  ],
  [
    'an unknown way to complete',
    having(job, { 'spec.completionMode': 'Other' }),
    ['spec.completionMode: Unsupported value: "Other": supported values: "NonIndexed", "Indexed"'],
  ],
  [
    'limits per index without indexes',
    having(job, { 'spec.backoffLimitPerIndex': 1, 'spec.maxFailedIndexes': 1 }),
    [
      'spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode',
      'spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode',
    ],
  ],
  [
    'more failures than indexes',
    having(indexed, { 'spec.backoffLimitPerIndex': 1, 'spec.maxFailedIndexes': 4 }),
    ['spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions'],
  ],
  [
    'too many at once',
    having(indexed, { 'spec.parallelism': 100_001 }),
    ['spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed'],
  ],
  [
    'many indexes that fail one by one',
    having(indexed, { 'spec.completions': 100_001, 'spec.parallelism': 10_001, 'spec.backoffLimitPerIndex': 1 }),
    [
      'spec.maxFailedIndexes: Required value: must be specified when completions is above 100000',
      'spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index',
    ],
  ],
  ['another controller', having(job, { 'spec.managedBy': 'acme.io/jobs' }), []],
  [
    'another controller without a domain',
    having(job, { 'spec.managedBy': 'acme' }),
    ['spec.managedBy: Invalid value: "acme": must be a domain-prefixed path (such as "acme.io/foo")'],
  ],
  [
    'a pod that is replaced too early',
    having(failing({ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }), {
      'spec.podReplacementPolicy': 'TerminatingOrFailed',
    }),
    ['spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"'],
  ],
  [
    'a failure policy for pods that restart',
    having(failing({ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }), {
      'spec.template.spec.restartPolicy': 'OnFailure',
    }),
    ['spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified'],
  ],
  [
    'a failure rule about nothing',
    failing({ action: 'Ignore' }),
    ['spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required'],
  ],
  [
    'an unknown action',
    failing({ action: 'Dance', onPodConditions: [{ type: 'A' }] }),
    ['spec.podFailurePolicy.rules[0].action: Unsupported value: "Dance": supported values: "Count", "FailIndex", "FailJob", "Ignore"'],
  ],
  [
    'an index that fails without a limit of its own',
    failing({ action: 'FailIndex', onPodConditions: [{ type: 'A' }] }),
    ['spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set'],
  ],
  [
    'success as a failure',
    exits({ values: [0] }),
    ['spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator'],
  ],
  [
    'codes out of order, twice',
    exits({ values: [2, 1, 2] }),
    [
      'spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 2',
      'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,1,2]: must be ordered',
    ],
  ],
  [
    'the code of a container that is not there',
    exits({ containerName: 'other' }),
    [
      'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "other": must be one of the container or initContainer names in the pod template',
    ],
  ],
  ['a policy of success', succeeding({ succeededIndexes: '0,2', succeededCount: 1 }), []],
  [
    'a policy of success without rules',
    succeeding(),
    ['spec.successPolicy.rules: Required value: at least one rules must be specified when the successPolicy is specified'],
  ],
  [
    'success of more than there are',
    succeeding({ succeededIndexes: '0-1', succeededCount: 3 }),
    [
      'spec.successPolicy.rules[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)',
    ],
  ],
  [
    'success of an index that is not there',
    succeeding({ succeededIndexes: '0-3' }),
    ['spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0-3": error parsing succeededIndexes: too large index: "3"'],
  ],
  [
    'a name that pods cannot carry with their index',
    having(indexed, { metadata: { name: 'n'.repeat(62) } }),
    [`metadata.name: Invalid value: "${'n'.repeat(62)}": will not able to create pod with invalid DNS label: ${'n'.repeat(62)}-2`],
  ],
  [
    'the labels of another job',
    having(job, { 'spec.selector': { matchLabels: { 'batch.kubernetes.io/controller-uid': 'other' } } }),
    [
      'spec.template.metadata.labels: Invalid value: {"controller-uid":"u","job-name":"x","batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"x"}: `selector` does not match template `labels`',
      'spec.selector: Invalid value: {"matchLabels":{"batch.kubernetes.io/controller-uid":"other"}}: `selector` not auto-generated',
    ],
  ],
  ['no schedule', having(cronJob, { 'spec.schedule': '' }), ['spec.schedule: Required value']],
  [
    'a schedule of four fields',
    having(cronJob, { 'spec.schedule': '* * * *' }),
    ['spec.schedule: Invalid value: "* * * *": expected exactly 5 fields, found 4: [* * * *]'],
  ],
  [
    'a zone in the schedule',
    having(cronJob, { 'spec.schedule': 'TZ=UTC 0 * * * *' }),
    ['spec.schedule: Invalid value: "TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead'],
  ],
  [
    'a zone that is none',
    having(cronJob, { 'spec.timeZone': 'Mars/Olympus' }),
    ['spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus'],
  ],
  [
    'an unknown concurrency',
    having(cronJob, { 'spec.concurrencyPolicy': 'Queue' }),
    ['spec.concurrencyPolicy: Unsupported value: "Queue": supported values: "Allow", "Forbid", "Replace"'],
  ],
  [
    'a selector in a template of jobs',
    having(cronJob, { 'spec.jobTemplate.spec.selector': { matchLabels: { a: 'b' } }, 'spec.jobTemplate.spec.manualSelector': true }),
    [
      'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated',
      'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
    ],
  ],
  [
    'a name with no room for the number of a job',
    having(cronJob, { metadata: { name: 'n'.repeat(53) } }),
    [`metadata.name: Invalid value: "${'n'.repeat(53)}": must be no more than 52 characters`],
  ],
];

test('jobs and cron jobs are refused as Kubernetes refuses them', () => checkTable(table));

test('a schedule is five fields of lists of ranges with steps, or a descriptor', () => {
  for (const good of ['0 0 * * *', '*/5 1-3,7 1 jan-MAR sun', '5/15 * ? * *', '@daily', '@every 1h30m', '0 0 1,15 * 3']) {
    assert.equal(scheduleFault(good), undefined, good);
  }
  const bad: Record<string, string> = {
    '60 * * * *': 'end of range (60) above maximum (59): 60',
    '* * 0 * *': 'beginning of range (0) below minimum (1): 0',
    '5-1 * * * *': 'beginning of range (5) beyond end of range (1): 5-1',
    '*/0 * * * *': 'step of range should be a positive number: */0',
    '1-2-3 * * * *': 'too many hyphens: 1-2-3',
    '1/2/3 * * * *': 'too many slashes: 1/2/3',
    'x * * * *': 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax',
    '* * * * 7': 'end of range (7) above maximum (6): 7',
    '@sometimes': 'unrecognized descriptor: @sometimes',
    '@every day': 'failed to parse duration @every day: time: invalid duration "day"',
  };
  for (const [schedule, fault] of Object.entries(bad)) assert.equal(scheduleFault(schedule), fault, schedule);
});

test('a time zone is one of those that have a name', () => {
  for (const good of ['UTC', 'Europe/Zurich', 'America/New_York', 'Etc/GMT+3']) assert.equal(timeZoneFault(good), undefined, good);
  for (const bad of ['+01', '../etc/passwd', '-x', 'Nowhere']) assert.equal(timeZoneFault(bad), `unknown time zone ${bad}`);
  assert.equal(timeZoneFault('Local'), 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones');
});

test('ranges of indexes are counted, and must grow', () => {
  assert.equal(indexesOf('', 1), 0);
  assert.equal(indexesOf('0,2-4,7', 8), 5);
  assert.equal(indexesOf('3,2', 8), 'non-increasing order, previous: 3, current: 2');
  assert.equal(indexesOf('3-3', 8), 'non-increasing order, previous: 3, current: 3');
  assert.equal(indexesOf('a', 8), 'cannot convert string to integer for index: "a"');
});

test('a job stays what it is; while it waits, where it will run may change', () => {
  const moved = having(job, { 'spec.template.spec.nodeSelector': { a: 'b' } });
  const image = having(job, { 'spec.template.spec.containers': [{ name: 'main', image: 'j' }] });
  const suspended = having(job, { 'spec.suspend': true });
  assert.match(updateRefusals(job, moved)[0] ?? '', /^spec.template: Invalid value: .*: field is immutable$/);
  assert.deepEqual(updateRefusals(suspended, having(moved, { 'spec.suspend': true })), []);
  assert.match(updateRefusals(suspended, image)[0] ?? '', /^spec.template: /);
  assert.deepEqual(
    updateRefusals(job, having(job, { 'spec.parallelism': 5, 'spec.completions': 1, 'spec.backoffLimit': 0, 'spec.suspend': true })),
    [],
  );
  assert.deepEqual(updateRefusals(indexed, having(indexed, { 'spec.completions': 5, 'spec.parallelism': 5 })), []);
  assert.deepEqual(updateRefusals(indexed, having(indexed, { 'spec.completions': 5 })), [
    'spec.completions: Invalid value: 5: can only be modified in tandem with spec.parallelism',
  ]);
  assert.deepEqual(updateRefusals(job, having(job, { 'spec.managedBy': 'acme.io/jobs' })), [
    'spec.managedBy: Invalid value: "acme.io/jobs": field is immutable',
  ]);
});

test('what has ended stays ended', () => {
  const complete = having(job, { status: { conditions: [{ type: 'Complete', status: 'True' }] } });
  assert.deepEqual(updateRefusals(complete, job, 'status'), [
    'status.conditions: Invalid value: cannot disable the terminal Complete=True condition',
  ]);
  assert.deepEqual(updateRefusals(complete, complete, 'status'), []);
  assert.deepEqual(updateRefusals(job, having(job, { status: { active: -1 } }), 'status'), [
    'status.active: Invalid value: -1: must be greater than or equal to 0',
  ]);
});

test('a job that brings its own selector must make pods that it selects', () => {
  const own = having(job, { 'spec.manualSelector': true, 'spec.selector': { matchLabels: { a: 'b' } } });
  assert.deepEqual(refusals(own), ['spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`']);
  assert.deepEqual(refusals(having(own, { 'spec.template.metadata': { labels: { a: 'b' } } })), []);
});
