/** The control loops against the real API server, scheduler and kubelets, on virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isApiError } from '../../pkg/api/errors.ts';
import type { Job } from '../../pkg/api/generated/batch-v1.ts';
import type { Pod } from '../../pkg/api/generated/core-v1.ts';
import * as resources from '../../pkg/api/generated/resources.ts';
import type { Draft, KubeObject, ResourceRef } from '../../pkg/api/object.ts';
import { Cluster } from '../../pkg/cluster/cluster.ts';
import type { ClusterOptions } from '../../pkg/cluster/cluster-options.ts';
import { decodeRecord } from '../../pkg/trace/cause.ts';

const {
  daemonsets,
  deployments,
  endpointslices,
  jobs,
  namespaces,
  nodes,
  poddisruptionbudgets,
  pods,
  replicasets,
  services,
  statefulsets,
} = resources;
const inDefault = { namespace: 'default' };

async function play(story: (cluster: Cluster) => Promise<void>, options: ClusterOptions = {}): Promise<void> {
  const cluster = await Cluster.start({ nodes: 3, clock: 'virtual', seed: 3, ...options });
  try {
    await story(cluster);
  } finally {
    await cluster.stop();
  }
}

const template = (app: string, spec: object = {}) => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'c', image: 'gokube/host' }], ...spec },
});
const selector = (app: string) => ({ matchLabels: { app } });
const workload = (kind: string, name: string, spec: object) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name },
  spec: { selector: selector(name), template: template(name), ...spec },
});
const create = <T extends KubeObject>(cluster: Cluster, ref: ResourceRef<T>, draft: object): Promise<T> =>
  cluster.client.resource(ref).create(draft as Draft<T>, ref.namespaced ? inDefault : {});
const list = async <T extends KubeObject>(cluster: Cluster, ref: ResourceRef<T>, namespace = 'default'): Promise<readonly T[]> =>
  (await cluster.client.resource(ref).list(ref.namespaced ? { namespace } : {})).items;
const isReady = ({ status, metadata }: Pod): boolean =>
  !metadata.deletionTimestamp && status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
const podsOf = async (cluster: Cluster, app: string): Promise<readonly Pod[]> =>
  (await list(cluster, pods)).filter(({ metadata }) => metadata.labels?.['app'] === app);

/** Waits until so many pods of the app are ready, and there are no others. */
const settled = (cluster: Cluster, app: string, count: number, timeout = '5m'): Promise<void> =>
  cluster.eventually(
    async () => {
      const all = await podsOf(cluster, app);
      return all.length === count && all.every(isReady);
    },
    { timeout, what: `${count} pods of ${app}` },
  );

const impatient: ClusterOptions = { nodeMonitorGracePeriod: 8000, notReadyTolerationSeconds: 2, unreachableTolerationSeconds: 2 };

test('pods of a node that dies run elsewhere within 15 s, and their Service drops them when the node is given up', () =>
  play(async (cluster) => {
    await create(cluster, replicasets, workload('ReplicaSet', 'web', { replicas: 9 }));
    await create(cluster, services, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    });
    await settled(cluster, 'web', 9);
    await cluster.run('20s');
    await cluster.killNode('node-2');
    const killed = cluster.clock.monotonic();
    const status = async () =>
      (await cluster.client.resource(nodes).get('node-2')).status.conditions?.find(({ type }) => type === 'Ready')?.status;
    await cluster.eventually(async () => (await status()) === 'Unknown', { timeout: '8s' });
    const given = cluster.clock.monotonic();
    const sentTo = async (): Promise<(string | undefined)[]> =>
      (await list(cluster, endpointslices))
        .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'web')
        .flatMap(({ endpoints = [] }) => endpoints.filter(({ conditions }) => conditions.ready).map(({ nodeName }) => nodeName));
    await cluster.eventually(async () => !(await sentTo()).includes('node-2'), {
      timeout: '2s',
      what: 'the Service to drop the dead node',
    });
    await cluster.eventually(
      async () => (await podsOf(cluster, 'web')).filter((pod) => isReady(pod) && pod.spec.nodeName !== 'node-2').length === 9,
      { timeout: 15_000 - (given - killed) },
    );
    await cluster.startNode('node-2');
    await settled(cluster, 'web', 9);
  }, impatient));

