import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodAffinityTerm, PodSpec, Taint, Toleration, TopologySpreadConstraint } from '../../api/generated/core-v1.ts';
import { selectorFromMap } from '../../api/selectors.ts';
import type { ClusterEvent, EventKind } from '../cluster-event.ts';
import type { Plugin } from '../framework.ts';
import { filterAll, type NodeRow, nodeOf, type PodRow, podInfo, scoreAll, snapshotOf } from '../testing.ts';
import { imageLocality } from './image-locality.ts';
import { createInterPodAffinity } from './inter-pod-affinity.ts';
import { nodeAffinity } from './node-affinity.ts';
import { nodeName } from './node-name.ts';
import { nodePorts } from './node-ports.ts';
import { nodeResourcesBalancedAllocation } from './node-resources-balanced-allocation.ts';
import { nodeResourcesFit } from './node-resources-fit.ts';
import { nodeUnschedulable } from './node-unschedulable.ts';
import { createPodTopologySpread } from './pod-topology-spread.ts';
import { prioritySort } from './priority-sort.ts';
import { taintToleration } from './taint-toleration.ts';

const a = 'node-a';
const b = 'node-b';
const c = 'node-c';

test('PrioritySort: importance first, then who came first', () => {
  const order = [
    { pod: podInfo({ name: 'late', priority: 5 }), since: 20 },
    { pod: podInfo({ name: 'low', priority: 1 }), since: 0 },
    { pod: podInfo({ name: 'early', priority: 5 }), since: 10 },
    { pod: podInfo({ name: 'none' }), since: 0 },
  ].sort((x, y) => prioritySort.compare?.(x, y) ?? 0);
  assert.deepEqual(
    order.map(({ pod }) => pod.pod.metadata.name),
    ['early', 'late', 'low', 'none'],
  );
});

test('NodeUnschedulable and NodeName', () => {
  const snapshot = snapshotOf([{ name: a }, { name: b, spec: { unschedulable: true } }]);
  assert.deepEqual(filterAll(nodeUnschedulable, podInfo(), snapshot), { [a]: 'ok', [b]: 'node(s) were unschedulable' });
  const tolerant = podInfo({ spec: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] } });
  assert.deepEqual(filterAll(nodeUnschedulable, tolerant, snapshot), { [a]: 'ok', [b]: 'ok' });
  assert.deepEqual(filterAll(nodeName, podInfo({ node: b }), snapshot), { [a]: "node(s) didn't match the requested node name", [b]: 'ok' });
});

test('TaintToleration filters by what a toleration covers', () => {
  const taint: Taint = { key: 'dedicated', value: 'db', effect: 'NoSchedule' };
  const cases: [Toleration | undefined, boolean][] = [
    [undefined, false],
    [{ key: 'dedicated', operator: 'Equal', value: 'db', effect: 'NoSchedule' }, true],
    [{ key: 'dedicated', value: 'db' }, true],
    [{ key: 'dedicated', value: 'web' }, false],
    [{ key: 'dedicated', operator: 'Exists' }, true],
    [{ key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }, false],
    [{ operator: 'Exists' }, true],
    [{ key: 'other', operator: 'Exists' }, false],
    [{ operator: 'Equal', value: 'db' }, false],
  ];
  for (const [toleration, ok] of cases) {
    const pod = podInfo({ spec: { tolerations: toleration ? [toleration] : [] } });
    const result = filterAll(taintToleration, pod, snapshotOf([{ name: a, spec: { taints: [taint] } }]));
    assert.equal(result[a], ok ? 'ok' : 'node(s) had untolerated taint {dedicated: db}', JSON.stringify(toleration));
  }
  const soft = snapshotOf([{ name: a, spec: { taints: [{ key: 'slow', effect: 'PreferNoSchedule' }] } }, { name: b }]);
  assert.deepEqual(filterAll(taintToleration, podInfo(), soft), { [a]: 'ok', [b]: 'ok' });
  assert.deepEqual(scoreAll(taintToleration, podInfo(), soft), { [a]: 0, [b]: 100 });
});

