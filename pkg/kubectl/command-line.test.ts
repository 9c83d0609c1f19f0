import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, invalid, notFound } from '../api/errors.ts';
import { parseWarnings } from './api.ts';
import { formatDuration, humanDuration, longTime, parseDuration } from './duration.ts';
import { describeFailure, during } from './failure.ts';
import { type FlagSpec, parseFlags } from './flags.ts';
import { distance, nearest } from './suggest.ts';

const specs: FlagSpec[] = [
  { name: 'namespace', short: 'n', kind: 'string', help: '' },
  { name: 'stdin', short: 'i', kind: 'bool', help: '' },
  { name: 'tty', short: 't', kind: 'bool', help: '' },
  { name: 'filename', short: 'f', kind: 'strings', help: '' },
  { name: 'env', kind: 'list', help: '' },
  { name: 'replicas', kind: 'int', help: '' },
  { name: 'wait', kind: 'bool', default: true, help: '' },
  { name: 'dry-run', kind: 'string', default: 'none', alone: 'unchanged', help: '' },
  { name: 'timeout', kind: 'duration', default: '30s', help: '' },
];
const parse = (line: string) => parseFlags(line.split(' '), specs, 'kubectl test');

test('flags are written in every way that kubectl takes', () => {
  for (const line of ['-n x', '-nx', '-n=x', '--namespace x', '--namespace=x'])
    assert.equal(parse(line).flags.string('namespace'), 'x', line);
  const { flags, args, rest } = parse('web -it -f a,b -f c --env A=1,2 --env B=3 --wait=false -- sh -c x');
  assert.deepEqual([flags.bool('stdin'), flags.bool('tty'), flags.bool('wait')], [true, true, false]);
  assert.deepEqual(
    [flags.list('filename'), flags.list('env')],
    [
      ['a', 'b', 'c'],
      ['A=1,2', 'B=3'],
    ],
  );
  assert.deepEqual([args, rest], [['web'], ['sh', '-c', 'x']]);
  assert.equal(parse('-itn x').flags.string('namespace'), 'x');
});

test('defaults, and flags that mean something without a value', () => {
  const { flags } = parse('web');
  assert.deepEqual(
    [flags.bool('wait'), flags.string('dry-run'), flags.duration('timeout'), flags.int('replicas')],
    [true, 'none', 30_000, undefined],
  );
  assert.deepEqual(parse('--dry-run web').args, ['web']);
  assert.equal(parse('--dry-run').flags.string('dry-run'), 'unchanged');
});

test('a wrong flag is named, with the nearest right one', () => {
  assert.throws(() => parse('--namepsace x'), /unknown flag: --namepsace\n\nDid you mean this\?\n\t--namespace/);
  assert.throws(() => parse('-x'), /unknown shorthand flag: 'x' in -x/);
  assert.throws(() => parse('--namespace'), /flag needs an argument: --namespace/);
  assert.throws(() => parse('-n'), /flag needs an argument: 'n' in -n/);
  assert.throws(() => parse('--replicas=two').flags.int('replicas'), /invalid argument "two" for "--replicas" flag/);
  assert.throws(() => parse('--stdin=maybe').flags.bool('stdin'), /invalid argument "maybe" for "--stdin" flag/);
});

test('the nearest names', () => {
  assert.equal(distance('kitten', 'sitting'), 3);
  assert.equal(distance('gte', 'get'), 1);
  const names = ['get', 'set', 'delete', 'describe', 'deployments', 'services'];
  assert.deepEqual(nearest('gte', names), ['get']);
  assert.deepEqual(nearest('deployment', names), ['deployments']);
  assert.deepEqual(nearest('descrieb', names), ['describe']);
  assert.deepEqual(nearest('serv', names), ['services']);
  assert.deepEqual(nearest('xyzzy', names), []);
});

test('durations', () => {
  const parsed: [string, number][] = [
    ['0', 0],
    ['5s', 5000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['-1s', -1000],
    ['250ms', 250],
  ];
  for (const [text, ms] of parsed) assert.equal(parseDuration(text), ms, text);
  for (const text of ['5', 's', '1d', '', '1m 2s'])
    assert.throws(() => parseDuration(text), /time: (invalid|missing unit in|unknown unit .* in) duration/, text);
  assert.deepEqual([0, 1500, 90_000, 3_600_000].map(formatDuration), ['0s', '1.5s', '1m30s', '1h0m0s']);
  const second = 1000;
  const ages: [number, string][] = [
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [330, '5m30s'],
    [10 * 60, '10m'],
    [179 * 60, '179m'],
    [3 * 3600, '3h'],
    [3 * 3600 + 12 * 60, '3h12m'],
    [8 * 3600, '8h'],
    [47 * 3600, '47h'],
    [48 * 3600, '2d'],
    [7 * 86400 + 3600, '7d1h'],
    [9 * 86400, '9d'],
    [800 * 86400, '2y70d'],
    [9 * 365 * 86400, '9y'],
  ];
  for (const [seconds, text] of ages) assert.equal(humanDuration(seconds * second), text, `${seconds} s`);
  assert.equal(longTime('2026-01-01T02:03:04Z'), 'Thu, 01 Jan 2026 02:03:04 +0000');
});

test('errors read as those of kubectl', () => {
  const pods = { group: '', resource: 'pods', kind: 'Pod' };
  const cases: [unknown, string][] = [
    [notFound(pods, 'web'), 'Error from server (NotFound): pods "web" not found'],
    [
      during(new ApiError('BadRequest', 'no'), 'error when creating "a.yaml"'),
      'Error from server (BadRequest): error when creating "a.yaml": no',
    ],
    [
      invalid({ group: 'apps', kind: 'Deployment' }, 'web', [
        { reason: 'FieldValueRequired', field: 'spec.selector', message: 'Required value' },
      ]),
      'The Deployment "web" is invalid: spec.selector: Required value',
    ],
    [
      invalid(pods, 'web', [
        { field: 'a', message: 'one' },
        { field: 'b', message: 'two' },
      ]),
      'The Pod "web" is invalid: \n* a: one\n* b: two',
    ],
    [
      new ApiError('ServiceUnavailable', 'GET /: connect ECONNREFUSED', { cause: new Error('connect ECONNREFUSED 127.0.0.1:6443') }),
      'Unable to connect to the server: connect ECONNREFUSED 127.0.0.1:6443',
    ],
    [new ApiError('Unauthorized', 'Unauthorized'), 'error: You must be logged in to the server (Unauthorized)'],
    [new Error('something else'), 'error: something else'],
  ];
  for (const [error, text] of cases) assert.equal(describeFailure(error), text);
});

test('warnings of the server', () => {
  assert.deepEqual(parseWarnings('299 - "one, \\"quoted\\"", 299 - "two"'), ['one, "quoted"', 'two']);
  assert.deepEqual(parseWarnings(undefined), []);
});
