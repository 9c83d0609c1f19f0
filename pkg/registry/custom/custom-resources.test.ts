import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CustomResourceDefinition, JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { MemoryStore } from '../../storage/memory-store.ts';
import type { ResourceStorage } from '../contract.ts';
import { changed, object, relabelled, storageOf } from '../testing/objects.ts';
import { type TestRegistry, testRegistry } from '../testing/test-registry.ts';
import { isEstablished } from './definition-status.ts';

const schema: JSONSchemaProps = {
  type: 'object',
  properties: {
    spec: { type: 'object', properties: { size: { type: 'integer', default: 3 }, colour: { type: 'string' } } },
    status: { type: 'object', properties: { ready: { type: 'boolean' } } },
  },
};
const v1 = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } };
const widgetsSpec = { group: 'example.com', scope: 'Namespaced', names: { plural: 'widgets', kind: 'Widget' }, versions: [v1] };

const definitionsOf = ({ registry }: TestRegistry): ResourceStorage =>
  storageOf(registry, 'customresourcedefinitions', 'apiextensions.k8s.io');
const key = { namespace: 'default', name: 'w' };
const widget = (spec: object, metadata: object = {}): KubeObject => object('example.com/v1', 'Widget', 'w', { spec }, metadata);
const specOf = (entry: { readonly object: KubeObject }): unknown => (entry.object as unknown as { spec: unknown }).spec;
const definitionOf = (entry: { readonly object: KubeObject }): CustomResourceDefinition =>
  entry.object as unknown as CustomResourceDefinition;

/** Waits for an event of the definition that fits. */
async function until(
  test: TestRegistry,
  name: string,
  fits: (type: string, definition: CustomResourceDefinition) => boolean,
): Promise<void> {
  const end = new AbortController();
  const fields = [{ field: 'metadata.name', value: name, equal: true }];
  for await (const batch of definitionsOf(test).watch(test.context(), { namespace: '', fields, bookmarks: false, signal: end.signal })) {
    for (const event of batch) if (event.type !== 'BOOKMARK' && fits(event.type, definitionOf(event.entry))) return end.abort();
  }
}