test('NodeAffinity: selectors, operators, names and preferences', () => {
  const nodes: NodeRow[] = [
    { name: a, labels: { disk: 'ssd', cores: '8' } },
    { name: b, labels: { disk: 'hdd', cores: '32' } },
    { name: c, labels: {} },
  ];
  const no = "node(s) didn't match Pod's node affinity/selector";
  const required = (...terms: [key: string, operator: string, values?: string[]][][]): Partial<PodSpec> => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: terms.map((term) => ({
            matchExpressions: term.map(([key, operator, values = []]) => ({ key, operator, values })),
          })),
        },
      },
    },
  });
  const cases: [Partial<PodSpec>, string[]][] = [
    [{ nodeSelector: { disk: 'ssd' } }, [a]],
    [required([['disk', 'In', ['ssd', 'hdd']]]), [a, b]],
    [required([['disk', 'NotIn', ['ssd']]]), [b, c]],
    [required([['disk', 'Exists']]), [a, b]],
    [required([['disk', 'DoesNotExist']]), [c]],
    [required([['cores', 'Gt', ['8']]]), [b]],
    [required([['cores', 'Lt', ['32']]]), [a]],
    [required([['disk', 'In', ['ssd']]], [['cores', 'Gt', ['16']]]), [a, b]],
    [
      required([
        ['disk', 'In', ['ssd']],
        ['cores', 'Gt', ['16']],
      ]),
      [],
    ],
    [required([]), []],
    [{ nodeSelector: { disk: 'hdd' }, ...required([['cores', 'Exists']]) }, [b]],
  ];
  for (const [spec, expected] of cases) {
    const result = filterAll(nodeAffinity, podInfo({ spec }), snapshotOf(nodes));
    assert.deepEqual(
      result,
      Object.fromEntries([a, b, c].map((name) => [name, expected.includes(name) ? 'ok' : no])),
      JSON.stringify(spec),
    );
  }
  const named = podInfo({
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [b] }] }],
          },
        },
      },
    },
  });
  const result = nodeAffinity.preFilter?.(named, snapshotOf(nodes));
  assert.deepEqual(result !== 'skip' && result && 'nodeNames' in result ? [...(result.nodeNames ?? [])] : undefined, [b]);
  const preferring = podInfo({
    spec: {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 10, preference: { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] } },
            { weight: 40, preference: { matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['16'] }] } },
          ],
        },
      },
    },
  });
  assert.deepEqual(scoreAll(nodeAffinity, preferring, snapshotOf(nodes)), { [a]: 25, [b]: 100, [c]: 0 });
});

test('NodePorts: one port, one protocol, one address, one pod', () => {
  const port = (hostPort: number, protocol = 'TCP', hostIP?: string): Partial<PodSpec> => ({
    containers: [{ name: 'main', resources: {}, ports: [{ containerPort: 80, hostPort, protocol, ...(hostIP ? { hostIP } : {}) }] }],
  });
  const snapshot = snapshotOf(
    [{ name: a }],
    [
      { name: 'one', node: a, spec: port(8080) },
      { name: 'two', node: a, spec: port(9090, 'TCP', '10.0.0.1') },
    ],
  );
  const cases: [Partial<PodSpec>, boolean][] = [
    [port(8080), false],
    [port(8080, 'UDP'), true],
    [port(8081), true],
    [port(8080, 'TCP', '10.0.0.1'), false],
    [port(9090, 'TCP', '10.0.0.2'), true],
    [port(9090), false],
  ];
  for (const [spec, ok] of cases) {
    const expected = ok ? 'ok' : "node(s) didn't have free ports for the requested pod ports";
    // PodRow's `node` sets nodeName through spec: given here by the row of the waiting pod alone.
    assert.deepEqual(filterAll(nodePorts, podInfo({ spec }), snapshot), { [a]: expected }, JSON.stringify(spec));
  }
});

