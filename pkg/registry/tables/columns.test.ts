import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../../api/object.ts';
import { builtinDeclarations } from '../declarations.ts';
import { object, pod } from '../testing/objects.ts';
import { columnsOf } from './columns.ts';
import { humanDuration } from './human-duration.ts';

const now = Date.parse('2026-01-02T00:00:00Z');
const before = (seconds: number): string => `${new Date(now - seconds * 1000).toISOString().slice(0, 19)}Z`;

function row(definition: string, made: KubeObject, wide = false): string {
  const columns = columnsOf(`io.k8s.api.${definition}`).filter((column) => wide || column.priority === 0);
  return columns.map((column) => String(column.cell(made, now))).join(' | ');
}
const header = (definition: string): string =>
  columnsOf(`io.k8s.api.${definition}`)
    .map((column) => (column.priority > 0 ? `(${column.name})` : column.name))
    .join(' ');

test('durations keep two units while the smaller one matters', () => {
  const second = 1000;
  const table: readonly (readonly [number, string])[] = [
    [-2, '<invalid>'],
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [125, '2m5s'],
    [600, '10m'],
    [179 * 60, '179m'],
    [3 * 3600, '3h'],
    [3 * 3600 + 60, '3h1m'],
    [8 * 3600 + 60, '8h'],
    [47 * 3600, '47h'],
    [48 * 3600, '2d'],
    [50 * 3600, '2d2h'],
    [8 * 86_400 + 3600, '8d'],
    [729 * 86_400, '729d'],
    [730 * 86_400, '2y'],
    [735 * 86_400, '2y5d'],
    [9 * 365 * 86_400, '9y'],
  ];
  for (const [seconds, text] of table) assert.equal(humanDuration(seconds * second), text);
});

const running = { running: {} };
const waiting = (reason: string) => ({ waiting: { reason } });
const ended = (exitCode: number, reason?: string) => ({ terminated: { exitCode, ...(reason ? { reason } : {}) } });
const state = (name: string, at: object, ready = false, restartCount = 0, rest: object = {}) => ({
  name,
  state: at,
  ready,
  restartCount,
  ...rest,
});

const pods: readonly (readonly [what: string, spec: object, status: object, metadata: object, row: string])[] = [
  ['one that waits', {}, { phase: 'Pending' }, {}, 'p | 0/1 | Pending | 0 | 5m'],
  ['one that runs', {}, { phase: 'Running', containerStatuses: [state('main', running, true)] }, {}, 'p | 1/1 | Running | 0 | 5m'],
  [
    'one that keeps failing',
    {},
    {
      phase: 'Running',
      containerStatuses: [
        state('main', waiting('CrashLoopBackOff'), false, 3, { lastState: { terminated: { exitCode: 1, finishedAt: before(30) } } }),
      ],
    },
    {},
    'p | 0/1 | CrashLoopBackOff | 3 (30s ago) | 5m',
  ],
  [
    'one that has done its work',
    {},
    { phase: 'Succeeded', containerStatuses: [state('main', ended(0, 'Completed'))] },
    {},
    'p | 0/1 | Completed | 0 | 5m',
  ],
  [
    'one killed by a signal',
    {},
    { phase: 'Failed', containerStatuses: [state('main', { terminated: { exitCode: 137, signal: 9 } })] },
    {},
    'p | 0/1 | Signal:9 | 0 | 5m',
  ],
  ['one that exited', {}, { phase: 'Failed', containerStatuses: [state('main', ended(3))] }, {}, 'p | 0/1 | ExitCode:3 | 0 | 5m'],
  ['one that was evicted', {}, { phase: 'Failed', reason: 'Evicted' }, {}, 'p | 0/1 | Evicted | 0 | 5m'],
  [
    'one that goes',
    {},
    { phase: 'Running', containerStatuses: [state('main', running, true)] },
    { deletionTimestamp: before(0) },
    'p | 1/1 | Terminating | 0 | 5m',
  ],
  ['one on a lost node', {}, { phase: 'Running', reason: 'NodeLost' }, { deletionTimestamp: before(0) }, 'p | 0/1 | Unknown | 0 | 5m'],
  [
    'one that is gated',
    {},
    { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
    {},
    'p | 0/1 | SchedulingGated | 0 | 5m',
  ],
  [
    'one that prepares',
    { initContainers: [{ name: 'a' }, { name: 'b' }] },
    {
      phase: 'Pending',
      initContainerStatuses: [state('a', ended(0, 'Completed')), state('b', running)],
      containerStatuses: [state('main', waiting('PodInitializing'))],
    },
    {},
    'p | 0/1 | Init:1/2 | 0 | 5m',
  ],
  [
    'one whose preparation fails',
    { initContainers: [{ name: 'a' }] },
    { phase: 'Pending', initContainerStatuses: [state('a', ended(1, 'Error'), false, 2)] },
    {},
    'p | 0/1 | Init:Error | 2 | 5m',
  ],
  [
    'one whose preparation is put off',
    { initContainers: [{ name: 'a' }] },
    { phase: 'Pending', initContainerStatuses: [state('a', waiting('CrashLoopBackOff'), false, 2)] },
    {},
    'p | 0/1 | Init:CrashLoopBackOff | 2 | 5m',
  ],
  [
    'one with a sidecar',
    { initContainers: [{ name: 'side', restartPolicy: 'Always' }] },
    {
      phase: 'Running',
      initContainerStatuses: [state('side', running, true, 0, { started: true })],
      containerStatuses: [state('main', running, true)],
    },
    {},
    'p | 2/2 | Running | 0 | 5m',
  ],
  [
    'one of whose containers one has ended',
    { containers: [{ name: 'a' }, { name: 'b' }] },
    {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'False' }],
      containerStatuses: [state('a', ended(0, 'Completed')), state('b', running, true)],
    },
    {},
    'p | 1/2 | NotReady | 0 | 5m',
  ],
];

