import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isApiError, isInvalid } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import { object, storageOf } from '../testing/objects.ts';
import { testRegistry } from '../testing/test-registry.ts';

const container = { name: 'main', image: 'i' };
const podWith = (spec: object, metadata: object = {}) => object('v1', 'Pod', 'x', { spec: { containers: [container], ...spec } }, metadata);
const inContainer = (fields: object, spec: object = {}) => podWith({ ...spec, containers: [{ ...container, ...fields }] });
const service = (spec: object) => object('v1', 'Service', 'x', { spec });
const template = (spec: object = {}, labels: object = { a: 'b' }) => ({ metadata: { labels }, spec: { containers: [container], ...spec } });
const deployment = (spec: object) =>
  object('apps/v1', 'Deployment', 'x', { spec: { selector: { matchLabels: { a: 'b' } }, template: template(), ...spec } });

const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** What is created, and all that is said about it. */
const table: readonly (readonly [what: string, draft: KubeObject, said: readonly string[]])[] = [
  [
    'no name',
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} } as never,
    ['metadata.name: Required value: name or generateName is required'],
  ],
  [
    'a long name',
    object('v1', 'ConfigMap', 'a'.repeat(300)),
    [`metadata.name: Invalid value: "${'a'.repeat(300)}": must be no more than 253 characters`],
  ],
  ['an odd name', object('v1', 'ConfigMap', 'A_b'), [`metadata.name: Invalid value: "A_b": ${subdomain}`]],
  ['a namespace with a dot', object('v1', 'Namespace', 'a.b'), ['metadata.name: Invalid value: "a.b": must not contain dots']],
  [
    'a label of odd characters',
    object('v1', 'ConfigMap', 'x', {}, { labels: { a: 'b c' } }),
    [
      "metadata.labels: Invalid value: \"b c\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ],
  ],
  ['no containers', podWith({ containers: [] }), ['spec.containers: Required value']],
  ['no image', podWith({ containers: [{ name: 'main' }] }), ['spec.containers[0].image: Required value']],
  [
    'an unnamed container deep inside',
    deployment({ template: template({ containers: [{ image: 'i' }] }) }),
    ['spec.template.spec.containers[0].name: Required value'],
  ],
  ['two containers of one name', podWith({ containers: [container, container] }), ['spec.containers[1].name: Duplicate value: "main"']],
  [
    'a restart policy',
    podWith({ restartPolicy: 'Maybe' }),
    ['spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"'],
  ],
  [
    'a port',
    inContainer({ ports: [{ containerPort: 70000 }] }),
    ['spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
  ],
  [
    'a mount without volume',
    inContainer({ volumeMounts: [{ name: 'data', mountPath: '/d' }] }),
    ['spec.containers[0].volumeMounts[0].name: Not found: "data"'],
  ],
  [
    'two mounts at one place',
    inContainer(
      {
        volumeMounts: [
          { name: 'd', mountPath: '/d' },
          { name: 'd', mountPath: '/d' },
        ],
      },
      { volumes: [{ name: 'd' }] },
    ),
    ['spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/d": must be unique'],
  ],
  [
    'two sources',
    podWith({ volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/' } }] }),
    ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
  ],
  [
    'a value from two places',
    inContainer({ env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }),
    ['spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
  ],
  [
    'a probe without handler',
    inContainer({ livenessProbe: { periodSeconds: 1 } }),
    ['spec.containers[0].livenessProbe: Required value: must specify a handler type'],
  ],
  [
    'a probe that cannot succeed',
    inContainer({ livenessProbe: { exec: { command: ['true'] }, successThreshold: 2, periodSeconds: -1 } }),
    [
      'spec.containers[0].livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0',
      'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
    ],
  ],
  [
    'a request above its limit',
    inContainer({ resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } }),
    ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
  ],
  [
    'a toleration',
    podWith({ tolerations: [{ key: 'k', operator: 'Exists', value: 'v', effect: 'NoExecute' }] }),
    ['spec.tolerations[0].operator: Invalid value: "v": value must be empty when `operator` is \'Exists\''],
  ],
  [
    'an affinity without key',
    podWith({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: '' }] } } }),
    [
      'spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty',
      'spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid value: "": name part must be non-empty',
      "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid value: \"\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
  ],
  [
    'no selector',
    deployment({ selector: undefined }),
    [
      'spec.selector: Required value',
      'spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`',
    ],
  ],
  ['an empty selector', deployment({ selector: {} }), ['spec.selector: Invalid value: {}: empty selector is invalid for deployment']],
  [
    'a selector that selects others',
    deployment({ template: template({}, { c: 'd' }) }),
    ['spec.template.metadata.labels: Invalid value: {"c":"d"}: `selector` does not match template `labels`'],
  ],
  [
    'pods that end',
    deployment({ template: template({ restartPolicy: 'Never' }) }),
    ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
  ],
  ['fewer than no replicas', deployment({ replicas: -1 }), ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
  [
    'a rollout that cannot move',
    deployment({ strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }),
    ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0'],
  ],
  [
    'a strategy for another',
    deployment({ strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } }),
    ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
  ],
  ['no ports', service({ selector: { a: 'b' } }), ['spec.ports: Required value']],
  ['unnamed ports', service({ ports: [{ port: 1 }, { name: 'b', port: 2 }] }), ['spec.ports[0].name: Required value']],
  [
    'a port twice',
    service({
      ports: [
        { name: 'a', port: 1 },
        { name: 'b', port: 1 },
      ],
    }),
    ['spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":1,"TargetPort":0,"NodePort":0}'],
  ],
  [
    'an unknown type',
    service({ type: 'Magic', ports: [{ port: 1 }] }),
    ['spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'],
  ],
  ['an external name that is none', service({ type: 'ExternalName' }), ['spec.externalName: Required value']],
  [
    'an address that is none',
    service({ clusterIP: 'x', ports: [{ port: 1 }] }),
    ['spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
  ],
  [
    'a second family',
    service({ ipFamilyPolicy: 'RequireDualStack', ports: [{ port: 1 }] }),
    ['spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services'],
  ],
  [
    'a key that is no file',
    object('v1', 'ConfigMap', 'x', { data: { 'a/b': '' } }),
    [
      "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ],
  ],
  [
    'too much data',
    object('v1', 'ConfigMap', 'x', { data: { a: 'x'.repeat(2 ** 20 + 1) } }),
    ['[]: Too long: may not be more than 1048576 bytes'],
  ],
  [
    'a certificate without key',
    object('v1', 'Secret', 'x', { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }),
    ['data[tls.key]: Required value'],
  ],
  [
    'a budget of both kinds',
    object('policy/v1', 'PodDisruptionBudget', 'x', { spec: { minAvailable: 1, maxUnavailable: 1 } }),
    [
      'spec: Invalid value: {"MinAvailable":1,"Selector":null,"MaxUnavailable":1,"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set',
    ],
  ],
  [
    'an operator',
    deployment({ selector: { matchLabels: { a: 'b' }, matchExpressions: [{ key: 'a', operator: 'Near' }] } }),
    [
      'spec.selector.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator',
      'spec.selector: Invalid value: {"matchLabels":{"a":"b"},"matchExpressions":[{"key":"a","operator":"Near"}]}: invalid label selector',
    ],
  ],
  [
    'an owner without name',
    object('v1', 'ConfigMap', 'x', {}, { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: '', uid: 'u' }] }),
    ['metadata.ownerReferences.name: Invalid value: "": must not be empty'],
  ],
  [
    'a finalizer of nobody',
    object('v1', 'ConfigMap', 'x', {}, { finalizers: ['mine'] }),
    ['metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified'],
  ],
];

