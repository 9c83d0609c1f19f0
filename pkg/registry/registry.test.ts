import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAlreadyExists, isConflict, isNotFound } from '../api/errors.ts';
import { timestamp } from '../clock/clock.ts';
import { MemoryStore } from '../storage/memory-store.ts';
import { decodeRecord } from '../trace/cause.ts';
import { changed, configMap, storageOf } from './testing/objects.ts';
import { testRegistry } from './testing/test-registry.ts';

const key = { namespace: 'default', name: 'a' };

test('what was created is read back as it was answered, listed, updated with a growing revision, and deleted', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'configmaps');
  const created = await storage.create(context(), 'default', configMap('a', { data: { x: '1' } }));
  const got = await storage.get(context(), key);
  assert.equal(got, created);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(got.json())), got.object);
  assert.equal(got.object.metadata.resourceVersion, String(got.revision));
  assert.ok(Object.isFrozen(got.object) && Object.isFrozen(got.object.metadata));
  const { entry } = await storage.update(context(), key, changed({ data: { x: '2' } }));
  assert.ok(entry.revision > created.revision);
  assert.deepEqual((await storage.list(context(), { namespace: 'default' })).entries, [entry]);
  assert.equal((await storage.delete(context(), key, {})).gone, true);
  await assert.rejects(storage.get(context(), key), isNotFound);
  await registry.close();
});

test('of two creates of one name the second is refused; a stale update, and one of another identity, conflict', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'configmaps');
  const first = await storage.create(context(), 'default', configMap('a'));
  await assert.rejects(storage.create(context(), 'default', configMap('a')), isAlreadyExists);
  await storage.update(context(), key, changed({ data: { x: '2' } }));
  await assert.rejects(
    storage.update(context(), key, () => ({ ...first.object, data: { x: '3' } }) as never),
    isConflict,
  );
  const other = { ...first.object, metadata: { name: 'a', uid: 'other' } } as never;
  await assert.rejects(
    storage.update(context(), key, () => other),
    isConflict,
  );
  await registry.close();
});

test('concurrent changes of one object all take effect, each from the state that the one before left', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'configmaps');
  await storage.create(context(), 'default', configMap('a', { data: { n: '0' } }));
  const increment = () =>
    storage.update(context(), key, (current) => {
      const { metadata, data } = current as unknown as { metadata: object; data: { n: string } };
      return { ...current, metadata: { ...metadata, resourceVersion: undefined }, data: { n: String(Number(data.n) + 1) } } as never;
    });
  await Promise.all(Array.from({ length: 25 }, increment));
  const { object } = await storage.get(context(), key);
  assert.deepEqual((object as unknown as { data: unknown }).data, { n: '25' });
  await registry.close();
});

test('a write that changes nothing makes no revision', async () => {
  const { registry, context, store } = await testRegistry();
  const storage = storageOf(registry, 'configmaps');
  const created = await storage.create(context(), 'default', configMap('a', { data: { x: '1', y: '2' } }));
  const before = await store.revision();
  const { entry } = await storage.update(context(), key, changed({ data: { y: '2', x: '1' } }));
  assert.equal(entry, created);
  assert.equal(await store.revision(), before);
  await registry.close();
});

test('a dry run answers as the write would, and writes nothing', async () => {
  const { registry, context, store } = await testRegistry();
  const storage = storageOf(registry, 'configmaps');
  const before = await store.revision();
  const dry = context({ dryRun: true });
  const tried = await storage.create(dry, 'default', configMap('a', { data: { x: '1' } }));
  assert.ok(tried.object.metadata.uid);
  assert.equal(tried.object.metadata.resourceVersion, undefined);
  assert.doesNotMatch(new TextDecoder().decode(tried.json()), /resourceVersion/);
  await assert.rejects(storage.get(context(), key), isNotFound);
  assert.equal(await store.revision(), before);
  await storage.create(context(), 'default', configMap('a'));
  await assert.rejects(storage.create(dry, 'default', configMap('a')), isAlreadyExists);
  await storage.update(dry, key, changed({ data: { x: '2' } }));
  await storage.delete(dry, key, {});
  assert.equal(await store.revision(), before + 1);
  await registry.close();
});

