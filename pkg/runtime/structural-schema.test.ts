import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JSONSchemaProps } from '../api/generated/apiextensions-v1.ts';
import { customOpenApi } from './custom-open-api.ts';
import { openApiV2 } from './open-api-v2.ts';
import { structuralFaults } from './structural-schema.ts';

const patternFault = (pattern: string): string | undefined => (pattern === '(' ? 'it is open' : undefined);
const faults = (schema: JSONSchemaProps): string[] =>
  structuralFaults(schema, 's', patternFault).map(({ field, message }) => `${field}: ${message}`);
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
    const cases: readonly [schema: JSONSchemaProps, ...faults: string[]][] = [
      [{}, 'X.type: Required value: must not be empty for specified object fields'],
      [{ type: 'array', items: {} }, 'X.items.type: Required value: must not be empty for specified array items'],
      [{ type: 'array' }, 'X.items: Required value: must be specified'],
      [{ type: 'string', pattern: '(' }, 'X.pattern: Invalid value: "(": must be a valid regular expression, but isn\'t: it is open'],
      [
        { type: 'string', allOf: [{ 'x-kubernetes-validations': [{ rule: 'true' }] }] },
        'X.allOf[0].x-kubernetes-validations: Forbidden: must be empty to be structural',
      ],
      [{ type: 'string', anyOf: [{ type: 'string' }] }, 'X.anyOf[0].type: Forbidden: must be empty to be structural'],
      [{ type: 'string', anyOf: [{ nullable: true }] }, 'X.anyOf[0].nullable: Forbidden: must be false to be structural'],
      [
        { 'x-kubernetes-int-or-string': true, allOf: [{ anyOf: [{ type: 'string' }, { type: 'integer' }] }] },
        'X.allOf[0].anyOf[0].type: Forbidden: must be empty to be structural',
        'X.allOf[0].anyOf[1].type: Forbidden: must be empty to be structural',
      ],
      [
        { type: 'object', 'x-kubernetes-embedded-resource': true, additionalProperties: { type: 'string' } },
        'X.additionalProperties: Forbidden: must not be used if x-kubernetes-embedded-resource is set',
        'X.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ],
    ];
    for (const [schema, ...expected] of cases) assert.deepEqual(inSpec(schema), expected);
    assert.deepEqual(faults({ type: 'object', anyOf: [{ properties: { a: { minLength: 1 } } }] }), [
      's.properties[a]: Required value: because it is defined in s.anyOf[0].properties[a]',
    ]);
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
