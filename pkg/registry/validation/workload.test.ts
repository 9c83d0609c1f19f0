import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, checkTable, type Draft, having, updateRefusals } from '../testing/validation-table.ts';

const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'main', image: 'i' }] } };
const workload = (kind: string, spec: object = {}): Draft => ({
  apiVersion: 'apps/v1',
  kind,
  spec: { selector: { matchLabels: { a: 'b' } }, template, ...spec },
});
const [deployment, daemonSet, statefulSet, replicaSet] = ['Deployment', 'DaemonSet', 'StatefulSet', 'ReplicaSet'].map((kind) =>
  workload(kind),
) as [Draft, Draft, Draft, Draft];
const controller: Draft = { apiVersion: 'v1', kind: 'ReplicationController', spec: { template } };
const revision: Draft = { apiVersion: 'apps/v1', kind: 'ControllerRevision', revision: 1, data: { spec: {} } };

const table: readonly Case[] = [
  ['a deployment', deployment, []],
  ['a daemon set', daemonSet, []],
  ['a stateful set', statefulSet, []],
  ['a replica set', replicaSet, []],
  ['a controller of old', controller, []],
  ['a revision', revision, []],
  [
    'pods with an end',
    having(replicaSet, { 'spec.template.spec.activeDeadlineSeconds': 10 }),
    ['spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported'],
  ],
  [
    'a daemon set that surges and gives way',
    having(daemonSet, { 'spec.updateStrategy': { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } }),
    ['spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero'],
  ],
  [
    'a daemon set that cannot move',
    having(daemonSet, { 'spec.updateStrategy': { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }),
    ['spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0'],
  ],
  [
    'a daemon set of no strategy',
    having(daemonSet, { 'spec.updateStrategy': { type: 'Never' } }),
    ['spec.updateStrategy: Unsupported value: {"Type":"Never","RollingUpdate":null}: supported values: "RollingUpdate", "OnDelete"'],
  ],
  [
    'a stateful set that forgets how it was',
    having(statefulSet, { 'spec.podManagementPolicy': 'Random' }),
    ["spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'"],
  ],
  [
    'a partition of what is not rolled',
    having(statefulSet, { 'spec.updateStrategy': { type: 'OnDelete', rollingUpdate: { partition: 1 } } }),
    [
      'spec.updateStrategy.rollingUpdate: Invalid value: {"Partition":1,"MaxUnavailable":null}: only allowed for updateStrategy \'RollingUpdate\'',
    ],
  ],
  [
    'a number unavailable, which falls, and a negative part',
    having(statefulSet, { 'spec.updateStrategy': { rollingUpdate: { maxUnavailable: 0, partition: -1 } } }),
    ['spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0'],
  ],
  [
    'claims that are burnt',
    having(statefulSet, { 'spec.persistentVolumeClaimRetentionPolicy': { whenDeleted: 'Burn' } }),
    ['spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "Burn": supported values: "Retain", "Delete"'],
  ],
  [
    'a stateful set whose pods could have no names',
    having(statefulSet, { metadata: { name: 'a.b' } }),
    ['metadata.name: Invalid value: "a.b": must not contain dots'],
  ],
  ['a revision below zero', having(revision, { revision: -1 }), ['revision: Invalid value: -1: must be greater than or equal to 0']],
  ['a revision of nothing', having(revision, { data: undefined }), ['data: Required value: data is mandatory']],
];

test('workloads are refused as Kubernetes refuses them', () => checkTable(table));

test('what a workload selects, and what a revision holds, stays', () => {
  const other = { 'spec.selector': { matchLabels: { c: 'd' } }, 'spec.template.metadata.labels': { a: 'b', c: 'd' } };
  for (const one of [deployment, daemonSet, replicaSet]) {
    assert.deepEqual(updateRefusals(one, having(one, other)), [
      'spec.selector: Invalid value: {"matchLabels":{"c":"d"}}: field is immutable',
    ]);
  }
  assert.match(
    updateRefusals(statefulSet, having(statefulSet, other))[0] ?? '',
    /^spec: Forbidden: updates to statefulset spec for fields other/,
  );
  assert.deepEqual(updateRefusals(revision, having(revision, { data: { spec: { a: 1 } } })), [
    'data: Invalid value: {"spec":{"a":1}}: field is immutable',
  ]);
  assert.deepEqual(updateRefusals(revision, having(revision, { revision: 2 })), []);
});

test('no status counts below zero, or more pods available than ready', () => {
  const counted = having(deployment, { status: { replicas: 1, readyReplicas: 1, availableReplicas: 2, updatedReplicas: 2 } });
  assert.deepEqual(updateRefusals(deployment, counted, 'status'), [
    'status.updatedReplicas: Invalid value: 2: cannot be greater than status.replicas',
    'status.availableReplicas: Invalid value: 2: cannot be greater than status.replicas',
    'status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas',
  ]);
  assert.deepEqual(updateRefusals(statefulSet, having(statefulSet, { status: { replicas: 0, readyReplicas: -1 } }), 'status'), [
    'status.readyReplicas: Invalid value: -1: must be greater than or equal to 0',
    'status.availableReplicas: Invalid value: 0: cannot be greater than status.readyReplicas',
  ]);
});