test('a pod’s row says what its state comes to', () => {
  for (const [what, spec, status, metadata, expected] of pods) {
    const made = { ...pod('p', spec, { creationTimestamp: before(300), ...metadata }), status } as unknown as KubeObject;
    assert.equal(row('core.v1.Pod', made), expected, what);
  }
});

test('columns stand under kubectl’s names, in its order', () => {
  assert.equal(header('core.v1.Pod'), 'Name Ready Status Restarts Age (IP) (Node) (Nominated Node) (Readiness Gates)');
  assert.equal(header('apps.v1.Deployment'), 'Name Ready Up-to-date Available Age (Containers) (Images) (Selector)');
  assert.equal(header('apps.v1.ReplicaSet'), 'Name Desired Current Ready Age (Containers) (Images) (Selector)');
  assert.equal(header('core.v1.Service'), 'Name Type Cluster-IP External-IP Port(s) Age (Selector)');
  assert.equal(
    header('core.v1.Node'),
    'Name Status Roles Age Version (Internal-IP) (External-IP) (OS-Image) (Kernel-Version) (Container-Runtime)',
  );
  assert.equal(header('core.v1.Event'), 'Last Seen Type Reason Object (Subobject) (Source) Message (First Seen) (Count) (Name)');
  assert.equal(header('batch.v1.Job'), 'Name Status Completions Duration Age (Containers) (Images) (Selector)');
  assert.equal(header('rbac.v1.ClusterRole'), 'Name Created At');
  assert.equal(header('core.v1.ServiceAccount'), 'Name Age');
  assert.equal(header('scheduling.v1alpha2.PodGroup'), 'Name Policy Workload Status Age');
  assert.equal(header('resource.v1beta2.DeviceTaintRule'), 'Name Key Value Effect TimeAdded Age');
  assert.equal(header('certificates.v1beta1.ClusterTrustBundle'), 'Name SignerName');
  const numbers = columnsOf('io.k8s.api.apps.v1.Deployment').filter(({ name }) => name === 'Available' || name === 'Up-to-date');
  assert.deepEqual(
    numbers.map(({ type, cell }) => [type, cell(object('apps/v1', 'Deployment', 'd', {}), 0)]),
    [
      ['string', 0],
      ['string', 0],
    ],
    'numbers under a type of strings',
  );
});

