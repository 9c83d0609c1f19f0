import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { type HistoryFlags, historyLimits, withHistoryFlags } from './history-flags.ts';

const hour = 3_600_000;

function limits(...argv: string[]) {
  const command = withHistoryFlags(new Command('up'))
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  command.parse(argv, { from: 'user' });
  return historyLimits(command.opts<HistoryFlags>());
}

test('the past is kept for a day and a gigabyte, or as is said', () => {
  assert.deepEqual(limits(), { age: 24 * hour, bytes: 2 ** 30 });
  assert.deepEqual(limits('--history', '90m', '--history-size', '1.5GiB'), { age: 1.5 * hour, bytes: 1.5 * 2 ** 30 });
  assert.deepEqual(limits('--history', '7d'), { age: 7 * 24 * hour, bytes: 2 ** 30 });
  assert.deepEqual(limits('--history', '1d12h', '--history-size', '500MB'), { age: 36 * hour, bytes: 5e8 });
});

test('off, 0 and forever mean what they say', () => {
  for (const off of ['off', '0', '0h']) assert.equal(limits('--history', off).age, 300_000);
  assert.equal(limits('--history', 'forever').age, Number.POSITIVE_INFINITY);
  assert.deepEqual(limits('--history-size', 'unlimited'), { age: 24 * hour });
});

test('what is no duration and no size is refused', () => {
  for (const text of ['', 'long', '5x', '-1h', '1h?'])
    assert.throws(() => limits('--history', text), /a duration such as|argument missing/, text);
  for (const text of ['0', '5K', '1kiB', 'big', '-1GiB', '0.5MiB', 'off'])
    assert.throws(() => limits('--history-size', text), /1MiB or more/, text);
});