test('after a partition has healed no pod runs twice', () =>
  play(async (cluster) => {
    await create(cluster, deployments, workload('Deployment', 'web', { replicas: 6 }));
    await settled(cluster, 'web', 6);
    await cluster.partitionNode('node-1');
    await cluster.eventually(
      async () => (await podsOf(cluster, 'web')).filter((pod) => isReady(pod) && pod.spec.nodeName !== 'node-1').length === 6,
      { timeout: '1m' },
    );
    await cluster.healNode('node-1');
    await settled(cluster, 'web', 6);
    await cluster.run('1m');
    await settled(cluster, 'web', 6, '1s');
  }, impatient));

test('every kind of workload comes up, is updated, and goes without leaving anything', () =>
  play(async (cluster) => {
    const kinds = [
      [deployments, workload('Deployment', 'web', { replicas: 4 }), 4],
      [daemonsets, workload('DaemonSet', 'log', {}), 3],
      [statefulsets, workload('StatefulSet', 'db', { replicas: 3, serviceName: 'db' }), 3],
    ] as const;
    for (const [ref, draft, count] of kinds) {
      await create(cluster, ref as ResourceRef, draft);
      await settled(cluster, draft.metadata.name, count);
      const before = new Set((await podsOf(cluster, draft.metadata.name)).map(({ metadata }) => metadata.uid));
      const body = { spec: { template: { metadata: { annotations: { version: '2' } } } } };
      await cluster.client.resource(ref as ResourceRef).patch(draft.metadata.name, { type: 'merge', body }, inDefault);
      await cluster.eventually(
        async () => (await podsOf(cluster, draft.metadata.name)).every(({ metadata }) => !before.has(metadata.uid)),
        { timeout: '10m', what: `the update of ${draft.kind}` },
      );
      await settled(cluster, draft.metadata.name, count);
    }
    for (const [ref, draft] of kinds)
      await cluster.client.resource(ref as ResourceRef).delete(draft.metadata.name, { ...inDefault, propagationPolicy: 'Foreground' });
    const rest = [deployments, daemonsets, statefulsets, replicasets, pods, resources.controllerrevisions];
    await cluster.eventually(async () => (await Promise.all(rest.map((ref) => list(cluster, ref as ResourceRef)))).flat().length === 0, {
      timeout: '5m',
    });
  }));

test('a namespace takes everything in it along', () =>
  play(async (cluster) => {
    await create(cluster, namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    const there = { namespace: 'shop' };
    await cluster.eventually(async () => (await list(cluster, resources.serviceaccounts, 'shop')).length === 1);
    await cluster.client
      .resource(deployments)
      .create(workload('Deployment', 'web', { replicas: 3 }) as unknown as Draft<KubeObject> as never, there);
    await cluster.client
      .resource(services)
      .create(
        { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } },
        there,
      );
    await cluster.eventually(async () => (await list(cluster, pods, 'shop')).filter(isReady).length === 3);
    await cluster.client.resource(namespaces).delete('shop');
    await cluster.eventually(async () => !(await list(cluster, namespaces)).some(({ metadata }) => metadata.name === 'shop'), {
      timeout: '2m',
    });
    const everything = Object.values(resources).filter(({ namespaced }) => namespaced) as ResourceRef[];
    for (const ref of everything) {
      const left = await cluster.client
        .resource(ref)
        .list(there)
        .catch((error: unknown) => {
          // Reviews and bindings can only be made.
          assert.ok(isApiError(error, 'MethodNotAllowed') || isApiError(error, 'NotFound'), String(error));
          return { items: [] };
        });
      assert.deepEqual(
        left.items.map(({ metadata }) => metadata.name),
        [],
        ref.resource,
      );
    }
  }));

test('dependents go in the background, hold in the foreground, and are set free as orphans', () =>
  play(async (cluster) => {
    for (const [policy, left] of [
      ['Background', 0],
      ['Foreground', 0],
      ['Orphan', 2],
    ] as const) {
      await create(cluster, replicasets, workload('ReplicaSet', 'web', { replicas: 2 }));
      await settled(cluster, 'web', 2);
      await cluster.client.resource(replicasets).delete('web', { ...inDefault, propagationPolicy: policy });
      await cluster.eventually(
        async () => (await list(cluster, replicasets)).length === 0 && (await podsOf(cluster, 'web')).length === left,
        { timeout: '2m', what: policy },
      );
      await cluster.run('1m');
      assert.equal((await podsOf(cluster, 'web')).length, left, policy);
    }
    assert.deepEqual(
      (await podsOf(cluster, 'web')).map(({ metadata }) => metadata.ownerReferences ?? []),
      [[], []],
    );
    // A new owner takes the orphans over.
    await create(cluster, replicasets, workload('ReplicaSet', 'web', { replicas: 2 }));
    await cluster.eventually(async () => (await podsOf(cluster, 'web')).every(({ metadata }) => metadata.ownerReferences?.length === 1));
    assert.equal((await podsOf(cluster, 'web')).length, 2);
  }));

