import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Volume } from '../../api/generated/core-v1.ts';
import { configmaps, pods, secrets } from '../../api/generated/resources.ts';
import { createTestNode, isReady, type TestNode } from '../testing.ts';

const decoder = new TextDecoder();

async function withVolume(
  volume: Omit<Volume, 'name'>,
  options: {
    prepare?: (node: TestNode) => Promise<unknown>;
    mount?: Partial<NonNullable<Container['volumeMounts']>[number]>;
    metadata?: Parameters<TestNode['createPod']>[2];
    spec?: object;
  } = {},
): Promise<TestNode> {
  const node = await createTestNode();
  await options.prepare?.(node);
  await node.createPod(
    'web',
    {
      containers: [{ name: 'web', image: 'nginx:1', volumeMounts: [{ name: 'v', mountPath: '/v', ...options.mount }] }],
      volumes: [{ name: 'v', ...volume }],
      ...options.spec,
    },
    options.metadata,
  );
  return node;
}
const ready = (node: TestNode): Promise<void> => node.eventually('it is ready', () => isReady(node.pod('web')), 60);

/** What a command in the container prints. */
async function inside(node: TestNode, ...command: string[]): Promise<string> {
  const [container] = await node.runtime.listContainers({ state: 'running' });
  const { stdout, stderr } = await node.runtime.execSync(container?.id ?? '', command, 1);
  return decoder.decode(stdout) + decoder.decode(stderr);
}
const configMap = (node: TestNode, data: Record<string, string>): Promise<unknown> =>
  node.client
    .resource(configmaps)
    .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' }, data }, { namespace: 'default' });
const secret = (node: TestNode, data: Record<string, string>): Promise<unknown> =>
  node.client
    .resource(secrets)
    .create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys', namespace: 'default' }, data }, { namespace: 'default' });

test('a config map is files, and its changes are seen in the running container', async () => {
  const node = await withVolume(
    { configMap: { name: 'settings' } },
    { prepare: (node) => configMap(node, { 'a.txt': 'one', 'b.txt': 'two' }) },
  );
  await ready(node);
  assert.equal(await inside(node, 'ls', '/v'), 'a.txt\nb.txt\n');
  assert.equal(await inside(node, 'cat', '/v/a.txt'), 'one');
  await node.client
    .resource(configmaps)
    .patch('settings', { type: 'merge', body: { data: { 'a.txt': 'ONE', 'b.txt': null, 'c.txt': 'three' } } }, { namespace: 'default' });
  await node.clock.advance(1000);
  assert.equal(await inside(node, 'ls', '/v'), 'a.txt\nc.txt\n');
  assert.equal(await inside(node, 'cat', '/v/a.txt', '/v/c.txt'), 'ONEthree');
  const directory = `/var/lib/kubelet/pods/${node.pod('web')?.metadata.uid}/volumes/kubernetes.io~configmap/v`;
  assert.equal(node.runtime.files.list(directory)?.filter((name) => name.startsWith('..2')).length, 1, 'the old ones are gone');
  await node.stop();
});

test('items choose keys, paths and modes', async () => {
  const node = await withVolume(
    {
      configMap: {
        name: 'settings',
        defaultMode: 0o400,
        items: [
          { key: 'a', path: 'deep/er/x', mode: 0o600 },
          { key: 'b', path: 'y' },
        ],
      },
    },
    { prepare: (node) => configMap(node, { a: 'one', b: 'two', c: 'three' }) },
  );
  await ready(node);
  assert.equal(await inside(node, 'cat', '/v/deep/er/x', '/v/y', '/v/c'), 'onetwocat: /v/c: No such file or directory\n');
  const directory = `/var/lib/kubelet/pods/${node.pod('web')?.metadata.uid}/volumes/kubernetes.io~configmap/v`;
  assert.equal(node.runtime.files.stat(`${directory}/deep/er/x`)?.mode, 0o600);
  assert.equal(node.runtime.files.stat(`${directory}/y`)?.mode, 0o400);
  await node.stop();
});

test('a pod waits for a config map that is not there yet, and says so', async () => {
  const node = await withVolume({ configMap: { name: 'settings' } });
  await node.clock.advance(5000);
  assert.equal(node.pod('web')?.status.containerStatuses?.[0]?.state.waiting?.reason, 'ContainerCreating');
  assert.ok(node.events('web').includes('FailedMount: MountVolume.SetUp failed for volume "v" : configmap "settings" not found'));
  await configMap(node, { a: 'b' });
  await node.eventually('it is ready', () => isReady(node.pod('web')), 1);
  await node.stop();
});

test('what is deleted later leaves the files, and the container can be started again', async () => {
  const node = await withVolume({ configMap: { name: 'settings' } }, { prepare: (node) => configMap(node, { a: 'one' }) });
  await ready(node);
  await node.client.resource(configmaps).delete('settings', { namespace: 'default' });
  await node.clock.advance(1000);
  const [container] = await node.runtime.listContainers();
  node.runtime.killContainer(container?.id ?? '');
  await node.eventually(
    'it is back',
    () => isReady(node.pod('web')) && node.pod('web')?.status.containerStatuses?.[0]?.restartCount === 1,
    1,
  );
  assert.equal(await inside(node, 'cat', '/v/a'), 'one');
  assert.ok(node.events('web').some((event) => event.startsWith('FailedMount')));
  await node.stop();
});

test('what is optional may be missing', async () => {
  const node = await withVolume({ secret: { secretName: 'keys', optional: true } });
  await ready(node);
  assert.equal(await inside(node, 'ls', '/v'), '');
  await secret(node, { key: btoa('c2VjcmV0') });
  await node.clock.advance(1000);
  assert.equal(await inside(node, 'cat', '/v/key'), 'c2VjcmV0');
  await node.stop();
});

