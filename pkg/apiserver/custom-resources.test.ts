import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testServer } from './testing/test-server.ts';

const version = (name: string, changes: object = {}): object => ({
  name,
  served: true,
  storage: name === 'v1',
  schema: {
    openAPIV3Schema: {
      type: 'object',
      description: 'A widget.',
      properties: {
        spec: { type: 'object', properties: { size: { type: 'integer', description: 'How large.' }, name: { type: 'string' } } },
      },
    },
  },
  ...changes,
});
const definition = (versions: readonly object[]): object => ({
  metadata: { name: 'widgets.example.com' },
  spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'widgets', kind: 'Widget', shortNames: ['w'] }, versions },
});
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const widgets = '/apis/example.com/v1/namespaces/default/widgets';

async function servingWidgets(versions: readonly object[] = [version('v1')]) {
  const test = await testServer();
  await test.withDefaults();
  const made = await test.request('POST', definitions, { body: definition(versions) });
  assert.equal(made.status, 201, made.text);
  while ((await test.request('GET', widgets)).status !== 200) await test.clock.turn();
  return test;
}

const widget = (name: string, spec: object) => ({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name }, spec });

describe('custom resources over the API', () => {
  it('are in discovery and OpenAPI while they are served, and the documents say when they have changed', async () => {
    const test = await testServer();
    const aggregated = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };
    const etag = async (): Promise<string | undefined> => (await test.request('GET', '/apis', { headers: aggregated })).headers['etag'];
    const v3 = async (): Promise<string | undefined> =>
      (await test.request('GET', '/openapi/v3')).json.paths['apis/example.com/v1']?.serverRelativeURL;
    const before = await etag();
    await test.request('POST', definitions, { body: definition([version('v1')]) });
    while ((await test.request('GET', widgets)).status !== 200) await test.clock.turn();
    assert.notEqual(await etag(), before);
    const { json } = await test.request('GET', '/apis/example.com/v1');
    assert.deepEqual([json.resources[0].name, json.resources[0].shortNames], ['widgets', ['w']]);
    const address = await v3();
    const document = (await test.request('GET', address ?? '')).json;
    assert.equal(document.components.schemas['com.example.v1.Widget'].properties.spec.properties.size.description, 'How large.');
    assert.ok((await test.request('GET', '/openapi/v2')).json.definitions['com.example.v1.Widget']);

    const current = (await test.request('GET', `${definitions}/widgets.example.com`)).json;
    current.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.more = { type: 'string' };
    assert.equal((await test.request('PUT', `${definitions}/widgets.example.com`, { body: current })).status, 200);
    assert.notEqual(await v3(), address);
    await test.request('DELETE', `${definitions}/widgets.example.com`);
    while ((await test.request('GET', widgets)).status !== 404) await test.clock.turn();
    assert.equal(await v3(), undefined);
    assert.equal((await test.request('GET', '/apis/example.com')).status, 404);
    assert.deepEqual(test.errors, []);
  });

  it('are given as JSON, YAML, tables and metadata, and not as protobuf', async () => {
    const columns = [
      { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
      { name: 'Name', type: 'string', jsonPath: '.spec.name', priority: 1 },
      { name: 'Spec', type: 'string', jsonPath: '.spec' },
      { name: 'When', type: 'date', jsonPath: '.metadata.name' },
    ];
    const { request } = await servingWidgets([version('v1', { additionalPrinterColumns: columns })]);
    await request('POST', widgets, { body: widget('a', { size: 7 }) });
    const as = (accept: string, path = widgets) => request('GET', path, { headers: { accept } });
    const table = (await as('application/json;as=Table;g=meta.k8s.io;v=v1')).json;
    assert.deepEqual(
      table.columnDefinitions.map(({ name, priority }: { name: string; priority: number }) => [name, priority]),
      [
        ['Name', 0],
        ['Size', 0],
        ['Name', 1],
        ['Spec', 0],
        ['When', 0],
      ],
    );
    assert.deepEqual(table.rows[0].cells, ['a', 7, null, '{"size":7}', '<invalid>']);
    assert.equal((await as('application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1')).json.items[0].metadata.name, 'a');
    assert.match((await as('application/yaml', `${widgets}/a`)).text, /kind: Widget/);
    assert.equal((await as('application/vnd.kubernetes.protobuf')).status, 406);
    const list = (await as('application/json')).json;
    assert.deepEqual([list.kind, list.metadata.continue], ['WidgetList', '']);
    const protobuf = { 'content-type': 'application/vnd.kubernetes.protobuf' };
    assert.equal((await request('POST', widgets, { body: 'k8s', headers: protobuf })).status, 415);
    const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
    assert.equal((await request('PATCH', `${widgets}/a`, { body: {}, headers: strategic })).status, 415);
  });

  it('say what they are: of what says nothing, or something else, there is no type to guess from', async () => {
    const { request } = await servingWidgets([version('v1')]);
    const post = async (body: object) => (await request('POST', widgets, { body })).json;
    const { kind: _, ...nothing } = widget('a', {});
    assert.match(
      (await post(nothing)).message,
      /^the object provided is unrecognized \(must be of type Widget\): Object 'Kind' is missing in '/,
    );
    assert.deepEqual((await post({ ...widget('a', {}), kind: 'Gadget' })).details.causes, [
      { reason: 'FieldValueInvalid', message: 'Invalid value: "Gadget": must be Widget', field: 'kind' },
    ]);
    assert.match(
      (await post({ ...widget('a', {}), apiVersion: 'v1' })).message,
      /does not match the expected API version \(example.com\/v1\)/,
    );
  });

  it('come with a warning where their version is deprecated', async () => {
    const { request } = await servingWidgets([
      version('v1', { deprecated: true }),
      version('v2', { deprecated: true, deprecationWarning: 'it goes' }),
    ]);
    assert.equal((await request('GET', widgets)).headers['warning'], '299 - "example.com/v1 Widget is deprecated"');
    assert.equal((await request('GET', widgets.replace('v1', 'v2'))).headers['warning'], '299 - "it goes"');
  });

  it('have a Scale where the definition says, whose owners stand there too', async () => {
    const scale = { specReplicasPath: '.spec.size', statusReplicasPath: '.status.there' };
    const { request } = await servingWidgets([version('v1', { subresources: { scale } })]);
    await request('POST', widgets, { body: widget('a', { size: 2 }) });
    const apply = { 'content-type': 'application/apply-patch+yaml' };
    const body = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'a' }, spec: { replicas: 5 } };
    const scaled = await request('PATCH', `${widgets}/a/scale?fieldManager=scaler&force=true`, { body, headers: apply });
    assert.equal(scaled.json.spec.replicas, 5, scaled.text);
    const { spec, metadata } = (await request('GET', `${widgets}/a`)).json;
    assert.equal(spec.size, 5);
    const owner = metadata.managedFields.find(({ manager }: { manager: string }) => manager === 'scaler');
    assert.deepEqual(owner.fieldsV1, { 'f:spec': { 'f:size': {} } });
    assert.equal((await request('GET', `${widgets}/a/status`)).status, 404);
    const negative = await request('PATCH', `${widgets}/a/scale`, {
      body: { spec: { replicas: -1 } },
      headers: { 'content-type': 'application/merge-patch+json' },
    });
    assert.deepEqual(negative.json.details.causes, [
      { reason: 'FieldValueInvalid', message: 'Invalid value: -1: should be a non-negative integer', field: '.spec.size' },
    ]);
  });
});
