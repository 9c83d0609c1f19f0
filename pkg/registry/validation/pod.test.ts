import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, checkTable, type Draft, having, updateRefusals } from '../testing/validation-table.ts';

const main = { name: 'main', image: 'i' };
const pod = (spec: object = {}): Draft => ({ apiVersion: 'v1', kind: 'Pod', spec: { containers: [main], ...spec } });
const container = (fields: object, spec: object = {}): Draft => pod({ containers: [{ ...main, ...fields }], ...spec });
const claimed = (...resourceClaims: readonly object[]): Draft => pod({ resourceClaims });
const spread = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} };

const table: readonly Case[] = [
  ['a pod', pod(), []],
  ['less time than none to end, as of old', pod({ terminationGracePeriodSeconds: -1 }), []],
  ['a profile of the runtime', pod({ securityContext: { seccompProfile: { type: 'RuntimeDefault' }, supplementalGroups: [1] } }), []],
  [
    'a profile of nowhere',
    container({
      securityContext: { seccompProfile: { type: 'Localhost' }, appArmorProfile: { type: 'Unconfined', localhostProfile: 'p' } },
    }),
    [
      'spec.containers[0].securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost',
      'spec.containers[0].securityContext.appArmorProfile.localhostProfile: Invalid value: "p": can only be set when AppArmor type is Localhost',
    ],
  ],
  [
    'a sysctl that is none',
    pod({ securityContext: { sysctls: [{ name: 'A B', value: '1' }], fsGroupChangePolicy: 'Never' } }),
    [
      'spec.securityContext.sysctls[0].name: Invalid value: "A B": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
      'spec.securityContext.fsGroupChangePolicy: Unsupported value: "Never": supported values: "Always", "OnRootMismatch"',
    ],
  ],
  [
    'claims on devices',
    container({ resources: { claims: [{ name: 'gpu' }] } }, { resourceClaims: [{ name: 'gpu', resourceClaimName: 'c' }] }),
    [],
  ],
  [
    'a claim that nobody has',
    container({ resources: { claims: [{ name: 'gpu' }] } }),
    ['spec.containers[0].resources.claims[0]: Not found: "gpu": must be one of the names in pod.spec.resourceClaims which is empty'],
  ],
  [
    'a claim on nothing',
    claimed({ name: 'gpu' }),
    [
      'spec.resourceClaims[0]: Invalid value: {"Name":"gpu","ResourceClaimName":null,"ResourceClaimTemplateName":null}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`',
    ],
  ],
  [
    'resources of the pod',
    container({ resources: { requests: { cpu: '1' } } }, { resources: { requests: { cpu: '2' }, limits: { cpu: '2' } } }),
    [],
  ],
  [
    'less than its containers ask for',
    container({ resources: { requests: { cpu: '2' } } }, { resources: { requests: { cpu: '1' } } }),
    ['spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2'],
  ],
  [
    'a device for the pod as a whole',
    pod({ resources: { limits: { 'acme.io/gpu': '1' } } }),
    ['spec.resources.limits[acme.io/gpu]: Unsupported value: "acme.io/gpu": supported values: "cpu", "hugepages-", "memory"'],
  ],
  [
    'an extended resource without a limit',
    container({ resources: { requests: { 'acme.io/gpu': '1' } } }),
    ['spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources'],
  ],
  [
    'large pages and nothing else',
    container({ resources: { limits: { 'hugepages-2Mi': '3Mi' } } }),
    [
      'spec.containers[0].resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi',
      'spec.containers[0].resources.requests[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi',
      'spec.containers[0].resources: Forbidden: HugePages require cpu or memory',
    ],
  ],
  [
    'a policy of resizing',
    container({ resizePolicy: [{ resourceName: 'disk', restartPolicy: 'Perhaps' }] }),
    [
      'spec.containers[0].resizePolicy: Unsupported value: "disk": supported values: "cpu", "memory"',
      'spec.containers[0].resizePolicy: Unsupported value: "Perhaps": supported values: "NotRequired", "RestartContainer"',
    ],
  ],
  [
    'rules of restarting without a policy',
    container({ restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] }),
    ['spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used'],
  ],
  [
    'a device that is no volume',
    container({ volumeDevices: [{ name: 'v', devicePath: '/dev/x' }] }),
    ['spec.containers[0].volumeDevices[0].name: Not found: "v"'],
  ],
  [
    'mounts that go both ways',
    container({ volumeMounts: [{ name: 'v', mountPath: '/v', mountPropagation: 'Bidirectional' }] }, { volumes: [{ name: 'v' }] }),
    [
      'spec.containers[0].volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers',
    ],
  ],
  [
    'thirds of a CPU',
    container({ env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '333m' } } }] }),
    [
      'spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s values 1m and 1 are supported with the cpu resource',
    ],
  ],
  [
    'keys of labels without a selector',
    pod({ topologySpreadConstraints: [{ ...spread, labelSelector: undefined, matchLabelKeys: ['a'], nodeTaintsPolicy: 'Maybe' }] }),
    [
      'spec.topologySpreadConstraints[0].nodeTaintsPolicy: Unsupported value: "Maybe": supported values: "Honor", "Ignore"',
      'spec.topologySpreadConstraints[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set',
    ],
  ],
  ['another system', pod({ os: { name: 'plan9' } }), ['spec.os: Unsupported value: "plan9": supported values: "linux", "windows"']],
  [
    'containers for debugging from the beginning',
    pod({ ephemeralContainers: [{ name: 'debug', image: 'i', targetContainerName: 'other' }] }),
    ['spec.ephemeralContainers[0].targetContainerName: Not found: "other"', 'spec.ephemeralContainers: Forbidden: cannot be set on create'],
  ],
];

