import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { CustomResourceDefinition, JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import { loadRulesOf } from './custom-rules.ts';
import { schemaFaults } from './definition-schema.ts';

const faults = (schema: JSONSchemaProps, statusApart = false): string[] =>
  schemaFaults(schema, 's', statusApart).map(({ field, message }) => `${field}: ${message}`);
/** The faults of a schema for `spec`, which is called X. */
const inSpec = (spec: JSONSchemaProps): string[] =>
  faults({ type: 'object', properties: { spec } }).map((text) => text.replaceAll('s.properties[spec]', 'X'));

describe('the schema of a CustomResourceDefinition', () => {
  before(() => {
    const schema = { openAPIV3Schema: { type: 'string', pattern: 'x' } };
    return loadRulesOf({ spec: { versions: [{ schema }] } } as unknown as CustomResourceDefinition);
  });

  it('is told what is wrong with each keyword, where it stands', () => {
    const text: JSONSchemaProps = { type: 'string' };
    const cases: readonly [schema: JSONSchemaProps, ...faults: string[]][] = [
      [{ type: 'object', properties: {}, additionalProperties: text }],
      [
        { type: 'object', properties: { a: text }, additionalProperties: false },
        'X.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive',
      ],
      [{ type: 'object', $ref: 'x' }, 'X.$ref: Forbidden: $ref is not supported'],
      [
        { type: 'null' },
        'X.type: Unsupported value: "null": supported values: "array", "boolean", "integer", "number", "object", "string"',
        'X.type: Forbidden: type cannot be set to null, use nullable as an alternative',
      ],
      [
        { type: 'array', items: text, 'x-kubernetes-list-type': 'bag' },
        'X.x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"',
      ],
      [
        {
          type: 'array',
          items: { type: 'object', properties: { a: text } },
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['a', 'b'],
        },
        'X.x-kubernetes-list-map-keys: Invalid value: ["a","b"]: entries must all be names of item properties',
        'X.items.properties[a].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
      ],
      [
        { type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'set' },
        'X.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set',
      ],
    ];
    for (const [schema, ...expected] of cases) assert.deepEqual(inSpec(schema), expected);
  });

  it('reads regular expressions as RE2 does, and refuses them in its words', () => {
    const why = (pattern: string): string | undefined => inSpec({ type: 'string', pattern })[0]?.split("isn't: ")[1];
    assert.equal(why('^[a-z]+$'), undefined);
    assert.equal(why('('), 'error parsing regexp: missing closing ): `(`');
    assert.equal(why('(?=a)'), 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`');
    assert.equal(why('(a)\\1'), 'error parsing regexp: invalid escape sequence: `\\1`');
  });

  it('has defaults that fit: known fields, the right type, what rules ask for, and what an object says of itself', () => {
    assert.deepEqual(inSpec({ type: 'integer', default: 'x' }), [
      'X.default: Invalid value: "string":  in body must be of type integer: "string"',
    ]);
    assert.deepEqual(inSpec({ type: 'object', properties: { a: { type: 'string' } }, default: { b: 1 } }), [
      'X.default: Invalid value: {"b":1}: must not have unknown fields',
    ]);
    assert.deepEqual(inSpec({ type: 'string', default: 'x', 'x-kubernetes-validations': [{ rule: "self == 'y'" }] }), [
      'X.default: Invalid value: "x": failed rule: self == \'y\'',
    ]);
    const embedded: JSONSchemaProps = { type: 'object', properties: { a: { type: 'string' } }, 'x-kubernetes-embedded-resource': true };
    assert.deepEqual(inSpec({ ...embedded, default: { kind: 'x_' } }), [
      'X.default.apiVersion: Required value',
      "X.default.kind: Invalid value: \"x_\": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
    ]);
    assert.deepEqual(inSpec({ ...embedded, properties: { metadata: { type: 'object', default: { name: 'a/b' } } } }), [
      'X.properties[metadata].default: Invalid value: {"name":"a/b"}: must result in valid metadata: metadata.name: Invalid value: "a/b": may not contain \'/\'',
    ]);
    assert.deepEqual(faults({ type: 'object', properties: { kind: { type: 'string', default: 'x' } } }), [
      's.properties[kind].default: Forbidden: must not be set in top-level kind',
    ]);
  });

  it('says nothing of rules where something else is wrong at the same place or below it', () => {
    const rules = [{ rule: 'nonsense' }];
    const sound: JSONSchemaProps = { type: 'string', 'x-kubernetes-validations': rules };
    const unsound: JSONSchemaProps = { ...sound, 'x-kubernetes-list-type': 'set' };
    const fields = schemaFaults({ type: 'object', properties: { sound, unsound } }, 's', false).map(({ field }) => field);
    assert.deepEqual(fields, ['s.properties[unsound].type', 's.properties[sound].x-kubernetes-validations[0].rule']);
  });

  it('may say little at its root where the status is written apart', () => {
    assert.deepEqual(faults({ type: 'object', description: 'x', required: ['spec'] }, true), []);
    const [fault = ''] = faults({ type: 'object', oneOf: [{ required: ['spec'] }] }, true);
    assert.match(
      fault,
      /^s: Invalid value: \{"ID":"","Schema":"",.*"OneOf":\[\{"ID":.*: only \[Description Type .* XValidations\] fields are allowed/,
    );
  });
});