test('a generated name is tried again when it is taken', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'configmaps');
  const draft = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'web-' } } as never;
  const names = new Set<string>();
  for (let i = 0; i < 50; i++) names.add((await storage.create(context(), 'default', draft)).object.metadata.name);
  assert.equal(names.size, 50);
  for (const name of names) assert.match(name, /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  await registry.close();
});

test('an entry’s JSON, and that of its deletion, say what its object says', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'configmaps');
  const created = await storage.create(context(), 'default', configMap('a', { data: { x: 'ä"\\' } }));
  const read = (json: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(json));
  assert.deepEqual(read(created.json()), created.object);
  const { entry } = await storage.delete(context(), key, {});
  assert.equal(entry.object.metadata.resourceVersion, String(entry.revision));
  assert.deepEqual(read(entry.json()), entry.object);
  assert.ok(entry.revision > created.revision);
  await registry.close();
});

test('every write keeps a record of who wrote, why, and because of what', async () => {
  const { registry, context, store } = await testRegistry();
  const storage = storageOf(registry, 'configmaps');
  const { revision } = await storage.create(context({ verb: 'create', causes: [3, 2] }), 'default', configMap('a'));
  const record = decodeRecord(await store.record('/registry/configmaps/default/a', revision));
  assert.deepEqual(record?.causes, [3, 2]);
  assert.equal(record?.actor, 'kubernetes-admin');
  assert.equal(record?.verb, 'create');
  await registry.close();
});

test('two registries over one store see each other’s writes at once', async () => {
  const store = new MemoryStore();
  const one = await testRegistry({ store, seed: 1 });
  const two = await testRegistry({ store, seed: 2 });
  const [a, b] = [storageOf(one.registry, 'configmaps'), storageOf(two.registry, 'configmaps')];
  await a.list(one.context(), { namespace: '' });
  for (let i = 0; i < 20; i++) {
    const { revision } = await b.create(two.context(), 'default', configMap(`m-${i}`));
    assert.equal((await a.get(one.context(), { namespace: 'default', name: `m-${i}` })).revision, revision);
  }
  await one.registry.close();
  await two.registry.close();
});

test('two runs with one seed write the identical bytes', async () => {
  const run = async (): Promise<string> => {
    const { registry, context, store } = await testRegistry({ seed: 7 });
    const storage = storageOf(registry, 'services');
    for (let i = 0; i < 5; i++) {
      const spec = { type: 'NodePort', ports: [{ port: 80 }], selector: { app: 'x' } };
      await storage.create(context(), 'default', { apiVersion: 'v1', kind: 'Service', metadata: { name: `s-${i}` }, spec } as never);
    }
    const { items } = await store.list({ start: '/' });
    await registry.close();
    return items.map(({ key: k, value, modRevision }) => `${modRevision} ${k} ${new TextDecoder().decode(value)}`).join('\n');
  };
  assert.equal(await run(), await run());
});

test('events are forgotten an hour after they were last heard of', async () => {
  const { registry, context, clock } = await testRegistry();
  const events = storageOf(registry, 'events');
  const event = (name: string) =>
    ({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name },
      involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
      lastTimestamp: timestamp(clock),
    }) as never;
  const left = async () => (await events.list(context(), { namespace: '' })).entries.map((entry) => entry.object.metadata.name);
  await events.create(context(), 'default', event('a'));
  await events.create(context(), 'default', event('b'));
  await clock.advance(3_000_000);
  await events.update(context(), { namespace: 'default', name: 'b' }, () => event('b'));
  await clock.advance(1_200_000);
  assert.deepEqual(await left(), ['b']);
  await clock.advance(4_000_000);
  assert.deepEqual(await left(), []);
  await registry.close();
});
