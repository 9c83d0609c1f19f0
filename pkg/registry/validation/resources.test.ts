import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, checkTable, type Draft, having, updateRefusals } from '../testing/validation-table.ts';

const quota = (spec: object): Draft => ({ apiVersion: 'v1', kind: 'ResourceQuota', spec });
const limits = (...items: readonly object[]): Draft => ({ apiVersion: 'v1', kind: 'LimitRange', spec: { limits: items } });
const claim: Draft = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};
const volume: Draft = {
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/data' } },
};
const storage = (kind: string, rest: object): Draft => ({ apiVersion: 'storage.k8s.io/v1', kind, ...rest });
const storageClass = storage('StorageClass', { provisioner: 'acme.io/disk' });
const driver = storage('CSIDriver', { spec: {} });
const csiNode = storage('CSINode', { spec: { drivers: [{ name: 'csi.acme.io', nodeID: 'n', topologyKeys: ['acme.io/zone'] }] } });
const attachment = storage('VolumeAttachment', { spec: { attacher: 'csi.acme.io', nodeName: 'n', source: { persistentVolumeName: 'v' } } });
const attributes = storage('VolumeAttributesClass', { driverName: 'csi.acme.io', parameters: { iops: '10' } });
const zone = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }] };

const amounts: readonly Case[] = [
  [
    'a quota',
    quota({
      hard: { pods: '1', 'requests.cpu': '1', 'count/jobs.batch': '2', 'gold.storageclass.storage.k8s.io/requests.storage': '1Gi' },
    }),
    [],
  ],
  [
    'a quota of a class of pods',
    quota({ hard: { pods: '1' }, scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } }),
    [],
  ],
  [
    'a quota of luck',
    quota({ hard: { luck: '1' } }),
    [
      'spec.hard[luck]: Invalid value: "luck": must be a standard resource type or fully qualified',
      'spec.hard[luck]: Invalid value: "luck": must be a standard resource for quota',
    ],
  ],
  ['half a pod', quota({ hard: { pods: '500m' } }), ['spec.hard[pods]: Invalid value: "500m": must be an integer']],
  ['less than nothing', quota({ hard: { cpu: '-1' } }), ['spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0']],
  ['a scope of nothing', quota({ hard: { pods: '1' }, scopes: ['Dreams'] }), ['spec.scopes: Invalid value: ["Dreams"]: unsupported scope']],
  [
    'scopes against each other',
    quota({ hard: { pods: '1' }, scopes: ['BestEffort', 'NotBestEffort'] }),
    ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes'],
  ],
  [
    'cpu of those that ask for none',
    quota({ hard: { cpu: '1' }, scopes: ['BestEffort'] }),
    ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
  ],
  [
    'limits',
    limits(
      { type: 'Container', min: { cpu: '1' }, default: { cpu: '2' }, max: { cpu: '3' } },
      { type: 'PersistentVolumeClaim', max: { storage: '1Gi' } },
    ),
    [],
  ],
  [
    'limits the wrong way',
    limits({ type: 'Container', min: { cpu: '2' }, max: { cpu: '1' }, default: { cpu: '2' }, defaultRequest: { cpu: '2' } }),
    [
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
      'spec.limits[0].defaultRequest[cpu]: Invalid value: "2": default request value 2 is greater than max value 1',
      'spec.limits[0].default[cpu]: Invalid value: "1": default value 2 is greater than max value 1',
    ],
  ],
  [
    'defaults for pods',
    limits({ type: 'Pod', default: { cpu: '1' } }),
    ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
  ],
  ['limits twice', limits({ type: 'Pod' }, { type: 'Pod' }), ['spec.limits[1].type: Duplicate value: "Pod"']],
  [
    'claims without bounds',
    limits({ type: 'PersistentVolumeClaim' }),
    ['spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided'],
  ],
  [
    'a ratio below one',
    limits({ type: 'Container', maxLimitRequestRatio: { cpu: '500m' } }),
    ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1'],
  ],
];

