import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Client } from '../client/client.ts';
import { Cache } from './cache.ts';
import { feasibleNodesWanted } from './decide.ts';
import { createDefaultPlugins } from './default-plugins.ts';
import { diagnosisMessage, rejectorsOf } from './diagnosis.ts';
import type { WeightedPlugin } from './framework.ts';
import { decideWith, type NodeRow, nodeOf, type PodRow, podInfo, snapshotOf } from './testing.ts';

/** Only the binder talks to a client, and nothing is bound here. */
const plugins = createDefaultPlugins({} as Client, {
  namespaceLabels: () => undefined,
  ownersSelector: () => undefined,
  budgets: () => [],
});

test('as many nodes are looked at as kube-scheduler would', () => {
  const cases: [nodes: number, percentage: number, wanted: number][] = [
    [10, 0, 10],
    [99, 30, 99],
    [100, 0, 100],
    [1000, 0, 420],
    [5000, 0, 500],
    [6000, 0, 300],
    [100_000, 0, 5000],
    [1000, 30, 300],
    [200, 10, 100],
    [1000, 100, 1000],
  ];
  for (const [nodes, percentage, wanted] of cases)
    assert.equal(feasibleNodesWanted(nodes, percentage), wanted, `${nodes} at ${percentage} %`);
});

test('a decision in a large cluster stops early, and the next one goes on behind it', () => {
  const snapshot = snapshotOf(Array.from({ length: 500 }, (_, i) => ({ name: `node-${String(i).padStart(3, '0')}` })));
  const first = decideWith(plugins, podInfo(), snapshot);
  assert.equal(first.evaluated, 230);
  const second = decideWith(plugins, podInfo(), snapshot, { startAt: 230, randomInt: (n) => n - 1 });
  assert.equal(second.node, 'node-459');
});

test('among equals chance decides, else the score', () => {
  const equal = snapshotOf([{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
  assert.equal(decideWith(plugins, podInfo(), equal, { randomInt: (n) => (n === 3 ? 1 : 0) }).node, 'b');
  const unequal = snapshotOf([{ name: 'a' }, { name: 'b' }], [{ name: 'x', node: 'a', cpu: '2' }]);
  assert.equal(decideWith(plugins, podInfo(), unequal).node, 'b');
});

test('a scored decision can be added up again', () => {
  const decision = decideWith(
    plugins,
    podInfo({ cpu: '1' }),
    snapshotOf([{ name: 'a' }, { name: 'b' }], [{ name: 'x', node: 'a', cpu: '2' }]),
  );
  assert.ok(decision.node !== undefined);
  for (const [i, total] of decision.totals.entries()) {
    assert.equal(
      decision.scores.reduce((sum, { normalized, weight }) => sum + (normalized[i] ?? 0) * weight, 0),
      total,
    );
  }
});

test('the words of a diagnosis', () => {
  const snapshot = snapshotOf([
    { name: 'a', cpu: '1' },
    { name: 'b', cpu: '1' },
    { name: 'c', spec: { unschedulable: true } },
  ]);
  const decision = decideWith(plugins, podInfo({ cpu: '2', memory: '64Gi' }), snapshot);
  assert.equal(decision.node, undefined);
  assert.equal(
    diagnosisMessage(decision.diagnosis),
    '0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu, 2 Insufficient memory.',
  );
  assert.deepEqual([...rejectorsOf(decision.diagnosis)].sort(), ['NodeResourcesFit', 'NodeUnschedulable']);
});

test('nodes that a pod does not name are said to be left out', () => {
  const terms = [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }];
  const spec = { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } } };
  const fits = decideWith(plugins, podInfo({ spec }), snapshotOf([{ name: 'a' }, { name: 'b' }]));
  assert.equal(fits.node, 'b');
  assert.equal(fits.evaluated, 1);
  const full = decideWith(plugins, podInfo({ spec, cpu: '9' }), snapshotOf([{ name: 'a' }, { name: 'b' }]));
  assert.equal(
    diagnosisMessage(full.diagnosis),
    "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity].",
  );
});

// A naive model: what the documentation says in one line per rule, over the plain rows.

const zone = 'topology.kubernetes.io/zone';
const nodeRow = fc.record({
  cpu: fc.integer({ min: 1, max: 4 }),
  pods: fc.integer({ min: 1, max: 4 }),
  zone: fc.constantFrom('z1', 'z2', ''),
  cordoned: fc.boolean(),
  tainted: fc.boolean(),
});
const podRow = fc.record({
  cpu: fc.integer({ min: 0, max: 3 }),
  app: fc.constantFrom('a', 'b'),
  port: fc.constantFrom(0, 0, 80),
  tolerant: fc.boolean(),
  wantsZone: fc.constantFrom('', '', 'z1'),
  alone: fc.constantFrom(false, false, true),
  spread: fc.constantFrom(false, false, true),
});
type Row = typeof podRow extends fc.Arbitrary<infer T> ? T : never;
type NodeModel = typeof nodeRow extends fc.Arbitrary<infer T> ? T : never;

const toNode = (row: NodeModel, i: number): NodeRow => ({
  name: `n${i}`,
  cpu: String(row.cpu),
  pods: row.pods,
  labels: row.zone ? { [zone]: row.zone } : {},
  spec: {
    ...(row.cordoned ? { unschedulable: true } : {}),
    ...(row.tainted ? { taints: [{ key: 't', effect: 'NoSchedule' }] } : {}),
  },
});
const toPod = (row: Row, i: number, node?: string): PodRow => ({
  name: `p${i}`,
  labels: { app: row.app },
  ...(row.cpu ? { cpu: String(row.cpu) } : {}),
  ...(row.port ? { hostPort: row.port } : {}),
  ...(node ? { node } : {}),
  spec: {
    ...(row.tolerant ? { tolerations: [{ key: 't', operator: 'Exists' }] } : {}),
    ...(row.wantsZone ? { nodeSelector: { [zone]: row.wantsZone } } : {}),
    ...(row.alone
      ? {
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: row.app } } },
              ],
            },
          },
        }
      : {}),
    ...(row.spread
      ? {
          topologySpreadConstraints: [
            { topologyKey: zone, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: row.app } } },
          ],
        }
      : {}),
  },
});

