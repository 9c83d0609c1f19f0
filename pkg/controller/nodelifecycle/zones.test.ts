import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../../api/generated/core-v1.ts';
import { EvictionBudget, evictionRates, zoneState } from './zones.ts';

const nodes = (zone: string, ready: number, gone: number): Node[] =>
  Array.from({ length: ready + gone }, (_, i) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: `${zone}-${i}`,
      uid: '',
      resourceVersion: '',
      creationTimestamp: '',
      labels: { 'topology.kubernetes.io/zone': zone },
    },
    spec: {},
    status: { conditions: [{ type: 'Ready', status: i < ready ? 'True' : 'Unknown' }] } as unknown as Node['status'],
  }));

test('a zone is partly disrupted from three nodes and 55 % on, fully when none is ready', () => {
  assert.equal(zoneState(nodes('a', 3, 0)), 'Normal');
  assert.equal(zoneState(nodes('a', 1, 2)), 'Normal');
  assert.equal(zoneState(nodes('a', 3, 3)), 'Normal');
  assert.equal(zoneState(nodes('a', 2, 3)), 'PartialDisruption');
  assert.equal(zoneState(nodes('a', 0, 1)), 'FullDisruption');
});

test('a partly disrupted zone is slowed down, and stopped when it is small; a lost one goes on while others live', () => {
  const rates = evictionRates([...nodes('small', 2, 4), ...nodes('large', 20, 40), ...nodes('lost', 0, 4), ...nodes('well', 9, 1)]);
  assert.deepEqual(Object.fromEntries(rates), { ':small': 0, ':large': 0.01, ':lost': 0.1, ':well': 0.1 });
  assert.deepEqual([...evictionRates([...nodes('a', 0, 3), ...nodes('b', 0, 3)]).values()], [0, 0]);
});

test('a budget grants one at once, and then at its rate', () => {
  const budget = new EvictionBudget();
  assert.equal(budget.take(0.1, 1000), 0);
  assert.equal(budget.take(0.1, 1000), 10_000);
  assert.equal(budget.take(0.1, 6000), 5000);
  assert.equal(budget.take(0.1, 11_000), 0);
  assert.equal(budget.take(0, 99_000), undefined);
});
