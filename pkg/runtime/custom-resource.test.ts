import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { JSONSchemaProps } from '../api/generated/apiextensions-v1.ts';
import { deepFreeze, type KubeObject } from '../api/object.ts';
import { applyConfiguration } from './apply.ts';
import { customDefinition, schemaFromOpenApi } from './custom-schema.ts';
import { applyDefaults } from './default.ts';
import { hasFormat } from './formats.ts';
import { listFaults } from './list-validation.ts';
import { compilePattern, loadPatterns } from './pattern.ts';
import { pruneToSchema } from './prune.ts';
import { validateValue } from './value-validation.ts';

await loadPatterns();

const kind = { group: 'example.com', version: 'v1', kind: 'Widget' };
const props: JSONSchemaProps = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['size'],
      properties: {
        size: { type: 'integer', minimum: 1, maximum: 10 },
        colour: { type: 'string', enum: ['red', 'green'], default: 'red' },
        name: { type: 'string', maxLength: 5, minLength: 2, pattern: '^[a-z]+$' },
        port: { 'x-kubernetes-int-or-string': true },
        maybe: { type: 'string', nullable: true },
        tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set', maxItems: 3 },
        parts: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, weight: { type: 'number', default: 1.5 } } },
        },
        limits: { type: 'object', additionalProperties: { type: 'integer' } },
        raw: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        template: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
        when: { type: 'string', format: 'date-time' },
        options: { type: 'object', default: {}, properties: { on: { type: 'boolean', default: true } } },
      },
    },
    status: { type: 'object', properties: { ready: { type: 'boolean' } } },
  },
};
const schema = schemaFromOpenApi(props, kind);
const base = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'a' } };

const faults = (spec: unknown): string[] =>
  [...validateValue({ ...base, spec }, props), ...listFaults({ ...base, spec }, props)].map(({ field, message }) => `${field}: ${message}`);

