/** What holds for every expression and every value. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JSONSchemaProps } from '../api/generated/apiextensions-v1.ts';
import { compileRules, ruleFaults } from './cel.ts';
import { compile } from './compile.ts';
import { kubernetesEnvironment } from './library/kubernetes.ts';
import { parse } from './syntax/parser.ts';
import { type SchemaType, schemaType } from './types/schema-type.ts';
import { Budget, BudgetExceeded } from './values/budget.ts';
import { equalValues } from './values/equality.ts';
import { formatAddress, parseAddress } from './values/ip.ts';
import { compileRegex } from './values/regex.ts';
import { equalJson, fromJson, fromUntyped } from './values/schema-value.ts';
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp } from './values/time.ts';
import { CelError, type CelValue, Duration, Timestamp } from './values/value.ts';

const leaf: fc.Arbitrary<JSONSchemaProps> = fc.oneof(
  fc.constantFrom<JSONSchemaProps>(
    { type: 'string' },
    { type: 'string', maxLength: 10 },
    { type: 'string', format: 'byte' },
    { type: 'string', format: 'date' },
    { type: 'string', format: 'date-time' },
    { type: 'string', format: 'duration' },
    { type: 'string', nullable: true },
    { type: 'integer' },
    { type: 'number' },
    { type: 'boolean' },
    { 'x-kubernetes-int-or-string': true },
    { 'x-kubernetes-preserve-unknown-fields': true },
  ),
);
const names = fc.constantFrom('a', 'b', 'c-d', 'namespace', '__x', '1');
const { node } = fc.letrec<{ node: JSONSchemaProps }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.record({ type: fc.constant('object'), properties: fc.dictionary(names, tie('node'), { maxKeys: 4 }) }),
    fc.record({ type: fc.constant('object'), additionalProperties: tie('node') }),
    fc.record({ type: fc.constant('array'), items: tie('node'), 'x-kubernetes-list-type': fc.constantFrom('atomic', 'set') }),
    fc.record({
      type: fc.constant('array'),
      'x-kubernetes-list-type': fc.constant('map'),
      'x-kubernetes-list-map-keys': fc.constant(['a']),
      items: fc.record({ type: fc.constant('object'), properties: fc.record({ a: leaf, b: tie('node') }) }),
    }),
  ),
}));
const schemas: fc.Arbitrary<JSONSchemaProps> = fc.record({
  type: fc.constant('object'),
  properties: fc.dictionary(names, node, { maxKeys: 4 }),
});

/** Pieces that make sense often enough. */
const expressions = fc.letrec<{ expr: string }>((tie) => ({
  expr: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      'self',
      'self.a',
      'self.b',
      'self.c__dash__d',
      'oldSelf',
      'x',
      '1',
      '2u',
      '1.5',
      '"a"',
      'b"a"',
      'true',
      'null',
      '[]',
      '{}',
      '9223372036854775807',
    ),
    fc.constantFrom('duration("1h")', 'timestamp("2024-01-01T00:00:00Z")', 'optional.none()', 'type(self)', 'quantity("1Gi")', 'ip("::1")'),
    fc
      .tuple(tie('expr'), fc.constantFrom('+', '-', '*', '/', '%', '==', '!=', '<', '>=', '&&', '||', 'in'), tie('expr'))
      .map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc
      .tuple(tie('expr'), fc.constantFrom('all', 'exists', 'exists_one', 'map', 'filter', 'sortBy'), tie('expr'))
      .map(([a, macro, b]) => `${a}.${macro}(x, ${b})`),
    fc
      .tuple(
        tie('expr'),
        fc.constantFrom('size', 'trim', 'sum', 'isSorted', 'sort', 'hasValue', 'value', 'getHours', 'distinct', 'a', 'find'),
      )
      .map(([a, f]) => `${a}.${f}()`),
    fc
      .tuple(
        tie('expr'),
        fc.constantFrom('startsWith', 'matches', 'split', 'orValue', 'indexOf', 'compareTo', 'format', 'containsIP'),
        tie('expr'),
      )
      .map(([a, f, b]) => `${a}.${f}(${b})`),
    fc
      .tuple(fc.constantFrom('int', 'string', 'double', 'dyn', 'size', 'type', 'has', 'optional.of', '!', '-'), tie('expr'))
      .map(([f, a]) => `${f}(${a})`),
    fc.tuple(tie('expr'), tie('expr')).map(([a, b]) => `${a}[${b}]`),
    fc.tuple(tie('expr'), tie('expr')).map(([a, b]) => `${a}[?${b}]`),
    fc.tuple(tie('expr'), tie('expr'), tie('expr')).map(([a, b, c]) => `(dyn(${a}) == true ? dyn(${b}) : dyn(${c}))`),
    tie('expr').map((a) => `${a}.?a`),
    tie('expr').map((a) => `dyn(${a})`),
    fc.tuple(tie('expr'), tie('expr')).map(([a, b]) => `[${a}, ${b}]`),
    fc.tuple(tie('expr'), tie('expr')).map(([a, b]) => `{${a}: ${b}}`),
  ),
})).expr;

