import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAlreadyExists, isConflict, isNotFound } from '../api/errors.ts';
import { everything, parseSelector } from '../api/selectors.ts';
import type { RegistryEvent } from './contract.ts';
import { testRegistry } from './testing/test-registry.ts';

const configMap = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}) =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data }) as never;

test('what was created is read back, listed, updated with a growing revision, and deleted', async () => {
  const { registry, context } = await testRegistry();
  const storage = registry.storage('', 'v1', 'configmaps')!;
  const created = await storage.create(context(), 'default', configMap('a', { x: '1' }));
  const key = { namespace: 'default', name: 'a' };
  const got = await storage.get(context(), key);
  assert.equal(got, created);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(got.json())), got.object);
  assert.equal(got.object.metadata.resourceVersion, String(got.revision));
  const { entry } = await storage.update(context(), key, (current) => ({ ...current!, data: { x: '2' } }) as never);
  assert.ok(entry.revision > created.revision);
  const page = await storage.list(context(), { namespace: 'default', labels: everything });
  assert.deepEqual(page.entries, [entry]);
  const deleted = await storage.delete(context(), key, {});
  assert.equal(deleted.gone, true);
  await assert.rejects(storage.get(context(), key), isNotFound);
  await registry.close();
});

test('of two creates of one name the second is refused, and a stale update conflicts', async () => {
  const { registry, context } = await testRegistry();
  const storage = registry.storage('', 'v1', 'configmaps')!;
  const first = await storage.create(context(), 'default', configMap('a'));
  await assert.rejects(storage.create(context(), 'default', configMap('a')), isAlreadyExists);
  const key = { namespace: 'default', name: 'a' };
  await storage.update(context(), key, (current) => ({ ...current!, data: { x: '2' } }) as never);
  await assert.rejects(
    storage.update(context(), key, () => ({ ...first.object, data: { x: '3' } }) as never),
    isConflict,
  );
  await registry.close();
});

test('a watch tells objects that move into and out of its selector as ADDED and DELETED', async () => {
  const { registry, context } = await testRegistry();
  const storage = registry.storage('', 'v1', 'configmaps')!;
  const abort = new AbortController();
  const told: string[] = [];
  const done = (async () => {
    const watch = storage.watch(context(), { namespace: 'default', labels: parseSelector('a=b'), bookmarks: false, signal: abort.signal });
    for await (const batch of watch) {
      for (const event of batch as RegistryEvent[]) {
        if (event.type === 'BOOKMARK') continue;
        told.push(
          `${event.type} ${event.entry.object.metadata.name}@${event.entry.revision === Number(event.entry.object.metadata.resourceVersion)}`,
        );
      }
      if (told.length === 4) abort.abort();
    }
  })();
  const key = { namespace: 'default', name: 'a' };
  await storage.create(context(), 'default', configMap('a', {}, { a: 'b' }));
  await storage.update(context(), key, (c) => ({ ...c!, data: { x: '2' } }) as never);
  await storage.update(context(), key, (c) => ({ ...c!, metadata: { ...c!.metadata, labels: {} } }) as never);
  await storage.update(context(), key, (c) => ({ ...c!, metadata: { ...c!.metadata, labels: { a: 'b' } } }) as never);
  await done;
  assert.deepEqual(told, ['ADDED a@true', 'MODIFIED a@true', 'DELETED a@true', 'ADDED a@true']);
  await registry.close();
});