test('pods are refused as Kubernetes refuses them', () => checkTable(table));

const sized = (requests: object, limits?: object): Draft => container({ resources: { requests, ...(limits ? { limits } : {}) } });
const resize = (from: Draft, to: Draft): string[] => updateRefusals(from, to, 'resize');

test('a pod may be given more or less CPU and memory, and stays what it is', () => {
  const burstable = sized({ cpu: '100m', memory: '64Mi' }, { cpu: '200m', memory: '128Mi' });
  assert.deepEqual(resize(burstable, sized({ cpu: '150m', memory: '64Mi' }, { cpu: '300m', memory: '128Mi' })), []);
  assert.deepEqual(resize(burstable, sized({ cpu: '200m', memory: '128Mi' }, { cpu: '200m', memory: '128Mi' })), [
    'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
  ]);
  assert.deepEqual(resize(burstable, sized({ cpu: '100m' }, { cpu: '200m' })), [
    'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
    'spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed',
  ]);
  assert.deepEqual(
    resize(burstable, sized({ cpu: '100m', memory: '64Mi', 'ephemeral-storage': '1Gi' }, { cpu: '200m', memory: '128Mi' })),
    ['spec: Forbidden: only cpu and memory resources are mutable'],
  );
  assert.deepEqual(
    resize(burstable, having(burstable, { 'spec.containers': [{ ...main, name: 'other', resources: { requests: { cpu: '1' } } }] })),
    ['spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize'],
  );
});

test('containers for debugging come, and neither change nor go', () => {
  const debugged = pod({ ephemeralContainers: [{ name: 'debug', image: 'i' }] });
  assert.deepEqual(updateRefusals(pod(), debugged, 'ephemeralcontainers'), []);
  assert.deepEqual(updateRefusals(debugged, pod(), 'ephemeralcontainers'), [
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n',
  ]);
  assert.deepEqual(updateRefusals(debugged, pod({ ephemeralContainers: [{ name: 'debug', image: 'j' }] }), 'ephemeralcontainers'), [
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be changed\n',
  ]);
});
