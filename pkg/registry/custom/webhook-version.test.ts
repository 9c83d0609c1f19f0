import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject } from '../../api/object.ts';
import type { RegistryEvent, ResourceStorage } from '../contract.ts';
import { changed, object, storageOf } from '../testing/objects.ts';
import { type TestRegistry, testRegistry } from '../testing/test-registry.ts';
import type { WebhookDialer } from '../webhook-dialer.ts';

/** v1 says where in one text, v2 in two fields. */
const version = (name: string, properties: object, selectable: string): object => ({
  name,
  served: true,
  storage: name === 'v1',
  selectableFields: [{ jsonPath: selectable }],
  schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } } },
});
const text = { type: 'string' };
const spec = {
  group: 'example.com',
  scope: 'Namespaced',
  names: { plural: 'places', kind: 'Place' },
  versions: [version('v1', { at: text }, '.spec.at'), version('v2', { host: text, port: text }, '.spec.host')],
  conversion: {
    strategy: 'Webhook',
    webhook: { clientConfig: { url: 'https://converter.test/' }, conversionReviewVersions: ['v9', 'v1'] },
  },
};

type Place = KubeObject & { readonly spec: { at?: string; host?: string; port?: string } };

function turned(place: Place, apiVersion: string): object {
  const { at = '', host = '', port = '' } = place.spec;
  const [first, second] = at.split(':');
  return { ...place, apiVersion, spec: apiVersion.endsWith('v2') ? { host: first, port: second } : { at: `${host}:${port}` } };
}

/** A webhook in this process. `calls`: how many objects each call had. */
class Converter implements WebhookDialer {
  readonly calls: number[] = [];
  answer: (response: { convertedObjects: object[]; uid: string; result: object }) => object = (response) => response;

  async post(_client: unknown, body: Uint8Array): Promise<Uint8Array> {
    const { apiVersion, request } = JSON.parse(new TextDecoder().decode(body));
    this.calls.push(request.objects.length);
    const convertedObjects = request.objects.map((each: Place) => turned(each, request.desiredAPIVersion));
    const response = this.answer({ uid: request.uid, convertedObjects, result: { status: 'Success' } });
    return new TextEncoder().encode(JSON.stringify({ apiVersion, kind: 'ConversionReview', response }));
  }
}

async function places(): Promise<{ test: TestRegistry; converter: Converter; v1: ResourceStorage; v2: ResourceStorage }> {
  const converter = new Converter();
  const test = await testRegistry({ webhooks: converter });
  const definitions = storageOf(test.registry, 'customresourcedefinitions', 'apiextensions.k8s.io');
  const made = object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'places.example.com', { spec });
  await definitions.create(test.context(), '', made);
  while (!test.registry.storage('example.com', 'v1', 'places')) await test.clock.turn();
  return {
    test,
    converter,
    v1: storageOf(test.registry, 'places', 'example.com'),
    v2: storageOf(test.registry, 'places', 'example.com', 'v2'),
  };
}

const place = (name: string, at: string): KubeObject => object('example.com/v1', 'Place', name, { spec: { at } });
const specOf = (entry: { readonly object: KubeObject }): unknown => (entry.object as Place).spec;
const key = { namespace: 'default', name: 'a' };
const told = (event: RegistryEvent): unknown => (event.type === 'BOOKMARK' ? event.type : [event.type, specOf(event.entry)]);

