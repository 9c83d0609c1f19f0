import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Draft, updateRefusals } from '../testing/validation-table.ts';

const time = '2026-01-01T00:00:00Z';
const ready = { type: 'Ready', status: 'True', reason: 'Because', lastTransitionTime: time };
const said = (draft: Draft, status: object, before?: object): string[] =>
  updateRefusals(before ? { ...draft, status: before } : draft, { ...draft, status }, 'status');

const rule: Draft = { apiVersion: 'resource.k8s.io/v1beta2', kind: 'DeviceTaintRule', spec: { taint: { key: 'a', effect: 'NoExecute' } } };
const migration: Draft = {
  apiVersion: 'storagemigration.k8s.io/v1beta1',
  kind: 'StorageVersionMigration',
  spec: { resource: { group: 'apps', resource: 'deployments' } },
};
const pools: Draft = { apiVersion: 'resource.k8s.io/v1alpha3', kind: 'ResourcePoolStatusRequest', spec: { driver: 'gpu.acme.io' } };
const policy: Draft = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  spec: { validations: [{ expression: 'true' }] },
};

test('conditions say what they are of, whether, since when and why, and each once', () => {
  assert.deepEqual(said(rule, { conditions: [ready] }), []);
  assert.deepEqual(said(rule, { conditions: [ready, ready] }), ['status.conditions[1].type: Duplicate value: "Ready"']);
  assert.deepEqual(said(rule, { conditions: [{ type: 'Ready', observedGeneration: -1 }] }), [
    'status.conditions[0].status: Unsupported value: "": supported values: "False", "True", "Unknown"',
    'status.conditions[0].observedGeneration: Invalid value: -1: must be greater than or equal to zero',
    'status.conditions[0].lastTransitionTime: Required value',
    'status.conditions[0].reason: Required value',
  ]);
});

test('a migration does not go back', () => {
  const done = { ...ready, type: 'Succeeded' };
  assert.deepEqual(said(migration, { resourceVersion: '5', conditions: [done] }), []);
  assert.deepEqual(
    said(migration, { resourceVersion: '6', conditions: [{ ...done, status: 'False' }] }, { resourceVersion: '5', conditions: [done] }),
    [
      'status.resourceVersion: Invalid value: "6": field is immutable',
      `status.conditions: Invalid value: [{"type":"Succeeded","status":"False","reason":"Because","lastTransitionTime":"${time}","message":""}]: Success condition cannot be set to false once it is true`,
    ],
  );
});

test('what a pool holds is answered once', () => {
  const answer = { poolCount: 1, pools: [{ driver: 'gpu.acme.io', poolName: 'p', generation: 1 }] };
  assert.deepEqual(said(pools, answer), []);
  assert.deepEqual(said(pools, { pools: [{}] }), [
    'status.poolCount: Required value',
    'status.pools[0].driver: Required value',
    'status.pools[0].poolName: Required value',
    'status.pools[0].generation: Required value',
  ]);
  assert.match(said(pools, { poolCount: 2 }, answer)[0] ?? '', /^status: Invalid value: .*: field is immutable$/);
});

test('what is warned of in a policy says where', () => {
  assert.deepEqual(said(policy, { typeChecking: { expressionWarnings: [{ warning: 'w' }] } }), [
    'status.typeChecking.expressionWarnings[0].fieldRef: Required value',
  ]);
});

test('servers that store in one version say so together', () => {
  const stored: Draft = {
    apiVersion: 'internal.apiserver.k8s.io/v1alpha1',
    kind: 'StorageVersion',
    metadata: { name: 'apps.deployments' },
    spec: {},
  };
  const server = { apiServerID: 'a', encodingVersion: 'v1', decodableVersions: ['v1'] };
  assert.deepEqual(said(stored, { storageVersions: [server], commonEncodingVersion: 'v1' }), []);
  assert.deepEqual(said(stored, { storageVersions: [server, { ...server, servedVersions: ['v2'] }] }), [
    'status.storageVersions[1].apiServerID: Duplicate value: "a"',
    'status.storageVersions[1].servedVersions[0]: Invalid value: "v2": individual served version : v2 must be included in decodableVersions : [v1]',
    'status.commonEncodingVersion: Invalid value: null: the common encoding version is v1',
  ]);
});
