import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificate, certificateRequest } from '../testing/certificates.ts';
import { type Case, checkTable, type Draft, having, updateRefusals } from '../testing/validation-table.ts';

const rbac = 'rbac.authorization.k8s.io';
const role = (kind: string, ...rules: readonly object[]): Draft => ({ apiVersion: `${rbac}/v1`, kind, rules });
const readPods = { verbs: ['get'], apiGroups: [''], resources: ['pods'] };
const binding = (kind: string, roleRef: object, ...subjects: readonly object[]): Draft => ({
  apiVersion: `${rbac}/v1`,
  kind,
  roleRef: { apiGroup: rbac, ...roleRef },
  subjects,
});
const toReader = { kind: 'ClusterRole', name: 'reader' };

const request: Draft = {
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'CertificateSigningRequest',
  spec: { request: certificateRequest, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] },
};
const bundle: Draft = { apiVersion: 'certificates.k8s.io/v1beta1', kind: 'ClusterTrustBundle', spec: { trustBundle: certificate } };
const podRequest: Draft = {
  apiVersion: 'certificates.k8s.io/v1beta1',
  kind: 'PodCertificateRequest',
  spec: {
    signerName: 'acme.io/pods',
    podName: 'p',
    podUID: 'u',
    serviceAccountName: 'default',
    serviceAccountUID: 'u',
    nodeName: 'n',
    nodeUID: 'u',
    stubPKCS10Request: 'LS0t',
  },
};

const rolesTable: readonly Case[] = [
  ['a role', role('Role', readPods), []],
  ['a role of a cluster', role('ClusterRole', readPods, { verbs: ['get'], nonResourceURLs: ['/healthz'] }), []],
  [
    'a rule about nothing',
    role('Role', { verbs: [] }),
    [
      'rules[0].verbs: Required value: verbs must contain at least one value',
      'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
      'rules[0].resources: Required value: resource rules must supply at least one resource',
    ],
  ],
  [
    'URLs in a namespace',
    role('Role', { verbs: ['get'], nonResourceURLs: ['/'] }),
    ['rules[0].nonResourceURLs: Invalid value: ["/"]: namespaced rules cannot apply to non-resource URLs'],
  ],
  [
    'URLs and resources',
    role('ClusterRole', { ...readPods, nonResourceURLs: ['/'] }),
    ['rules[0].nonResourceURLs: Invalid value: ["/"]: rules cannot apply to both regular resources and non-resource URLs'],
  ],
  [
    'a sum of nothing',
    having(role('ClusterRole'), { aggregationRule: {} }),
    ['aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil'],
  ],
  ['a name with a colon', having(role('ClusterRole', readPods), { metadata: { name: 'system:reader' } }), []],
  [
    'a name of two parts',
    having(role('ClusterRole', readPods), { metadata: { name: 'a/b' } }),
    ['metadata.name: Invalid value: "a/b": may not contain \'/\''],
  ],
  ['a binding', binding('RoleBinding', toReader, { kind: 'ServiceAccount', name: 'default' }, { kind: 'User', name: 'jane' }), []],
  ['a binding of the cluster', binding('ClusterRoleBinding', toReader, { kind: 'Group', name: 'dev' }), []],
  [
    'a binding of the cluster to a role',
    binding('ClusterRoleBinding', { kind: 'Role', name: 'reader' }),
    ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'],
  ],
  [
    'a binding to nothing',
    binding('RoleBinding', { apiGroup: 'acme.io', kind: 'Role', name: '' }),
    ['roleRef.apiGroup: Unsupported value: "acme.io": supported values: "rbac.authorization.k8s.io"', 'roleRef.name: Required value'],
  ],
  [
    'an account of nowhere',
    binding('ClusterRoleBinding', toReader, { kind: 'ServiceAccount', name: 'default' }),
    ['subjects[0].namespace: Required value'],
  ],
  [
    'subjects of no kind',
    binding('RoleBinding', toReader, { kind: 'Robot', name: 'r' }, { kind: 'User', name: '' }),
    [
      'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
      'subjects[1].name: Required value',
    ],
  ],
];