async function define(test: TestRegistry, spec: { names: { plural: string }; group: string } = widgetsSpec): Promise<ResourceStorage> {
  const name = `${spec.names.plural}.${spec.group}`;
  await definitionsOf(test).create(test.context(), '', object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', name, { spec }));
  await until(test, name, (_, definition) => isEstablished(definition));
  return storageOf(test.registry, spec.names.plural, spec.group);
}

async function redefine(test: TestRegistry, versions: readonly object[]): Promise<void> {
  await definitionsOf(test).update(
    test.context(),
    { namespace: '', name: 'widgets.example.com' },
    changed({ spec: { ...widgetsSpec, versions } }),
  );
}

describe('custom resources', () => {
  it('are served once their definition is established, in every registry over the store, and after a restart', async () => {
    const store = new MemoryStore();
    const one = await testRegistry({ store });
    const other = await testRegistry({ store, seed: 2 });
    const widgets = await define(one);
    assert.deepEqual(specOf(await widgets.create(one.context(), 'default', widget({}))), { size: 3 });
    await other.registry.fresh();
    assert.deepEqual(specOf(await storageOf(other.registry, 'widgets', 'example.com').get(other.context(), key)), { size: 3 });
    await one.registry.close();
    await other.registry.close();
    const again = await testRegistry({ store, seed: 3 });
    assert.deepEqual(specOf(await storageOf(again.registry, 'widgets', 'example.com').get(again.context(), key)), { size: 3 });
    await again.registry.close();
  });

  it('are read with defaults that were added later, and are stored with them at the next write', async () => {
    const test = await testRegistry();
    const widgets = await define(test);
    await widgets.create(test.context(), 'default', widget({}));
    const spec = { type: 'object', properties: { size: { type: 'integer' }, colour: { type: 'string', default: 'red' } } };
    const later = { ...v1, schema: { openAPIV3Schema: { ...schema, properties: { ...schema.properties, spec } } } };
    await redefine(test, [later]);
    const now = storageOf(test.registry, 'widgets', 'example.com');
    assert.deepEqual(specOf(await now.get(test.context(), key)), { size: 3, colour: 'red' });
    const before = (await now.get(test.context(), key)).revision;
    const { entry } = await now.update(test.context(), key, (current) => current as KubeObject);
    assert.ok(entry.revision > before);
    assert.equal((await now.update(test.context(), key, (current) => current as KubeObject)).entry.revision, entry.revision);
    await test.registry.close();
  });

  it('are read although their definition has come to ask for what they cannot give', async () => {
    const test = await testRegistry();
    const spec = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    const of = (props: object): object => ({ ...v1, schema: { openAPIV3Schema: { type: 'object', properties: { spec: props } } } });
    const widgets = await define(test, { ...widgetsSpec, versions: [of(spec)] } as typeof widgetsSpec);
    const odd = { kind: 'X', metadata: { labels: { a: 1 } } };
    await widgets.create(test.context(), 'default', widget({ odd }));
    const embedded = { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true };
    await redefine(test, [of({ ...spec, properties: { odd: embedded, more: { type: 'string', default: 'm' } } })]);
    const now = storageOf(test.registry, 'widgets', 'example.com');
    assert.deepEqual((await now.list(test.context(), { namespace: '' })).entries.map(specOf), [{ odd, more: 'm' }]);
    await test.registry.close();
  });

  it('end their watches when the definition changes', async () => {
    const test = await testRegistry();
    const widgets = await define(test);
    const watch = widgets.watch(test.context(), { namespace: '', bookmarks: false, signal: new AbortController().signal });
    const iterator = watch[Symbol.asyncIterator]();
    const next = iterator.next();
    await redefine(test, [{ ...v1, subresources: { status: {} } }]);
    assert.equal((await next).done, true);
    await test.registry.close();
  });

  it('count generations: without a status subresource every field but the metadata is a wish', async () => {
    const test = await testRegistry();
    const widgets = await define(test);
    await widgets.create(test.context(), 'default', widget({ size: 1 }));
    const generation = async (change: object): Promise<unknown> =>
      (await widgets.update(test.context(), key, changed(change))).entry.object.metadata.generation;
    assert.equal(await generation({ spec: { size: 2 } }), 2);
    assert.equal(await generation({ status: { ready: true } }), 3);
    const relabel = await widgets.update(test.context(), key, relabelled({ labels: { a: 'b' } }));
    assert.equal(relabel.entry.object.metadata.generation, 3);
    await test.registry.close();
  });

  it('keep spec and status apart where there is a status subresource', async () => {
    const test = await testRegistry();
    const versions = [{ ...v1, subresources: { status: {} } }];
    const widgets = await define(test, { ...widgetsSpec, versions } as typeof widgetsSpec);
    await widgets.create(test.context(), 'default', { ...widget({ size: 1 }), status: { ready: true } } as unknown as KubeObject);
    const write = async (change: object, subresource = ''): Promise<unknown> => {
      const options = subresource === '' ? {} : { subresource };
      const { entry } = await widgets.update(test.context(), key, changed(change), options);
      const { spec, status } = entry.object as unknown as { spec: unknown; status: unknown };
      return { spec, status, generation: entry.object.metadata.generation, labels: entry.object.metadata.labels };
    };
    assert.deepEqual(await write({ spec: { size: 2 }, status: { ready: true } }), {
      spec: { size: 2 },
      status: undefined,
      generation: 2,
      labels: undefined,
    });
    const current = (await widgets.get(test.context(), key)).object;
    const metadata = { ...current.metadata, labels: { a: 'b' } };
    assert.deepEqual(await write({ metadata, spec: { size: 7 }, status: { ready: true } }, 'status'), {
      spec: { size: 2 },
      status: { ready: true },
      generation: 2,
      labels: undefined,
    });
    await test.registry.close();
  });

  it('go with their definition, which waits for those that have finalizers', async () => {
    const test = await testRegistry();
    const widgets = await define(test);
    await widgets.create(test.context(), 'default', widget({}, { finalizers: ['example.com/hold'] }));
    await definitionsOf(test).delete(test.context(), { namespace: '', name: 'widgets.example.com' }, {});
    await until(test, 'widgets.example.com', (_, { status }) =>
      (status.conditions ?? []).some(({ reason }) => reason === 'InstanceDeletionInProgress'),
    );
    const now = storageOf(test.registry, 'widgets', 'example.com');
    await assert.rejects(now.create(test.context(), 'default', object('example.com/v1', 'Widget', 'x')), {
      reason: 'Forbidden',
      message: 'widgets.example.com "x" is forbidden: create not allowed while custom resource definition is terminating',
    });
    const terminating = (status: string, reason: string) =>
      until(test, 'widgets.example.com', (_, definition) => {
        const condition = (definition.status.conditions ?? []).find(({ type }) => type === 'Terminating');
        return condition?.status === status && condition.reason === reason;
      });
    await test.clock.advance(60_000);
    await terminating('True', 'InstanceDeletionCheck');
    const completed = terminating('False', 'InstanceDeletionCompleted');
    const gone = until(test, 'widgets.example.com', (type) => type === 'DELETED');
    await now.update(test.context(), key, relabelled({ finalizers: [] }));
    await Promise.all([completed, gone]);
    // Who still holds what served them creates nothing any more.
    await assert.rejects(now.create(test.context(), 'default', object('example.com/v1', 'Widget', 'x')), { reason: 'NotFound' });
    assert.equal(test.registry.storage('example.com', 'v1', 'widgets'), undefined);
    // The same name again begins with nothing.
    const again = await define(test);
    assert.deepEqual((await again.list(test.context(), { namespace: '' })).entries, []);
    await test.registry.close();
  });

  it('are all gone with their definition, also those that were being created when it went', async () => {
    const test = await testRegistry();
    const widgets = await define(test);
    const create = (name: string) =>
      widgets.create(test.context(), 'default', object('example.com/v1', 'Widget', name)).then(
        () => 'created',
        () => 'refused',
      );
    for (let i = 0; i < 50; i++) await create(`old-${i}`);
    const late = Array.from({ length: 20 }, (_, i) => create(`late-${i}`));
    const gone = until(test, 'widgets.example.com', (type) => type === 'DELETED');
    await definitionsOf(test).delete(test.context(), { namespace: '', name: 'widgets.example.com' }, {});
    assert.ok((await Promise.all(late)).every((outcome) => outcome === 'created' || outcome === 'refused'));
    await gone;
    const again = await define(test);
    assert.deepEqual((await again.list(test.context(), { namespace: '' })).entries, []);
    await test.registry.close();
  });

  it('show in each version what that version knows', async () => {
    const test = await testRegistry();
    const spec = { type: 'object', properties: { size: { type: 'integer', default: 3 } } };
    const narrow = {
      ...v1,
      name: 'v2',
      storage: false,
      schema: { openAPIV3Schema: { ...schema, properties: { ...schema.properties, spec } } },
    };
    const widgets = await define(test, { ...widgetsSpec, versions: [v1, narrow] } as typeof widgetsSpec);
    await widgets.create(test.context(), 'default', widget({ colour: 'red' }));
    const other = test.registry.storage('example.com', 'v2', 'widgets') as ResourceStorage;
    assert.deepEqual(specOf(await other.get(test.context(), key)), { size: 3 });
    assert.deepEqual(specOf(await widgets.get(test.context(), key)), { size: 3, colour: 'red' });
    await test.registry.close();
  });

  it('wait for names that others of their group have, and get them when these go', async () => {
    const test = await testRegistry();
    await define(test);
    const gadgets = { ...widgetsSpec, names: { plural: 'gadgets', kind: 'Gadget', shortNames: ['widgets'] } };
    const name = 'gadgets.example.com';
    await definitionsOf(test).create(
      test.context(),
      '',
      object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', name, { spec: gadgets }),
    );
    await until(test, name, (_, { status }) =>
      (status.conditions ?? []).some(({ reason, message }) => reason === 'ShortNamesConflict' && message === '"widgets" is already in use'),
    );
    assert.equal(test.registry.storage('example.com', 'v1', 'gadgets'), undefined);
    await definitionsOf(test).delete(test.context(), { namespace: '', name: 'widgets.example.com' }, {});
    await until(test, name, (_, definition) => isEstablished(definition));
    assert.notEqual(test.registry.storage('example.com', 'v1', 'gadgets'), undefined);
    await test.registry.close();
  });
});
