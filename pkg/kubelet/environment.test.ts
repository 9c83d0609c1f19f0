import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container } from '../api/generated/core-v1.ts';
import { configmaps, secrets, services } from '../api/generated/resources.ts';
import { expandVariables } from './expand-variables.ts';
import { createTestNode, isReady, type TestNode } from './testing.ts';

async function withContainer(
  container: Partial<Container>,
  prepare?: (node: TestNode) => Promise<unknown>,
  spec: object = {},
  metadata?: Parameters<TestNode['createPod']>[2],
): Promise<TestNode> {
  const node = await createTestNode();
  await prepare?.(node);
  await node.createPod('web', { containers: [{ name: 'web', image: 'nginx:1', ...container }], ...spec }, metadata);
  await node.clock.advance(1000);
  return node;
}
async function environment(node: TestNode): Promise<Record<string, string>> {
  const [container] = await node.runtime.listContainers({ state: 'running' });
  const { stdout } = await node.runtime.execSync(container?.id ?? '', ['env'], 1);
  return Object.fromEntries(
    new TextDecoder()
      .decode(stdout)
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/s) as [string, string]),
  );
}
const create = async (node: TestNode): Promise<void> => {
  const metadata = { namespace: 'default' };
  await node.client.resource(configmaps).create(
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...metadata, name: 'settings' },
      data: { COLOR: 'blue', SIZE: 'xl', 'odd=name': 'x' },
    },
    metadata,
  );
  await node.client
    .resource(secrets)
    .create({ apiVersion: 'v1', kind: 'Secret', metadata: { ...metadata, name: 'keys' }, data: { PASSWORD: btoa('hunter2') } }, metadata);
};

test('$(NAME) is replaced by what is known, and $$ stands for one $', () => {
  const variables = new Map([
    ['A', 'a'],
    ['B', 'b'],
  ]);
  for (const [text, wanted] of [
    ['$(A)-$(B)', 'a-b'],
    ['$(C)', '$(C)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$a'],
    ['$A $ {A}', '$A $ {A}'],
    ['$(A', '$(A'],
  ] as const) {
    assert.equal(expandVariables(text, variables), wanted, text);
  }
});

test('variables come from values, the pod, resources, config maps and secrets', async () => {
  const node = await withContainer(
    {
      env: [
        { name: 'FIRST', value: 'one' },
        { name: 'SECOND', value: '$(FIRST) and $(COLOR) and $(LATER)' },
        { name: 'LATER', value: 'x' },
        { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'HOST', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
        { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: 'MEMORY', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
        { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'requests.cpu', divisor: '1m' } } },
        { name: 'CPU_LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        { name: 'SIZE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'SIZE' } } },
        { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'keys', key: 'PASSWORD' } } },
        { name: 'NONE', valueFrom: { secretKeyRef: { name: 'keys', key: 'nothing', optional: true } } },
        { name: 'NOWHERE', valueFrom: { configMapKeyRef: { name: 'nowhere', key: 'x', optional: true } } },
      ],
      envFrom: [
        { configMapRef: { name: 'settings' } },
        { prefix: 'S_', secretRef: { name: 'keys' } },
        { configMapRef: { name: 'nowhere', optional: true } },
      ],
      resources: { limits: { memory: '64Mi' }, requests: { cpu: '250m' } },
    },
    create,
    {},
    { labels: { app: 'shop' } },
  );
  assert.ok(isReady(node.pod('web')), JSON.stringify(node.pod('web')?.status.containerStatuses));
  const { PATH, HOSTNAME, ...variables } = await environment(node);
  assert.ok(PATH && HOSTNAME === 'web');
  assert.deepEqual(variables, {
    COLOR: 'blue',
    SIZE: 'xl',
    S_PASSWORD: 'hunter2',
    FIRST: 'one',
    SECOND: 'one and blue and $(LATER)',
    LATER: 'x',
    NAME: 'web',
    NODE: 'node-1',
    IP: '10.244.1.2',
    HOST: '192.168.0.1',
    APP: 'shop',
    MEMORY: '64',
    CPU: '250',
    CPU_LIMIT: '4',
    PASSWORD: 'hunter2',
  });
  await node.stop();
});

test('what is missing is named, and the container starts once it is there', async () => {
  const node = await withContainer({ env: [{ name: 'SIZE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'SIZE' } } }] });
  const waiting = node.pod('web')?.status.containerStatuses?.[0]?.state.waiting;
  assert.deepEqual(waiting, { reason: 'CreateContainerConfigError', message: 'configmap "settings" not found' });
  assert.ok(node.events('web').includes('Failed: Error: configmap "settings" not found'));
  await create(node);
  await node.eventually('it is ready', () => isReady(node.pod('web')), 2);
  await node.stop();

  const keyless = await withContainer({ env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'keys', key: 'x' } } }] }, create);
  assert.equal(keyless.pod('web')?.status.containerStatuses?.[0]?.state.waiting?.message, "couldn't find key x in Secret default/keys");
  await keyless.stop();
});

test('services of the namespace are in the environment, unless links are switched off', async () => {
  const service = async (node: TestNode): Promise<void> => {
    for (const [name, clusterIP, port] of [
      ['kubernetes', '10.96.0.1', 443],
      ['my-db', '10.96.0.7', 5432],
      ['headless', 'None', 80],
    ] as const) {
      await node.client.resource(services).create(
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name, namespace: 'default' },
          spec: { clusterIP, ports: [{ name: 'main', port, protocol: 'TCP' }] },
        },
        { namespace: 'default' },
      );
    }
  };
  const node = await withContainer({ env: [{ name: 'URL', value: 'postgres://$(MY_DB_SERVICE_HOST):$(MY_DB_SERVICE_PORT)' }] }, service);
  const variables = await environment(node);
  assert.equal(variables['URL'], 'postgres://10.96.0.7:5432');
  assert.equal(variables['MY_DB_SERVICE_PORT_MAIN'], '5432');
  assert.equal(variables['MY_DB_PORT'], 'tcp://10.96.0.7:5432');
  assert.equal(variables['MY_DB_PORT_5432_TCP_ADDR'], '10.96.0.7');
  assert.equal(variables['KUBERNETES_SERVICE_HOST'], '10.96.0.1');
  assert.equal(variables['HEADLESS_SERVICE_HOST'], undefined);
  await node.stop();

  const unlinked = await withContainer({}, service, { enableServiceLinks: false });
  const fewer = await environment(unlinked);
  assert.equal(fewer['KUBERNETES_SERVICE_HOST'], '10.96.0.1');
  assert.equal(fewer['MY_DB_SERVICE_HOST'], undefined);
  await unlinked.stop();
});

test('commands and arguments are expanded', async () => {
  const node = await withContainer({
    command: ['sh', '-c'],
    args: ['echo "$(GREETING) $GREETING $$(GREETING)" > /tmp/x; sleep 100'],
    env: [{ name: 'GREETING', value: 'hello' }],
  });
  const [container] = await node.runtime.listContainers();
  const { stdout } = await node.runtime.execSync(container?.id ?? '', ['cat', '/tmp/x'], 1);
  assert.equal(new TextDecoder().decode(stdout), 'hello hello $(GREETING)\n');
  await node.stop();
});