test('NodeResourcesFit names every resource that is short, and what even an empty node lacks', () => {
  const nodes: NodeRow[] = [{ name: a, cpu: '2', memory: '4Gi', pods: 2, extra: { 'example.com/gpu': '1', 'ephemeral-storage': '10Gi' } }];
  const there: PodRow[] = [{ name: 'old', node: a, cpu: '1500m', memory: '1Gi' }];
  const requests = (list: Record<string, string>): PodRow => ({
    spec: { containers: [{ name: 'main', resources: { requests: list } }] },
  });
  const cases: [PodRow, string, boolean?][] = [
    [{ cpu: '500m', memory: '3Gi' }, 'ok'],
    [{ cpu: '501m' }, 'Insufficient cpu', false],
    [{ cpu: '3' }, 'Insufficient cpu', true],
    [{ cpu: '1', memory: '3500Mi' }, 'Insufficient cpu, Insufficient memory', false],
    [requests({ 'example.com/gpu': '1' }), 'ok'],
    [requests({ 'example.com/gpu': '2' }), 'Insufficient example.com/gpu', true],
    [requests({ 'ephemeral-storage': '11Gi' }), 'Insufficient ephemeral-storage', true],
    [{}, 'ok'],
  ];
  for (const [row, expected, unresolvable] of cases) {
    const snapshot = snapshotOf(nodes, there);
    const pod = podInfo(row);
    assert.deepEqual(filterAll(nodeResourcesFit, pod, snapshot), { [a]: expected }, JSON.stringify(row));
    const result = nodeResourcesFit.preFilter?.(pod, snapshot);
    const rejection = result && result !== 'skip' && 'filter' in result ? result.filter.filter(snapshot.nodes[0] as never) : undefined;
    assert.equal(rejection?.unresolvable, unresolvable, JSON.stringify(row));
  }
  const full = snapshotOf(nodes, [...there, { name: 'older', node: a }]);
  assert.deepEqual(filterAll(nodeResourcesFit, podInfo(), full), { [a]: 'Too many pods' });
});

test('NodeResourcesFit prefers free nodes, NodeResourcesBalancedAllocation even ones', () => {
  const snapshot = snapshotOf(
    [
      { name: a, cpu: '10', memory: '10Gi' },
      { name: b, cpu: '10', memory: '10Gi' },
    ],
    [{ name: 'old', node: a, cpu: '5', memory: '1Gi' }],
  );
  const pod = podInfo({ cpu: '1', memory: '1Gi' });
  assert.deepEqual(scoreAll(nodeResourcesFit, pod, snapshot), { [a]: 60, [b]: 90 });
  assert.deepEqual(scoreAll(nodeResourcesBalancedAllocation, pod, snapshot), { [a]: 80, [b]: 100 });
  assert.equal(scoreAll(nodeResourcesBalancedAllocation, podInfo(), snapshot), undefined, 'asks for nothing');
});

test('ImageLocality prefers large images that several nodes have', () => {
  const size = 900 * 1024 * 1024;
  const snapshot = snapshotOf([
    { name: a, images: { 'db:latest': size } },
    { name: b, images: { 'db:latest': size } },
    { name: c },
    { name: 'node-d', images: { 'tiny:1': 1000 } },
  ]);
  assert.deepEqual(scoreAll(imageLocality, podInfo({ image: 'db' }), snapshot), { [a]: 43, [b]: 43, [c]: 0, 'node-d': 0 });
  assert.deepEqual(scoreAll(imageLocality, podInfo({ image: 'tiny:1' }), snapshot), { [a]: 0, [b]: 0, [c]: 0, 'node-d': 0 });
  assert.equal(scoreAll(imageLocality, podInfo({ image: 'unknown:3' }), snapshot), undefined);
});

const zone = 'topology.kubernetes.io/zone';
const zoned: NodeRow[] = [
  { name: a, labels: { [zone]: 'z1' } },
  { name: b, labels: { [zone]: 'z2' } },
  { name: c, labels: { [zone]: 'z2' } },
];
const labels = { app: 'web' };
const spread = (constraint: Partial<TopologySpreadConstraint>): Partial<PodSpec> => ({
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: labels }, ...constraint },
  ],
});
const podTopologySpread = createPodTopologySpread({ ownersSelector: () => undefined });

