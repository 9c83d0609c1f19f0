import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JSONSchemaProps, ValidationRule } from '../../api/generated/apiextensions-v1.ts';
import { ruleFaults } from '../cel.ts';

const path = 'spec.versions[0].schema.openAPIV3Schema';
const root = (properties: Readonly<Record<string, JSONSchemaProps>>, rules: readonly ValidationRule[] = []): JSONSchemaProps => ({
  type: 'object',
  properties,
  'x-kubernetes-validations': rules,
});
/** One cause a line; paths without their common beginning. */
const faults = (schema: JSONSchemaProps): string[] =>
  ruleFaults(schema, path).map(({ field = '', message = '' }) => `${field.replace(`${path}.`, '')}: ${message}`);
const ruled = (rule: Partial<ValidationRule>, properties: Readonly<Record<string, JSONSchemaProps>> = {}): string[] =>
  faults(root(properties, [{ rule: 'true', ...rule }]));

const goRule = (rule: string): string =>
  `{"Rule":${JSON.stringify(rule)},"Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}`;

suite('how rules are written', () => {
  const cases: readonly (readonly [Partial<ValidationRule>, string])[] = [
    [{ rule: ' ' }, 'rule: Required value: rule is not specified'],
    [{ message: ' ' }, 'message: Invalid value: " ": must be non-empty if specified'],
    [{ message: 'a\nb' }, 'message: Invalid value: "a\\nb": must not contain line breaks'],
    [{ rule: 'true\n&& true' }, 'message: Required value: message must be specified if rule contains line breaks'],
    [{ messageExpression: ' ' }, 'messageExpression: Required value: messageExpression must be non-empty if specified'],
    [
      { reason: 'Bad' },
      'reason: Unsupported value: "Bad": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"',
    ],
    [{ fieldPath: '.missing' }, 'fieldPath: Invalid value: ".missing": must be a valid path'],
    [{ fieldPath: 'spec' }, 'fieldPath: Invalid value: "spec": must be a valid path'],
    [{ optionalOldSelf: true }, 'optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule'],
  ];
  for (const [rule, expected] of cases) {
    test(expected, () => assert.deepEqual(ruled(rule), [`x-kubernetes-validations[0].${expected}`]));
  }

  test('a rule that is right has no faults', () => {
    const properties = { spec: { type: 'object', properties: { n: { type: 'integer' } }, additionalProperties: undefined } };
    const rule = {
      rule: 'oldSelf.hasValue() || self.spec.n > 0',
      message: 'n',
      messageExpression: '"n is %d".format([self.spec.n])',
      reason: 'FieldValueForbidden',
      fieldPath: '.spec.n',
      optionalOldSelf: true,
    };
    assert.deepEqual(ruled(rule, properties), []);
  });

  test('what has no length of its own may become a text of any length, as far as estimates go', () => {
    const properties = { n: { type: 'integer' } };
    const [fault = ''] = ruled({ messageExpression: '"n is " + string(self.n)' }, properties);
    assert.match(fault, /messageExpression: Forbidden: estimated messageExpression cost exceeds budget by factor of more than 100x/);
    assert.deepEqual(ruled({ rule: 'string(self.n) != "5"' }, properties), []);
  });

  test('a path may go through maps and odd names', () => {
    const labels = { type: 'object', additionalProperties: { type: 'string' } };
    assert.deepEqual(ruled({ fieldPath: ".labels['a.b/c']" }, { labels }), []);
    assert.deepEqual(ruled({ fieldPath: ".['x.y']" }, { 'x.y': labels }).length, 1);
    assert.deepEqual(ruled({ fieldPath: "['x.y'].z" }, { 'x.y': labels }), []);
  });
});

