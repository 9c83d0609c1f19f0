/** The JavaScript client of Kubernetes: informers, objects of any kind, watches, exec and logs. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  Exec,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  Log,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1Deployment,
  type V1Status,
  Watch,
} from '@kubernetes/client-node';
import type { RunningCluster } from '../e2e/running-cluster.ts';
import { startCluster } from './real-client.ts';

const namespace = 'javascript';
const web: V1Deployment & KubernetesObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image: 'busybox', command: ['sh', '-c', 'echo hello; sleep 3600'] }] },
    },
  },
};

async function until<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const end = performance.now() + 30_000;
  while (performance.now() < end) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`waited in vain for ${what}`);
}

describe('the JavaScript client of Kubernetes', () => {
  let cluster: RunningCluster;
  let config: KubeConfig;
  let core: CoreV1Api;
  before(async () => {
    cluster = await startCluster();
    config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    core = config.makeApiClient(CoreV1Api);
    await core.createNamespace({ body: { metadata: { name: namespace } } });
  });
  after(() => cluster.delete());

  test('an informer tells what comes, changes and goes', async () => {
    const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/secrets`, () => core.listNamespacedSecret({ namespace }));
    const seen: string[] = [];
    for (const verb of ['add', 'update', 'delete'] as const) informer.on(verb, ({ metadata }) => seen.push(`${verb} ${metadata?.name}`));
    await informer.start();
    await core.createNamespacedSecret({ namespace, body: { metadata: { name: 'a' } } });
    const change = { namespace, name: 'a', body: { stringData: { x: 'y' } } };
    await core.patchNamespacedSecret(change, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
    await until('the change', () => seen.includes('update a') || undefined);
    assert.equal(informer.get('a', namespace)?.data?.['x'], 'eQ==');
    await core.deleteNamespacedSecret({ namespace, name: 'a' });
    await until('the deletion', () => seen.includes('delete a') || undefined);
    await informer.stop();
    assert.deepEqual(seen, ['add a', 'update a', 'delete a']);
  });

  test('objects of any kind are created, patched in every way, applied, listed and deleted', async () => {
    const api = KubernetesObjectApi.makeApiClient(config);
    const made = await api.create(web);
    const scaled = await api.patch<V1Deployment & KubernetesObject>({ ...web, spec: { replicas: 2 } as never });
    assert.deepEqual([scaled.metadata?.uid, scaled.spec?.replicas], [made.metadata?.uid, 2]);
    const { metadata } = await api.patch(web, undefined, undefined, 'javascript', true, PatchStrategy.ServerSideApply);
    assert.ok(metadata?.managedFields?.some(({ manager, operation }) => manager === 'javascript' && operation === 'Apply'));
    // The Deployment's controller writes its status meanwhile: whoever is second reads again.
    await until('a replacement', async () => {
      const read = await api.read<V1Deployment & KubernetesObject>({ ...web, metadata: { name: 'web', namespace } });
      return api.replace(read).catch((error: unknown) => {
        if (error instanceof ApiException && error.code === 409) return undefined;
        throw error;
      });
    });
    const { items } = await api.list('apps/v1', 'Deployment', namespace);
    assert.deepEqual(
      items.map((item) => item.metadata?.name),
      ['web'],
    );
    const json = { op: 'replace', path: '/spec/replicas', value: 3 };
    const apps = config.makeApiClient(AppsV1Api);
    const patched = await apps.patchNamespacedDeployment(
      { name: 'web', namespace, body: [json] },
      setHeaderOptions('Content-Type', PatchStrategy.JsonPatch),
    );
    assert.equal(patched.spec?.replicas, 3);
    const passing = await api.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'passing', namespace } });
    assert.equal((await api.delete(passing)).status, 'Success');
  });

  test('a refusal carries its Status', async () => {
    const refused = await core.readNamespacedPod({ name: 'nobody', namespace }).catch((error: unknown) => error);
    assert.ok(refused instanceof ApiException);
    assert.deepEqual([refused.code, JSON.parse(refused.body).reason], [404, 'NotFound']);
  });

  test('a watch goes on from a revision, and ends when its time is up', async () => {
    const { metadata } = await core.listNamespacedConfigMap({ namespace });
    const seen: string[] = [];
    const ended = Promise.withResolvers<unknown>();
    await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { resourceVersion: metadata?.resourceVersion, timeoutSeconds: 2 },
      (type: string, object: KubernetesObject) => seen.push(`${type} ${object.metadata?.generateName}`),
      ended.resolve,
    );
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { generateName: 'made-' } } });
    assert.equal(await ended.promise, null);
    assert.deepEqual(seen, ['ADDED made-']);
  });

  test('a command runs in a container, and its logs can be read', async () => {
    const name = await until('a running pod', async () => {
      const { items } = await core.listNamespacedPod({ namespace, labelSelector: 'app=web', fieldSelector: 'status.phase=Running' });
      return items[0]?.metadata?.name;
    });
    const text = async (stream: PassThrough): Promise<string> => (await stream.end().toArray()).join('');
    const [out, err, logs] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const status = Promise.withResolvers<V1Status>();
    await new Exec(config).exec(
      namespace,
      name,
      'c',
      ['sh', '-c', 'echo out; echo err >&2; exit 3'],
      out,
      err,
      null,
      false,
      status.resolve,
    );
    const { reason, details } = await status.promise;
    assert.deepEqual([reason, details?.causes?.[0]?.message], ['NonZeroExitCode', '3']);
    assert.deepEqual([await text(out), await text(err)], ['out\n', 'err\n']);
    await new Log(config).log(namespace, name, 'c', logs, { follow: false });
    const said = await until('the log', () => (logs.read() as Buffer | undefined) ?? undefined);
    assert.equal(String(said), 'hello\n');
  });
});