describe('custom resource', () => {
  it('is pruned to its schema; null is no value unless it may be; what is of the wrong type is left to validation', () => {
    const raw = { anything: [{ a: null }] };
    const { value, unknown } = pruneToSchema(
      {
        ...base,
        spec: { size: 'x', foo: 1, raw, maybe: null, colour: null, name: null, parts: [{ name: 'p', bar: 1 }], limits: { a: 1 } },
        other: 1,
      },
      schema,
    );
    assert.deepEqual(unknown, ['other', 'spec.foo', 'spec.parts[0].bar']);
    assert.deepEqual(value, { ...base, spec: { size: 'x', raw, maybe: null, colour: null, parts: [{ name: 'p' }], limits: { a: 1 } } });
    applyDefaults(value, schema, new Map());
    assert.equal((value['spec'] as { colour: unknown }).colour, 'red');
  });

  it('reports keys that stood twice before the fields that its schema does not have', () => {
    const { problems } = pruneToSchema({ ...base, spec: { size: 1, foo: 1 } }, schema, { duplicates: ['spec.foo'] });
    assert.deepEqual(problems, ['duplicate field "spec.foo"', 'unknown field "spec.foo"']);
  });

  it('keeps zero values and empty lists, which Go would drop', () => {
    const spec = { size: 0, tags: [], name: '', limits: {} };
    assert.deepEqual(pruneToSchema({ ...base, spec }, schema).value, { ...base, spec });
  });

  it('keeps the metadata of an embedded resource, and of its own, in shape', () => {
    const template = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', labels: { a: 'b' }, nonsense: 1 }, spec: { a: 1 } };
    const { value, unknown } = pruneToSchema({ ...base, spec: { size: 1, template } }, schema);
    assert.deepEqual(unknown, ['spec.template.metadata.nonsense']);
    assert.deepEqual((value['spec'] as { template: unknown }).template, { ...template, metadata: { name: 'x', labels: { a: 'b' } } });
  });

  it('is defaulted where the object around is there, within defaults too', () => {
    const object: Record<string, unknown> = { ...base, spec: { size: 1, parts: [{ name: 'p' }] } };
    applyDefaults(object, schema, new Map());
    assert.deepEqual(object['spec'], { size: 1, parts: [{ name: 'p', weight: 1.5 }], colour: 'red', options: { on: true } });
    const bare: Record<string, unknown> = { ...base };
    applyDefaults(bare, schema, new Map());
    assert.deepEqual(bare, base);
  });

  it("is refused in Kubernetes' words", () => {
    assert.deepEqual(faults({ size: 5, colour: 'green', name: 'abc', port: 'http', maybe: null, limits: { a: 1 } }), []);
    assert.deepEqual(faults(undefined), ['spec: Invalid value: "null": spec in body must be of type object: "null"']);
    assert.deepEqual(
      validateValue(base, props).map(({ field, message }) => `${field}: ${message}`),
      ['spec: Required value'],
    );
    const cases: readonly [spec: object, fault: string][] = [
      [{}, 'spec.size: Required value'],
      [{ size: 'x' }, 'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"'],
      [{ size: null }, 'spec.size: Invalid value: "null": spec.size in body must be of type integer: "null"'],
      [{ size: 0 }, 'spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1'],
      [{ size: 11 }, 'spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10'],
      [{ size: 1, colour: 'blue' }, 'spec.colour: Unsupported value: "blue": supported values: "red", "green"'],
      [{ size: 1, name: 'abcdef' }, 'spec.name: Too long: may not be more than 5 bytes'],
      [{ size: 1, name: 'a' }, 'spec.name: Invalid value: "a": spec.name in body should be at least 2 chars long'],
      [{ size: 1, name: 'ABC' }, 'spec.name: Invalid value: "ABC": spec.name in body should match \'^[a-z]+$\''],
      [{ size: 1, port: true }, 'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"'],
      [{ size: 1, tags: ['a', 'b', 'a'] }, 'spec.tags[2]: Duplicate value: "a"'],
      [{ size: 1, tags: ['a', 'b', 'c', 'd'] }, 'spec.tags: Too many: 4: must have at most 3 items'],
      [{ size: 1, parts: [{ name: 'x' }, { name: 'x' }] }, 'spec.parts[1]: Duplicate value: {"name":"x"}'],
      [{ size: 1, parts: [{}] }, 'spec.parts[0].name: Required value'],
      [{ size: 1, limits: { a: 'x' } }, 'spec.limits.a: Invalid value: "string": spec.limits.a in body must be of type integer: "string"'],
      [{ size: 1, when: 'today' }, 'spec.when: Invalid value: "today": spec.when in body must be of type date-time: "today"'],
    ];
    for (const [spec, fault] of cases) assert.deepEqual(faults(spec), [fault]);
    // What is said of a number and its type does not name the field.
    assert.deepEqual(faults({ size: 1.5 }), [
      'spec.size: Invalid value: "number": spec.size in body must be of type integer: "number"',
      '<nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.size',
    ]);
    assert.deepEqual(faults({ size: 'x', colour: 5 }), [
      'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"',
      'spec.colour: Invalid value: "integer": spec.colour in body must be of type string: "integer"',
      'spec.colour: Unsupported value: 5: supported values: "red", "green"',
    ]);
  });

  it('is not refused for what was wrong before and has not changed, but for lists without identity', () => {
    const old = { ...base, spec: { size: 99, name: 'TOO LONG', parts: [{ name: 'p', weight: 'x' }], limits: { a: 'x' } } };
    const now = (spec: object): string[] => validateValue({ ...base, spec }, props, { old }).map(({ field = '' }) => field);
    assert.deepEqual(now({ ...old.spec, colour: 'red' }), []);
    assert.deepEqual(now({ ...old.spec, size: 98 }), ['spec.size']);
    assert.deepEqual(now({ ...old.spec, parts: [{ name: 'q', weight: 'x' }, old.spec.parts[0] as object] }), ['spec.parts[0].weight']);
    assert.deepEqual(now({ ...old.spec, limits: { a: 'x', b: 'y' } }), ['spec.limits.b']);
  });

  it('obeys anyOf, oneOf, allOf and not, and tells of the alternative that fits best', () => {
    const combined: JSONSchemaProps = {
      type: 'integer',
      anyOf: [{ minimum: 10 }, { maximum: -10 }],
      oneOf: [{ multipleOf: 2 }, { multipleOf: 3 }],
      allOf: [{ maximum: 100 }],
      not: { enum: [50] },
    };
    const refused = (value: number): string[] =>
      validateValue(value, combined, { path: 'x' }).map(({ field, message = '' }) => `${field}: ${message.replace(/^.*?: /, '')}`);
    assert.deepEqual(refused(14), []);
    assert.deepEqual(refused(4), [
      'x: "": "" must validate at least one schema (anyOf)',
      'x: 4:  in body should be greater than or equal to 10',
    ]);
    assert.deepEqual(refused(12), ['x: "": "" must validate one and only one schema (oneOf). Found 2 valid alternatives']);
    assert.deepEqual(refused(11), [
      'x: "": "" must validate one and only one schema (oneOf). Found none valid',
      'x: 11:  in body should be a multiple of 2',
    ]);
    assert.deepEqual(refused(104), [
      'x: 104:  in body should be less than or equal to 100',
      'x: "": "" must validate all the schemas (allOf). None validated',
    ]);
    assert.deepEqual(refused(50), ['x: "": "" must not validate the schema (not)']);
  });

  it('has owned fields like any other object: sets and maps by element, the untyped by key', () => {
    const facts = { schema, apiVersion: 'example.com/v1', subresource: '', time: '2024-01-01T00:00:00Z', force: false };
    const apply = (live: KubeObject | undefined, spec: object, manager: string): KubeObject =>
      deepFreeze(applyConfiguration({ ...facts, live, applied: { ...base, spec } as unknown as KubeObject, manager }).object);
    const first = apply(undefined, { size: 1, tags: ['a'], raw: { x: { y: 1 } }, parts: [{ name: 'p' }] }, 'one');
    const second = apply(first, { tags: ['b'], raw: { x: { z: 2 } }, parts: [{ name: 'q' }] }, 'two');
    const { spec } = second as unknown as { spec: object };
    assert.deepEqual(spec, { size: 1, tags: ['a', 'b'], raw: { x: { y: 1, z: 2 } }, parts: [{ name: 'p' }, { name: 'q' }] });
    assert.deepEqual(second.metadata.managedFields?.find(({ manager }) => manager === 'two')?.fieldsV1, {
      'f:spec': {
        'f:parts': { 'k:{"name":"q"}': { '.': {}, 'f:name': {} } },
        'f:raw': { 'f:x': { '.': {}, 'f:z': {} } },
        'f:tags': { 'v:"b"': {} },
      },
    });
  });

  it('without a schema is kept as it is', () => {
    const object = { ...base, spec: { any: [{ thing: null }] } };
    assert.deepEqual(pruneToSchema(object, schemaFromOpenApi(undefined, kind)), { value: object, unknown: [], problems: [] });
    assert.equal(customDefinition(kind), 'com.example.v1.Widget');
  });

  it('never crashes, whatever stands in it', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4 }),
        fc.constantFrom(...Object.keys(props.properties?.['spec']?.properties ?? {})),
        (junk, key) => {
          const { value } = pruneToSchema({ ...base, spec: { size: 1, [key]: junk } }, schema);
          applyDefaults(value, schema, new Map());
          validateValue(value, props);
        },
      ),
    );
  });
});

