import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isApiError, isExpired } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import { MemoryStore } from '../../storage/memory-store.ts';
import { type KeyRange, type Store, StoreError, type WatchBatch, type WatchOptions } from '../../storage/store.ts';
import { configMap, relabelled, storageOf } from '../testing/objects.ts';
import { testRegistry } from '../testing/test-registry.ts';

/** A store whose watches can be made to fail. */
class FaultyStore extends MemoryStore {
  #fail: ((error: StoreError) => void) | undefined;
  /** Watches opened now fail at once. */
  refuse: StoreError | undefined;

  override watch(range: KeyRange, options: WatchOptions): AsyncIterable<WatchBatch> {
    const { refuse } = this;
    const inner = super.watch(range, options)[Symbol.asyncIterator]();
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
      if (refuse) reject(refuse);
    });
    failed.catch(() => undefined);
    return { [Symbol.asyncIterator]: () => ({ next: () => Promise.race([failed, inner.next()]) }) };
  }

  fail(code: 'Unavailable' | 'Compacted' | 'SlowWatcher'): void {
    this.#fail?.(new StoreError(code, `made to fail: ${code}`));
  }
}

const key = { namespace: 'default', name: 'a' };

test('after a failure of the store’s watch the cache goes on where it was, and its watches with it', async () => {
  const store = new FaultyStore();
  const made = await testRegistry({ store });
  const storage = storageOf(made.registry, 'configmaps');
  await storage.create(made.context(), 'default', configMap('a'));
  const abort = new AbortController();
  const watch = storage
    .watch(made.context(), { namespace: '', resourceVersion: '0', bookmarks: false, signal: abort.signal })
    [Symbol.asyncIterator]();
  assert.equal((await watch.next()).value?.length, 1);
  store.fail('Unavailable');
  const writing = storage.update(made.context(), key, relabelled({ labels: { a: 'b' } }));
  await made.clock.advance(10_000);
  const { entry } = await writing;
  const told = (await watch.next()).value?.[0];
  assert.ok(told?.type === 'MODIFIED');
  assert.equal(told.entry.revision, entry.revision);
  assert.equal((await storage.get(made.context(), key)).revision, entry.revision);
  abort.abort();
  await made.registry.close();
});

test('when history was lost, watches end, and what is read afterwards is whole again', async () => {
  const store = new FaultyStore();
  const made = await testRegistry({ store });
  const storage = storageOf(made.registry, 'configmaps');
  const { revision } = await storage.create(made.context(), 'default', configMap('a'));
  const abort = new AbortController();
  const watch = storage
    .watch(made.context(), { namespace: '', resourceVersion: '0', bookmarks: false, signal: abort.signal })
    [Symbol.asyncIterator]();
  await watch.next();
  // What happens while the feed cannot see it, and is then forgotten.
  store.refuse = new StoreError('Unavailable', 'made to fail');
  store.fail('Unavailable');
  await made.clock.advance(200);
  await store.commit([{ key: '/registry/configmaps/default/a', value: undefined }]);
  const value = new TextEncoder().encode('{"kind":"ConfigMap","metadata":{"name":"b","namespace":"default","uid":"u"},"apiVersion":"v1"}');
  await store.commit([{ key: '/registry/configmaps/default/b', value }]);
  await store.compact(await store.revision());
  store.refuse = undefined;
  await made.clock.advance(10_000);
  assert.equal((await watch.next()).done, true);
  const page = await storage.list(made.context(), { namespace: 'default' });
  assert.deepEqual(
    page.entries.map((entry) => entry.object.metadata.name),
    ['b'],
  );
  const json = JSON.parse(new TextDecoder().decode(page.entries[0]?.json()));
  assert.deepEqual(json, page.entries[0]?.object, 'a value in another order of keys than this registry writes is read all the same');
  const again = storage.watch(made.context(), { namespace: '', resourceVersion: String(revision), bookmarks: false, signal: abort.signal });
  await assert.rejects(again[Symbol.asyncIterator]().next(), isExpired);
  abort.abort();
  await made.registry.close();
});

test('a store that cannot say how far its watches are is read itself', async () => {
  class OldEtcd extends MemoryStore {
    override progress(): Promise<never> {
      return Promise.resolve(undefined as never);
    }
    /** Silent: the feed is never known to be fresh. */
    override watch(_range: KeyRange, options: WatchOptions): AsyncIterable<WatchBatch> {
      const stopped = new Promise<IteratorResult<WatchBatch>>((resolve) => {
        options.signal.addEventListener('abort', () => resolve({ done: true, value: undefined }), { once: true });
      });
      return { [Symbol.asyncIterator]: () => ({ next: () => stopped }) };
    }
  }
  const store: Store = new OldEtcd();
  const { registry, context } = await testRegistry({ store });
  const storage = storageOf(registry, 'configmaps');
  await storage.list(context(), { namespace: '' });
  // A namespace that the cache has not heard of is one all the same.
  const created = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'new' } };
  await storageOf(registry, 'namespaces').create(context(), '', created as KubeObject);
  await storage.create(context(), 'new', configMap('in-new'));
  await assert.rejects(storage.create(context(), 'none', configMap('in-none')), { reason: 'NotFound' });
  await storage.delete(context(), { namespace: 'new', name: 'in-new' }, {});
  const { revision } = await storage.create(context(), 'default', configMap('a'));
  assert.equal((await storage.get(context(), key)).revision, revision);
  assert.deepEqual(
    (await storage.list(context(), { namespace: 'default' })).entries.map((entry) => entry.revision),
    [revision],
  );
  await storage.update(context(), key, relabelled({ labels: { a: 'b' } }));
  await storage.delete(context(), key, {});
  assert.deepEqual((await storage.list(context(), { namespace: 'default' })).entries, []);
  await registry.close();
});

test('a closed registry says so at once', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'configmaps');
  await registry.close();
  await registry.close();
  await assert.rejects(storage.list(context(), { namespace: '' }), (error) => isApiError(error, 'ServiceUnavailable'));
});
