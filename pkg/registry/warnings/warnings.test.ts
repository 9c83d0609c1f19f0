import assert from 'node:assert/strict';
import { test } from 'node:test';
import { samples } from '../testing/samples.ts';
import { type Draft, having, warningsAbout } from '../testing/validation-table.ts';

const main = { name: 'main', image: 'i' };
const pod = (spec: object, metadata: object = {}): Draft => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata,
  spec: { containers: [main], ...spec },
});
const container = (fields: object): Draft => pod({ containers: [{ ...main, ...fields }] });
const deployment = (spec: object): Draft => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [main], ...spec } } },
});
const service = (spec: object): Draft => ({ apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80 }], ...spec } });
const oldZone = 'failure-domain.beta.kubernetes.io/zone';
const newZone = 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead';

const table: readonly (readonly [what: string, draft: Draft, warnings: readonly string[]])[] = [
  [
    'addresses from outside, and a distribution by its old name',
    service({ externalIPs: ['1.2.3.4'], trafficDistribution: 'PreferClose' }),
    [
      'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
      'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
    ],
  ],
  ['an old label', pod({ nodeSelector: { [oldZone]: 'a' } }), [`spec.nodeSelector[${oldZone}]: ${newZone}`]],
  [
    'an old label in a template',
    deployment({ topologySpreadConstraints: [{ maxSkew: 1, topologyKey: oldZone, whenUnsatisfiable: 'DoNotSchedule' }] }),
    [
      `spec.template.spec.topologySpreadConstraints[0].topologyKey: ${oldZone} is ${newZone}`,
      'spec.template.spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod',
    ],
  ],
  [
    'an old annotation',
    pod({}, { annotations: { 'scheduler.alpha.kubernetes.io/critical-pod': '' } }),
    [
      'metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead',
    ],
  ],
  [
    'an old volume',
    pod({ volumes: [{ name: 'v', gitRepo: { repository: 'r' } }] }),
    ['spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+'],
  ],
  [
    'files on top of each other',
    pod({
      volumes: [
        {
          name: 'v',
          configMap: {
            name: 'c',
            items: [
              { key: 'a', path: 'p' },
              { key: 'b', path: 'p/q' },
            ],
          },
        },
      ],
    }),
    ['volume "v" (ConfigMap "c"): overlapping paths: "p/q" with "p"'],
  ],
  ['one host twice', pod({ hostAliases: [{ ip: '10.0.0.1' }, { ip: '10.0.0.1' }] }), ['spec.hostAliases[1].ip: duplicate ip "10.0.0.1"']],
  [
    'a part of a byte',
    container({ resources: { limits: { memory: '100m' } } }),
    [
      'spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
      'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer',
    ],
  ],
  [
    'a variable twice',
    container({
      env: [
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ],
    }),
    ['spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'],
  ],
  [
    'a variable that is added to',
    container({
      env: [
        { name: 'A', value: '1' },
        { name: 'A', value: '$(A)2' },
      ],
    }),
    [],
  ],
  [
    'one port of two containers',
    pod({
      containers: [
        { ...main, ports: [{ containerPort: 80 }] },
        { name: 'b', image: 'i', ports: [{ containerPort: 80 }] },
      ],
    }),
    ['spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]'],
  ],
  [
    'one name for ports of two containers',
    pod({
      containers: [
        { ...main, ports: [{ name: 'web', containerPort: 80 }] },
        { name: 'b', image: 'i', ports: [{ name: 'web', containerPort: 81 }] },
      ],
    }),
    [
      'spec.containers[1].ports[0]: duplicate port name "web" with spec.containers[0].ports[0], services and probes that select ports by name will use spec.containers[0].ports[0]',
    ],
  ],
  [
    'less time than none',
    deployment({ terminationGracePeriodSeconds: -1 }),
    ['spec.template.spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1'],
  ],
  [
    'a headless service that stays with its clients',
    service({ clusterIP: 'None', sessionAffinity: 'ClientIP' }),
    ['spec.SessionAffinity is ignored for headless services'],
  ],
  ['a name for nothing', service({ externalName: 'a.example' }), ['spec.externalName is ignored when spec.type is not "ExternalName"']],
  [
    'an ingress of old',
    { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { annotations: { 'kubernetes.io/ingress.class': 'a' } }, spec: {} },
    ['annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead'],
  ],
  [
    'a volume that is emptied',
    { apiVersion: 'v1', kind: 'PersistentVolume', spec: { persistentVolumeReclaimPolicy: 'Recycle' } },
    [
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    ],
  ],
  [
    'half a byte of storage',
    { apiVersion: 'v1', kind: 'PersistentVolumeClaim', spec: { resources: { requests: { storage: '1500m' } } } },
    ['spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer'],
  ],
  [
    'a class somewhere of old',
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      provisioner: 'p',
      allowedTopologies: [{ matchLabelExpressions: [{ key: oldZone, values: ['a'] }] }],
    },
    [`allowedTopologies[0].matchLabelExpressions[0].key: ${oldZone} is ${newZone}`],
  ],
  [
    'a block that begins in the middle',
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.1/8' } }] }] },
    },
    ['spec.ingress[0].from[0].ipBlock.cidr: CIDR value "10.0.0.1/8" should be in canonical format ("10.0.0.0/8")'],
  ],
];

test('what is deprecated, does nothing, or is probably not meant is said as Kubernetes says it', () => {
  for (const [what, draft, warnings] of table) assert.deepEqual(warningsAbout(draft), warnings, what);
});

test('a name that cannot be a host’s is warned of once', () => {
  const dotted = having(deployment({}), { metadata: { name: 'a.b' } });
  assert.match(
    warningsAbout(dotted)[0] ?? '',
    /^metadata.name: this is used in Pod names and hostnames, .*; a DNS label is recommended: \[/,
  );
  assert.deepEqual(warningsAbout(dotted, dotted), []);
});

test('a template warns again only when it is another', () => {
  const old = deployment({ terminationGracePeriodSeconds: -1 });
  assert.equal(warningsAbout(old).length, 1);
  assert.deepEqual(warningsAbout(having(old, { 'spec.replicas': 3 }), old), []);
});

test('nothing is warned of that is as it should be', () => {
  for (const sample of samples.filter(({ kind }) => kind !== 'Endpoints'))
    assert.deepEqual(warningsAbout(sample), [], String(sample['kind']));
});
