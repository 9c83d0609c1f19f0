import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isApiError, isConflict, isNotFound } from '../../api/errors.ts';
import type { DeleteOptions } from '../../api/generated/meta-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { changed, configMap, object, pod, relabelled, storageOf } from '../testing/objects.ts';
import { type TestRegistry, testRegistry } from '../testing/test-registry.ts';

const key = (name: string) => ({ namespace: 'default', name });

async function withPod(spec: object = {}, metadata: object = {}): Promise<TestRegistry> {
  const made = await testRegistry();
  await storageOf(made.registry, 'serviceaccounts').create(made.context(), 'default', object('v1', 'ServiceAccount', 'default'));
  await storageOf(made.registry, 'pods').create(made.context(), 'default', pod('p', spec, metadata));
  return made;
}

const remove = async ({ registry, context }: TestRegistry, options: DeleteOptions = {}) => {
  const { entry, gone } = await storageOf(registry, 'pods').delete(context(), key('p'), options);
  const { deletionTimestamp, deletionGracePeriodSeconds, generation } = entry.object.metadata;
  return { gone, deletionTimestamp, deletionGracePeriodSeconds, generation };
};

test('a running pod is given its grace period; a second delete can only shorten it; zero ends it', async () => {
  const made = await withPod({ nodeName: 'node-1', terminationGracePeriodSeconds: 20 });
  const first = { gone: false, deletionTimestamp: '2026-01-01T00:00:20Z', deletionGracePeriodSeconds: 20, generation: 2 };
  assert.deepEqual(await remove(made), first);
  assert.deepEqual(await remove(made, { gracePeriodSeconds: 60 }), first);
  const shorter = await remove(made, { gracePeriodSeconds: 5 });
  assert.deepEqual(shorter, { ...first, deletionTimestamp: '2026-01-01T00:00:05Z', deletionGracePeriodSeconds: 5 });
  assert.equal((await remove(made, { gracePeriodSeconds: 0 })).gone, true);
  await assert.rejects(storageOf(made.registry, 'pods').get(made.context(), key('p')), isNotFound);
  await made.registry.close();
});

test('a pod without a node, or one that has ended, is gone at once', async () => {
  const waiting = await withPod();
  assert.equal((await remove(waiting)).gone, true);
  await waiting.registry.close();
  const ended = await withPod({ nodeName: 'node-1' });
  const pods = storageOf(ended.registry, 'pods');
  await pods.update(ended.context(), key('p'), changed({ status: { phase: 'Succeeded' } }), { subresource: 'status' });
  assert.equal((await remove(ended)).gone, true);
  await ended.registry.close();
});

test('a pod that goes at once is shown as it went, and so is what was shortened to nothing', async () => {
  const waiting = await withPod();
  const at = '2026-01-01T00:00:00Z';
  assert.deepEqual(await remove(waiting), { gone: true, deletionTimestamp: at, deletionGracePeriodSeconds: 0, generation: 2 });
  await waiting.registry.close();
  const running = await withPod({ nodeName: 'node-1', terminationGracePeriodSeconds: 20 });
  await remove(running);
  await running.clock.advance(30_000);
  // The whole wait is over, but somebody else still has to see it: a second is the least.
  const late = await remove(running, { gracePeriodSeconds: 5 });
  assert.deepEqual(late, { gone: false, deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 1, generation: 2 });
  await running.registry.close();
});

test('a pod with a finalizer stays until that is taken off, even when its grace period is over', async () => {
  const made = await withPod({ nodeName: 'node-1' }, { finalizers: ['example.com/hold'] });
  const pods = storageOf(made.registry, 'pods');
  assert.equal((await remove(made, { gracePeriodSeconds: 0 })).gone, false);
  assert.equal((await remove(made, { gracePeriodSeconds: 0 })).gone, false);
  await assert.rejects(
    pods.update(made.context(), key('p'), relabelled({ finalizers: ['example.com/hold', 'example.com/more'] })),
    /no new finalizers can be added if the object is being deleted, found new finalizers \[\]string\{"example.com\/more"\}/,
  );
  await pods.update(made.context(), key('p'), relabelled({ finalizers: [] }));
  await assert.rejects(pods.get(made.context(), key('p')), isNotFound);
  await made.registry.close();
});

