import { test } from 'node:test';
import { type Case, checkTable, type Draft } from '../testing/validation-table.ts';

const service = (spec: object): Draft => ({ apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80 }], ...spec } });
const node = (spec: object): Draft => ({ apiVersion: 'v1', kind: 'Node', spec });
const limits = (...limits: readonly object[]): Draft => ({ apiVersion: 'v1', kind: 'LimitRange', spec: { limits } });
const volume = (spec: object): Draft => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' }, ...spec },
});
const claim = (spec: object): Draft => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  spec: { resources: { requests: { storage: '1Gi' } }, accessModes: ['ReadWriteOnce'], ...spec },
});

const table: readonly Case[] = [
  [
    'addresses of one family twice',
    service({ clusterIPs: ['None', '10.0.0.1'], clusterIP: 'None' }),
    ['spec.clusterIPs: Invalid value: ["None","10.0.0.1"]: \'None\' must be the first and only value'],
  ],
  [
    'an outside name that is none',
    service({ type: 'ExternalName', externalName: 'No_Name' }),
    [
      "spec.externalName: Invalid value: \"No_Name\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  ],
  [
    'an affinity without bounds',
    service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } }),
    ['spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400'],
  ],
  [
    'settings of an affinity that is none',
    service({ sessionAffinity: 'None', sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } } }),
    [],
  ],
  [
    'addresses from outside',
    service({ externalIPs: ['127.0.0.1', 'x'] }),
    [
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'spec.externalIPs[1]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
  ],
  [
    'ranges for a balancer that is none',
    service({ loadBalancerSourceRanges: ['10.0.0.0/8'] }),
    ["spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'"],
  ],
  [
    'ranges that are none',
    service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0'] }),
    ['spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
  ],
  [
    'ports of one number',
    service({
      ports: [
        { name: 'a', port: 80 },
        { name: 'a', port: 80, protocol: 'X' },
      ],
    }),
    ['spec.ports[1].name: Duplicate value: "a"', 'spec.ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"'],
  ],
  [
    'a policy of the outside without an outside',
    service({ externalTrafficPolicy: 'Local' }),
    ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
  ],
  [
    'a node that is tainted oddly',
    node({
      taints: [
        { key: '', effect: 'NoSchedule' },
        { key: 'a', effect: 'Perhaps' },
        { key: 'a', value: '_', effect: 'NoSchedule' },
        { key: 'a', effect: 'NoSchedule' },
      ],
    }),
    [
      'metadata.taints[0].key: Invalid value: "": name part must be non-empty',
      "metadata.taints[0].key: Invalid value: \"\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      'metadata.taints[1].effect: Unsupported value: "Perhaps": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
      "metadata.taints[2].value: Invalid value: \"_\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
      'metadata.taints[3]: Duplicate value: {"Key":"a","Value":"","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
    ],
  ],
  [
    'blocks of a node',
    node({ podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24', '10.1.0.0/24'] }),
    ['spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one CIDR for each IP family'],
  ],
  [
    'a node of too many blocks',
    node({ podCIDRs: ['10.0.0.0/24', 'fd00::/64', 'x'] }),
    [
      'spec.podCIDRs[2]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
      'spec.podCIDRs: Internal error: invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[2]: <nil> (invalid CIDR address: x)',
      'spec.podCIDRs: Invalid value: ["10.0.0.0/24","fd00::/64","x"]: may specify no more than one CIDR for each IP family',
    ],
  ],
  [
    'a ratio below one',
    limits({ type: 'Container', maxLimitRequestRatio: { cpu: '500m' } }),
    ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1'],
  ],
  [
    'a ratio beyond the bounds',
    limits({ type: 'Container', min: { cpu: '1' }, max: { cpu: '2' }, maxLimitRequestRatio: { cpu: '4' } }),
    ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "4": ratio 4 is greater than max/min = 2.000000'],
  ],
  [
    'defaults for a pod',
    limits({ type: 'Pod', default: { cpu: '1' }, defaultRequest: { cpu: '1' } }),
    [
      "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
      "spec.limits[0].defaultRequest: Forbidden: may not be specified when `type` is 'Pod'",
    ],
  ],
  [
    'no bounds for a claim',
    limits({ type: 'PersistentVolumeClaim', max: { cpu: '1' } }),
    ['spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided'],
  ],
  ['a type twice', limits({ type: 'Pod' }, { type: 'Pod' }), ['spec.limits[1].type: Duplicate value: "Pod"']],
  ['a volume of two sources', volume({ nfs: { server: '', path: '' } }), ['spec.nfs: Forbidden: may not specify more than 1 volume type']],
  [
    'the root to be recycled',
    volume({ hostPath: { path: '/' }, persistentVolumeReclaimPolicy: 'Recycle' }),
    ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
  ],
  [
    'a volume in no place',
    volume({ nodeAffinity: {} }),
    ['spec.nodeAffinity.required: Required value: must specify required node constraints'],
  ],
  [
    'a local volume anywhere',
    volume({ hostPath: undefined, local: { path: '/a' } }),
    ['spec.nodeAffinity: Required value: Local volume requires node affinity'],
  ],
  [
    'a claim on its own and with others',
    claim({ resources: { requests: { storage: '1Gi' } }, accessModes: ['ReadWriteOncePod', 'ReadWriteOnce'] }),
    ['spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes'],
  ],
  [
    'a claim on nothing',
    claim({ resources: {}, accessModes: [], storageClassName: 'A_', volumeMode: 'Odd' }),
    [
      'spec.accessModes: Required value: at least 1 access mode is required',
      'spec.resources[storage]: Required value',
      "spec.storageClassName: Invalid value: \"A_\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      'spec.volumeMode: Unsupported value: "Odd": supported values: "Block", "Filesystem"',
    ],
  ],
  [
    'quotas',
    {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      spec: { hard: { 'requests.cpu': '-1', pods: '1' }, scopes: ['BestEffort', 'Terminating', 'NotTerminating'] },
    },
    [
      'spec.hard[requests.cpu]: Invalid value: "-1": must be greater than or equal to 0',
      'spec.scopes: Invalid value: ["BestEffort","Terminating","NotTerminating"]: unsupported scope applied to resource',
      'spec.scopes: Invalid value: ["BestEffort","Terminating","NotTerminating"]: conflicting scopes',
    ],
  ],
  [
    'a shell for a login',
    { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/ssh-auth', data: {} },
    ['data[ssh-privatekey]: Required value'],
  ],
];

test('services, nodes, bounds and volumes are refused for all that is wrong, in the order of Kubernetes', () => checkTable(table));