const json = fc.jsonValue({ maxDepth: 4 });

test('a rule never throws, whatever the schema and the value', () => {
  fc.assert(
    fc.property(schemas, fc.array(expressions, { minLength: 1, maxLength: 4 }), json, json, (schema, rules, value, old) => {
      const ruled = { ...schema, 'x-kubernetes-validations': rules.map((rule) => ({ rule, messageExpression: rule })) };
      ruleFaults(ruled, 'schema');
      const found = compileRules(ruled)?.validate(value, old) ?? [];
      assert.ok(found.every(({ reason, message }) => reason && message));
    }),
    { numRuns: 400 },
  );
});

test('an evaluation ends with a value, a CEL error, or out of budget', () => {
  fc.assert(
    fc.property(expressions, json, fc.integer({ min: 0, max: 500 }), (source, value, limit) => {
      const environment = kubernetesEnvironment.with([
        { name: 'self', type: { kind: 'dyn' } },
        { name: 'oldSelf', type: { kind: 'dyn' } },
        { name: 'x', type: { kind: 'dyn' } },
      ]);
      const compiled = compile(source, environment);
      if ('fault' in compiled) return;
      const values = new Map<string, CelValue>([
        ['self', fromUntyped(value)],
        ['oldSelf', fromUntyped(value)],
        ['x', 1n],
      ]);
      const budget = new Budget(limit);
      try {
        compiled.program.evaluate(values, budget);
        assert.ok(budget.cost <= limit);
        // The same again costs the same, and with less it does not end.
        const exact = new Budget(budget.cost);
        compiled.program.evaluate(values, exact);
        assert.equal(exact.cost, budget.cost);
        if (budget.cost > 0) assert.throws(() => compiled.program.evaluate(values, new Budget(budget.cost - 0.5)), BudgetExceeded);
      } catch (error) {
        assert.ok(error instanceof CelError || error instanceof BudgetExceeded, String(error));
      }
    }),
    { numRuns: 1500 },
  );
});

test('any text is parsed or refused at a place within it', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        expressions.chain((text) => fc.nat(text.length).map((cut) => text.slice(0, cut))),
      ),
      (source) => {
        const parsed = parse(source);
        if ('issues' in parsed) assert.ok(parsed.issues.every(({ at }) => at >= 0 && at <= source.length));
      },
    ),
  );
});

test('what lists allow, costs grow with', () => {
  const costOf = (maxItems: number, maxLength: number): number => {
    const type = schemaType({ type: 'array', maxItems, items: { type: 'string', maxLength } }) as SchemaType;
    const environment = kubernetesEnvironment.with([{ name: 'self', type: type.type, schema: type }]);
    const compiled = compile('self.all(x, self.exists(y, y.contains(x) || y + x == "a"))', environment);
    return 'program' in compiled ? compiled.program.estimatedCost : Number.NaN;
  };
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(1000), fc.nat(100), fc.nat(100), (items, length, moreItems, moreLength) => {
      assert.ok(costOf(items, length) <= costOf(items + moreItems, length + moreLength));
    }),
  );
});

