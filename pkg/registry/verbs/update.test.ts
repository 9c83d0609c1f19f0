import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInvalid, isNotFound } from '../../api/errors.ts';
import type { Deployment } from '../../api/generated/apps-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { changed, object, pod, relabelled, storageOf } from '../testing/objects.ts';
import { testRegistry } from '../testing/test-registry.ts';

const key = { namespace: 'default', name: 'web' };
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'gokube/host' }] } };
const deployment = object('apps/v1', 'Deployment', 'web', { spec: { selector: { matchLabels: { app: 'web' } }, template } });

test('a status write cannot touch the spec, nor a spec write the status; generation counts the spec alone', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'deployments', 'apps');
  const created = (await storage.create(context(), 'default', { ...deployment, status: { replicas: 9 } } as KubeObject))
    .object as Deployment;
  assert.deepEqual(created.status, {});
  assert.equal(created.metadata.generation, 1);
  const both = changed({
    metadata: { ...created.metadata, labels: { by: 'status' } },
    spec: { ...created.spec, replicas: 5 },
    status: { replicas: 3, observedGeneration: 1 },
  });
  const withStatus = (await storage.update(context(), key, both, { subresource: 'status' })).entry.object as Deployment;
  assert.equal(withStatus.spec?.replicas, 1);
  assert.equal(withStatus.metadata.labels, undefined);
  assert.deepEqual(withStatus.status, { replicas: 3, observedGeneration: 1 });
  assert.equal(withStatus.metadata.generation, 1);
  const again = changed({ spec: { ...created.spec, replicas: 5 }, status: {} });
  const withSpec = (await storage.update(context(), key, again)).entry.object as Deployment;
  assert.equal(withSpec.spec?.replicas, 5);
  assert.deepEqual(withSpec.status, { replicas: 3, observedGeneration: 1 });
  assert.equal(withSpec.metadata.generation, 2);
  await registry.close();
});

test('identity and creation cannot be written', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'deployments', 'apps');
  const { object: created } = await storage.create(context(), 'default', deployment);
  const forged = { creationTimestamp: '1999-01-01T00:00:00Z', generation: 77 };
  const { entry } = await storage.update(context(), key, relabelled({ ...forged, labels: { new: 'label' } }));
  const { creationTimestamp, generation, deletionTimestamp, uid } = entry.object.metadata;
  assert.deepEqual(
    { creationTimestamp, generation, deletionTimestamp, uid },
    { creationTimestamp: created.metadata.creationTimestamp, generation: 1, deletionTimestamp: undefined, uid: created.metadata.uid },
  );
  for (const claimed of [{ deletionTimestamp: '1999-01-01T00:00:00Z' }, { deletionGracePeriodSeconds: 3 }]) {
    const [field] = Object.keys(claimed);
    const refused = new RegExp(`metadata.${field}: Invalid value: .*: field is immutable`);
    await assert.rejects(storage.update(context(), key, relabelled(claimed)), refused);
  }
  await registry.close();
});

test('the scale of an object is read and written by itself', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'deployments', 'apps');
  await storage.create(context(), 'default', deployment);
  const scale = await storage.get(context(), key, { subresource: 'scale' });
  assert.equal(scale.object.kind, 'Scale');
  assert.deepEqual((scale.object as unknown as { status: unknown }).status, { replicas: 0, selector: 'app=web' });
  assert.deepEqual(JSON.parse(new TextDecoder().decode(scale.json())), scale.object);
  const scaled = await storage.update(context(), key, changed({ spec: { replicas: 4 } }), { subresource: 'scale' });
  assert.deepEqual((scaled.entry.object as unknown as { spec: unknown }).spec, { replicas: 4 });
  const now = (await storage.get(context(), key)).object as Deployment;
  assert.equal(now.spec?.replicas, 4);
  assert.equal(now.metadata.generation, 2);
  assert.ok(now.metadata.managedFields?.some((entry) => entry.subresource === 'scale'));
  await assert.rejects(storage.update(context(), key, changed({ spec: { replicas: -1 } }), { subresource: 'scale' }), isInvalid);
  await registry.close();
});

test('a pod is bound once, and its condition says so', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'pods');
  await storageOf(registry, 'serviceaccounts').create(context(), 'default', object('v1', 'ServiceAccount', 'default'));
  await storage.create(context(), 'default', pod('web'));
  const binding = (node: string) => () => ({ metadata: { name: 'web' }, target: { kind: 'Node', name: node } }) as never;
  const { entry } = await storage.update(context(), key, binding('node-1'), { subresource: 'binding' });
  assert.equal(entry.object.metadata.generation, 1);
  const bound = entry.object as Pod;
  assert.equal(bound.spec?.nodeName, 'node-1');
  assert.deepEqual(
    bound.status?.conditions?.map(({ type, status }) => [type, status]),
    [['PodScheduled', 'True']],
  );
  await assert.rejects(
    storage.update(context(), key, binding('node-2'), { subresource: 'binding' }),
    /Operation cannot be fulfilled on pods\/binding "web": pod web is already assigned to node "node-1"/,
  );
  await assert.rejects(storage.update(context(), key, binding(''), { subresource: 'binding' }), isInvalid);
  await registry.close();
});

