import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OpenApiResource } from './open-api.ts';
import { openApiV2, toSwagger } from './open-api-v2.ts';
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

  it('says nothing of what may hold any field, nor that a field is required which may be null', () => {
    const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: { type: 'string' } } };
    const gvk = { 'x-kubernetes-group-version-kind': [{ group: 'example.com', version: 'v1', kind: 'Widget' }] };
    const anything = openApiV2([{ ...widgets, components: { ...widgets.components, 'com.example.v1.Widget': { ...open, ...gvk } } }]);
    assert.deepEqual((anything['definitions'] as JsonObject)['com.example.v1.Widget'], { type: 'object', ...gvk });
    const defaulted = { type: 'object', properties: { default: { type: 'array', default: [], items: { type: 'string', default: 'x' } } } };
    const without = openApiV2([{ ...widgets, components: { ...widgets.components, 'com.example.v1.Widget': { ...defaulted, ...gvk } } }]);
    assert.deepEqual((without['definitions'] as JsonObject)['com.example.v1.Widget'], {
      type: 'object',
      properties: { default: { type: 'array', items: { type: 'string' } } },
      ...gvk,
    });
    const properties = { open, list: { ...open, type: 'array', items: { type: 'string' } }, maybe: { type: 'object', nullable: true } };
    assert.deepEqual(toSwagger({ type: 'object', required: ['maybe', 'open'], properties }), {
      type: 'object',
      required: ['open'],
      properties: {
        open: { 'x-kubernetes-preserve-unknown-fields': true },
        list: { 'x-kubernetes-preserve-unknown-fields': true },
        maybe: {},
      },
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
      '/api/v1/watch/namespaces/{namespace}/pods',
      '/api/v1/watch/namespaces/{namespace}/pods/{name}',
      '/api/v1/watch/pods',
      '/apis/example.com/v1/',
      '/apis/example.com/v1/widgets',
      '/apis/example.com/v1/widgets/{name}',
    ]);
    assert.deepEqual(Object.keys(paths['/api/v1/namespaces/{namespace}/pods/{name}/exec'] ?? {}), ['get', 'post', 'parameters']);
  });
});