test('a rule costs no more than its estimate, for values within the limits', () => {
  const schema: JSONSchemaProps = {
    type: 'object',
    properties: {
      list: { type: 'array', maxItems: 20, items: { type: 'string', maxLength: 20 } },
      text: { type: 'string', maxLength: 50 },
      map: { type: 'object', maxProperties: 10, additionalProperties: { type: 'integer' } },
    },
  };
  const type = schemaType(schema) as SchemaType;
  const environment = kubernetesEnvironment.with([{ name: 'self', type: type.type, schema: type }]);
  const sources = [
    'self.list.all(x, self.list.exists(y, x == y))',
    'self.list.map(x, x + self.text).filter(x, x.contains("a")).size() > 0',
    'self.text.split(",").all(x, x.matches("^[a-z]*$"))',
    'self.map.all(k, v, v >= 0) && self.map.exists(k, self.map[k] > 3)',
    'self.list.exists_one(x, x.startsWith(self.text)) || self.text in self.list',
    'self.list.transformMap(i, v, v.upperAscii()).size() > 1 || self.list.isSorted()',
    '[self.text.replace("a", "bb")].all(t, (t.size() > 3 ? t.lowerAscii() : t.trim()) != "")',
    'self.list.join("-").endsWith("x") || sets.contains(self.list, ["a"])',
  ];
  const value = fc.record({
    list: fc.array(fc.string({ maxLength: 20 }), { maxLength: 20 }),
    text: fc.string({ maxLength: 50 }),
    map: fc.dictionary(fc.string(), fc.integer(), { maxKeys: 10 }),
  });
  fc.assert(
    fc.property(fc.constantFrom(...sources), value, (source, object) => {
      const compiled = compile(source, environment);
      assert.ok('program' in compiled, source);
      const budget = new Budget(1_000_000);
      compiled.program.evaluate(new Map([['self', fromJson(object, type)]]), budget);
      assert.ok(budget.cost <= compiled.program.estimatedCost, `${source}: ${budget.cost} > ${compiled.program.estimatedCost}`);
    }),
  );
});

test('equality is reflexive and symmetric, and that of JSON', () => {
  const budget = new Budget(1e9);
  fc.assert(
    fc.property(json, json, (a, b) => {
      assert.ok(equalValues(fromUntyped(a), fromUntyped(structuredClone(a)), budget));
      assert.equal(equalValues(fromUntyped(a), fromUntyped(b), budget), equalValues(fromUntyped(b), fromUntyped(a), budget));
      assert.equal(equalValues(fromUntyped(a), fromUntyped(b), budget), equalJson(a, b));
    }),
  );
});

test('a match is found where there is one, and is one', () => {
  const pattern = fc
    .array(fc.constantFrom('a', 'b', '.', 'a*', 'b+?', '[ab]', '(a|ab)', '^', '$', '\\b', 'c?', 'é'), { maxLength: 5 })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(pattern, fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', 'é', '\n') }), (source, text) => {
      const regex = compileRegex(source);
      const found = regex.find(text, 0, new Budget(1e6));
      assert.equal(found !== undefined, regex.test(text, new Budget(1e6)));
      // These patterns mean the same to JavaScript.
      const expected = new RegExp(source, 'u').exec(text);
      assert.deepEqual(found && text.slice(...found), expected?.[0]);
      assert.equal(found?.[0], expected?.index);
    }),
    { numRuns: 500 },
  );
});

test('times and addresses survive being written', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }),
      fc.nat(999_999_999),
      fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
      (seconds, nanos, bits) => {
        const moment = new Timestamp(seconds * 1_000_000_000n + BigInt(nanos));
        assert.equal(parseTimestamp(formatTimestamp(moment)).nanos, moment.nanos);
        const span = new Duration(BigInt.asIntN(63, moment.nanos));
        assert.equal(parseDuration(formatDuration(span)).nanos, span.nanos);
        const address = { bits: 128, value: bits } as const;
        if (bits >> 32n !== 0xffffn) assert.deepEqual(parseAddress(formatAddress(address)), address);
      },
    ),
  );
});