test('an eviction takes from the disruption budget, and waits when there is nothing left', async () => {
  const { registry, context } = await testRegistry();
  const pods = storageOf(registry, 'pods');
  const budgets = storageOf(registry, 'poddisruptionbudgets', 'policy');
  await storageOf(registry, 'serviceaccounts').create(context(), 'default', object('v1', 'ServiceAccount', 'default'));
  for (const name of ['a', 'b']) {
    await pods.create(context(), 'default', pod(name, { nodeName: 'n' }, { labels: { app: 'x' } }));
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    await pods.update(context(), { namespace: 'default', name }, changed({ status }), { subresource: 'status' });
  }
  await budgets.create(
    context(),
    'default',
    object('policy/v1', 'PodDisruptionBudget', 'one', { spec: { minAvailable: 1, selector: { matchLabels: { app: 'x' } } } }),
  );
  const evict = (name: string) =>
    pods.update(context(), { namespace: 'default', name }, () => ({ metadata: { name } }) as never, { subresource: 'eviction' });
  await assert.rejects(
    evict('a'),
    /Cannot evict pod as it would violate the pod's disruption budget/,
    'nobody has looked at the budget yet',
  );
  const allowed = { observedGeneration: 1, disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 };
  await budgets.update(context(), { namespace: 'default', name: 'one' }, changed({ status: allowed }), { subresource: 'status' });
  const { entry } = await evict('a');
  assert.ok(entry.object.metadata.deletionTimestamp);
  assert.equal((entry.object as Pod).status?.conditions?.at(-1)?.type, 'DisruptionTarget');
  await assert.rejects(evict('b'), /Cannot evict pod/);
  await registry.close();
});

test('what an update may create depends on the kind; an apply may always', async () => {
  const { registry, context } = await testRegistry();
  const lease = object('coordination.k8s.io/v1', 'Lease', 'web', { spec: { holderIdentity: 'me' } });
  const leases = storageOf(registry, 'leases', 'coordination.k8s.io');
  assert.equal((await leases.update(context(), key, () => lease, { createIfMissing: true })).created, true);
  await assert.rejects(
    leases.update(context(), key, () => lease),
    /metadata.resourceVersion: Invalid value: 0: must be specified for an update/,
  );
  const deployments = storageOf(registry, 'deployments', 'apps');
  await assert.rejects(
    deployments.update(context(), key, () => deployment, { createIfMissing: true }),
    isNotFound,
  );
  assert.equal((await deployments.update(context(), key, () => deployment, { createIfMissing: true, managesFields: true })).created, true);
  await registry.close();
});

test('a secret’s plain text is stored encoded, and frozen data stays', async () => {
  const { registry, context } = await testRegistry();
  const secrets = storageOf(registry, 'secrets');
  const created = await secrets.create(
    context(),
    'default',
    object('v1', 'Secret', 'web', { stringData: { key: 'wörd' }, immutable: true }),
  );
  assert.deepEqual((created.object as unknown as { data: unknown }).data, { key: 'd8O2cmQ=' });
  assert.equal((created.object as unknown as { stringData?: unknown }).stringData, undefined);
  await assert.rejects(
    secrets.update(context(), key, changed({ data: { key: 'eA==' } })),
    /data: Forbidden: field is immutable when `immutable` is set/,
  );
  await registry.close();
});

test('of a pod’s spec only images, deadlines and tolerations can be written again', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'pods');
  await storageOf(registry, 'serviceaccounts').create(context(), 'default', object('v1', 'ServiceAccount', 'default'));
  const { object: created } = await storage.create(context(), 'default', pod('web'));
  const spec = (created as Pod).spec as NonNullable<Pod['spec']>;
  const main = spec.containers[0] as NonNullable<(typeof spec)['containers'][0]>;
  const { entry } = await storage.update(context(), key, changed({ spec: { ...spec, containers: [{ ...main, image: 'other:1' }] } }));
  assert.equal((entry.object as Pod).spec?.containers[0]?.image, 'other:1');
  assert.equal(entry.object.metadata.generation, 2);
  await assert.rejects(
    storage.update(context(), key, changed({ spec: { ...spec, hostNetwork: true } })),
    /^ApiError: Pod "web" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.containers\[\*\].image`/,
  );
  await assert.rejects(
    storage.update(context(), key, changed({ spec: { ...spec, containers: [main, { ...main, name: 'two' }] } })),
    /spec.containers: Forbidden: pod updates may not add or remove containers/,
  );
  await registry.close();
});
