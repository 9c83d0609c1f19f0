import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainsOf, type PastWrite } from './object-history.ts';

const write = (revision: number, causes: readonly number[]): PastWrite => {
  return { revision, objects: [], record: { actor: 'a', verb: 'update', request: 'r', time: 0, causes } };
};
const numbers = (causes: Record<string, PastWrite>, ...direct: number[]): number[][] => {
  const item = { record: { actor: 'a', verb: 'update', request: 'r', time: 0, causes: direct } };
  return chainsOf({ causes }, item).map((steps) => steps.map(({ revision }) => revision));
};

test('a chain leads from the first request to the last cause', () => {
  const causes = { 101: write(101, []), 102: write(102, [101]), 105: write(105, [102]) };
  assert.deepEqual(numbers(causes, 105), [[101, 102, 105]]);
  assert.deepEqual(numbers(causes), []);
});

test('several causes are several chains, unless one lies on the way of another', () => {
  const causes = { 1: write(1, []), 2: write(2, [1]), 3: write(3, [2]), 7: write(7, []) };
  assert.deepEqual(numbers(causes, 7, 3, 2), [[7], [1, 2, 3]]);
});

test('a cause that is not kept any more begins its chain, and a record that makes no sense ends', () => {
  const chains = chainsOf({ causes: { 9: write(9, [4]) } }, write(10, [9]));
  assert.deepEqual(
    chains.map((steps) => steps.map((step) => [step.revision, step.write !== undefined])),
    [
      [
        [4, false],
        [9, true],
      ],
    ],
  );
  assert.deepEqual(numbers({ 5: write(5, [6, 5]), 6: write(6, [5]) }, 5), [[5]]);
});
