import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Raw } from '../raw.ts';
import { type Case, checkTable, type Draft, having, prepared, updateRefusals } from '../testing/validation-table.ts';
import { validatePodStatus } from './pod-status.ts';

const main = { name: 'main', image: 'i' };
const pod = (spec: object = {}, metadata: object = {}): Draft => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata,
  spec: { containers: [main], ...spec },
});

const table: readonly Case[] = [
  [
    'volumes before containers, containers before their pod',
    pod({ restartPolicy: 'Perhaps', volumes: [{ name: 'V' }], containers: [{ name: '', image: '' }] }, { name: 'A' }),
    [
      "metadata.name: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      "spec.volumes[0].name: Invalid value: \"V\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      'spec.containers[0].name: Required value',
      'spec.containers[0].image: Required value',
      'spec.restartPolicy: Unsupported value: "Perhaps": supported values: "Always", "OnFailure", "Never"',
    ],
  ],
  [
    'a second source of a volume is refused unseen',
    pod({ volumes: [{ name: 'v', hostPath: { path: '..', type: 'Odd' }, emptyDir: {} }] }),
    ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
  ],
  [
    'a volume that something is wrong with is none to mount',
    pod({
      volumes: [{ name: 'v', nfs: { server: 's', path: 'p' } }],
      containers: [{ ...main, volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
    }),
    ['spec.volumes[0].nfs.path: Invalid value: "p": must be an absolute path', 'spec.containers[0].volumeMounts[0].name: Not found: "v"'],
  ],
  [
    'a second handler',
    pod({ containers: [{ ...main, livenessProbe: { exec: { command: ['a'] }, tcpSocket: { port: 0 } } }] }),
    ['spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type'],
  ],
  [
    'a sleep longer than the end',
    pod({ terminationGracePeriodSeconds: 5, containers: [{ ...main, lifecycle: { preStop: { sleep: { seconds: 6 } } } }] }),
    ['spec.containers[0].lifecycle.preStop.sleep: Invalid value: 6: must be non-negative and less than terminationGracePeriodSeconds (5)'],
  ],
  [
    'two files at one path',
    pod({
      volumes: [
        {
          name: 'v',
          projected: {
            sources: [
              { configMap: { name: 'c', items: [{ key: 'a', path: 'p' }] } },
              { secret: { name: 's', items: [{ key: 'a', path: 'p' }] }, downwardAPI: {} },
            ],
          },
        },
      ],
    }),
    [
      'spec.volumes[0].projected: Invalid value: "s": conflicting duplicate paths',
      'spec.volumes[0].projected.sources[1]: Forbidden: may not specify more than 1 volume type per source',
    ],
  ],
  [
    'what Linux alone knows, in a pod for Windows',
    pod({
      os: { name: 'windows' },
      hostPID: true,
      securityContext: { runAsUser: 1 },
      containers: [{ ...main, securityContext: { privileged: false } }],
    }),
    [
      'spec.hostPID: Forbidden: cannot be set for a windows pod',
      'spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod',
      'spec.containers[0].securityContext.privileged: Forbidden: cannot be set for a windows pod',
    ],
  ],
  [
    'what Windows alone knows, in a pod for Linux',
    pod({ os: { name: 'linux' }, securityContext: { windowsOptions: { runAsUserName: 'a\\b\\c' } } }),
    [
      'spec.securityContext.windowsOptions.runAsUserName: Invalid value: "a\\\\b\\\\c": runAsUserName cannot contain more than one backslash',
      'spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod',
    ],
  ],
  [
    'a process of the machine that is not in its network',
    pod({ securityContext: { windowsOptions: { hostProcess: true } } }),
    ['spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers'],
  ],
  [
    'users of its own in a namespace of the machine',
    pod({ hostUsers: false, hostPID: true, hostnameOverride: 'h', setHostnameAsFQDN: true }),
    [
      'spec.HostPID: Forbidden: when `hostUsers` is false',
      'spec.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true',
    ],
  ],
  [
    'variables from a file that nobody writes',
    pod({
      containers: [{ ...main, env: [{ name: 'A', valueFrom: { fileKeyRef: { key: 'K', path: '../f', volumeName: 'v' } } }] }],
    }),
    [
      'spec.containers[0].env[0].valueFrom.fileKeyRef.path: Invalid value: "../f": must not contain \'..\'',
      'spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Not found: "v"',
    ],
  ],
  [
    'a profile that is said twice, and otherwise',
    pod(
      { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } },
      { annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' } },
    ),
    ['spec.securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field must match'],
  ],
  [
    'a template is looked at before what its workload adds',
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      spec: {
        selector: { matchLabels: { a: 'b' } },
        minReadySeconds: -1,
        template: { metadata: { labels: { a: 'b' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'main' }] } },
      },
    },
    [
      'spec.template.spec.containers[0].image: Required value',
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
      'spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0',
    ],
  ],
];

