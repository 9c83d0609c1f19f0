import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JSONSchemaProps, ValidationRule } from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { compileRules } from '../cel.ts';

const spec = (properties: Readonly<Record<string, JSONSchemaProps>>, ...rules: readonly ValidationRule[]): JSONSchemaProps => ({
  type: 'object',
  properties: { spec: { type: 'object', properties, 'x-kubernetes-validations': rules } },
});
const written = (causes: readonly StatusCause[]): string[] => causes.map(({ field, message }) => `${field}: ${message}`);
const violations = (schema: JSONSchemaProps, value: unknown, old?: unknown): string[] =>
  written(compileRules(schema)?.validate(value, old) ?? []);

const integer: JSONSchemaProps = { type: 'integer' };
const text: JSONSchemaProps = { type: 'string' };
const limits = { minReplicas: integer, replicas: integer, maxReplicas: integer };

test('a schema without rules has nothing to run', () => assert.equal(compileRules(spec(limits)), undefined));

suite('messages', () => {
  const object = { spec: { minReplicas: 3, replicas: 2, maxReplicas: 10 } };
  const rule = 'self.minReplicas <= self.replicas';
  const say = (more: Partial<ValidationRule>): string[] => violations(spec(limits, { rule, ...more }), object);

  test('the rule itself, its message, or what its expression says', () => {
    assert.deepEqual(say({}), ['spec: Invalid value: failed rule: self.minReplicas <= self.replicas']);
    assert.deepEqual(say({ message: ' too few ' }), ['spec: Invalid value: too few']);
    assert.deepEqual(say({ message: 'x', messageExpression: '"at least " + string(self.minReplicas)' }), [
      'spec: Invalid value: at least 3',
    ]);
  });

  test('an expression that fails, is empty, too long or has line breaks gives way to the message', () => {
    for (const messageExpression of ['string(1 / 0)', '" "', '"a\\nb"', `"${'x'.repeat(6000)}"`, 'self.missing'])
      assert.deepEqual(say({ message: 'plain', messageExpression }), ['spec: Invalid value: plain']);
  });

  test('a field path points further in, a reason says what it is', () => {
    assert.deepEqual(
      compileRules(spec(limits, { rule, fieldPath: '.replicas', reason: 'FieldValueForbidden', message: 'no' }))?.validate(object),
      [{ reason: 'FieldValueForbidden', field: 'spec.replicas', message: 'Forbidden: no' }],
    );
    assert.deepEqual(say({ reason: 'FieldValueRequired', message: 'no' }), ['spec: Required value: no']);
    assert.deepEqual(say({ reason: 'FieldValueDuplicate', message: 'no' }), ['spec: Duplicate value']);
  });

  test('scalars are shown, structures are not', () => {
    const schema = spec({ name: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self != "x"', message: 'not x' }] } });
    assert.deepEqual(violations(schema, { spec: { name: 'x' } }), ['spec.name: Invalid value: "x": not x']);
  });

  test('an error is not a violation', () => {
    assert.deepEqual(violations(spec(limits, { rule: '1 / self.replicas > 0' }), { spec: { replicas: 0 } }), [
      'spec: Invalid value: "object": division by zero evaluating rule: 1 / self.replicas > 0',
    ]);
    assert.deepEqual(violations(spec(limits, { rule: 'self.replicas > 0', message: 'named' }), { spec: {} }), [
      'spec: Invalid value: "object": no such key: replicas evaluating rule: named',
    ]);
    const either = spec({ port: { 'x-kubernetes-int-or-string': true } }, { rule: 'self.port > 1' });
    assert.deepEqual(violations(either, { spec: { port: 'x' } }), [
      `spec: Invalid value: "object": 'no such overload': call arguments did not match a supported operator, function or macro signature for rule: self.port > 1`,
    ]);
  });
});

test('causes are placed as Kubernetes places them', () => {
  const positive = { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self > 0', message: 'positive' }] };
  const schema = spec({
    list: { type: 'array', items: { type: 'object', properties: { n: positive } } },
    map: { type: 'object', additionalProperties: positive },
    'odd.name': positive,
  });
  assert.deepEqual(violations(schema, { spec: { list: [{ n: 1 }, { n: 0 }], map: { 'a.b': 0 }, 'odd.name': -1 } }), [
    'spec.list[1].n: Invalid value: 0: positive',
    'spec.map[a.b]: Invalid value: 0: positive',
    'spec.odd.name: Invalid value: -1: positive',
  ]);
});

test('null is looked at from outside alone', () => {
  const schema = spec({ name: { type: 'string', nullable: true, 'x-kubernetes-validations': [{ rule: 'false' }] } });
  assert.deepEqual(violations(schema, { spec: { name: null } }), []);
  assert.equal(violations(schema, { spec: { name: '' } }).length, 1);
});

suite('transition rules', () => {
  const immutable = { rule: 'self == oldSelf', message: 'field is immutable' };

  test('run on updates only', () => {
    const schema = spec({ name: { ...text, 'x-kubernetes-validations': [immutable] } });
    assert.deepEqual(violations(schema, { spec: { name: 'a' } }), []);
    assert.deepEqual(violations(schema, { spec: { name: 'a' } }, { spec: {} }), []);
    assert.deepEqual(violations(schema, { spec: { name: 'a' } }, { spec: { name: 'a' } }), []);
    assert.deepEqual(violations(schema, { spec: { name: 'b' } }, { spec: { name: 'a' } }), [
      'spec.name: Invalid value: "b": field is immutable',
    ]);
  });

  test('find elements by their keys, and entries by their names', () => {
    const schema = spec({
      list: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
        items: {
          type: 'object',
          properties: { k: text, v: { ...integer, 'x-kubernetes-validations': [{ rule: 'self >= oldSelf', message: 'shrunk' }] } },
        },
      },
      map: {
        type: 'object',
        additionalProperties: { ...integer, 'x-kubernetes-validations': [{ rule: 'self >= oldSelf', message: 'shrunk' }] },
      },
    });
    const old = {
      spec: {
        list: [
          { k: 'a', v: 1 },
          { k: 'b', v: 5 },
        ],
        map: { x: 1, y: 5 },
      },
    };
    const now = {
      spec: {
        list: [
          { k: 'b', v: 4 },
          { k: 'c', v: 0 },
          { k: 'a', v: 2 },
        ],
        map: { y: 4, z: 0 },
      },
    };
    assert.deepEqual(violations(schema, now, old), ['spec.list[0].v: Invalid value: 4: shrunk', 'spec.map[y]: Invalid value: 4: shrunk']);
  });

  test('may ask for an old value that need not be there', () => {
    const rule = { rule: 'oldSelf.hasValue() || self.replicas == 1', message: 'begin with 1', optionalOldSelf: true };
    const schema = spec(limits, rule, { rule: 'self.replicas >= oldSelf.replicas.orValue(0)', optionalOldSelf: true, message: 'grow' });
    assert.deepEqual(violations(schema, { spec: { replicas: 2 } }), ['spec: Invalid value: begin with 1']);
    assert.deepEqual(violations(schema, { spec: { replicas: 2 } }, { spec: { replicas: 1 } }), []);
    assert.deepEqual(violations(schema, { spec: { replicas: 2 } }, { spec: { replicas: 3 } }), ['spec: Invalid value: grow']);
  });
});

suite('ratcheting', () => {
  const short = { ...text, 'x-kubernetes-validations': [{ rule: 'self.size() < 3', message: 'short' }] };
  const schema = spec({
    name: short,
    other: text,
    list: { type: 'array', items: short },
    keyed: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['k'],
      items: { type: 'object', properties: { k: text, v: short } },
    },
  });

  test('what has not changed is warned about, and not refused', () => {
    const warnings: StatusCause[] = [];
    const old = { spec: { name: 'longer' } };
    assert.deepEqual(
      compileRules(schema)?.validate({ spec: { name: 'longer', other: 'x' } }, old, (cause) => warnings.push(cause)),
      [],
    );
    assert.deepEqual(written(warnings), ['spec.name: Invalid value: "longer": short']);
    assert.deepEqual(violations(schema, { spec: { name: 'longest' } }, old), ['spec.name: Invalid value: "longest": short']);
    assert.equal(violations(schema, { spec: { name: 'longer' } }).length, 1);
  });

  test('a list without keys is one thing', () => {
    const old = { spec: { list: ['longer', 'a'] } };
    assert.deepEqual(violations(schema, { spec: { list: ['longer', 'a'], other: 'x' } }, old), []);
    assert.deepEqual(violations(schema, { spec: { list: ['longer', 'b'] } }, old), ['spec.list[0]: Invalid value: "longer": short']);
  });

  test('a list with keys is many', () => {
    const old = {
      spec: {
        keyed: [
          { k: 'a', v: 'longer' },
          { k: 'b', v: 'longer' },
        ],
      },
    };
    const now = {
      spec: {
        keyed: [
          { k: 'b', v: 'longest' },
          { k: 'a', v: 'longer' },
        ],
      },
    };
    assert.deepEqual(violations(schema, now, old), ['spec.keyed[0].v: Invalid value: "longest": short']);
  });

  test('what holds fields that the schema does not know is never taken for unchanged', () => {
    const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { name: text } };
    const ruled = spec({ open: { ...open, 'x-kubernetes-validations': [{ rule: 'self.name == "x"', message: 'x' }] }, other: text });
    const update = (value: object): string[] => violations(ruled, { spec: { open: value, other: 'new' } }, { spec: { open: value } });
    assert.deepEqual(update({ name: 'y' }), []);
    assert.deepEqual(update({ name: 'y', unknown: 1 }), ['spec.open: Invalid value: x']);
  });

  test('transition rules are not affected', () => {
    const never = spec({ name: { ...text, 'x-kubernetes-validations': [{ rule: 'self == oldSelf && false', message: 'never' }] } });
    assert.equal(violations(never, { spec: { name: 'a' } }, { spec: { name: 'a' } }).length, 1);
  });
});
