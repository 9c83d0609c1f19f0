import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equalSets } from './field-set.ts';
import { inOrder } from './field-set-order.ts';
import { pooled } from './field-set-pool.ts';

const leaf = {};
const port = (number: number): string => `k:{"containerPort":${number},"protocol":"TCP"}`;

test('the elements of a field set are written in order, numbers as numbers, and the node itself before them', () => {
  const mixed = {
    'f:spec': {
      'f:ports': { [port(443)]: { 'f:protocol': leaf, '.': leaf, 'f:containerPort': leaf }, [port(80)]: leaf },
      'f:image': leaf,
      'f:finalizers': { 'v:"b"': leaf, '.': leaf, 'v:"a"': leaf },
    },
    'f:metadata': leaf,
  };
  const ordered = inOrder(mixed);
  assert.ok(equalSets(ordered, mixed));
  assert.equal(
    JSON.stringify(ordered),
    JSON.stringify({
      'f:metadata': leaf,
      'f:spec': {
        'f:finalizers': { '.': leaf, 'v:"a"': leaf, 'v:"b"': leaf },
        'f:image': leaf,
        'f:ports': { [port(80)]: leaf, [port(443)]: { '.': leaf, 'f:containerPort': leaf, 'f:protocol': leaf } },
      },
    }),
  );
  assert.equal(inOrder(ordered), ordered, 'what is in order is not copied');
  assert.equal(pooled(mixed), pooled(ordered), 'two orders of one set are one');
});
