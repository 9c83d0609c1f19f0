import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, checkTable, type Draft, having, updateRefusals } from '../testing/validation-table.ts';

const service = (spec: object): Draft => ({ apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80 }], ...spec } });
const balancer = service({ type: 'LoadBalancer' });
const endpoints = (...subsets: readonly object[]): Draft => ({ apiVersion: 'v1', kind: 'Endpoints', subsets });
const slice: Draft = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.0.0.1'] }],
  ports: [{ name: 'http', port: 80 }],
};

const table: readonly Case[] = [
  ['a service', service({}), []],
  ['a name that begins with a digit', having(service({}), { metadata: { name: '1st' } }), []],
  ['a balancer', having(balancer, { 'spec.loadBalancerClass': 'acme.io/fast', 'spec.loadBalancerSourceRanges': ['10.0.0.0/8'] }), []],
  [
    'a class of balancers without one',
    service({ loadBalancerClass: 'acme.io/fast' }),
    ["spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'"],
  ],
  [
    'node ports for a balancer that is none',
    service({ allocateLoadBalancerNodePorts: true }),
    ["spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'"],
  ],
  [
    'a port for health without need',
    service({ type: 'NodePort', healthCheckNodePort: 30_000 }),
    [
      "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
  ],
  ['the kubelet’s port for everybody', service({ type: 'LoadBalancer', ports: [{ port: 10_250 }] }), []],
  [
    'an unknown distribution',
    service({ trafficDistribution: 'Random' }),
    ['spec.trafficDistribution: Unsupported value: "Random": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"'],
  ],
  ['endpoints', endpoints({ addresses: [{ ip: '10.0.0.1', nodeName: 'n' }], ports: [{ port: 80 }] }), []],
  [
    'endpoints of no address',
    endpoints({ ports: [{ port: 80 }] }),
    ['subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`'],
  ],
  [
    'endpoints of ports without names',
    endpoints({ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }, { name: 'b', port: 0 }] }),
    ['subsets[0].ports[0].name: Required value', 'subsets[0].ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
  ],
  [
    'an endpoint on the link',
    endpoints({ addresses: [{ ip: '169.254.1.1' }] }),
    ['subsets[0].addresses[0].ip: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  ],
  [
    'an endpoint nowhere',
    endpoints({ addresses: [{ ip: '0.0.0.0' }] }),
    ['subsets[0].addresses[0].ip: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)'],
  ],
  ['a slice', slice, []],
  ['a slice of names', having(slice, { addressType: 'FQDN', endpoints: [{ addresses: ['a.example'] }] }), []],
  ['a slice of no type', having(slice, { addressType: '' }), ['addressType: Required value']],
  [
    'a slice of an unknown type',
    having(slice, { addressType: 'IPX', endpoints: [] }),
    ['addressType: Unsupported value: "IPX": supported values: "FQDN", "IPv4", "IPv6"'],
  ],
  [
    'an address of the other family',
    having(slice, { endpoints: [{ addresses: ['fd00::1'] }] }),
    ['endpoints[0].addresses: Invalid value: "fd00::1": must be an IPv4 address'],
  ],
  [
    'an endpoint of no address',
    having(slice, { endpoints: [{ addresses: [] }] }),
    ['endpoints[0].addresses: Required value: must contain at least 1 address'],
  ],
  [
    'too many endpoints',
    having(slice, { endpoints: Array.from({ length: 1001 }, () => ({ addresses: ['10.0.0.1'] })) }),
    ['endpoints: Too many: 1001: must have at most 1000 items'],
  ],
  [
    'two ports of one name',
    having(slice, {
      ports: [
        { name: 'a', port: 1 },
        { name: 'a', port: 2 },
      ],
    }),
    ['ports[1].name: Duplicate value: "a"'],
  ],
  [
    'a zone twice',
    having(slice, { endpoints: [{ addresses: ['10.0.0.1'], hints: { forZones: [{ name: 'z' }, { name: 'z' }] } }] }),
    ['endpoints[0].hints.forZones[1].name: Duplicate value: "z"'],
  ],
];

test('services, endpoints and slices are refused as Kubernetes refuses them', () => checkTable(table));

test('the type of a slice’s addresses and the class of a balancer stay', () => {
  assert.deepEqual(updateRefusals(slice, having(slice, { addressType: 'FQDN', endpoints: [] })), [
    'addressType: Invalid value: "FQDN": field is immutable',
  ]);
  assert.deepEqual(updateRefusals(balancer, having(balancer, { 'spec.loadBalancerClass': 'acme.io/fast' })), [
    'spec.loadBalancerClass: Invalid value: "acme.io/fast": may not change once set',
  ]);
});
