import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isApiError } from '../../api/errors.ts';
import type { Node, Pod } from '../../api/generated/core-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { object, pod, storageOf } from '../testing/objects.ts';
import { testRegistry } from '../testing/test-registry.ts';

async function createPod(draft: KubeObject, options: Parameters<typeof testRegistry>[0] = {}, account: object = {}): Promise<Pod> {
  const { registry, context } = await testRegistry(options);
  await storageOf(registry, 'serviceaccounts').create(context(), 'default', object('v1', 'ServiceAccount', 'default', account));
  const entry = await storageOf(registry, 'pods').create(context(), 'default', draft);
  await registry.close();
  return entry.object as Pod;
}

test('a pod is given an account, and its credentials where clients look for them', async () => {
  const { spec } = await createPod(
    pod('web', { initContainers: [{ name: 'init', image: 'i' }] }),
    {},
    { imagePullSecrets: [{ name: 'pull' }] },
  );
  assert.equal(spec?.serviceAccountName, 'default');
  const volume = spec?.volumes?.[0];
  assert.match(volume?.name ?? '', /^kube-api-access-[a-z0-9]{5}$/);
  assert.equal(volume?.projected?.sources?.length, 3);
  for (const container of [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]) {
    assert.deepEqual(container.volumeMounts, [
      { name: volume?.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ]);
  }
  assert.deepEqual(spec?.imagePullSecrets, [{ name: 'pull' }]);
});

test('neither pod nor account can be made to mount a token against their will', async () => {
  assert.equal((await createPod(pod('a', { automountServiceAccountToken: false }))).spec?.volumes, undefined);
  assert.equal((await createPod(pod('a'), {}, { automountServiceAccountToken: false })).spec?.volumes, undefined);
  assert.equal(
    (await createPod(pod('a', { automountServiceAccountToken: true }), {}, { automountServiceAccountToken: false })).spec?.volumes?.length,
    1,
  );
});

test('a pod waits a moment for the account of a new namespace, and is refused when none comes', async () => {
  const { registry, context, clock } = await testRegistry();
  const creating = storageOf(registry, 'pods').create(context(), 'default', pod('web'));
  await clock.advance(500);
  await storageOf(registry, 'serviceaccounts').create(context(), 'default', object('v1', 'ServiceAccount', 'default'));
  await clock.advance(500);
  assert.equal((await creating).object.metadata.name, 'web');
  const refused = assert.rejects(
    storageOf(registry, 'pods').create(context(), 'default', pod('two', { serviceAccountName: 'nobody' })),
    /pods "two" is forbidden: error looking up service account default\/nobody: serviceaccount "nobody" not found/,
  );
  await clock.advance(5_000);
  await refused;
  await registry.close();
});

test('a pod tolerates failing nodes for as long as the cluster says, unless it says so itself', async () => {
  const seconds = (made: Pod) => made.spec?.tolerations?.map(({ key, tolerationSeconds }) => [key, tolerationSeconds]);
  assert.deepEqual(seconds(await createPod(pod('a'))), [
    ['node.kubernetes.io/not-ready', 300],
    ['node.kubernetes.io/unreachable', 300],
  ]);
  const short = { notReadyTolerationSeconds: 2, unreachableTolerationSeconds: 3 };
  assert.deepEqual(seconds(await createPod(pod('a'), short)), [
    ['node.kubernetes.io/not-ready', 2],
    ['node.kubernetes.io/unreachable', 3],
  ]);
  const own = { tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }] };
  assert.deepEqual(seconds(await createPod(pod('a', own))), [
    ['node.kubernetes.io/not-ready', undefined],
    ['node.kubernetes.io/unreachable', 300],
  ]);
  assert.equal((await createPod(pod('a', { tolerations: [{ operator: 'Exists' }] }))).spec?.tolerations?.length, 1);
});

test('a pod’s priority is that of its class, and cannot be given beside it', async () => {
  const { spec } = await createPod(pod('a', { priorityClassName: 'system-node-critical' }));
  assert.equal(spec?.priority, 2_000_001_000);
  assert.equal((await createPod(pod('a'))).spec?.priority, 0);
  await assert.rejects(
    createPod(pod('a', { priorityClassName: 'none' })),
    /pods "a" is forbidden: no PriorityClass with name none was found/,
  );
  await assert.rejects(createPod(pod('a', { priority: 7 })), (error) => isApiError(error, 'Forbidden'));
});

test('a manifest that replaces a pod need not repeat what admission gave it', async () => {
  const { registry, context } = await testRegistry();
  await storageOf(registry, 'serviceaccounts').create(context(), 'default', object('v1', 'ServiceAccount', 'default'));
  const pods = storageOf(registry, 'pods');
  const draft = (image: string) =>
    pod('web', { serviceAccountName: 'default', automountServiceAccountToken: false, containers: [{ name: 'c', image }] });
  const { object: made } = await pods.create(context(), 'default', draft('web:1'));
  const { entry: replaced } = await pods.update(context(), { namespace: 'default', name: 'web' }, () => draft('web:2'));
  const [before, after] = [made as Pod, replaced.object as Pod];
  assert.equal(after.spec?.containers[0]?.image, 'web:2');
  assert.deepEqual(after.spec?.tolerations, before.spec?.tolerations);
  assert.equal(after.spec?.priority, 0);
  assert.equal(after.spec?.preemptionPolicy, 'PreemptLowerPriority');
  await registry.close();
});

test('a node is tainted as not ready when it registers, and keeps the status it came with', async () => {
  const { registry, context } = await testRegistry();
  const { object: made } = await storageOf(registry, 'nodes').create(
    context(),
    '',
    object('v1', 'Node', 'n', { status: { capacity: { cpu: '2' } } }),
  );
  const node = made as Node;
  assert.deepEqual(node.spec?.taints, [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]);
  assert.deepEqual(node.status?.allocatable, { cpu: '2' });
  await registry.close();
});

test('admission that is handed in sees the defaulted object, and what it changes is defaulted and validated', async () => {
  const seen: unknown[] = [];
  const options = {
    admission: [
      {
        handles: ({ declaration }: { declaration: { resource: string } }) => declaration.resource === 'pods',
        mutate({ object: draft }: { object: KubeObject | undefined }) {
          const { spec } = draft as unknown as { spec: { dnsPolicy: string; containers: object[] } };
          seen.push(spec.dnsPolicy);
          spec.containers.push({ name: 'sidecar', image: 'side:1' });
          return draft;
        },
        validate({ object: made }: { object: KubeObject | undefined }) {
          seen.push((made as Pod).spec?.containers.length);
        },
      },
    ],
  };
  const made = await createPod(pod('web'), options);
  assert.equal(made.spec?.containers[1]?.imagePullPolicy, 'IfNotPresent');
  assert.deepEqual(seen, ['ClusterFirst', 2]);
});
