import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeGnostic } from './gnostic.ts';
import type { OpenApiResource } from './open-api.ts';
import { openApiV2, toSwagger } from './open-api-v2.ts';
import { WireReader } from './protobuf-wire.ts';
import { isObject, type JsonObject } from './values.ts';

const pods: OpenApiResource = {
  group: '',
  version: 'v1',
  resource: 'pods',
  kind: 'Pod',
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  subresources: {
    status: { verbs: ['get', 'patch', 'update'], kind: ['', 'v1', 'Pod'] },
    log: { verbs: ['get'], kind: ['', 'v1', 'Pod'] },
    exec: { verbs: ['create', 'get'], kind: ['', 'v1', 'PodExecOptions'] },
  },
  definition: 'io.k8s.api.core.v1.Pod',
};
const widgets: OpenApiResource = {
  group: 'example.com',
  version: 'v1',
  resource: 'widgets',
  kind: 'Widget',
  namespaced: false,
  verbs: ['get', 'list'],
  subresources: {},
  definition: 'com.example.v1.Widget',
  components: {
    'com.example.v1.Widget': {
      type: 'object',
      properties: {
        size: { nullable: true, type: 'integer' },
        port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
        nullable: { type: 'string' },
      },
    },
    'com.example.v1.WidgetList': {
      type: 'object',
      properties: { items: { type: 'array', items: { $ref: '#/components/schemas/com.example.v1.Widget' } } },
    },
  },
};
const document = openApiV2([pods, widgets]);

function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => (key === '$ref' && typeof item === 'string' ? [item] : references(item)));
}

/** The fields of a message, each with its number: numbers, or bytes. */
function fieldsOf(bytes: Uint8Array): [number: number, value: unknown][] {
  const reader = new WireReader(bytes);
  const out: [number, unknown][] = [];
  for (let number = reader.next(); number !== 0; number = reader.next())
    out.push([number, reader.type === 2 ? reader.bytes() : reader.int64()]);
  return out;
}
const inner = (bytes: Uint8Array, ...numbers: number[]): Uint8Array =>
  numbers.reduce((at, wanted) => fieldsOf(at).find(([number]) => number === wanted)?.[1] as Uint8Array, bytes);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
/** The value of a named entry among repeated ones. */
const entry = (bytes: Uint8Array, number: number, name: string): Uint8Array =>
  inner(fieldsOf(bytes).find(([at, value]) => at === number && textOf(inner(value as Uint8Array, 1)) === name)?.[1] as Uint8Array, 2);

describe('OpenAPI v2', () => {
  it('has no reference that leads nowhere, and none of v3', () => {
    const definitions = document['definitions'] as JsonObject;
    const all = references(document);
    assert.ok(all.length > 100);
    for (const reference of all) assert.ok(definitions[reference.replace('#/definitions/', '')], reference);
    for (const key of ['"oneOf"', '"anyOf"', '"allOf"', 'components/schemas']) assert.ok(!JSON.stringify(document).includes(key), key);
  });

  it('says of a custom resource what v2 can say', () => {
    assert.deepEqual((document['definitions'] as JsonObject)['com.example.v1.Widget'], {
      type: 'object',
      properties: { size: {}, port: { 'x-kubernetes-int-or-string': true }, nullable: { type: 'string' } },
    });
    assert.deepEqual(toSwagger({ allOf: [{ $ref: '#/components/schemas/a' }], description: 'd', default: {} }), {
      description: 'd',
      default: {},
      $ref: '#/definitions/a',
    });
  });

  it('has the operations of resources, subresources and connections', () => {
    const paths = document['paths'] as Record<string, JsonObject>;
    assert.deepEqual(Object.keys(paths), [
      '/api/v1/',
      '/api/v1/namespaces/{namespace}/pods',
      '/api/v1/namespaces/{namespace}/pods/{name}',
      '/api/v1/namespaces/{namespace}/pods/{name}/exec',
      '/api/v1/namespaces/{namespace}/pods/{name}/log',
      '/api/v1/namespaces/{namespace}/pods/{name}/status',
      '/api/v1/pods',
      '/apis/example.com/v1/',
      '/apis/example.com/v1/widgets',
      '/apis/example.com/v1/widgets/{name}',
    ]);
    assert.deepEqual(Object.keys(paths['/api/v1/namespaces/{namespace}/pods/{name}/exec'] ?? {}), ['get', 'post']);
  });
});

describe('gnostic', () => {
  const bytes = encodeGnostic(document);

  it('says in protobuf what the document says in JSON', () => {
    assert.equal(textOf(inner(bytes, 1)), '2.0');
    assert.equal(textOf(inner(bytes, 2, 1)), 'Kubernetes');
    const paths = inner(bytes, 8);
    assert.equal(fieldsOf(paths).length, Object.keys(document['paths'] as object).length);
    const patch = inner(entry(paths, 2, '/api/v1/namespaces/{namespace}/pods/{name}'), 8);
    assert.equal(textOf(inner(patch, 5)), 'patchCoreV1NamespacedPod');
    assert.deepEqual(JSON.parse(textOf(inner(entry(patch, 13, 'x-kubernetes-group-version-kind'), 2))), {
      group: '',
      version: 'v1',
      kind: 'Pod',
    });
    const parameters = fieldsOf(patch).filter(([number]) => number === 8);
    const names = parameters.map(([, value]) => {
      const item = inner(value as Uint8Array, 1);
      const [[kind, body]] = fieldsOf(item) as [[number, Uint8Array]];
      if (kind === 1) return textOf(inner(body, 2));
      const [[, other]] = fieldsOf(body) as [[number, Uint8Array]];
      return textOf(inner(other, 4));
    });
    assert.deepEqual(names, ['body', 'namespace', 'name', 'pretty', 'dryRun', 'fieldManager', 'fieldValidation', 'force']);
    const pod = entry(inner(bytes, 9), 1, 'io.k8s.api.core.v1.PodSpec');
    const containers = entry(inner(pod, 25), 1, 'containers');
    assert.equal(textOf(inner(containers, 22, 1)), 'array');
    assert.equal(textOf(inner(containers, 23, 1, 1)), '#/definitions/io.k8s.api.core.v1.Container');
    assert.equal(textOf(inner(entry(containers, 31, 'x-kubernetes-patch-merge-key'), 2)), '"name"\n');
  });
});