test('what is wrong with a pod is said in the order in which Kubernetes looks', () => checkTable(table));

test('the pod’s own labels narrow the selectors that name their keys, once', () => {
  const term = { topologyKey: 'zone', labelSelector: {}, matchLabelKeys: ['app', 'other'], mismatchLabelKeys: ['tenant'] };
  const { object } = prepared(
    pod({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } }, { labels: { app: 'web', tenant: 'a' } }),
  );
  const required = (object['spec'] as never as { affinity: { podAffinity: Record<string, { labelSelector: object }[]> } }).affinity
    .podAffinity;
  assert.deepEqual(required['requiredDuringSchedulingIgnoredDuringExecution']?.[0]?.labelSelector, {
    matchExpressions: [
      { key: 'app', operator: 'In', values: ['web'] },
      { key: 'tenant', operator: 'NotIn', values: ['a'] },
    ],
  });
});

test('the pull policy follows from the tag of what is an image’s name', () => {
  const policyOf = (image: string): unknown => {
    const { containers } = prepared(pod({ containers: [{ name: 'main', image }] })).object['spec'] as never as {
      containers: { imagePullPolicy: unknown }[];
    };
    return containers[0]?.imagePullPolicy;
  };
  const digest = `sha256:${'a'.repeat(64)}`;
  for (const image of ['nginx', 'nginx:latest', 'reg.io:5000/a/b', 'Reg.io/a']) assert.equal(policyOf(image), 'Always', image);
  for (const image of ['nginx:1', `nginx@${digest}`, 'reg.io:5000/a/b:2', 'Nginx', '/abs', ''])
    assert.equal(policyOf(image), 'IfNotPresent', image);
  assert.equal(policyOf(`nginx:latest@${digest}`), 'Always');
});

test('a pod has no less time to end than a second, but its template may ask for it', () => {
  assert.equal(
    (prepared(pod({ terminationGracePeriodSeconds: -5 })).object['spec'] as { terminationGracePeriodSeconds: number })
      .terminationGracePeriodSeconds,
    1,
  );
});

test('what a pod is pinned to may be narrowed while it is gated, and nothing else', () => {
  const gated = pod({ schedulingGates: [{ name: 'a.io/b' }], nodeSelector: { disk: 'ssd' } });
  assert.deepEqual(updateRefusals(gated, having(gated, { 'spec.nodeSelector': { disk: 'ssd', zone: 'a' } })), []);
  assert.deepEqual(updateRefusals(gated, having(gated, { 'spec.nodeSelector': {} })), [
    'spec.nodeSelector: Invalid value: null: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
  ]);
  assert.deepEqual(updateRefusals(gated, having(gated, { 'spec.schedulingGates': [{ name: 'c.io/d' }] })), [
    "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'c.io/d'",
  ]);
});

test('a container that has ended stays so where nothing starts it again', () => {
  const written = (container: object, restartPolicy: string): string[] => {
    const having = (state: object): Raw => ({
      spec: { restartPolicy, containers: [{ ...main, ...container }] },
      status: { containerStatuses: [{ name: 'main', state }] },
    });
    return validatePodStatus(having({ running: {} }), having({ terminated: { exitCode: 3 } })).map(
      ({ field, message }) => `${field}: ${message}`,
    );
  };
  const refused = ['status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state'];
  assert.deepEqual(written({}, 'Never'), refused);
  assert.deepEqual(written({}, 'OnFailure'), []);
  assert.deepEqual(written({ restartPolicy: 'Never' }, 'Always'), refused);
  const rule = (values: number[]): object => ({ action: 'Restart', exitCodes: { operator: 'In', values } });
  assert.deepEqual(written({ restartPolicy: 'Never', restartPolicyRules: [rule([3])] }, 'Never'), []);
  assert.deepEqual(written({ restartPolicy: 'Never', restartPolicyRules: [rule([4])] }, 'Never'), refused);
});

test('addresses of a pod are one of each family', () => {
  const faults = (podIPs: object[]): string[] => validatePodStatus({ status: { podIPs } }, { status: {} }).map(({ field }) => field ?? '');
  assert.deepEqual(faults([{ ip: '10.0.0.1' }, { ip: 'fd00::1' }]), []);
  assert.deepEqual(faults([{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }]), ['status.podIPs']);
  assert.deepEqual(faults([{ ip: 'x' }]), ['status.podIPs[0]']);
});
