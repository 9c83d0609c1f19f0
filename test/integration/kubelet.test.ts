import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Pod } from '../../pkg/api/generated/core-v1.ts';
import { configmaps, nodes, pods } from '../../pkg/api/generated/resources.ts';
import { readBody } from '../../pkg/client/read-body.ts';
import { createMessagePipe } from '../../pkg/client/streams/message-pipe.ts';
import { exitCodeOf, runRemoteCommand } from '../../pkg/client/streams/remote-command.ts';
import { Cluster } from '../../pkg/cluster/cluster.ts';
import type { FakeRuntime } from '../../pkg/cri/fake/fake-runtime.ts';

// The kubelet against the real API server: what a fake one cannot know (defaults, strategic merge, subresources).

let cluster: Cluster;
before(async () => {
  cluster = await Cluster.start({ nodes: 1, clock: 'virtual', seed: 1 });
});
after(() => cluster.stop());

const namespace = 'default';
const runtime = (): FakeRuntime => cluster.node('node-1').machine.runtime as FakeRuntime;
const get = (name: string): Promise<Pod> => cluster.client.resource(pods).get(name, { namespace });
const isReady = (pod: Pod): boolean => pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

async function create(name: string, spec: Record<string, unknown>, behaviour: Record<string, string> = {}): Promise<void> {
  const annotations = Object.fromEntries(Object.entries(behaviour).map(([key, value]) => [`fake.gokube.dev/${key}`, value]));
  const draft = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, annotations },
    spec: { containers: [{ name: 'web', image: 'nginx:1' }], ...spec },
  };
  await cluster.client.resource(pods).create(draft as never, { namespace });
}
const eventually = (what: string, holds: () => Promise<boolean>, timeout = 30_000): Promise<void> =>
  cluster.eventually(holds, { what, timeout });
const remove = async (name: string): Promise<void> => {
  await cluster.client.resource(pods).delete(name, { namespace });
  await eventually(
    `${name} is gone`,
    async () => !(await cluster.client.resource(pods).list({ namespace })).items.some(({ metadata }) => metadata.name === name),
  );
};

/** The answer's text; time passes until it is all there. */
async function textOf(path: string): Promise<string> {
  let text: string | undefined;
  const reading = cluster.client.raw({ path }).then(async ({ body }) => {
    text = new TextDecoder().decode(await readBody(body, 100_000));
  });
  await eventually(`${path} is answered`, async () => text !== undefined);
  await reading;
  return text as string;
}

test("a pod has a token, the cluster's certificate, its namespace and the API server's address", async () => {
  await create('tokened', {
    containers: [
      {
        name: 'web',
        image: 'nginx:1',
        command: ['sh', '-c', 'cat /var/run/secrets/kubernetes.io/serviceaccount/namespace; echo; env; sleep 1000'],
      },
    ],
  });
  await eventually('it is ready', async () => isReady(await get('tokened')));
  const log = await textOf(`/api/v1/namespaces/${namespace}/pods/tokened/log`);
  assert.match(log, /^default\n/);
  assert.match(log, /^KUBERNETES_SERVICE_HOST=10\.96\.0\.1$/m);
  const [container] = await runtime().listContainers({ state: 'running' });
  const token = await runtime().execSync(container?.id ?? '', ['cat', '/var/run/secrets/kubernetes.io/serviceaccount/token'], 0);
  assert.match(new TextDecoder().decode(token.stdout), /^[\w-]+\.[\w-]+\.[\w-]+$/);
  await remove('tokened');
});

test('a pod whose sandbox is lost gets another address, and loses the old one', async () => {
  await create('web', {});
  await eventually('it is ready', async () => isReady(await get('web')));
  const before = (await get('web')).status.podIP;
  const [sandbox] = await runtime().listPodSandboxes();
  await runtime().stopPodSandbox(sandbox?.id ?? '');
  await eventually(
    'it is back',
    async () => (await get('web')).status.containerStatuses?.[0]?.restartCount === 1 && isReady(await get('web')),
  );
  const { podIP, podIPs, conditions } = (await get('web')).status;
  assert.notEqual(podIP, before);
  assert.deepEqual(podIPs, [{ ip: podIP }]);
  assert.equal(conditions?.length, 5);
  for (const { type, reason, message } of conditions ?? []) assert.deepEqual([type, reason, message], [type, undefined, undefined]);
  await remove('web');
});