describe('format', () => {
  it('tells what is of a format from what is not', () => {
    const cases: Record<string, readonly [good: readonly string[], bad: readonly string[]]> = {
      ipv4: [
        ['1.2.3.4', '0.0.0.0', '01.2.3.4', '::ffff:1.2.3.4'],
        ['1.2.3', '1.2.3.256', '1.2.3.4.', '::1'],
      ],
      ipv6: [
        ['::', '::1', 'fe80::1', '1:2:3:4:5:6:7:8', '::ffff:1.2.3.4'],
        [':', '1::2::3', '1:2:3:4:5:6:7', 'g::', '1:2:3:4:5:6:7:8:9'],
      ],
      cidr: [
        ['10.0.0.0/8', '::/0', '10.0.0.0/08'],
        ['10.0.0.0', '10.0.0.0/33', '::/129'],
      ],
      'date-time': [
        ['2024-02-29T12:00:00Z', '2024-01-01T00:00:00.5+01:00'],
        ['2023-02-29T12:00:00Z', '2024-01-01', '2024-01-01T25:00:00Z', '2024-01-01 00:00:00Z', '2024-01-01T00:00:00+0100'],
      ],
      date: [['2024-02-29'], ['2023-02-29', '24-01-01']],
      duration: [
        ['1h30m', '5 days', '100ms', '0'],
        ['1', 'h', ''],
      ],
      uuid: [['123e4567-e89b-12d3-a456-426614174000'], ['123e4567']],
      byte: [
        ['AA==', 'AAAA'],
        ['', 'A', '%%%'],
      ],
      email: [
        ['a@b.c', 'A <a@b>', '<a@b>', '"a b"@c'],
        ['a', '@b', 'a@b>', '<a@b'],
      ],
      hostname: [
        ['a', 'a.b-c.de', 'ünï.de', 'localhost'],
        ['-a', 'a..b', '', 'a.', '1.2.3.4', 'a_b'],
      ],
      mac: [
        ['00:11:22:33:44:55', '0011.2233.4455', '001122334455'],
        ['00:11:22:33:44', '00:11-22:33:44:55', '00112233445'],
      ],
      isbn: [['0321751043', '978-0321751041'], ['0321751044']],
      creditcard: [['4111 1111 1111 1111', '378282246310005'], ['4111111111111112']],
      ssn: [['123-45-6789'], ['123456789']],
      rgbcolor: [['rgb(1, 2,255)'], ['rgb(256,0,0)', 'rgb(1,2)']],
      uri: [
        ['https://a/b', '/a'],
        ['a b', ''],
      ],
      unknown: [['anything'], []],
    };
    for (const [format, [good, bad]] of Object.entries(cases)) {
      for (const text of good) assert.ok(hasFormat(text, format), `${format}: ${text}`);
      for (const text of bad) assert.ok(!hasFormat(text, format), `${format}: ${text}`);
    }
  });
});

describe('pattern', () => {
  it('is read as RE2 reads it', () => {
    assert.ok(compilePattern('(?i)^abc$').test('ABC'));
    assert.ok(compilePattern('^(?P<name>[[:alpha:]_]+)\\z').test('a_b'));
    assert.ok(compilePattern('\\A[a-z\\-]+$').test('a-b'));
    assert.ok(!compilePattern('^[[:digit:]]+$').test('a'));
    assert.ok(compilePattern('^.$').test('𝄞'));
    assert.throws(() => compilePattern('('), /error parsing regexp/);
    assert.throws(() => compilePattern('(?=a)'), /error parsing regexp/);
  });

  it('takes no longer than the text is long', () => {
    // A matcher that tries one way after the other would need 2^100 steps.
    assert.ok(!compilePattern('^(a|a)*b$').test('a'.repeat(100)));
    assert.ok(!compilePattern('^(([a-z])+.)+[A-Z]([a-z])+$').test('a'.repeat(20_000)));
  });
});