test('a projected volume joins config maps, secrets, the pod itself and a token, which is renewed in time', async () => {
  const node = await withVolume(
    {
      projected: {
        sources: [
          { serviceAccountToken: { path: 'token', expirationSeconds: 3600 } },
          { configMap: { name: 'settings', items: [{ key: 'ca', path: 'ca.crt' }] } },
          { secret: { name: 'keys' } },
          {
            downwardAPI: {
              items: [
                { path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } },
                { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
              ],
            },
          },
        ],
      },
    },
    {
      prepare: async (node) => [await configMap(node, { ca: 'certificate' }), await secret(node, { key: btoa('secret') })],
      metadata: { labels: { app: 'web', tier: 'front "end"' } },
    },
  );
  await ready(node);
  assert.equal(await inside(node, 'ls', '/v'), 'ca.crt\nkey\nlabels\nnamespace\ntoken\n');
  assert.equal(await inside(node, 'cat', '/v/labels'), 'app="web"\ntier="front \\"end\\""');
  const first = await inside(node, 'cat', '/v/token');
  assert.equal(first, 'default/web@2026-01-01T00:00:00Z');
  await node.clock.advance(47 * 60_000);
  assert.equal(await inside(node, 'cat', '/v/token'), first);
  await node.clock.advance(2 * 60_000);
  assert.notEqual(await inside(node, 'cat', '/v/token'), first);

  await node.client
    .resource(pods)
    .patch('web', { type: 'merge', body: { metadata: { labels: { app: 'new', tier: null } } } }, { namespace: 'default' });
  await node.clock.advance(1000);
  assert.equal(await inside(node, 'cat', '/v/labels'), 'app="new"');
  await node.stop();
});

test("an emptyDir is shared by a pod's containers, outlives their restarts, and goes with the pod", async () => {
  const mount = [{ name: 'v', mountPath: '/v' }];
  const node = await withVolume(
    { emptyDir: {} },
    {
      spec: {
        containers: [
          { name: 'web', image: 'nginx:1', volumeMounts: mount },
          { name: 'other', image: 'nginx:1', volumeMounts: [{ name: 'v', mountPath: '/elsewhere' }] },
        ],
      },
    },
  );
  await ready(node);
  const [web, other] = await node.runtime.listContainers();
  await node.runtime.execSync(web?.id ?? '', ['sh', '-c', 'echo hello > /v/file'], 1);
  assert.equal(decoder.decode((await node.runtime.execSync(other?.id ?? '', ['cat', '/elsewhere/file'], 1)).stdout), 'hello\n');
  node.runtime.killContainer(web?.id ?? '');
  await node.clock.advance(1000);
  assert.equal(await inside(node, 'cat', '/elsewhere/file'), 'hello\n');
  const path = `/var/lib/kubelet/pods/${node.pod('web')?.metadata.uid}`;
  assert.ok(node.runtime.files.list(path));
  await node.client.resource(pods).delete('web', { namespace: 'default' });
  await node.clock.advance(1000);
  assert.equal(node.runtime.files.list(path), undefined);
  await node.stop();
});

test('subPath mounts a part of a volume, and never anything outside of it', async () => {
  const node = await withVolume(
    { configMap: { name: 'settings' } },
    { prepare: (node) => configMap(node, { 'a.conf': 'one' }), mount: { mountPath: '/etc/a.conf', subPath: 'a.conf' } },
  );
  await ready(node);
  assert.equal(await inside(node, 'cat', '/etc/a.conf'), 'one');
  await node.stop();

  const expanded = await withVolume(
    { emptyDir: {} },
    {
      spec: {
        containers: [
          {
            name: 'web',
            image: 'nginx:1',
            env: [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
            volumeMounts: [{ name: 'v', mountPath: '/v', subPathExpr: 'logs/$(POD)' }],
          },
        ],
      },
    },
  );
  await ready(expanded);
  const uid = expanded.pod('web')?.metadata.uid;
  assert.deepEqual(expanded.runtime.files.list(`/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~empty-dir/v/logs`), ['web']);
  await expanded.stop();

  const escaping = await withVolume({ emptyDir: {} }, { mount: { subPath: 'link/x' } });
  const volume = `/var/lib/kubelet/pods/${escaping.pod('web')?.metadata.uid}/volumes/kubernetes.io~empty-dir/v`;
  escaping.runtime.files.makeDirectory(volume);
  escaping.runtime.files.symlink('/var/lib', `${volume}/link`);
  await escaping.clock.advance(3000);
  assert.equal(escaping.pod('web')?.status.containerStatuses?.[0]?.state.waiting?.reason, 'CreateContainerConfigError');
  await escaping.stop();
});

test('a host path is what it should be, or the pod waits', async () => {
  const node = await withVolume({ hostPath: { path: '/srv/data', type: 'Directory' } });
  await node.clock.advance(2000);
  assert.ok(
    node
      .events('web')
      .includes('FailedMount: MountVolume.SetUp failed for volume "v" : hostPath type check failed: /srv/data is not a directory'),
  );
  node.runtime.files.makeDirectory('/srv/data');
  node.runtime.files.writeFile('/srv/data/x', new TextEncoder().encode('from the host'));
  await ready(node);
  assert.equal(await inside(node, 'cat', '/v/x'), 'from the host');
  await node.stop();
});

test('a kind of volume that this node does not know is named in the event', async () => {
  const node = await withVolume({ nfs: { server: 'files', path: '/' } });
  await node.clock.advance(1000);
  assert.ok(
    node
      .events('web')
      .includes(
        'FailedMount: MountVolume.SetUp failed for volume "v" : no volume plugin matched: volumes of kind nfs are not supported on this node',
      ),
  );
  await node.stop();
});