test('PodTopologySpread keeps domains within maxSkew', () => {
  const no = "node(s) didn't match pod topology spread constraints";
  const existing: PodRow[] = [
    { name: 'one', node: a, labels },
    { name: 'foreign', node: b, labels: { app: 'db' } },
    { name: 'elsewhere', namespace: 'other', node: b, labels },
    { name: 'leaving', node: b, labels, deleted: '2026-01-01T00:00:00Z' },
  ];
  const cases: [string, PodRow, NodeRow[], Record<string, string>][] = [
    ['one more in the fuller zone', { labels, spec: spread({}) }, zoned, { [a]: no, [b]: 'ok', [c]: 'ok' }],
    ['a wider skew', { labels, spec: spread({ maxSkew: 2 }) }, zoned, { [a]: 'ok', [b]: 'ok', [c]: 'ok' }],
    ['a pod that does not count itself', { spec: spread({}) }, zoned, { [a]: 'ok', [b]: 'ok', [c]: 'ok' }],
    [
      'ScheduleAnyway never filters',
      { labels, spec: spread({ whenUnsatisfiable: 'ScheduleAnyway' }) },
      zoned,
      { [a]: 'ok', [b]: 'ok', [c]: 'ok' },
    ],
    [
      'too few domains count as an empty one',
      { labels, spec: spread({ minDomains: 3, maxSkew: 1 }) },
      zoned,
      { [a]: no, [b]: 'ok', [c]: 'ok' },
    ],
    [
      'a node without the label',
      { labels, spec: spread({}) },
      [...zoned, { name: 'node-d' }],
      { [a]: no, [b]: 'ok', [c]: 'ok', 'node-d': `${no} (missing required label)` },
    ],
    [
      'a zone that the node selector leaves out does not count',
      { labels, spec: { ...spread({}), nodeSelector: { [zone]: 'z1' } } },
      zoned,
      { [a]: 'ok', [b]: 'ok', [c]: 'ok' },
    ],
    [
      'unless told to ignore that',
      { labels, spec: { ...spread({ nodeAffinityPolicy: 'Ignore' }), nodeSelector: { [zone]: 'z1' } } },
      zoned,
      { [a]: no, [b]: 'ok', [c]: 'ok' },
    ],
    [
      'only pods of the same version',
      { labels: { ...labels, hash: '2' }, spec: spread({ matchLabelKeys: ['hash'] }) },
      zoned,
      { [a]: 'ok', [b]: 'ok', [c]: 'ok' },
    ],
  ];
  for (const [what, row, nodes, expected] of cases) {
    assert.deepEqual(filterAll(podTopologySpread, podInfo(row), snapshotOf(nodes, existing)), expected, what);
  }
});

test('PodTopologySpread scores the emptier domain higher, for owned pods without being told to', () => {
  const existing: PodRow[] = [
    { name: 'one', node: a, labels },
    { name: 'two', node: a, labels },
    { name: 'three', node: b, labels },
  ];
  const soft = scoreAll(
    podTopologySpread,
    podInfo({ labels, spec: spread({ whenUnsatisfiable: 'ScheduleAnyway' }) }),
    snapshotOf(zoned, existing),
  );
  assert.ok(soft && (soft[b] ?? 0) > (soft[a] ?? 0) && soft[b] === soft[c], JSON.stringify(soft));
  const owned = createPodTopologySpread({ ownersSelector: () => selectorFromMap(labels) });
  const byDefault = scoreAll(owned, podInfo({ labels }), snapshotOf(zoned, existing));
  assert.ok(byDefault && (byDefault[c] ?? 0) > (byDefault[b] ?? 0) && (byDefault[b] ?? 0) > (byDefault[a] ?? 0), JSON.stringify(byDefault));
  assert.equal(scoreAll(podTopologySpread, podInfo({ labels }), snapshotOf(zoned, existing)), undefined, 'owned by nobody');
});

const term = (selector: Record<string, string>, more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey: zone,
  labelSelector: { matchLabels: selector },
  ...more,
});
const near = (...terms: PodAffinityTerm[]): Partial<PodSpec> => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const apart = (...terms: PodAffinityTerm[]): Partial<PodSpec> => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});