interface PlacedRow {
  readonly row: Row;
  readonly on: number;
}
function allowed(pod: Row, at: number, nodes: readonly NodeModel[], placed: readonly PlacedRow[]): boolean {
  const node = nodes[at] as NodeModel;
  const here = placed.filter(({ on }) => on === at).map(({ row }) => row);
  if (node.cordoned || (node.tainted && !pod.tolerant)) return false;
  if (pod.wantsZone && node.zone !== pod.wantsZone) return false;
  if (here.length + 1 > node.pods) return false;
  if (pod.cpu > 0 && here.reduce((sum, row) => sum + row.cpu, pod.cpu) > node.cpu) return false;
  if (pod.port && here.some((row) => row.port === pod.port)) return false;
  if (here.some((row) => row.app === pod.app && (row.alone || pod.alone))) return false;
  if (!pod.spread) return true;
  if (!node.zone) return false;
  const counts = new Map<string, number>();
  for (const { zone: value } of nodes) if (value && (!pod.wantsZone || value === pod.wantsZone)) counts.set(value, 0);
  for (const { row, on } of placed) {
    const value = nodes[on]?.zone ?? '';
    if (row.app === pod.app && counts.has(value)) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return (counts.get(node.zone) ?? 0) + 1 - Math.min(...counts.values()) <= 1;
}

test('property: a node is chosen exactly when the naive model allows one, and it allows the one chosen', () => {
  fc.assert(
    fc.property(fc.array(nodeRow, { minLength: 1, maxLength: 5 }), fc.array(podRow, { minLength: 1, maxLength: 12 }), (nodes, rows) => {
      const cache = new Cache();
      nodes.forEach((row, i) => {
        cache.setNode(nodeOf(toNode(row, i)));
      });
      const placed: PlacedRow[] = [];
      rows.forEach((row, i) => {
        const pod = podInfo(toPod(row, i));
        const decision = decideWith(plugins, pod, cache.snapshot(), { randomInt: (n) => i % n });
        const fitting = nodes.map((_, at) => at).filter((at) => allowed(row, at, nodes, placed));
        if (decision.node === undefined) {
          assert.deepEqual(fitting, []);
          assert.equal(decision.diagnosis.rejections.size, nodes.length, 'every node is accounted for');
          return;
        }
        const at = Number(decision.node.slice(1));
        assert.deepEqual(decision.feasible.map((node) => Number(node.name.slice(1))).sort(), fitting);
        assert.ok(fitting.includes(at));
        placed.push({ row, on: at });
        cache.assume(pod, decision.node);
      });
    }),
    { numRuns: 300 },
  );
});

test('property: what preemption leaves and takes is enough, lower in priority, and no victim could stay', () => {
  const preemption = plugins.find(({ plugin }) => plugin.postFilter) as WeightedPlugin;
  const victim = fc.record({ cpu: fc.integer({ min: 1, max: 3 }), priority: fc.integer({ min: 0, max: 9 }), port: fc.constantFrom(0, 80) });
  fc.assert(
    fc.property(
      fc.array(fc.array(victim, { maxLength: 4 }), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 4 }),
      (perNode, cpu) => {
        const nodes = perNode.map((pods, i) => ({ name: `n${i}`, cpu: String(pods.reduce((sum, pod) => sum + pod.cpu, 1)) }));
        const rows = perNode.flatMap((pods, i) =>
          pods.map((pod, j) => ({
            name: `v${i}-${j}`,
            node: `n${i}`,
            cpu: String(pod.cpu),
            priority: pod.priority,
            ...(pod.port ? { hostPort: pod.port } : {}),
          })),
        );
        const snapshot = snapshotOf(nodes, rows);
        const pod = podInfo({ name: 'new', cpu: String(cpu), priority: 5, hostPort: 80 });
        const decision = decideWith(plugins, pod, snapshot);
        if (decision.node !== undefined) return;
        const fits = (name: string, without: ReadonlySet<string>): boolean => {
          const left = rows.filter((row) => row.node !== name || !without.has(row.name));
          const only = snapshotOf(
            nodes.filter((node) => node.name === name),
            left,
          );
          return decideWith(plugins, pod, only).node !== undefined;
        };
        const result = preemption.plugin.postFilter?.({
          pod,
          snapshot,
          rejections: decision.diagnosis.rejections,
          promised: undefined,
          filters: decision.filters,
          randomInt: () => 0,
          fits: (node, filters) => filters.map((filter) => filter.filter(node)).find((rejection) => rejection !== undefined),
        });
        const hopeful = nodes.filter(({ name }) => fits(name, new Set(rows.filter((row) => row.priority < 5).map((row) => row.name))));
        const nomination = result?.nomination;
        assert.equal(nomination !== undefined, hopeful.length > 0);
        if (!nomination) return;
        const victims = new Set(nomination.victims.map((info) => info.pod.metadata.name));
        assert.ok(nomination.victims.every((info) => info.priority < 5));
        assert.ok(fits(nomination.node, victims), 'enough');
        for (const name of victims) {
          const fewer = new Set([...victims].filter((other) => other !== name));
          assert.ok(!fits(nomination.node, fewer), `${name} could have stayed`);
        }
      },
    ),
    { numRuns: 200 },
  );
});