test('what is wrong with an object is said as Kubernetes says it, and the good ones pass', async () => {
  const { registry, context } = await testRegistry();
  await storageOf(registry, 'serviceaccounts').create(context(), 'default', object('v1', 'ServiceAccount', 'default'));
  const declarations = registry.declarations();
  for (const [what, draft, said] of table) {
    const [group, version] = draft.apiVersion.includes('/') ? (draft.apiVersion.split('/') as [string, string]) : ['', draft.apiVersion];
    const declaration = declarations.find((one) => one.group === group && one.version === version && one.kind === draft.kind);
    assert.ok(declaration);
    const storage = storageOf(registry, declaration.resource, group, version);
    await assert.rejects(storage.create(context(), declaration.namespaced ? 'default' : '', draft), (error) => {
      assert.ok(isApiError(error, 'Invalid'), `${what}: ${String(error)}`);
      assert.deepEqual(
        error.details?.causes?.map((cause) => `${cause.field}: ${cause.message}`),
        said,
        what,
      );
      return true;
    });
  }
  for (const draft of [podWith({}), deployment({}), service({ ports: [{ port: 80 }] })]) {
    const { group, resource } = declarations.find((one) => one.kind === draft.kind) as { group: string; resource: string };
    await storageOf(registry, resource, group).create(context(), 'default', draft);
  }
  await registry.close();
});

test('a selector, once chosen, stays', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'deployments', 'apps');
  await storage.create(context(), 'default', deployment({}));
  const next = deployment({ selector: { matchLabels: { c: 'd' } }, template: template({}, { c: 'd' }) });
  await assert.rejects(
    storage.update(context(), { namespace: 'default', name: 'x' }, () => next),
    /Deployment.apps "x" is invalid: spec.selector: Invalid value: \{"matchLabels":\{"c":"d"\}\}: field is immutable/,
  );
  await registry.close();
});

test('no object of JSON, however odd, makes a create fail with anything but an ApiError', async () => {
  const { registry, context } = await testRegistry();
  await storageOf(registry, 'serviceaccounts').create(context(), 'default', object('v1', 'ServiceAccount', 'default'));
  const odd = fc.object({
    maxDepth: 4,
    withNullPrototype: false,
    key: fc.constantFrom('containers', 'ports', 'name', 'selector', 'template', 'spec', 'metadata', 'labels', 'volumes', 'x'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('pods', 'services', 'configmaps', 'secrets', 'nodes', 'endpoints'),
      odd,
      odd,
      async (resource, spec, rest) => {
        const storage = storageOf(registry, resource);
        const draft = { ...rest, apiVersion: 'v1', kind: storage.declaration.kind, metadata: { name: 'odd' }, spec } as never;
        try {
          await storage.create(context({ dryRun: true }), storage.declaration.namespaced ? 'default' : '', draft);
        } catch (error) {
          assert.ok(isInvalid(error) || isApiError(error), String((error as Error).stack));
        }
      },
    ),
    { numRuns: 100, interruptAfterTimeLimit: 5_000 },
  );
  await registry.close();
});