test('InterPodAffinity: near, apart, and the other way round', () => {
  const plugin = createInterPodAffinity(() => undefined);
  const affinity = "node(s) didn't match pod affinity rules";
  const anti = "node(s) didn't match pod anti-affinity rules";
  const repelled = "node(s) didn't satisfy existing pods anti-affinity rules";
  const db = { app: 'db' };
  const cases: [string, PodRow, PodRow[], [string, string, string]][] = [
    ['near what is in zone 1', { spec: near(term(db)) }, [{ name: 'db', node: a, labels: db }], ['ok', affinity, affinity]],
    ['near what is nowhere', { spec: near(term(db)) }, [], [affinity, affinity, affinity]],
    ['the first of a group', { labels: db, spec: near(term(db)) }, [], ['ok', 'ok', 'ok']],
    ['the second of a group', { labels: db, spec: near(term(db)) }, [{ name: 'db', node: b, labels: db }], [affinity, 'ok', 'ok']],
    ['apart from what is in zone 2', { spec: apart(term(db)) }, [{ name: 'db', node: b, labels: db }], ['ok', anti, anti]],
    [
      'apart on nodes',
      { spec: apart(term(db, { topologyKey: 'kubernetes.io/hostname' })) },
      [{ name: 'db', node: b, labels: db }],
      ['ok', anti, 'ok'],
    ],
    ['an existing pod keeps others away', { labels: db }, [{ name: 'lonely', node: b, spec: apart(term(db)) }], ['ok', repelled, repelled]],
    ['but not those it does not mean', { labels }, [{ name: 'lonely', node: b, spec: apart(term(db)) }], ['ok', 'ok', 'ok']],
    [
      'pods of other namespaces do not count',
      { spec: apart(term(db)) },
      [{ name: 'db', namespace: 'x', node: b, labels: db }],
      ['ok', 'ok', 'ok'],
    ],
    [
      'unless named',
      { spec: apart(term(db, { namespaces: ['x'] })) },
      [{ name: 'db', namespace: 'x', node: b, labels: db }],
      ['ok', anti, anti],
    ],
    [
      'or selected by their labels',
      { spec: apart(term(db, { namespaceSelector: { matchLabels: { team: 't' } } })) },
      [{ name: 'db', namespace: 'x', node: b, labels: db }],
      ['ok', anti, anti],
    ],
    ['both terms must hold', { spec: near(term(db), term(labels)) }, [{ name: 'db', node: a, labels: db }], [affinity, affinity, affinity]],
  ];
  for (const [what, row, existing, expected] of cases) {
    // A row's affinity is in `spec`, its node too: both are kept.
    const result = filterAll(plugin, podInfo(row), snapshotOf(zoned, existing, { x: { team: 't' } }));
    assert.deepEqual(Object.values(result), expected, what);
  }
});

test('InterPodAffinity scores preferences of both sides', () => {
  const plugin = createInterPodAffinity(() => undefined);
  const db = { app: 'db' };
  const preferring = podInfo({
    spec: { affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm: term(db) }] } } },
  });
  assert.deepEqual(scoreAll(plugin, preferring, snapshotOf(zoned, [{ name: 'db', node: a, labels: db }])), { [a]: 100, [b]: 0, [c]: 0 });
  const shy: PodRow = {
    name: 'shy',
    node: b,
    spec: {
      affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 5, podAffinityTerm: term(labels) }] } },
    },
  };
  assert.deepEqual(scoreAll(plugin, podInfo({ labels }), snapshotOf(zoned, [shy])), { [a]: 100, [b]: 0, [c]: 0 });
  assert.equal(scoreAll(plugin, podInfo({ labels }), snapshotOf(zoned)), undefined);
});