suite('what rules mean', () => {
  test('a field that is not declared', () => {
    assert.deepEqual(ruled({ rule: 'self.spec.x > 1' }, { spec: { type: 'object', properties: { y: { type: 'integer' } } } }), [
      `x-kubernetes-validations[0].rule: Invalid value: ${goRule('self.spec.x > 1').replace('>', '\\u003e')}: compilation failed: ERROR: <input>:1:10: undefined field 'x'\n | self.spec.x > 1\n | .........^`,
    ]);
  });

  test('a rule is a truth, a message a text', () => {
    assert.match(ruled({ rule: '1' })[0] ?? '', /\.rule: Invalid value: .*: cel expression must evaluate to a bool$/);
    assert.match(
      ruled({ messageExpression: '1' })[0] ?? '',
      /\.messageExpression: Invalid value: .*: messageExpression must evaluate to a string$/,
    );
    assert.match(
      ruled({ messageExpression: 'x' })[0] ?? '',
      /\.messageExpression: Invalid value: .*: messageExpression compilation failed: ERROR: <input>:1:1: undeclared reference/,
    );
  });

  test('the root and embedded resources show type and name, and nothing more of metadata', () => {
    assert.deepEqual(
      ruled({ rule: 'self.apiVersion != "" && self.kind != "" && self.metadata.name.size() + self.metadata.generateName.size() > 0' }),
      [],
    );
    assert.match(ruled({ rule: 'has(self.metadata.labels)' })[0] ?? '', /undefined field 'labels'/);
    const template = { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true };
    assert.deepEqual(ruled({ rule: 'self.template.kind == "Pod"' }, { template }), []);
  });

  test('oldSelf has no meaning in elements that cannot be found again', () => {
    const items = (listType?: string): JSONSchemaProps => ({
      type: 'array',
      maxItems: 5,
      ...(listType ? { 'x-kubernetes-list-type': listType, 'x-kubernetes-list-map-keys': ['k'] } : {}),
      items: {
        type: 'object',
        properties: { k: { type: 'string', maxLength: 5 } },
        'x-kubernetes-validations': [{ rule: 'self == oldSelf' }],
      },
    });
    assert.deepEqual(faults(root({ list: items('map') })), []);
    for (const listType of [undefined, 'atomic', 'set']) {
      assert.deepEqual(faults(root({ list: items(listType) })), [
        `properties[list].items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within ${path}.properties[list]`,
      ]);
    }
  });

  test('faults in how a rule is written hide what its types would say', () => {
    assert.deepEqual(faults(root({}, [{ rule: 'self.nothing', message: 'a\nb' }])), [
      'x-kubernetes-validations[0].message: Invalid value: "a\\nb": must not contain line breaks',
    ]);
  });
});

suite('what rules may cost', () => {
  const advice =
    '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)';
  const strings = (limits: { maxItems?: number; maxLength?: number }): JSONSchemaProps => ({
    type: 'array',
    ...(limits.maxItems === undefined ? {} : { maxItems: limits.maxItems }),
    items: { type: 'string', ...(limits.maxLength === undefined ? {} : { maxLength: limits.maxLength }) },
  });
  const compare = 'self.list.all(x, self.list.exists(y, x == y))';

  test('nested loops over lists without a limit are refused', () => {
    assert.deepEqual(ruled({ rule: compare }, { list: strings({}) }), [
      `x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x ${advice}`,
      'x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
      `${path}: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x ${advice}`,
    ]);
  });

  test('limits make them cheap enough', () => {
    assert.deepEqual(ruled({ rule: compare }, { list: strings({ maxItems: 100, maxLength: 64 }) }), []);
  });

  test('how much too dear a rule is stands in the message', () => {
    assert.match(
      ruled({ rule: compare }, { list: strings({ maxItems: 1000, maxLength: 64 }) })[0] ?? '',
      /exceeds budget by factor of 3\.\dx /,
    );
  });

  test('a rule inside a list counts once for each element', () => {
    const list = (maxItems?: number): JSONSchemaProps => ({
      type: 'array',
      ...(maxItems === undefined ? {} : { maxItems }),
      items: { type: 'string', maxLength: 1000, 'x-kubernetes-validations': [{ rule: 'self.matches("^[a-z]+$")' }] },
    });
    assert.deepEqual(faults(root({ list: list(100) })), []);
    assert.match(faults(root({ list: list() }))[0] ?? '', /estimated rule cost exceeds budget by factor of 84.2x/);
    const nested = { type: 'array', maxItems: 1000, items: list(1000) };
    assert.match(
      faults(root({ nested }))[0] ?? '',
      /^properties\[nested\]\.items\.items\.x-kubernetes-validations\[0\]\.rule: Forbidden: estimated rule cost/,
    );
  });

  test('rules that are cheap alone may be too dear together', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [
        `list${index}`,
        {
          ...strings({ maxItems: 500, maxLength: 64 }),
          'x-kubernetes-validations': [{ rule: 'self.all(x, self.exists(y, x == y)) && self.all(x, self.exists(y, x == y))' }],
        },
      ]),
    );
    const found = faults(root(properties));
    assert.equal(found.filter((fault) => fault.includes('contributed to')).length, 4);
    assert.match(found.at(-1) ?? '', /estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of [\d.]+x/);
  });

  test('a map counts as many entries as fit into a request', () => {
    const map = {
      type: 'object',
      additionalProperties: { type: 'integer' },
      'x-kubernetes-validations': [{ rule: 'self.all(k, self[k] > 0)' }],
    };
    assert.deepEqual(faults(root({ map })), []);
    const texts = {
      type: 'object',
      additionalProperties: { type: 'string' },
      'x-kubernetes-validations': [{ rule: 'self.all(k, self[k].contains("x"))' }],
    };
    assert.match(faults(root({ texts }))[0] ?? '', /more than 100x/);
  });
});