test('an idle pod is not written about', async () => {
  await create('idle', {});
  await eventually('it is ready', async () => isReady(await get('idle')));
  const { resourceVersion } = (await get('idle')).metadata;
  await cluster.run('20m');
  assert.equal((await get('idle')).metadata.resourceVersion, resourceVersion);
  await remove('idle');
});

test('a command runs in a pod, by way of the API server', async () => {
  await create('web', {});
  await eventually('it is ready', async () => isReady(await get('web')));
  const protocol = 'v5.channel.k8s.io';
  const answer = await cluster.client.raw({
    path: `/api/v1/namespaces/${namespace}/pods/web/exec?command=sh&command=-c&command=hostname%3Bexit+3&stdout=true&stderr=true`,
    headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-protocol': protocol },
  });
  assert.ok(answer.upgrade?.kind === 'websocket');
  const [near, far] = createMessagePipe();
  const serving = answer.upgrade.run(far);
  let output = '';
  const status = await runRemoteCommand(near, {
    protocol,
    stdout: (chunk) => {
      output += new TextDecoder().decode(chunk);
    },
  });
  await serving;
  assert.deepEqual([output, exitCodeOf(status)], ['web\n', 3]);
  await remove('web');
});

test('a change of a config map reaches its files within a second', async () => {
  await cluster.client
    .resource(configmaps)
    .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { colour: 'blue' } }, { namespace });
  const container = { name: 'web', image: 'nginx:1', volumeMounts: [{ name: 'v', mountPath: '/v' }] };
  await create('web', { containers: [container], volumes: [{ name: 'v', configMap: { name: 'settings' } }] });
  await eventually('it is ready', async () => isReady(await get('web')));
  await cluster.client.resource(configmaps).patch('settings', { type: 'merge', body: { data: { colour: 'red' } } }, { namespace });
  await cluster.run('1s');
  const [running] = await runtime().listContainers({ state: 'running' });
  const { stdout } = await runtime().execSync(running?.id ?? '', ['cat', '/v/colour'], 0);
  assert.equal(new TextDecoder().decode(stdout), 'red');
  await remove('web');
});

test('a pod is resized where it runs', async () => {
  const sized = (cpu: string) => [{ name: 'web', image: 'nginx:1', resources: { requests: { cpu }, limits: { cpu } } }];
  await create('web', { containers: sized('100m') });
  await eventually('it is ready', async () => isReady(await get('web')));
  await cluster.client
    .resource(pods)
    .patch('web', { type: 'strategic', body: { spec: { containers: sized('200m') } } }, { namespace, subresource: 'resize' });
  await eventually(
    'it has its new size',
    async () => (await get('web')).status.containerStatuses?.[0]?.resources?.limits?.['cpu'] === '200m',
  );
  assert.equal((await get('web')).status.containerStatuses?.[0]?.restartCount, 0);
  await remove('web');
});

test('when all pods are deleted nothing is left of them on the node', async () => {
  for (let i = 0; i < 20; i++)
    await create(`many-${i}`, { terminationGracePeriodSeconds: 3 }, { 'stop-delay': i % 2 === 0 ? '1s' : 'never' });
  const all = async (): Promise<readonly Pod[]> => (await cluster.client.resource(pods).list({ namespace })).items;
  await eventually('all are ready', async () => (await all()).every(isReady));
  await cluster.client.resource(pods).deleteCollection({ namespace });
  await eventually('all are gone', async () => (await all()).length === 0, 5000);
  await cluster.run('1s');
  assert.deepEqual(await runtime().listPodSandboxes(), []);
  assert.deepEqual(await runtime().listContainers(), []);
  assert.deepEqual(runtime().files.list('/var/lib/kubelet/pods'), []);
  assert.deepEqual(runtime().files.list('/var/lib/kubelet/logs'), []);
});

test('while nothing changes the status of the node is written every five minutes, and its lease says the rest', async () => {
  const seen = new Set<string>();
  for (let minute = 0; minute < 30; minute++) {
    await cluster.run('1m');
    const { metadata, status } = await cluster.client.resource(nodes).get('node-1');
    seen.add(metadata.resourceVersion);
    assert.ok(status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'));
  }
  assert.ok(seen.size >= 6 && seen.size <= 7, `${seen.size} versions in 30 minutes`);
});