test('rows of other kinds', () => {
  const meta = { creationTimestamp: before(3600 * 5) };
  const service = object(
    'v1',
    'Service',
    's',
    { spec: { type: 'NodePort', clusterIPs: ['10.0.0.7'], ports: [{ port: 80, nodePort: 30080, protocol: 'TCP' }] } },
    meta,
  );
  assert.equal(row('core.v1.Service', service), 's | NodePort | 10.0.0.7 | <none> | 80:30080/TCP | 5h');
  const node = object(
    'v1',
    'Node',
    'n',
    {
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        nodeInfo: { kubeletVersion: 'v1.36.0+gokube' },
        addresses: [{ type: 'InternalIP', address: '10.1.0.2' }],
      },
    },
    { ...meta, labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' } },
  );
  assert.equal(row('core.v1.Node', node), 'n | Ready,SchedulingDisabled | control-plane,worker | 5h | v1.36.0+gokube');
  assert.match(row('core.v1.Node', node, true), /\| 10\.1\.0\.2 \| <none> \| <unknown> \| <unknown> \| <unknown>$/);
  const subsets = [{ addresses: ['1', '2', '3', '4'].map((n) => ({ ip: `10.0.0.${n}` })), ports: [{ port: 80 }] }];
  assert.equal(
    row('core.v1.Endpoints', object('v1', 'Endpoints', 'e', { subsets }, meta)),
    'e | 10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more... | 5h',
  );
  const selector = {
    matchLabels: { c: 'd', a: 'b' },
    matchExpressions: [
      { key: 'b', operator: 'In', values: ['z', 'y'] },
      { key: 'e', operator: 'DoesNotExist' },
    ],
  };
  assert.equal(
    row('networking.v1.NetworkPolicy', object('v1', 'NetworkPolicy', 'n', { spec: { podSelector: selector } }, meta)),
    'n | a=b,b in (y,z),c=d,!e | 5h',
  );
  const rules = ['a.x', '', 'b.x', 'c.x', ''].map((host) => ({ host }));
  const annotated = { ...meta, annotations: { 'kubernetes.io/ingress.class': 'old' } };
  assert.equal(
    row('networking.v1.Ingress', object('v1', 'Ingress', 'i', { spec: { rules } }, annotated)),
    'i | <none> | a.x,b.x,c.x + 2 more... |  | 80 | 5h',
  );
  const modes = { accessModes: ['ReadWriteMany', 'ReadWriteOnce'], capacity: { storage: '1Gi' } };
  assert.match(row('core.v1.PersistentVolume', object('v1', 'PersistentVolume', 'v', { spec: modes }, meta)), /^v \| 1Gi \| RWO,RWX \|/);
  const group = { spec: { schedulingPolicy: { gang: {} } }, status: { conditions: [{ type: 'PodGroupScheduled', status: 'False' }] } };
  assert.equal(row('scheduling.v1alpha2.PodGroup', object('v1', 'PodGroup', 'g', group, meta)), 'g | Gang | <none> | Unschedulable | 5h');
  const event = object('v1', 'Event', 'e', {
    involvedObject: { kind: 'Pod', name: 'p' },
    type: 'Normal',
    reason: 'Started',
    message: 'Started container main',
    lastTimestamp: before(10),
    firstTimestamp: before(70),
    count: 2,
    source: { component: 'kubelet', host: 'n' },
  });
  assert.equal(row('core.v1.Event', event, true), '10s | Normal | Started | pod/p |  | kubelet, n | Started container main | 70s | 2 | e');
});

test('an object without anything but its kind has a row too: a bookmark is one', () => {
  for (const declaration of builtinDeclarations(columnsOf)) {
    const { group, version, kind } = declaration;
    const object = { apiVersion: group === '' ? version : `${group}/${version}`, kind, metadata: {} } as KubeObject;
    for (const column of declaration.columns) assert.doesNotThrow(() => column.cell(object, 0), `${kind} ${column.name}`);
  }
});
