import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, checkTable, type Draft, having, updateRefusals } from '../testing/validation-table.ts';

const backend = { service: { name: 'web', port: { number: 80 } } };
const ingress: Draft = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  spec: { rules: [{ host: 'a.example', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] },
};
const pathed = (path: object): Draft =>
  having(ingress, { 'spec.rules': [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend, ...path }] } }] });
const backed = (given: object): Draft => having(ingress, { spec: { defaultBackend: given } });
const ingressClass: Draft = { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', spec: { controller: 'acme.io/ingress' } };
const parameters = { apiGroup: 'acme.io', kind: 'Parameters', name: 'p' };
const policy: Draft = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', spec: { podSelector: {} } };
const from = (...peers: readonly object[]): Draft => having(policy, { 'spec.ingress': [{ from: peers }] });
const toPort = (port: object): Draft => having(policy, { 'spec.egress': [{ ports: [port] }] });
const blocks: Draft = { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', spec: { cidrs: ['10.0.0.0/16'] } };
const address: Draft = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IPAddress',
  metadata: { name: '10.0.0.1' },
  spec: { parentRef: { resource: 'services', namespace: 'default', name: 'kubernetes' } },
};

const table: readonly Case[] = [
  ['an ingress', ingress, []],
  [
    'a wildcard with TLS',
    having(ingress, { 'spec.rules': [{ host: '*.a.example' }], 'spec.tls': [{ hosts: ['*.a.example'], secretName: 's' }] }),
    [],
  ],
  ['a resource behind it', backed({ resource: { apiGroup: 'acme.io', kind: 'Bucket', name: 'b' } }), []],
  [
    'an ingress to nowhere',
    having(ingress, { spec: {} }),
    ['spec: Invalid value: []: either `defaultBackend` or `rules` must be specified'],
  ],
  [
    'an address for a host',
    having(ingress, { 'spec.rules': [{ host: '10.0.0.1' }] }),
    ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
  ],
  [
    'a star in the middle',
    having(ingress, { 'spec.rules': [{ host: 'a.*.b' }] }),
    [
      "spec.rules[0].host: Invalid value: \"a.*.b\": a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  ],
  [
    'no type of path',
    pathed({ pathType: undefined }),
    ['spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified'],
  ],
  [
    'an unknown type of path',
    pathed({ pathType: 'Regex' }),
    ['spec.rules[0].http.paths[0].pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"'],
  ],
  ['a path from nowhere', pathed({ path: 'a' }), ['spec.rules[0].http.paths[0].path: Invalid value: "a": must be an absolute path']],
  ['a path that climbs', pathed({ path: '/a/..' }), ['spec.rules[0].http.paths[0].path: Invalid value: "/a/..": cannot end with \'/..\'']],
  ['a path of the controller’s own', pathed({ path: '', pathType: 'ImplementationSpecific' }), []],
  ['nothing behind it', backed({}), ['spec.defaultBackend: Invalid value: "": resource or service backend is required']],
  [
    'a service without a port',
    backed({ service: { name: 'web' } }),
    ['spec.defaultBackend: Required value: port name or number is required'],
  ],
  [
    'a port with a name and a number',
    backed({ service: { name: 'web', port: { name: 'http', number: 80 } } }),
    ['spec.defaultBackend: Invalid value: "": cannot set both port name & port number'],
  ],
  [
    'two classes',
    having(ingress, { 'spec.ingressClassName': 'a', metadata: { annotations: { 'kubernetes.io/ingress.class': 'b' } } }),
    ['annotations.kubernetes.io/ingress.class: Invalid value: "b": must match `ingressClassName` when both are specified'],
  ],
  ['a class', ingressClass, []],
  ['a class with parameters', having(ingressClass, { 'spec.parameters': { ...parameters, scope: 'Namespace', namespace: 'ns' } }), []],
  [
    'a class of nobody',
    having(ingressClass, { 'spec.controller': 'ingress' }),
    ['spec.controller: Invalid value: "ingress": must be a domain-prefixed path (such as "acme.io/foo")'],
  ],
  [
    'parameters in no namespace',
    having(ingressClass, { 'spec.parameters': { ...parameters, scope: 'Namespace' } }),
    ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
  ],
  [
    'parameters of the cluster in a namespace',
    having(ingressClass, { 'spec.parameters': { ...parameters, namespace: 'ns' } }),
    ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
  ],
  ['a policy', policy, []],
  [
    'a policy of peers and ports',
    having(policy, {
      'spec.ingress': [
        { from: [{ podSelector: {}, namespaceSelector: {} }, { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }] },
      ],
      'spec.egress': [
        {
          ports: [
            { port: 80, endPort: 90 },
            { port: 'http', protocol: 'UDP' },
          ],
        },
      ],
    }),
    [],
  ],
  ['nobody', from({}), ['spec.ingress[0].from[0]: Required value: must specify a peer']],
  [
    'a block and pods',
    from({ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }),
    ['spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer'],
  ],
  ['no block', from({ ipBlock: { cidr: '' } }), ['spec.ingress[0].from[0].ipBlock.cidr: Required value']],
  [
    'a block that is none',
    from({ ipBlock: { cidr: '10.0.0.0' } }),
    ['spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
  ],
  [
    'an exception of everything',
    from({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/8', '11.0.0.0/16'] } }),
    [
      'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
      'spec.ingress[0].from[0].ipBlock.except[1]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
    ],
  ],
  [
    'a range the wrong way',
    toPort({ port: 90, endPort: 80 }),
    ['spec.egress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`'],
  ],
  [
    'a range without a beginning',
    toPort({ endPort: 80 }),
    ['spec.egress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is not specified'],
  ],
  [
    'a range from a name',
    toPort({ port: 'http', endPort: 80 }),
    ['spec.egress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is non-numeric'],
  ],
  [
    'another protocol',
    toPort({ protocol: 'ICMP' }),
    ['spec.egress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"'],
  ],
  [
    'a direction that is none',
    having(policy, { 'spec.policyTypes': ['Up'] }),
    ['spec.policyTypes[0]: Unsupported value: "Up": supported values: "Ingress", "Egress"'],
  ],
  ['blocks of both families', having(blocks, { 'spec.cidrs': ['10.0.0.0/16', 'fd00::/112'] }), []],
  ['no block for services', having(blocks, { 'spec.cidrs': [] }), ['spec.cidrs: Required value: at least one CIDR required']],
  [
    'two blocks of one family',
    having(blocks, { 'spec.cidrs': ['10.0.0.0/16', '10.1.0.0/16'] }),
    [
      'spec.cidrs: Invalid value: ["10.0.0.0/16","10.1.0.0/16"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
    ],
  ],
  [
    'a block that begins in the middle',
    having(blocks, { 'spec.cidrs': ['10.0.0.1/16'] }),
    ['spec.cidrs[0]: Invalid value: "10.0.0.1/16": must be in canonical form ("10.0.0.0/16")'],
  ],
  ['an address', address, []],
  [
    'an address that is none',
    having(address, { metadata: { name: 'ten' } }),
    ['metadata.name: Invalid value: "ten": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
  ],
  [
    'an address written the long way',
    having(address, { metadata: { name: 'fd00:0::1' } }),
    ['metadata.name: Invalid value: "fd00:0::1": must be in canonical form ("fd00::1")'],
  ],
  ['an address of nobody', having(address, { spec: {} }), ['spec.parentRef: Required value']],
];

test('ingresses, policies and addresses are refused as Kubernetes refuses them', () => checkTable(table));

test('blocks of services stay, but a second family may join', () => {
  const two = having(blocks, { 'spec.cidrs': ['10.0.0.0/16', 'fd00::/112'] });
  assert.deepEqual(updateRefusals(blocks, two), []);
  assert.deepEqual(updateRefusals(two, blocks), ['spec.cidrs: Invalid value: ["10.0.0.0/16"]: field is immutable']);
  assert.deepEqual(updateRefusals(blocks, having(blocks, { 'spec.cidrs': ['10.1.0.0/16'] })), [
    'spec.cidrs[0]: Invalid value: "10.1.0.0/16": field is immutable',
  ]);
});

test('what a load balancer says of itself is an address or a name', () => {
  const at = (point: object): Draft => having(ingress, { status: { loadBalancer: { ingress: [point] } } });
  assert.deepEqual(updateRefusals(ingress, at({ ip: '10.0.0.1' }), 'status'), []);
  assert.deepEqual(updateRefusals(ingress, at({ ip: 'x' }), 'status'), [
    'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  ]);
  assert.deepEqual(updateRefusals(ingress, at({ hostname: '10.0.0.1' }), 'status'), [
    'status.loadBalancer.ingress[0].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
  ]);
});
