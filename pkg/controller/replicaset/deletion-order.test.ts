import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Pod } from '../../api/generated/core-v1.ts';
import { formatTime } from '../../clock/clock.ts';
import { deletionCost, deletionCostAnnotation, inDeletionOrder } from './deletion-order.ts';

const now = Date.parse('2026-01-02T00:00:00Z');
const hour = 3_600_000;

interface Traits {
  node?: string | undefined;
  phase?: string;
  ready?: number;
  cost?: string;
  restarts?: number;
  age?: number;
}

function pod(name: string, { node = 'node-1', phase = 'Running', ready, cost, restarts = 0, age = 10 * hour }: Traits = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      uid: name,
      resourceVersion: '1',
      creationTimestamp: formatTime(now - age),
      ...(cost ? { annotations: { [deletionCostAnnotation]: cost } } : {}),
    },
    spec: { containers: [], ...(node ? { nodeName: node } : {}) },
    status: {
      phase,
      conditions: ready === undefined ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: formatTime(now - ready) }],
      containerStatuses: [{ name: 'c', image: '', imageID: '', lastState: {}, state: {}, ready: true, restartCount: restarts }],
    },
  };
}

const order = (...pods: Pod[]): string[] => inDeletionOrder([...pods].reverse(), pods, now).map(({ metadata }) => metadata.name);

test('each criterion decides before all that follow it', () => {
  const ready = 5 * hour;
  assert.deepEqual(
    order(
      pod('unassigned', { node: '', phase: 'Pending', cost: '100' }),
      pod('pending', { phase: 'Pending', cost: '100' }),
      pod('unknown', { phase: 'Unknown', cost: '100' }),
      pod('unready', { cost: '100' }),
      pod('cheap', { ready, cost: '-5' }),
      pod('doubled', { ready, node: 'node-1' }),
      pod('fresh', { ready: 1000, node: 'node-2', restarts: 0 }),
      pod('restarted', { ready, node: 'node-3', restarts: 7 }),
      pod('young', { ready, node: 'node-4', age: 6 * hour }),
      pod('old', { ready, node: 'node-5', age: 100 * hour }),
    ),
    ['unassigned', 'pending', 'unknown', 'unready', 'cheap', 'doubled', 'fresh', 'restarted', 'young', 'old'],
  );
});

test('ages within a factor of two count as equal, and then the uid decides', () => {
  assert.deepEqual(order(pod('a', { age: 30 * hour }), pod('b', { age: 20 * hour })), ['a', 'b']);
  assert.deepEqual(order(pod('a', { age: 20 * hour }), pod('b', { age: 2 * hour })), ['b', 'a']);
});

test('a deletion cost that is no whole number counts as 0', () => {
  assert.equal(deletionCost(pod('a', { cost: '7' })), 7);
  for (const cost of ['', '+7', '07', '7.5', 'x', '1e3']) assert.equal(deletionCost(pod('a', { cost })), 0);
});

test('property: the order does not depend on the order of the input', () => {
  const traits = fc.record({
    node: fc.constantFrom('', 'node-1', 'node-2'),
    phase: fc.constantFrom('Pending', 'Running'),
    ready: fc.option(
      fc.integer({ min: 0, max: 100 }).map((n) => n * hour),
      { nil: undefined },
    ),
    cost: fc.constantFrom('', '1', '-1'),
    restarts: fc.nat(2),
    age: fc.integer({ min: 100, max: 200 }).map((n) => n * hour),
  });
  fc.assert(
    fc.property(fc.array(traits, { maxLength: 12 }), fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (all, dice) => {
      const pods = all.map((each, i) => pod(`pod-${i}`, each as Traits));
      const shuffled = pods
        .map((each) => [dice.next().value as number, each] as const)
        .sort(([a], [b]) => a - b)
        .map(([, each]) => each);
      assert.deepEqual(inDeletionOrder(shuffled, pods, now), inDeletionOrder(pods, pods, now));
    }),
  );
});