test('propagation policies become finalizers for the garbage collector', async () => {
  const { registry, context } = await testRegistry();
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const spec = { selector: { matchLabels: { a: 'b' } }, template };
  const sets = storageOf(registry, 'replicasets', 'apps');
  const finalizersAfter = async (name: string, options: DeleteOptions): Promise<readonly string[] | 'gone'> => {
    await sets.create(context(), 'default', object('apps/v1', 'ReplicaSet', name, { spec }));
    const { entry, gone } = await sets.delete(context(), key(name), options);
    return gone ? 'gone' : (entry.object.metadata.finalizers ?? []);
  };
  assert.equal(await finalizersAfter('a', {}), 'gone');
  assert.equal(await finalizersAfter('b', { propagationPolicy: 'Background' }), 'gone');
  assert.deepEqual(await finalizersAfter('c', { propagationPolicy: 'Foreground' }), ['foregroundDeletion']);
  assert.deepEqual(await finalizersAfter('d', { propagationPolicy: 'Orphan' }), ['orphan']);
  assert.deepEqual(await finalizersAfter('e', { orphanDependents: true }), ['orphan']);
  await assert.rejects(finalizersAfter('f', { propagationPolicy: 'Sometimes' }), /Unsupported value: "Sometimes"/);
  const controllers = storageOf(registry, 'replicationcontrollers');
  await controllers.create(context(), 'default', object('v1', 'ReplicationController', 'r', { spec: { selector: { a: 'b' }, template } }));
  const orphaned = await controllers.delete(context(), key('r'), {});
  assert.deepEqual(orphaned.entry.object.metadata.finalizers, ['orphan'], 'a ReplicationController leaves its pods unless told otherwise');
  await registry.close();
});

test('preconditions on identity and revision are held', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'configmaps');
  const { object: made } = await storage.create(context(), 'default', configMap('a'));
  await assert.rejects(storage.delete(context(), key('a'), { preconditions: { uid: 'other' } }), isConflict);
  await assert.rejects(storage.delete(context(), key('a'), { preconditions: { resourceVersion: '1' } }), isConflict);
  const { uid, resourceVersion } = made.metadata;
  assert.equal((await storage.delete(context(), key('a'), { preconditions: { uid, resourceVersion } })).gone, true);
  await registry.close();
});

test('deleting a collection deletes what its list selects', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'configmaps');
  for (let i = 0; i < 6; i++) await storage.create(context(), 'default', configMap(`m-${i}`, { labels: { odd: String(i % 2) } }));
  const { parseSelector } = await import('../../api/selectors.ts');
  const deleted = await storage.deleteCollection(context(), { namespace: 'default', labels: parseSelector('odd=1') }, {});
  assert.equal(deleted.length, 3);
  assert.equal((await storage.list(context(), { namespace: 'default' })).entries.length, 3);
  await registry.close();
});

test('a namespace is Terminating until its last finalizer is gone, and takes nothing new meanwhile', async () => {
  const { registry, context } = await testRegistry();
  const namespaces = storageOf(registry, 'namespaces');
  const self = { namespace: '', name: 'shop' };
  const created = await namespaces.create(context(), '', object('v1', 'Namespace', 'shop'));
  assert.deepEqual((created.object as unknown as { spec: unknown }).spec, { finalizers: ['kubernetes'] });
  assert.equal(created.object.metadata.labels?.['kubernetes.io/metadata.name'], 'shop');
  const { entry, gone } = await namespaces.delete(context(), self, {});
  assert.equal(gone, false);
  assert.deepEqual((entry.object as unknown as { status: unknown }).status, { phase: 'Terminating' });
  await assert.rejects(storageOf(registry, 'configmaps').create(context(), 'shop', configMap('a')), (error) => {
    assert.ok(isApiError(error, 'Forbidden'));
    assert.equal(
      error.message,
      'configmaps "a" is forbidden: unable to create new content in namespace shop because it is being terminated',
    );
    assert.equal(error.details?.causes?.[0]?.reason, 'NamespaceTerminating');
    return true;
  });
  await namespaces.update(context(), self, changed({ spec: { finalizers: [] } }) as (now: KubeObject | undefined) => KubeObject, {
    subresource: 'finalize',
  });
  await assert.rejects(namespaces.get(context(), self), isNotFound);
  await assert.rejects(
    storageOf(registry, 'configmaps').create(context(), 'shop', configMap('a')),
    /^ApiError: namespaces "shop" not found$/,
  );
  await assert.rejects(namespaces.delete(context(), { namespace: '', name: 'default' }, {}), /this namespace may not be deleted/);
  await registry.close();
});