test('a budget lets as many go as it can spare', () =>
  play(async (cluster) => {
    await create(cluster, deployments, workload('Deployment', 'web', { replicas: 3 }));
    await create(cluster, poddisruptionbudgets, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'web' },
      spec: { minAvailable: 2, selector: selector('web') },
    });
    await settled(cluster, 'web', 3);
    const allowed = async () => (await cluster.client.resource(poddisruptionbudgets).get('web', inDefault)).status.disruptionsAllowed;
    await cluster.eventually(async () => (await allowed()) === 1);
    const evict = (name: string) =>
      cluster.client
        .resource(pods)
        .createSubresource(
          name,
          'eviction',
          { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'default' } },
          inDefault,
        );
    const [first, second] = (await podsOf(cluster, 'web')).map(({ metadata }) => metadata.name) as [string, string];
    await evict(first);
    await assert.rejects(evict(second), { code: 429 });
    await settled(cluster, 'web', 3);
    await cluster.eventually(async () => (await allowed()) === 1);
    await evict(second);
  }));

test('a Job runs its pods to their end and keeps count, also of those that fail', () =>
  play(async (cluster) => {
    const run = async (name: string, spec: object, annotations: Record<string, string> = {}): Promise<Job['status']> => {
      const { metadata, ...pod } = template(name, { restartPolicy: 'Never', ...spec });
      const job = { completions: 3, parallelism: 2, backoffLimit: 1, template: { ...pod, metadata: { ...metadata, annotations } } };
      await create(cluster, jobs, { apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: job });
      const read = () => cluster.client.resource(jobs).get(name, inDefault);
      const ended = ({ status }: Job) => status.conditions?.some(({ type }) => type === 'Complete' || type === 'Failed') === true;
      await cluster.eventually(async () => ended(await read()), { timeout: '10m' });
      assert.ok(
        (await podsOf(cluster, name)).every(({ metadata: { finalizers } }) => !finalizers?.length),
        'nothing holds the pods',
      );
      return (await read()).status;
    };
    const reasons = (status: Job['status']) => status.conditions?.map(({ type, reason }) => `${type}: ${reason}`);
    const sum = await run('sum', {});
    assert.equal(sum.succeeded, 3);
    assert.ok(reasons(sum)?.includes('Complete: CompletionsReached'));
    // Each pod is ended by its own deadline, and so has failed.
    const late = await run('late', { activeDeadlineSeconds: 5 }, { 'fake.gokube.dev/run-for': '1h' });
    assert.ok(reasons(late)?.includes('Failed: BackoffLimitExceeded'));
  }));

test('a pod can be followed back to the request that it came from', () =>
  play(async (cluster) => {
    const deployment = await create(cluster, deployments, workload('Deployment', 'web', { replicas: 1 }));
    await settled(cluster, 'web', 1);
    const recordOf = async (key: string, revision: number) => decodeRecord(await cluster.store.record(key, revision));
    const [set] = await list(cluster, replicasets);
    const [pod] = await podsOf(cluster, 'web');
    const creation = async (key: string): Promise<number> => {
      const { item } = await cluster.store.get(key);
      return item?.createRevision ?? assert.fail(`${key} is not in the store`);
    };
    const setKey = `/registry/replicasets/default/${set?.metadata.name}`;
    const podKey = `/registry/pods/default/${pod?.metadata.name}`;
    const setMade = await recordOf(setKey, await creation(setKey));
    const podMade = await recordOf(podKey, await creation(podKey));
    assert.equal(setMade?.agent, 'deployment-controller');
    assert.ok(setMade?.causes?.includes(Number(deployment.metadata.resourceVersion)), `${setMade?.causes} names the Deployment's revision`);
    assert.equal(podMade?.agent, 'replicaset-controller');
    assert.ok(podMade?.causes?.includes(await creation(setKey)), `${podMade?.causes} names the ReplicaSet's revision`);
    const asked = await recordOf('/registry/deployments/default/web', Number(deployment.metadata.resourceVersion));
    assert.deepEqual([asked?.actor, asked?.causes ?? []], ['kubernetes-admin', []]);
  }));