const certificatesTable: readonly Case[] = [
  ['a request', request, []],
  ['a request for any name of its own', having(request, { metadata: { name: 'Node:A' } }), []],
  [
    'a request that is none',
    having(request, { 'spec.request': 'LS0t' }),
    ['spec.request: Invalid value: "LS0t": PEM block type must be CERTIFICATE REQUEST'],
  ],
  ['for no use', having(request, { 'spec.usages': [] }), ['spec.usages: Required value']],
  [
    'for one use twice',
    having(request, { 'spec.usages': ['client auth', 'client auth'] }),
    ['spec.usages[1]: Duplicate value: "client auth"'],
  ],
  ['by nobody', having(request, { 'spec.signerName': '' }), ['spec.signerName: Required value']],
  [
    'by a signer without a domain',
    having(request, { 'spec.signerName': 'acme/pods' }),
    ['spec.signerName: Invalid value: "acme": should be a domain with at least two segments separated by dots'],
  ],
  [
    'by a signer without a path',
    having(request, { 'spec.signerName': 'acme' }),
    ['spec.signerName: Invalid value: "acme": must be a fully qualified domain and path of the form \'example.com/signer-name\''],
  ],
  [
    'by the signer of old',
    having(request, { 'spec.signerName': 'kubernetes.io/legacy-unknown' }),
    ['spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version'],
  ],
  [
    'for a moment',
    having(request, { 'spec.expirationSeconds': 60 }),
    ['spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 600 seconds (10 minutes)'],
  ],
  ['a bundle', bundle, []],
  ['a bundle of a signer', having(bundle, { 'spec.signerName': 'acme.io/pods', metadata: { name: 'acme.io:pods:a' } }), []],
  [
    'a bundle of a signer under another name',
    having(bundle, { 'spec.signerName': 'acme.io/pods' }),
    ['metadata.name: Invalid value: "x": ClusterTrustBundle for signerName acme.io/pods must be named with prefix acme.io:pods:'],
  ],
  [
    'a bundle of nothing',
    having(bundle, { 'spec.trustBundle': 'nothing' }),
    ['spec.trustBundle: Invalid value: "<value omitted>": at least one trust anchor must be provided'],
  ],
  [
    'a bundle of the same twice',
    having(bundle, { 'spec.trustBundle': certificate + certificate }),
    ['spec.trustBundle: Invalid value: "<value omitted>": duplicate trust anchor (indices [0 1])'],
  ],
  [
    'a bundle of a key',
    having(bundle, { 'spec.trustBundle': '-----BEGIN KEY-----\nMAA=\n-----END KEY-----\n' }),
    ['spec.trustBundle: Invalid value: "<value omitted>": entry 0 has bad block type: KEY'],
  ],
  ['a pod’s request', podRequest, []],
  [
    'a pod’s request for a year',
    having(podRequest, { 'spec.maxExpirationSeconds': 31_536_000 }),
    ['spec.maxExpirationSeconds: Invalid value: 31536000: must be in the range [3600, 7862400]'],
  ],
  ['a request of no pod', having(podRequest, { 'spec.podUID': '' }), ['spec.podUID: Invalid value: "": must not be empty']],
];

test('roles and bindings are refused as Kubernetes refuses them', () => checkTable(rolesTable));
test('requests for certificates and bundles are refused as Kubernetes refuses them', () => checkTable(certificatesTable));

test('a request’s conditions say of what they are, whether, and each once', () => {
  const failed = { type: 'Failed', status: 'True' };
  const conditions = [failed, failed, { type: 'Failed', status: 'False' }, { status: 'Maybe' }];
  assert.deepEqual(updateRefusals(request, having(request, { status: { conditions } }), 'status'), [
    'status.conditions[1].type: Duplicate value: "Failed"',
    'status.conditions[2].status: Unsupported value: "False": supported values: "True"',
    'status.conditions[2].type: Duplicate value: "Failed"',
    'status.conditions[3].type: Required value',
    'status.conditions[3].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
  ]);
});

test('who signs a bundle, and what a pod asked, stays', () => {
  const named = having(bundle, { 'spec.signerName': 'acme.io/pods', metadata: { name: 'acme.io:pods:a' } });
  assert.deepEqual(
    updateRefusals(named, having(named, { 'spec.signerName': 'acme.io/pods2' })).at(-1),
    'spec.signerName: Invalid value: "acme.io/pods2": field is immutable',
  );
  assert.match(
    updateRefusals(podRequest, having(podRequest, { 'spec.podName': 'q' }))[0] ?? '',
    /^spec: Invalid value: .*: field is immutable$/,
  );
  const answer = having(podRequest, {
    status: { conditions: [{ type: 'Maybe', status: 'True', reason: 'r', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
  });
  assert.deepEqual(updateRefusals(podRequest, answer, 'status'), [
    'status.conditions.[0].type: Unsupported value: "Maybe": supported values: "Issued", "Denied", "Failed"',
  ]);
});