const volumes: readonly Case[] = [
  ['a claim', claim, []],
  [
    'a claim on a snapshot',
    having(claim, { 'spec.dataSource': { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' } }),
    [],
  ],
  [
    'a claim of nothing',
    having(claim, { spec: {} }),
    ['spec.accessModes: Required value: at least 1 access mode is required', 'spec.resources[storage]: Required value'],
  ],
  [
    'a claim on a pod',
    having(claim, { 'spec.dataSourceRef': { kind: 'Pod', name: 'p' } }),
    [
      'spec.dataSource: Invalid value: "Pod": must be \'PersistentVolumeClaim\' when referencing the default apiGroup',
      'spec.dataSourceRef: Invalid value: "Pod": must be \'PersistentVolumeClaim\' when referencing the default apiGroup',
    ],
  ],
  ['a volume', volume, []],
  [
    'a local volume',
    having(volume, { 'spec.hostPath': undefined, 'spec.local': { path: '/d' }, 'spec.nodeAffinity': { required: zone } }),
    [],
  ],
  [
    'a local volume anywhere',
    having(volume, { 'spec.hostPath': undefined, 'spec.local': { path: '/d' } }),
    ['spec.nodeAffinity: Required value: Local volume requires node affinity'],
  ],
  [
    'a volume of a driver',
    having(volume, {
      'spec.hostPath': undefined,
      'spec.csi': { driver: 'csi.acme.io', volumeHandle: 'v', nodePublishSecretRef: { name: 's' } },
    }),
    ['spec.csi.nodePublishSecretRef.namespace: Required value'],
  ],
  ['a volume nowhere', having(volume, { 'spec.hostPath': undefined }), ['spec: Required value: must specify a volume type']],
  [
    'a volume in two places',
    having(volume, { 'spec.nfs': { server: 's', path: '/' } }),
    ['spec.nfs: Forbidden: may not specify more than 1 volume type'],
  ],
  [
    'the whole machine, to be emptied',
    having(volume, { 'spec.hostPath': { path: '/' }, 'spec.persistentVolumeReclaimPolicy': 'Recycle' }),
    ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
  ],
  ['a class', storageClass, []],
  ['a class of nobody', having(storageClass, { provisioner: '' }), ['provisioner: Required value']],
  [
    'a class that keeps nothing',
    having(storageClass, { reclaimPolicy: 'Recycle' }),
    ['reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"'],
  ],
  [
    'a class that binds at will',
    having(storageClass, { volumeBindingMode: 'Later' }),
    ['volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"'],
  ],
  ['a driver', driver, []],
  [
    'a driver that asks for an instant',
    having(driver, { 'spec.tokenRequests': [{ audience: 'a', expirationSeconds: 1 }, { audience: 'a' }] }),
    [
      'spec.tokenRequests[0].expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes',
      'spec.tokenRequests[1].audience: Duplicate value: "a"',
    ],
  ],
  ['a driver on a node', csiNode, []],
  [
    'a driver twice on a node',
    having(csiNode, {
      'spec.drivers': [
        { name: 'a', nodeID: '' },
        { name: 'a', nodeID: 'n' },
      ],
    }),
    ['spec.drivers[0].nodeID: Required value', 'spec.drivers[1].name: Duplicate value: "a"'],
  ],
  ['an attachment', attachment, []],
  [
    'an attachment of nothing',
    having(attachment, { 'spec.source': {} }),
    ['spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName'],
  ],
  ['attributes', attributes, []],
  [
    'attributes that are none',
    having(attributes, { parameters: undefined }),
    ['parameters: Required value: must contain at least one key/value pair'],
  ],
  ['a capacity', storage('CSIStorageCapacity', { storageClassName: 'fast', capacity: '1Gi' }), []],
  [
    'a capacity of no class',
    storage('CSIStorageCapacity', { storageClassName: 'Fast', capacity: '-1' }),
    [
      "storageClassName: Invalid value: \"Fast\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      'capacity: Invalid value: "-1": must be greater than or equal to 0',
    ],
  ],
];

const others: readonly Case[] = [
  ['a lease', { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec: { leaseDurationSeconds: 15 } }, []],
  [
    'a lease of no time',
    { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } },
    [
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
      'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0',
    ],
  ],
  [
    'a candidate',
    {
      apiVersion: 'coordination.k8s.io/v1beta1',
      kind: 'LeaseCandidate',
      spec: { leaseName: 'l', binaryVersion: '1.36.0', strategy: 'acme.io/None' },
    },
    [],
  ],
  [
    'a candidate of no version',
    {
      apiVersion: 'coordination.k8s.io/v1beta1',
      kind: 'LeaseCandidate',
      spec: { leaseName: 'l', binaryVersion: 'new', strategy: 'OldestEmulationVersion' },
    },
    [
      'spec.binaryVersion: Invalid value: "new": must be a valid semantic version',
      "spec.emulationVersion: Required value: must be specified when `strategy` is 'OldestEmulationVersion'",
    ],
  ],
  ['an event', { apiVersion: 'v1', kind: 'Event', involvedObject: { namespace: 'default' } }, []],
  [
    'an event of a cluster',
    { apiVersion: 'v1', kind: 'Event', metadata: { name: 'Node:A.1' }, involvedObject: { kind: 'Node', name: 'a' } },
    [],
  ],
  [
    'an event elsewhere',
    { apiVersion: 'v1', kind: 'Event', involvedObject: { namespace: 'other' } },
    ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
  ],
  [
    'an event in detail, without any',
    { apiVersion: 'v1', kind: 'Event', involvedObject: { namespace: 'default' }, eventTime: '2026-01-01T00:00:00.000000Z' },
    [
      'reportingController: Required value',
      'reportingController: Invalid value: "": name part must be non-empty',
      `reportingController: Invalid value: "": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
      'reportingInstance: Required value',
      'action: Required value',
      'reason: Required value',
    ],
  ],
  ['a runtime', { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', handler: 'fast', overhead: { podFixed: { cpu: '10m' } } }, []],
  [
    'a runtime that is no name',
    { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', handler: 'a.b', overhead: { podFixed: { luck: '1' } } },
    [
      'handler: Invalid value: "a.b": must not contain dots',
      'overhead.limits[luck]: Invalid value: "luck": must be a standard resource type or fully qualified',
      'overhead.limits[luck]: Invalid value: "luck": must be a standard resource for containers',
    ],
  ],
];

test('quotas and limits are refused as Kubernetes refuses them', () => checkTable(amounts));
test('volumes, claims and what provides them are refused as Kubernetes refuses them', () => checkTable(volumes));
test('leases, events and runtimes are refused as Kubernetes refuses them', () => checkTable(others));

test('what has been promised about storage stays', () => {
  const changed = (draft: Draft, changes: Record<string, unknown>, subresource = ''): string[] =>
    updateRefusals(draft, having(draft, changes), subresource);
  assert.deepEqual(changed(quota({ hard: { pods: '1' } }), { 'spec.scopes': ['Terminating'] }), [
    'spec.scopes: Invalid value: ["Terminating"]: field is immutable',
  ]);
  assert.deepEqual(changed(storageClass, { provisioner: 'other' }), ['provisioner: Forbidden: updates to provisioner are forbidden.']);
  assert.deepEqual(changed(attributes, { parameters: { iops: '20' } }), ['parameters: Forbidden: updates to parameters are forbidden.']);
  assert.deepEqual(changed(driver, { 'spec.attachRequired': false }), ['spec.attachRequired: Invalid value: false: field is immutable']);
  assert.deepEqual(changed(driver, { 'spec.podInfoOnMount': true }), []);
  assert.match(changed(attachment, { 'spec.nodeName': 'm' })[0] ?? '', /^spec: Invalid value: .*: field is immutable$/);
  assert.match(
    changed(csiNode, { 'spec.drivers': [{ name: 'csi.acme.io', nodeID: 'm' }] })[0] ?? '',
    /^spec\.drivers: Invalid value: .*: field is immutable$/,
  );
  assert.deepEqual(changed(volume, { 'spec.volumeMode': 'Block' }), ['volumeMode: Invalid value: "Block": field is immutable']);
  assert.deepEqual(changed(volume, { 'spec.hostPath': { path: '/other' } }), [
    'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation',
  ]);
});

test('a bound claim may ask for more, but not give back what it has', () => {
  const bound = having(claim, { 'spec.volumeName': 'v', status: { phase: 'Bound', capacity: { storage: '1Gi' } } });
  const asking = (size: string): string[] => updateRefusals(bound, having(bound, { 'spec.resources': { requests: { storage: size } } }));
  assert.deepEqual(asking('2Gi'), []);
  assert.deepEqual(asking('512Mi'), ['spec.resources.requests.storage: Forbidden: field can not be less than status.capacity']);
  assert.match(updateRefusals(bound, having(bound, { 'spec.volumeName': 'w' }))[0] ?? '', /^spec: Forbidden: spec is immutable/);
});