/** Does the plugin think that this event may help the pod it has rejected? */
function wakes(plugin: Plugin, pod: PodRow, event: ClusterEvent): boolean {
  const registrations = (plugin.events ?? []).filter(({ kinds }) => kinds.includes(event.kind));
  return registrations.some(({ hint }) => hint?.(podInfo(pod), event) ?? true);
}
const podEvent = (kind: EventKind, before: PodRow | undefined, after: PodRow | undefined): ClusterEvent => ({
  kind,
  ...(before ? { before: podInfo(before) } : {}),
  ...(after ? { after: podInfo(after) } : {}),
});

test('hints: what wakes a rejected pod, and what lets it sleep', () => {
  const affinity = createInterPodAffinity(() => undefined);
  const db = { app: 'db' };
  const hard = spread({});
  const nodeEvent = (kind: EventKind, after: NodeRow, before?: NodeRow): ClusterEvent => ({
    kind,
    after: nodeOf(after),
    ...(before ? { before: nodeOf(before) } : {}),
  });
  const taints: Taint[] = [{ key: 't', effect: 'NoSchedule' }];
  const cases: [string, Plugin, PodRow, ClusterEvent, boolean][] = [
    ['a port is freed', nodePorts, { hostPort: 80 }, podEvent('AssignedPodDelete', { hostPort: 80 }, undefined), true],
    ['another port is freed', nodePorts, { hostPort: 80 }, podEvent('AssignedPodDelete', { hostPort: 81 }, undefined), false],
    ['a pod shrinks', nodeResourcesFit, { cpu: '1' }, podEvent('AssignedPodScaleDown', { cpu: '2' }, { cpu: '1' }), true],
    [
      'a pod shrinks in what is not needed',
      nodeResourcesFit,
      { memory: '1Gi' },
      podEvent('AssignedPodScaleDown', { cpu: '2' }, { cpu: '1' }),
      false,
    ],
    ['a node is large enough', nodeResourcesFit, { cpu: '2' }, nodeEvent('NodeAdd', { cpu: '2' }), true],
    ['a node is too small', nodeResourcesFit, { cpu: '2' }, nodeEvent('NodeAdd', { cpu: '1' }), false],
    ['a node is uncordoned', nodeUnschedulable, {}, nodeEvent('NodeUpdateTaint', {}, { spec: { unschedulable: true } }), true],
    ['a node is still cordoned', nodeUnschedulable, {}, nodeEvent('NodeUpdateTaint', { spec: { unschedulable: true } }), false],
    ['a taint is gone', taintToleration, {}, nodeEvent('NodeUpdateTaint', {}, { spec: { taints } }), true],
    ['a taint is still there', taintToleration, {}, nodeEvent('NodeUpdateTaint', { spec: { taints } }), false],
    ['a counted pod goes', podTopologySpread, { labels, spec: hard }, podEvent('AssignedPodDelete', { labels }, undefined), true],
    ['a counted pod comes', podTopologySpread, { labels, spec: hard }, podEvent('AssignedPodAdd', undefined, { labels }), true],
    [
      'a pod comes that does not count',
      podTopologySpread,
      { labels, spec: hard },
      podEvent('AssignedPodAdd', undefined, { labels: db }),
      false,
    ],
    ['a pod to be near to comes', affinity, { spec: near(term(db)) }, podEvent('AssignedPodAdd', undefined, { labels: db }), true],
    [
      'the last of a group goes',
      affinity,
      { labels: db, spec: near(term(db)) },
      podEvent('AssignedPodDelete', { labels: db }, undefined),
      true,
    ],
    ['a stranger comes', affinity, { spec: near(term(db)) }, podEvent('AssignedPodAdd', undefined, { labels }), false],
    ['an avoided pod goes', affinity, { spec: apart(term(db)) }, podEvent('AssignedPodDelete', { labels: db }, undefined), true],
    [
      'a pod that keeps others away goes',
      affinity,
      { labels: db },
      podEvent('AssignedPodDelete', { spec: apart(term(db)) }, undefined),
      true,
    ],
    ['an avoided pod comes', affinity, { spec: apart(term(db)) }, podEvent('AssignedPodAdd', undefined, { labels: db }), false],
  ];
  for (const [what, plugin, pod, event, expected] of cases) assert.equal(wakes(plugin, pod, event), expected, what);
});
