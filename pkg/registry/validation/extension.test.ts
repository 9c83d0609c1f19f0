import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, checkTable, type Draft, having, refusals } from '../testing/validation-table.ts';

const group = 'admissionregistration.k8s.io/v1';
const clientConfig = { service: { name: 'hook', namespace: 'default' } };
const hook = { name: 'a.acme.io', clientConfig, sideEffects: 'None', admissionReviewVersions: ['v1'] };
const rule = { operations: ['CREATE'], apiGroups: ['*'], apiVersions: ['*'], resources: ['pods'] };
const hooks = (fields: object, kind = 'ValidatingWebhookConfiguration'): Draft => ({
  apiVersion: group,
  kind,
  webhooks: [{ ...hook, ...fields }],
});
const ruled = (fields: object): Draft => hooks({ rules: [{ ...rule, ...fields }] });

const policy: Draft = {
  apiVersion: group,
  kind: 'ValidatingAdmissionPolicy',
  spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: 'true' }] },
};
const policyBinding: Draft = {
  apiVersion: group,
  kind: 'ValidatingAdmissionPolicyBinding',
  spec: { policyName: 'p', validationActions: ['Deny'] },
};
const mutating: Draft = {
  apiVersion: group,
  kind: 'MutatingAdmissionPolicy',
  spec: {
    matchConstraints: { resourceRules: [rule] },
    reinvocationPolicy: 'Never',
    mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[]' } }],
  },
};
const mutatingBinding: Draft = { apiVersion: group, kind: 'MutatingAdmissionPolicyBinding', spec: { policyName: 'p' } };

