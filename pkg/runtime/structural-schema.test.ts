import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JSONSchemaProps } from '../api/generated/apiextensions-v1.ts';
import { customOpenApi } from './custom-open-api.ts';
import { openApiV2 } from './open-api-v2.ts';
import { structuralFaults } from './structural-schema.ts';

const faults = (schema: JSONSchemaProps): string[] => structuralFaults(schema, 's').map(({ field, message }) => `${field}: ${message}`);
const inSpec = (spec: JSONSchemaProps): string[] =>
  faults({ type: 'object', properties: { spec } }).map((text) => text.replaceAll('s.properties[spec]', 'X'));

describe('structural schema', () => {
  it('takes what Kubernetes documents as structural', () => {
    assert.deepEqual(
      faults({
        type: 'object',
        properties: {
          metadata: { type: 'object', properties: { name: { type: 'string', pattern: '^a' } } },
          spec: {
            type: 'object',
            properties: {
              command: { type: 'string', default: 'x' },
              shell: { type: 'string', minLength: 1 },
              machines: { type: 'array', items: { type: 'string', pattern: 'abc' } },
              port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
              raw: { 'x-kubernetes-preserve-unknown-fields': true },
              pod: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
              list: {
                type: 'array',
                'x-kubernetes-list-type': 'map',
                'x-kubernetes-list-map-keys': ['a', 'b'],
                items: { type: 'object', required: ['a'], properties: { a: { type: 'string' }, b: { type: 'string', default: 'x' } } },
              },
            },
            anyOf: [{ properties: { command: { pattern: '^echo' } } }, { required: ['shell'] }],
            oneOf: [{ not: { required: ['command'] } }],
          },
        },
      }),
      [],
    );
  });

  it('refuses what is not, and says where', () => {
    assert.deepEqual(faults({}), ['s.type: Required value: must not be empty at the root']);
    assert.deepEqual(faults({ type: 'array', items: { type: 'string' } }), ['s.type: Invalid value: "array": must be object at the root']);
    const cases: readonly [schema: JSONSchemaProps, fault: string][] = [
      [{}, 'X.type: Required value: must not be empty for specified object fields'],
      [{ type: 'array', items: {} }, 'X.items.type: Required value: must not be empty for specified array items'],
      [{ type: 'array' }, 'X.items: Required value: must be specified'],
      [
        { type: 'text' },
        'X.type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"',
      ],
      [
        { type: 'string', pattern: '(' },
        'X.pattern: Invalid value: "(": must be a valid regular expression, but isn\'t: error parsing regexp: "("',
      ],
      [
        { type: 'object', properties: {}, additionalProperties: { type: 'string' } },
        'X.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive',
      ],
      [{ type: 'object', $ref: 'x' }, 'X.$ref: Forbidden: $ref is not supported'],
      [
        { type: 'string', allOf: [{ 'x-kubernetes-validations': [{ rule: 'true' }] }] },
        'X.allOf[0].x-kubernetes-validations: Forbidden: must be empty to be structural',
      ],
      [{ type: 'string', anyOf: [{ type: 'string' }] }, 'X.anyOf[0].type: Forbidden: must be undefined to be structural'],
      [
        { type: 'object', oneOf: [{ properties: { a: {} } }] },
        'X.properties[a]: Required value: because it is defined in X.oneOf[0].properties[a]',
      ],
      [
        { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'bag' },
        'X.x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"',
      ],
      [
        {
          type: 'array',
          items: { type: 'object', properties: { a: { type: 'string' } } },
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['a'],
        },
        'X.items.properties[a].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
      ],
      [{ type: 'integer', default: 'x' }, 'X.default: Invalid value: "string":  in body must be of type integer: "string"'],
      [
        { type: 'object', properties: { a: { type: 'string' } }, default: { b: 1 } },
        'X.default: Invalid value: {"b":1}: must not have unknown fields',
      ],
    ];
    for (const [schema, fault] of cases) assert.deepEqual(inSpec(schema), [fault]);
    assert.match(
      faults({ type: 'object', properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } } })[0] ?? '',
      /properties\[metadata\]: Forbidden/,
    );
  });

  it('becomes components of OpenAPI that refer to the metadata of all objects', () => {
    const kind = { group: 'example.com', version: 'v1', kind: 'Widget' };
    const components = customOpenApi({ type: 'object', properties: { spec: { type: 'object' } } }, kind);
    assert.deepEqual(Object.keys(components), ['com.example.v1.Widget', 'com.example.v1.WidgetList']);
    assert.deepEqual(components['com.example.v1.Widget']?.['x-kubernetes-group-version-kind'], [kind]);
    const document = openApiV2([
      {
        ...kind,
        resource: 'widgets',
        namespaced: true,
        verbs: ['get', 'list'],
        subresources: {},
        definition: 'com.example.v1.Widget',
        components,
      },
    ]);
    const definitions = document['definitions'] as Record<string, { properties: Record<string, unknown> }>;
    assert.deepEqual(definitions['com.example.v1.WidgetList']?.properties['items'], {
      type: 'array',
      description: 'The objects.',
      items: { $ref: '#/definitions/com.example.v1.Widget' },
    });
    assert.ok(definitions['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta']);
  });
});