describe('versions that a webhook converts between', () => {
  it('are read in either, each object asked for once, a list in one call', async () => {
    const { test, converter, v1, v2 } = await places();
    for (const name of ['a', 'b', 'c']) await v1.create(test.context(), 'default', place(name, `${name}:80`));
    assert.deepEqual(converter.calls, []);
    const { entries } = await v2.list(test.context(), { namespace: '' });
    assert.deepEqual(entries.map(specOf), [
      { host: 'a', port: '80' },
      { host: 'b', port: '80' },
      { host: 'c', port: '80' },
    ]);
    assert.equal(JSON.parse(new TextDecoder().decode(entries[0]?.json())).apiVersion, 'example.com/v2');
    await v2.get(test.context(), key);
    assert.deepEqual(converter.calls, [3]);
    await test.registry.close();
  });

  it('are written in either, and stored in one', async () => {
    const { test, v1, v2 } = await places();
    const made = object('example.com/v2', 'Place', 'a', { spec: { host: 'x', port: '1' } });
    assert.deepEqual(specOf(await v2.create(test.context(), 'default', made)), { host: 'x', port: '1' });
    assert.deepEqual(specOf(await v1.get(test.context(), key)), { at: 'x:1' });
    await v2.update(test.context(), key, changed({ spec: { host: 'x', port: '2' } }));
    assert.deepEqual(specOf(await v1.get(test.context(), key)), { at: 'x:2' });
    const { entry, gone } = await v2.delete(test.context(), key, {});
    assert.deepEqual([specOf(entry), gone], [{ host: 'x', port: '2' }, true]);
    await test.registry.close();
  });

  it('are watched with one call for all who see the same, and selected by their own fields', async () => {
    const { test, converter, v1, v2 } = await places();
    const end = new AbortController();
    const watch = (fields: { field: string; value: string; equal: boolean }[] = []) =>
      v2.watch(test.context(), { namespace: '', fields, bookmarks: false, signal: end.signal })[Symbol.asyncIterator]();
    const all = [watch(), watch()];
    const some = watch([{ field: 'spec.host', value: 'x', equal: true }]);
    const next = [...all, some].map((iterator) => iterator.next());
    for (let i = 0; i < 5; i++) await test.clock.turn();
    await v1.create(test.context(), 'default', place('a', 'x:80'));
    for (const result of await Promise.all(next)) assert.deepEqual(result.value?.map(told), [['ADDED', { host: 'x', port: '80' }]]);
    assert.deepEqual(converter.calls, [1]);
    await v1.update(test.context(), key, changed({ spec: { at: 'y:80' } }));
    const moved = (await some.next()).value;
    assert.deepEqual(moved?.map(told), [['DELETED', { host: 'x', port: '80' }]]);
    assert.deepEqual((await all[0]?.next())?.value?.map(told), [['MODIFIED', { host: 'y', port: '80' }]]);
    const listed = await v2.list(test.context(), { namespace: '', fields: [{ field: 'spec.host', value: 'y', equal: true }], limit: 1 });
    assert.deepEqual(listed.entries.map(specOf), [{ host: 'y', port: '80' }]);
    end.abort();
    await test.registry.close();
  });

  it("say in Kubernetes' words what is wrong with the webhook or its answer", async () => {
    const { test, converter, v1, v2 } = await places();
    await v1.create(test.context(), 'default', place('a', 'x:80'));
    const refused = async (answer: Converter['answer']): Promise<string> => {
      converter.answer = answer;
      try {
        await v2.get(test.context(), key);
        return '';
      } catch (error) {
        return (error as Error).message.replace('conversion webhook for example.com/v1, Kind=Place ', '');
      }
    };
    const changedFirst = (change: object) =>
      refused((response) => ({ ...response, convertedObjects: [{ ...response.convertedObjects[0], ...change }] }));
    assert.equal(await refused((response) => ({ ...response, result: { status: 'Failure', message: 'no' } })), 'failed: no');
    assert.match(await refused((response) => ({ ...response, uid: 'x' })), /^failed: expected response.uid=".+", got "x"$/);
    assert.equal(await refused((response) => ({ ...response, convertedObjects: [] })), 'returned 0 objects, expected 1');
    assert.match(
      await changedFirst({ apiVersion: 'example.com/v1' }),
      /invalid groupVersion \(expected example.com\/v2, received example.com\/v1\)/,
    );
    assert.match(await changedFirst({ metadata: { name: 'b' } }), /must have the same name: a != b/);
    assert.match(await changedFirst({ metadata: undefined }), /returned invalid metadata/);
    converter.answer = () => {
      throw new Error('Post "https://converter.test/": connection refused');
    };
    await assert.rejects(v2.list(test.context(), { namespace: '' }), {
      code: 500,
      message: 'conversion webhook for example.com/v1, Kind=Place failed: Post "https://converter.test/": connection refused',
    });
    await test.registry.close();
  });
});