const admissionTable: readonly Case[] = [
  ['a webhook', ruled({}), []],
  ['a webhook that changes', hooks({ reinvocationPolicy: 'IfNeeded' }, 'MutatingWebhookConfiguration'), []],
  [
    'a name of two parts',
    hooks({ name: 'acme.io' }),
    ['webhooks[0].name: Invalid value: "acme.io": should be a domain with at least three segments separated by dots'],
  ],
  ['one name for two', having(hooks({}), { webhooks: [hook, hook] }), ['webhooks[1].name: Duplicate value: "a.acme.io"']],
  [
    'nothing said of side effects',
    hooks({ sideEffects: undefined }),
    ['webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun'],
  ],
  [
    'some side effects',
    hooks({ sideEffects: 'Some' }),
    ['webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'],
  ],
  [
    'an unknown version of reviews',
    hooks({ admissionReviewVersions: ['v2'] }),
    ['webhooks[0].admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1'],
  ],
  [
    'no version of reviews',
    hooks({ admissionReviewVersions: [] }),
    ['webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1'],
  ],
  [
    'for too long',
    hooks({ timeoutSeconds: 31 }),
    ['webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds'],
  ],
  ['nowhere', hooks({ clientConfig: {} }), ['webhooks[0].clientConfig: Required value: exactly one of url or service is required']],
  [
    'in the open',
    hooks({ clientConfig: { url: 'http://a.example' } }),
    ['webhooks[0].clientConfig.url: Invalid value: "http": \'https\' is the only allowed URL scheme; desired format: https://host[/path]'],
  ],
  [
    'a question',
    hooks({ clientConfig: { url: 'https://u@a.example/?a=b#c' } }),
    [
      'webhooks[0].clientConfig.url: Invalid value: "u": user information is not permitted in the URL',
      'webhooks[0].clientConfig.url: Invalid value: "c": fragments are not permitted in the URL',
      'webhooks[0].clientConfig.url: Invalid value: "a=b": query parameters are not permitted in the URL',
    ],
  ],
  [
    'a service without a name',
    hooks({ clientConfig: { service: { namespace: 'default', path: 'a' } } }),
    [
      'webhooks[0].clientConfig.service.name: Required value',
      'webhooks[0].clientConfig.service.path: Invalid value: "a": must start with a \'/\'',
      'webhooks[0].clientConfig.service.path: Invalid value: "a": segment[0] may not be empty',
    ],
  ],
  [
    'rules of nothing',
    hooks({ rules: [{}] }),
    [
      'webhooks[0].rules[0].operations: Required value',
      'webhooks[0].rules[0].apiGroups: Required value',
      'webhooks[0].rules[0].apiVersions: Required value',
      'webhooks[0].rules[0].resources: Required value',
    ],
  ],
  [
    'all and some',
    ruled({ operations: ['*', 'CREATE'], apiGroups: ['*', 'a'], resources: ['*', 'pods', 'pods/status'] }),
    [
      'webhooks[0].rules[0].operations: Invalid value: ["*","CREATE"]: if \'*\' is present, must not specify other operations',
      'webhooks[0].rules[0].apiGroups: Invalid value: ["*","a"]: if \'*\' is present, must not specify other API groups',
      'webhooks[0].rules[0].resources: Invalid value: ["*","pods","pods/status"]: if \'*\' is present, must not specify other resources without subresources',
    ],
  ],
  [
    'all subresources and one',
    ruled({ resources: ['pods/*', 'pods/status'] }),
    ['webhooks[0].rules[0].resources[1]: Invalid value: "pods/status": if \'pods/*\' is present, must not specify pods/status'],
  ],
  [
    'an unknown scope',
    ruled({ scope: 'Galaxy' }),
    ['webhooks[0].rules[0].scope: Unsupported value: "Galaxy": supported values: "*", "Cluster", "Namespaced"'],
  ],
  [
    'conditions of one name',
    hooks({
      matchConditions: [
        { name: 'a', expression: 'true' },
        { name: 'a', expression: ' ' },
      ],
    }),
    ['webhooks[0].matchConditions[1].expression: Required value', 'webhooks[0].matchConditions[1].name: Duplicate value: "a"'],
  ],
  ['a policy', policy, []],
  [
    'a policy with all there is',
    having(policy, {
      'spec.paramKind': { apiVersion: 'acme.io/v1', kind: 'Limits' },
      'spec.variables': [{ name: 'max', expression: '1' }],
      'spec.validations': [{ expression: 'true', message: 'no', reason: 'Forbidden' }],
      'spec.auditAnnotations': [{ key: 'a', valueExpression: "'b'" }],
      'spec.matchConditions': [{ name: 'a', expression: 'true' }],
    }),
    [],
  ],
  [
    'a policy of nothing',
    having(policy, { spec: {} }),
    [
      'spec.matchConstraints: Required value',
      'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
      'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item',
    ],
  ],
  [
    'variables that name nothing',
    having(policy, {
      'spec.variables': [
        { name: 'in', expression: '1' },
        { name: ' ', expression: '' },
      ],
    }),
    [
      'spec.variables[0].name: Invalid value: "in": must be a valid CEL identifier',
      'spec.variables[1].name: Required value: name is not specified',
      'spec.variables[1].expression: Required value: expression is not specified',
    ],
  ],
  [
    'words over two lines',
    having(policy, { 'spec.validations': [{ expression: ' ', message: 'a\nb', reason: 'Because' }] }),
    [
      'spec.validations[0].expression: Required value: expression is not specified',
      'spec.validations[0].message: Invalid value: "a\\nb": must not contain line breaks',
      'spec.validations[0].reason: Unsupported value: "Because": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
    ],
  ],
  [
    'parameters of no kind',
    having(policy, { 'spec.paramKind': { apiVersion: 'a/b/c', kind: '' } }),
    ['spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c', 'spec.paramKind.kind: Required value'],
  ],
  ['a binding', having(policyBinding, { 'spec.paramRef': { name: 'p', parameterNotFoundAction: 'Deny' } }), []],
  [
    'a binding that does nothing',
    having(policyBinding, { 'spec.validationActions': [] }),
    ['spec.validationActions: Required value: at least one validation action is required'],
  ],
  [
    'a binding that warns of what it refuses',
    having(policyBinding, { 'spec.validationActions': ['Deny', 'Warn'] }),
    [
      'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
    ],
  ],
  [
    'parameters by name and by label',
    having(policyBinding, { 'spec.paramRef': { name: 'p', selector: {} } }),
    [
      'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.parameterNotFoundAction: Required value',
    ],
  ],
  ['a policy that changes', mutating, []],
  [
    'a change of no type',
    having(mutating, { 'spec.mutations': [{ patchType: 'ApplyConfiguration' }] }),
    ['spec.mutations[0].applyConfiguration: Required value: must be specified when patchType is ApplyConfiguration'],
  ],
  ['its binding', mutatingBinding, []],
];

