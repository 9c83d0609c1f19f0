import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodDisruptionBudget } from '../../api/generated/policy-v1.ts';
import type { Client } from '../../client/client.ts';
import { createDefaultPlugins } from '../default-plugins.ts';
import type { PostFilterResult } from '../framework.ts';
import { decideWith, type NodeRow, type PodRow, podInfo, snapshotOf } from '../testing.ts';

const budget = (app: string, disruptionsAllowed: number): PodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: app, namespace: 'default', uid: `pdb-${app}`, resourceVersion: '1', creationTimestamp: '' },
  spec: { selector: { matchLabels: { app } } },
  status: { disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
});

function preempt(
  row: PodRow,
  nodes: NodeRow[],
  existing: PodRow[],
  more: { budgets?: PodDisruptionBudget[]; promised?: string } = {},
): PostFilterResult | undefined {
  const plugins = createDefaultPlugins({} as Client, {
    namespaceLabels: () => undefined,
    ownersSelector: () => undefined,
    budgets: () => more.budgets ?? [],
  });
  const pod = podInfo(row);
  const snapshot = snapshotOf(nodes, existing);
  const decision = decideWith(plugins, pod, snapshot);
  assert.equal(decision.node, undefined, 'there is room already');
  return plugins
    .find(({ plugin }) => plugin.postFilter)
    ?.plugin.postFilter?.({
      pod,
      snapshot,
      rejections: decision.diagnosis.rejections,
      promised: more.promised,
      filters: decision.filters,
      randomInt: () => 0,
      fits: (node, filters) => filters.map((filter) => filter.filter(node)).find((rejection) => rejection !== undefined),
    });
}
const chosen = (result: PostFilterResult | undefined): [string, string[]] | undefined =>
  result?.nomination && [result.nomination.node, result.nomination.victims.map((victim) => victim.pod.metadata.name)];

const two: NodeRow[] = [
  { name: 'a', cpu: '2' },
  { name: 'b', cpu: '2' },
];
const high: PodRow = { name: 'high', cpu: '2', priority: 100 };

test('the node where it hurts least is chosen, by one criterion after the other', () => {
  const on = (node: string, name: string, priority: number, more: PodRow = {}): PodRow => ({ name, node, cpu: '1', priority, ...more });
  const cases: [string, PodRow[], string, PodDisruptionBudget[]?][] = [
    [
      'a budget is kept',
      [on('a', 'a1', 1, { labels: { app: 'x' } }), on('a', 'a2', 1), on('b', 'b1', 9), on('b', 'b2', 9)],
      'b',
      [budget('x', 0)],
    ],
    [
      'a budget with room to spare is no obstacle',
      [on('a', 'a1', 1, { labels: { app: 'x' } }), on('a', 'a2', 1), on('b', 'b1', 9), on('b', 'b2', 9)],
      'a',
      [budget('x', 1)],
    ],
    ['the lowest top priority', [on('a', 'a1', 9), on('a', 'a2', 1), on('b', 'b1', 5), on('b', 'b2', 5)], 'b'],
    ['the smallest sum', [on('a', 'a1', 5), on('a', 'a2', 5), on('b', 'b1', 5), on('b', 'b2', 1)], 'b'],
    ['the fewest victims', [on('a', 'a1', 5), on('a', 'a2', 5), on('b', 'b1', 5, { cpu: '2' })], 'b'],
    [
      'who started last',
      [
        on('a', 'a1', 5, { cpu: '2', status: { startTime: '2026-01-01T00:00:00Z' } }),
        on('b', 'b1', 5, { cpu: '2', status: { startTime: '2026-01-02T00:00:00Z' } }),
      ],
      'b',
    ],
  ];
  for (const [what, existing, node, budgets] of cases)
    assert.equal(chosen(preempt(high, two, existing, budgets ? { budgets } : {}))?.[0], node, what);
});

test('only as many go as must, the unimportant first', () => {
  const existing: PodRow[] = [
    { name: 'x', node: 'a', cpu: '1', priority: 3 },
    { name: 'y', node: 'a', cpu: '500m', priority: 1 },
    { name: 'z', node: 'a', cpu: '500m', priority: 2 },
  ];
  assert.deepEqual(chosen(preempt({ ...high, cpu: '1' }, [{ name: 'a', cpu: '2' }], existing)), ['a', ['z', 'y']]);
});

test('anti-affinity goes away with the pod that has it', () => {
  const lonely: PodRow = {
    name: 'lonely',
    node: 'a',
    priority: 1,
    spec: {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: {} }],
        },
      },
    },
  };
  assert.deepEqual(chosen(preempt({ name: 'high', priority: 100 }, [{ name: 'a' }], [lonely])), ['a', ['lonely']]);
});

test('who may not preempt, and where it does not help, is said', () => {
  const existing: PodRow[] = [{ name: 'low', node: 'a', cpu: '2', priority: 1, deleted: '2026-01-01T00:00:00Z' }];
  const never = preempt({ ...high, spec: { preemptionPolicy: 'Never' } }, [{ name: 'a', cpu: '2' }], existing);
  assert.equal(never?.message, 'preemption: not eligible due to preemptionPolicy=Never.');
  const patient = preempt(high, [{ name: 'a', cpu: '2' }], existing, { promised: 'a' });
  assert.equal(patient?.message, 'preemption: not eligible due to a terminating pod on the nominated node.');
  const equal = preempt(
    { name: 'equal', cpu: '2', priority: 1 },
    [
      { name: 'a', cpu: '2' },
      { name: 'b', spec: { unschedulable: true } },
    ],
    existing,
  );
  assert.equal(
    equal?.message,
    'preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
  );
  assert.equal(equal?.clearNomination, true);
});
