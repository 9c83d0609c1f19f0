import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistentVolumeClaim, Pod, ResourceQuota, Service } from '../../api/generated/core-v1.ts';
import { configmaps, pods, replicasets, resourcequotas } from '../../api/generated/resources.ts';
import type { Draft, KubeObject } from '../../api/object.ts';
import { Stage } from '../testing.ts';
import { countedResources, quotaStatus } from './quota-usage.ts';

const quota = (hard: Record<string, string>, more: Partial<ResourceQuota['spec']> = {}): Draft<ResourceQuota> => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'q' },
  spec: { hard, ...more },
});
type Spec = Record<string, unknown>;
const pod = (spec: Spec = {}, phase = 'Running'): Pod =>
  ({ metadata: { name: 'p' }, spec: { containers: [{ name: 'c' }], ...spec }, status: { phase } }) as unknown as Pod;
const asking = (requests: Record<string, string>, limits: Record<string, string> = {}, more: Spec = {}): Spec => ({
  name: 'c',
  resources: { requests, limits },
  ...more,
});
const used = (draft: Draft<ResourceQuota>, objects: Record<string, readonly KubeObject[]>): Readonly<Record<string, string>> | undefined =>
  quotaStatus(draft as unknown as ResourceQuota, new Map(Object.entries(objects))).used;

test('pods take what their containers ask for side by side, or the largest that runs before them, and their overhead', () => {
  const hard = Object.fromEntries(
    ['pods', 'count/pods', 'cpu', 'requests.memory', 'limits.cpu', 'requests.example.com/gpu'].map((name) => [name, '100Gi']),
  );
  const all = [
    pod({
      containers: [asking({ cpu: '100m', memory: '1Gi', 'example.com/gpu': '1' }, { cpu: '1' }), asking({ cpu: '200m' })],
      initContainers: [asking({ cpu: '10m' }, {}, { restartPolicy: 'Always' }), asking({ cpu: '1' })],
      overhead: { cpu: '5m' },
    }),
    pod({ containers: [asking({ memory: '512Mi' })] }),
    pod({ containers: [asking({ cpu: '9' })] }, 'Succeeded'),
  ];
  assert.deepEqual(used(quota(hard), { pods: all }), {
    pods: '2',
    'count/pods': '3',
    cpu: '1015m',
    'requests.memory': '1536Mi',
    'limits.cpu': '1005m',
    'requests.example.com/gpu': '1',
  });
});

test('a quota with scopes is about the pods that have all of them, and about nothing else', () => {
  const bounded = pod({ activeDeadlineSeconds: 60, priorityClassName: 'high' });
  const asks = pod({ containers: [asking({ cpu: '1' })] });
  const abroad = pod({
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'z', namespaces: ['other'] }] } },
  });
  const count = (more: Partial<ResourceQuota['spec']>): string | undefined =>
    used(quota({ pods: '9' }, more), { pods: [bounded, asks, abroad] })?.['pods'];
  assert.equal(count({}), '3');
  assert.equal(count({ scopes: ['Terminating'] }), '1');
  assert.equal(count({ scopes: ['NotTerminating'] }), '2');
  assert.equal(count({ scopes: ['BestEffort'] }), '2');
  assert.equal(count({ scopes: ['NotBestEffort'] }), '1');
  assert.equal(count({ scopes: ['Terminating', 'NotBestEffort'] }), '0');
  assert.equal(count({ scopes: ['CrossNamespacePodAffinity'] }), '1');
  const priority = (operator: string, values?: string[]): string | undefined =>
    count({ scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator, ...(values ? { values } : {}) }] } });
  assert.deepEqual(
    [priority('In', ['high']), priority('NotIn', ['high']), priority('Exists'), priority('DoesNotExist')],
    ['1', '2', '1', '2'],
  );
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } } as unknown as KubeObject;
  assert.deepEqual(used(quota({ secrets: '1' }, { scopes: ['BestEffort'] }), { secrets: [secret] }), { secrets: '0' });
});

test('services and claims count by what they ask for, anything under count/, and what nobody serves not at all', () => {
  const service = (spec: Spec): Service => ({ metadata: { name: 's' }, spec }) as unknown as Service;
  const claim = (storage: string, storageClassName?: string): PersistentVolumeClaim =>
    ({ metadata: { name: 'c' }, spec: { storageClassName, resources: { requests: { storage } } } }) as unknown as PersistentVolumeClaim;
  const hard = {
    services: '9',
    'services.nodeports': '9',
    'services.loadbalancers': '9',
    'requests.storage': '9Gi',
    'fast.storageclass.storage.k8s.io/requests.storage': '9Gi',
    'fast.storageclass.storage.k8s.io/persistentvolumeclaims': '9',
    'count/replicasets.apps': '9',
    'count/ghosts.example.com': '9',
  };
  const draft = quota(hard);
  assert.deepEqual([...countedResources(draft as unknown as ResourceQuota)].sort(), [
    'ghosts.example.com',
    'persistentvolumeclaims',
    'replicasets.apps',
    'services',
  ]);
  const ports = [
    { port: 80, nodePort: 30_000 },
    { port: 81, nodePort: 30_001 },
  ];
  assert.deepEqual(
    used(draft, {
      services: [service({ type: 'NodePort', ports }), service({ type: 'LoadBalancer', ports: [{ port: 1 }] }), service({})],
      persistentvolumeclaims: [claim('1Gi'), claim('2Gi', 'fast')],
      'replicasets.apps': [],
    }),
    {
      services: '3',
      'services.nodeports': '2',
      'services.loadbalancers': '1',
      'requests.storage': '3Gi',
      'fast.storageclass.storage.k8s.io/requests.storage': '2Gi',
      'fast.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
      'count/replicasets.apps': '0',
    },
  );
});

test('the status follows what comes and goes, and is put right when somebody else writes it', () =>
  Stage.play({ controllers: ['resourcequota'] }, async (stage) => {
    await stage.create(configmaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'before' } });
    await stage.create(resourcequotas, quota({ configmaps: '5', pods: '5', resourcequotas: '1', 'count/replicasets.apps': '5' }));
    const status = () => stage.get(resourcequotas, 'q').status;
    const says = (text: string) => stage.eventually(text, () => Object.values(status()?.used ?? {}).join(' ') === text);
    await says('1 0 1 0');
    assert.deepEqual(status()?.hard, stage.get(resourcequotas, 'q').spec.hard);
    await stage.create(configmaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'more' } });
    await stage.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'x' }] } });
    await stage.create(replicasets, {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'r' },
      spec: {
        replicas: 0,
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [] } },
      },
    });
    await says('2 1 1 1');
    await stage.delete(configmaps, 'before');
    await says('1 1 1 1');
    await stage.patch(resourcequotas, 'q', { status: { used: { pods: '77' } } });
    await says('1 1 1 1');
    await stage.patch(resourcequotas, 'q', { spec: { hard: { pods: '3' } } });
    await stage.eventually('the new bound', () => status()?.hard?.['pods'] === '3');
  }));