const subject = { kind: 'Group', group: { name: 'dev' } };
const resources = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true };
const schema: Draft = {
  apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
  kind: 'FlowSchema',
  spec: { priorityLevelConfiguration: { name: 'low' }, rules: [{ subjects: [subject], resourceRules: [resources] }] },
};
const level: Draft = {
  apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
  kind: 'PriorityLevelConfiguration',
  spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} } } },
};
const apiService: Draft = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: 'v1.acme.io' },
  spec: { group: 'acme.io', version: 'v1', groupPriorityMinimum: 100, versionPriority: 10, service: { name: 's', namespace: 'default' } },
};

const serverTable: readonly Case[] = [
  ['a schema of flows', schema, []],
  [
    'a schema first of all',
    having(schema, { 'spec.matchingPrecedence': 1 }),
    ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"],
  ],
  [
    'a schema of no level',
    having(schema, { 'spec.priorityLevelConfiguration': { name: '' } }),
    ['spec.priorityLevelConfiguration.name: Required value: must reference a priority level'],
  ],
  [
    'rules for nobody about nothing',
    having(schema, { 'spec.rules': [{}] }),
    [
      'spec.rules[0].subjects: Required value: subjects must contain at least one value',
      'spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty',
    ],
  ],
  [
    'a group that is a user',
    having(schema, { 'spec.rules': [{ subjects: [{ kind: 'Group', user: { name: 'a' } }], resourceRules: [resources] }] }),
    [
      "spec.rules[0].subjects[0].group: Required value: group is required when subject kind is 'Group'",
      "spec.rules[0].subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'",
    ],
  ],
  [
    'unknown verbs nowhere',
    having(schema, { 'spec.rules': [{ subjects: [subject], resourceRules: [{ verbs: ['see'], apiGroups: ['*'], resources: ['*'] }] }] }),
    [
      'spec.rules[0].resourceRules[0].verbs: Unsupported value: ["see"]: supported values: "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"',
      'spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace',
    ],
  ],
  [
    'a star in a path',
    having(schema, { 'spec.rules': [{ subjects: [subject], nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/a*', '/b/*'] }] }] }),
    ['spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*": wildcard can only do suffix matching'],
  ],
  ['a level', level, []],
  [
    'a level of no type',
    having(level, { spec: { type: 'Free' } }),
    ['spec.type: Unsupported value: "Free": supported values: "Exempt", "Limited"'],
  ],
  [
    'a level without limits',
    having(level, { spec: { type: 'Limited' } }),
    ['spec.limited: Required value: must not be empty when type is Limited'],
  ],
  [
    'a level that is exempt',
    having(level, { spec: { type: 'Exempt' } }),
    ["spec.type: Invalid value: \"Exempt\": must be 'Exempt' if and only if `name` is 'exempt'"],
  ],
  [
    'hands of too many cards',
    having(level, { 'spec.limited.limitResponse.queuing': { queues: 4, handSize: 5, queueLengthLimit: 1 } }),
    ['spec.limited.limitResponse.queuing.handSize: Invalid value: 5: should not be greater than queues (4)'],
  ],
  [
    'more lent than there is',
    having(level, { 'spec.limited.lendablePercent': 101 }),
    ['spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive'],
  ],
  ['an API service', apiService, []],
  [
    'an API service under another name',
    having(apiService, { metadata: { name: 'acme' } }),
    ['metadata.name: Invalid value: "acme": must be `spec.version+"."+spec.group`: "v1.acme.io"'],
  ],
  [
    'an API service of no weight',
    having(apiService, { 'spec.groupPriorityMinimum': 0, 'spec.versionPriority': 1001 }),
    [
      'spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000',
      'spec.versionPriority: Invalid value: 1001: must be positive and less than 1000',
    ],
  ],
  [
    'an API service that trusts all and one',
    having(apiService, { 'spec.caBundle': 'AAAA', 'spec.insecureSkipTLSVerify': true }),
    ['spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present'],
  ],
  [
    'an API of the server’s own that trusts somebody',
    having(apiService, { 'spec.caBundle': 'AAAA', 'spec.service': undefined }),
    ['spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle'],
  ],
  [
    'a migration',
    {
      apiVersion: 'storagemigration.k8s.io/v1beta1',
      kind: 'StorageVersionMigration',
      spec: { resource: { group: 'apps', resource: 'deployments' } },
    },
    [],
  ],
  [
    'a migration of nothing',
    { apiVersion: 'storagemigration.k8s.io/v1beta1', kind: 'StorageVersionMigration', spec: { resource: { group: 'apps' } } },
    ['spec.resource.resource: Required value: resource is required to be set'],
  ],
  [
    'a storage version',
    { apiVersion: 'internal.apiserver.k8s.io/v1alpha1', kind: 'StorageVersion', metadata: { name: 'apps.deployments' }, spec: {} },
    [],
  ],
  [
    'a storage version of no group',
    { apiVersion: 'internal.apiserver.k8s.io/v1alpha1', kind: 'StorageVersion', spec: {} },
    ['metadata.name: Invalid value: "x": name must be in the form of <group>.<resource>'],
  ],
];

test('webhooks and policies are refused as Kubernetes refuses them', () => checkTable(admissionTable));
test('what every API server needs of flow control is fixed, but for what the exempt level lends', () => {
  const flow = 'flowcontrol.apiserver.k8s.io/v1';
  const metadata = { name: 'exempt' };
  const level: Draft = {
    apiVersion: flow,
    kind: 'PriorityLevelConfiguration',
    metadata,
    spec: { type: 'Exempt', exempt: { lendablePercent: 5 } },
  };
  assert.deepEqual(refusals(level), []);
  const all: Draft = {
    apiVersion: flow,
    kind: 'PriorityLevelConfiguration',
    metadata: { name: 'catch-all' },
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: 6, limitResponse: { type: 'Reject' } } },
  };
  assert.deepEqual(refusals(all), [
    `spec: Invalid value: {"Type":"Limited","Limited":{"NominalConcurrencyShares":6,"LimitResponse":{"Type":"Reject","Queuing":null},"LendablePercent":0,"BorrowingLimitPercent":null},"Exempt":null}: spec of 'catch-all' must equal the fixed value`,
  ]);
  assert.deepEqual(refusals(having(all, { 'spec.limited.nominalConcurrencyShares': 5 })), []);
  const schema: Draft = {
    apiVersion: flow,
    kind: 'FlowSchema',
    metadata,
    spec: { matchingPrecedence: 1, priorityLevelConfiguration: metadata },
  };
  assert.deepEqual(refusals(schema), [
    `spec: Invalid value: {"PriorityLevelConfiguration":{"Name":"exempt"},"MatchingPrecedence":1,"DistinguisherMethod":null,"Rules":null}: spec of 'exempt' must equal the fixed value`,
  ]);
});

test('flows of requests, aggregated APIs and migrations are refused as Kubernetes refuses them', () => checkTable(serverTable));
