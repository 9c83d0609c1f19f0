import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, checkTable, type Draft, having, updateRefusals } from '../testing/validation-table.ts';

const group = 'resource.k8s.io/v1';
const claim: Draft = {
  apiVersion: group,
  kind: 'ResourceClaim',
  spec: { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.acme.io' } }] } },
};
const requesting = (...requests: readonly object[]): Draft => having(claim, { 'spec.devices': { requests } });
const exactly = (fields: object): Draft => requesting({ name: 'gpu', exactly: { deviceClassName: 'gpu.acme.io', ...fields } });
const slice: Draft = {
  apiVersion: group,
  kind: 'ResourceSlice',
  spec: {
    driver: 'gpu.acme.io',
    nodeName: 'n',
    pool: { name: 'n', generation: 0, resourceSliceCount: 1 },
    devices: [
      { name: 'gpu-0', attributes: { model: { string: 'a' }, 'acme.io/cores': { int: 4 } }, capacity: { memory: { value: '1Gi' } } },
    ],
  },
};
const offering = (...devices: readonly object[]): Draft => having(slice, { 'spec.devices': devices });
const sharing = (requestPolicy: object): Draft =>
  offering({ name: 'a', allowMultipleAllocations: true, capacity: { memory: { value: '10Gi', requestPolicy } } });
const classOf: Draft = { apiVersion: group, kind: 'DeviceClass', spec: { selectors: [{ cel: { expression: 'true' } }] } };
const taintRule: Draft = {
  apiVersion: 'resource.k8s.io/v1beta2',
  kind: 'DeviceTaintRule',
  spec: { deviceSelector: { driver: 'gpu.acme.io' }, taint: { key: 'acme.io/broken', effect: 'NoExecute' } },
};
const notARequest = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

const table: readonly Case[] = [
  ['a claim', claim, []],
  [
    'a claim with all there is',
    having(
      requesting({
        name: 'gpu',
        firstAvailable: [
          { name: 'big', deviceClassName: 'a' },
          { name: 'small', deviceClassName: 'b', count: 2 },
        ],
      }),
      {
        'spec.devices.constraints': [{ requests: ['gpu', 'gpu/big'], matchAttribute: 'acme.io/model' }],
        'spec.devices.config': [{ requests: ['gpu'], opaque: { driver: 'gpu.acme.io', parameters: { a: 1 } } }],
      },
    ),
    [],
  ],
  [
    'a claim of the older version',
    {
      apiVersion: 'resource.k8s.io/v1beta1',
      kind: 'ResourceClaim',
      spec: { devices: { requests: [{ name: 'gpu', deviceClassName: 'gpu.acme.io' }] } },
    },
    [],
  ],
  [
    'a request for nothing',
    requesting({ name: 'gpu' }),
    ['spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required'],
  ],
  [
    'a request twice',
    requesting({ name: 'gpu', exactly: { deviceClassName: 'a' } }, { name: 'gpu', exactly: { deviceClassName: 'a' } }),
    ['spec.devices.requests[1]: Duplicate value: "gpu"'],
  ],
  ['a request of no class', exactly({ deviceClassName: '' }), ['spec.devices.requests[0].exactly.deviceClassName: Required value']],
  [
    'all, but three',
    exactly({ allocationMode: 'All', count: 3 }),
    ["spec.devices.requests[0].exactly.count: Invalid value: 3: must not be specified when allocationMode is 'All'"],
  ],
  [
    'some',
    exactly({ allocationMode: 'Some' }),
    ['spec.devices.requests[0].exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"'],
  ],
  ['a selector without an expression', exactly({ selectors: [{}] }), ['spec.devices.requests[0].exactly.selectors[0].cel: Required value']],
  [
    'a toleration of an unknown sort',
    exactly({
      tolerations: [
        { key: 'a', operator: 'Like' },
        { operator: 'Exists', value: 'b' },
      ],
    }),
    [
      'spec.devices.requests[0].exactly.tolerations[0].operator: Unsupported value: "Like": supported values: "Equal", "Exists"',
      'spec.devices.requests[0].exactly.tolerations[1].value: Invalid value: "b": must be empty for operator `Exists`',
    ],
  ],
  [
    'a constraint on another request',
    having(claim, { 'spec.devices.constraints': [{ requests: ['cpu'], matchAttribute: 'model' }] }),
    [
      `spec.devices.constraints[0].requests[0]: Invalid value: "cpu": ${notARequest}`,
      'spec.devices.constraints[0].matchAttribute: Invalid value: "model": a fully qualified name must be a domain and a name separated by a slash',
    ],
  ],
  [
    'configuration that is none',
    having(claim, { 'spec.devices.config': [{ opaque: { driver: 'gpu.acme.io', parameters: 'a' } }] }),
    ['spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object'],
  ],
  ['a slice', slice, []],
  [
    'a slice nowhere',
    having(slice, { 'spec.nodeName': undefined }),
    ['spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'],
  ],
  [
    'a slice in two places',
    having(slice, { 'spec.allNodes': true }),
    [
      'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set',
    ],
  ],
  [
    'a pool of no slices',
    having(slice, { 'spec.pool': { name: 'a/B', generation: -1, resourceSliceCount: 0 } }),
    [
      "spec.pool.name: Invalid value: \"B\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
      'spec.pool.generation: Invalid value: -1: must be greater than or equal to zero',
    ],
  ],
  ['a device twice', offering({ name: 'a' }, { name: 'a' }), ['spec.devices[1]: Duplicate value: "a"']],
  [
    'too many devices',
    offering(...Array.from({ length: 129 }, (_, i) => ({ name: `d${i}` }))),
    ['spec.devices: Too many: 129: must have at most 128 items'],
  ],
  [
    'an attribute of two values, and one of none',
    offering({ name: 'a', attributes: { x: { int: 1, bool: true }, y: {}, z: { version: '1' } } }),
    [
      'spec.devices[0].attributes[x]: Invalid value: {"IntValue":1,"BoolValue":true,"StringValue":null,"VersionValue":null,"IntValues":null,"BoolValues":null,"StringValues":null,"VersionValues":null}: exactly one value must be specified',
      'spec.devices[0].attributes[y]: Invalid value: "": exactly one value must be specified',
      'spec.devices[0].attributes[z].version: Invalid value: "1": must be a string compatible with semver.org spec 2.0.0',
    ],
  ],
  [
    'an attribute whose name is none',
    offering({ name: 'a', attributes: { 'a-b': { int: 1 } } }),
    [
      "spec.devices[0].attributes: Invalid value: \"a-b\": a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')",
    ],
  ],
  [
    'a place of its own',
    offering({ name: 'a', nodeName: 'n' }),
    [
      'spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
    ],
  ],
  ['a policy of sharing', sharing({ default: '2Gi', validRange: { min: '1Gi', max: '8Gi', step: '1Gi' } }), []],
  [
    'a policy beyond what there is',
    sharing({ default: '512Mi', validRange: { min: '1Gi', max: '20Gi' } }),
    [
      'spec.devices[0].capacity[memory].requestPolicy.validRange.min: Invalid value: "512Mi": default is less than min: 1Gi',
      'spec.devices[0].capacity[memory].requestPolicy.validRange.max: Invalid value: "20Gi": max is larger than capacity value: 10Gi',
    ],
  ],
  [
    'a policy without a default',
    sharing({ validValues: ['1Gi'] }),
    ['spec.devices[0].capacity[memory].requestPolicy.default: Required value: required when validValues is defined'],
  ],
  [
    'sharing what is not shared',
    offering({ name: 'a', capacity: { memory: { value: '1Gi', requestPolicy: { default: '1Gi', validValues: ['1Gi'] } } } }),
    ['spec.devices[0].capacity[memory].requestPolicy: Forbidden: allowMultipleAllocations must be true'],
  ],
  [
    'a taint without effect',
    offering({ name: 'a', taints: [{ key: 'acme.io/broken', effect: '' }] }),
    ['spec.devices[0].taints[0].effect: Required value'],
  ],
  [
    'counters',
    having(slice, { 'spec.devices': undefined, 'spec.sharedCounters': [{ name: 'c', counters: { memory: { value: '1Gi' } } }] }),
    [],
  ],
  [
    'counters of nothing',
    having(slice, { 'spec.devices': undefined, 'spec.sharedCounters': [{ name: 'c', counters: {} }] }),
    ['spec.sharedCounters[0].counters: Required value'],
  ],
  [
    'what must fail without anything to wait for',
    offering({ name: 'a', bindingFailureConditions: ['acme.io/failed'] }),
    ['spec.devices[0].bindingConditions: Invalid value: null: bindingConditions are required to use bindingFailureConditions'],
  ],
  ['a class', having(classOf, { 'spec.extendedResourceName': 'acme.io/gpu' }), []],
  [
    'a class of a name that is none',
    having(classOf, { 'spec.extendedResourceName': 'gpu' }),
    ['spec.extendedResourceName: Invalid value: "gpu": must be a valid extended resource name'],
  ],
  ['a rule of taints', taintRule, []],
  [
    'a rule without effect',
    having(taintRule, { 'spec.taint': { key: 'a', effect: 'Maybe' } }),
    ['spec.taint.effect: Unsupported value: "Maybe": supported values: "NoExecute", "NoSchedule", "None"'],
  ],
];

test('claims on devices and slices of them are refused as Kubernetes refuses them', () => checkTable(table));

test('what is claimed stays, and so does whose devices they are', () => {
  assert.match(updateRefusals(claim, exactly({ count: 2 }))[0] ?? '', /^spec: Invalid value: .*: field is immutable$/);
  assert.deepEqual(updateRefusals(slice, having(slice, { 'spec.driver': 'other.acme.io' })), [
    'spec.driver: Invalid value: "other.acme.io": field is immutable',
  ]);
});

test('devices are given once, and only to those who are named', () => {
  const results = [{ request: 'gpu', driver: 'gpu.acme.io', pool: 'n', device: 'gpu-0' }];
  const user = { resource: 'pods', name: 'p', uid: '1' };
  const allocated = having(claim, { status: { allocation: { devices: { results } }, reservedFor: [user] } });
  const writing = (from: Draft, status: object): string[] => updateRefusals(from, having(claim, { status }), 'status');
  assert.deepEqual(updateRefusals(claim, allocated, 'status'), []);
  assert.deepEqual(writing(claim, { reservedFor: [user] }), [
    'status.reservedFor: Forbidden: may not be specified when `allocated` is not set',
  ]);
  assert.deepEqual(writing(claim, { allocation: { devices: { results: [{ ...results[0], request: 'cpu' }] } } }), [
    `status.allocation.devices.results[0].request: Invalid value: "cpu": ${notARequest}`,
  ]);
  assert.match(
    writing(allocated, { allocation: { devices: { results: [] } } })[0] ?? '',
    /^status.allocation: Invalid value: .*: field is immutable$/,
  );
  assert.deepEqual(writing(allocated, {}), []);
});
