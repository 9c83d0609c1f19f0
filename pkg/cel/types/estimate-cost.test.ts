/** Estimates are part of what a definition may say, so they are the ones of Kubernetes, unit by unit. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import { compile } from '../compile.ts';
import { kubernetesEnvironment } from '../library/kubernetes.ts';
import { Budget } from '../values/budget.ts';
import { type SchemaType, schemaType } from './schema-type.ts';

function estimate(schema: JSONSchemaProps, rule: string): number {
  const type = schemaType(schema) as SchemaType;
  const compiled = compile(rule, kubernetesEnvironment.with([{ name: 'self', type: type.type, schema: type }]));
  assert.ok('program' in compiled, JSON.stringify(compiled));
  return compiled.program.estimatedCost;
}

const array = (type: string, maxItems?: number): JSONSchemaProps => ({
  type: 'array',
  items: { type },
  ...(maxItems === undefined ? {} : { maxItems }),
});
const map = (type: string, maxProperties?: number): JSONSchemaProps => ({
  type: 'object',
  additionalProperties: { type },
  ...(maxProperties === undefined ? {} : { maxProperties }),
});
const text = (maxLength?: number): JSONSchemaProps => ({ type: 'string', ...(maxLength === undefined ? {} : { maxLength }) });

suite('estimates', () => {
  const cases: readonly (readonly [string, JSONSchemaProps, string, number])[] = [
    ['numbers', array('number'), 'self.all(x, true)', 4718591],
    ['10 numbers', array('number', 10), 'self.all(x, true)', 32],
    ['strings', array('string'), 'self.all(x, true)', 3145727],
    ['20 strings', array('string', 20), 'self.all(x, true)', 62],
    ['booleans', array('boolean'), 'self.all(x, true)', 1887437],
    ['lists of numbers', { type: 'array', items: array('number') }, 'self.all(x, true)', 3145727],
    ['a map of numbers', map('number'), 'self.all(x, true)', 1348169],
    ['a map of 10 numbers', map('number', 10), 'self.all(x, true)', 32],
    ['a map of strings', map('string'), 'self.all(x, true)', 1179647],
    ['a map of booleans', map('boolean'), 'self.all(x, true)', 943718],
    ['a string', text(), "self.contains('test')", 314574],
    ['a string of 10', text(10), "self.contains('test')", 5],
    ['a string', text(), "self.startsWith('test')", 2],
    ['a string', text(), 'size(self + "hello") > size("hello")', 314578],
    ['a string of 4', text(4), 'size(self + "hello") > size("hello")', 7],
    ['numbers', array('number'), 'self[1] == 0.0', 2],
    ['strings', array('string'), 'self[1] == self[1]', 314577],
    ['10 numbers', array('number', 10), 'self.all(x, self.all(y, true))', 352],
    ['10 numbers', array('number', 10), 'self.all(x, self.all(y, self.all(z, true)))', 3552],
    ['a string', text(), 'self.matches("x")', 314574],
    ['a string of 50', text(50), 'self.matches("x")', 22],
    ['a string', text(), '"".matches("(((((((((())))))))))[0-9]")', 7],
    ['a string', text(), 'self.matches("")', 1],
    ['a map of strings', map('string'), 'self.all(x, x.contains(self[x]))', 2752507],
    ['a map of 10 strings', map('string', 10), 'self.all(x, x.contains(self[x]))', 72],
    ['an empty string', text(0), 'self == "x"', 1],
    ['a string', text(), 'self == "x"', 2],
    ['numbers', array('number'), 'self.all(x, x == 0.0)', 6291454],
    ['as many numbers as it says', array('number', 6291456), 'self.all(x, x == 0.0)', 25165826],
  ];
  for (const [of, schema, rule, expected] of cases) test(`${of}: ${rule}`, () => assert.equal(estimate(schema, rule), expected));

  test('what nothing bounds costs without end', () => {
    assert.ok(estimate(array('number'), 'self.all(x, self.all(y, true))') > 1e12);
    assert.equal(estimate(text(), '"%s".format([self]) + "x" == "y"'), Infinity);
  });
});

suite('costs of a run, in which literals are free', () => {
  const cases: readonly (readonly [string, number, number])[] = [
    // Expression, estimate, actual cost.
    ['[1, 2, 3, 4, 5].sum()', 15, 5],
    ["['012345678901', '012345678901'].isSorted()", 16, 2],
    ['[1, 2, 3].indexOf(3)', 13, 3],
    ["'ABCDEFGHIJ abcdefghij'.lowerAscii()", 3, 3],
    ["'ABCDEFGHIJ abcdefghij'.replace('cdef', 'a')", 5, 5],
    ["url('https://kubernetes.io/').getHost()", 4, 4],
    ["ip('192.168.0.1').isLoopback()", 3, 3],
    ['quantity("50k").add(quantity("20")) == quantity("50.02k")', 5, 5],
    ["semver('1.0.0').major() == 1", 3, 3],
    ['[1, 2].all(x, x > 0)', 21, 11],
    ['[1, 2].exists(x, x > 0)', 23, 10],
    ['[1, 2].map(x, x * 2).size() == 2', 51, 31],
    ['[1, 2].filter(x, x > 1).size() == 1', 53, 21],
    ['{"a": 1}.a == 1', 32, 2],
    ['sets.contains([1, 2], [2])', 23, 3],
  ];
  for (const [source, estimated, actual] of cases) {
    test(source, () => {
      const compiled = compile(source, kubernetesEnvironment);
      assert.ok('program' in compiled, JSON.stringify(compiled));
      const budget = new Budget(1000);
      compiled.program.evaluate(new Map(), budget);
      assert.deepEqual([compiled.program.estimatedCost, budget.cost], [estimated, actual]);
    });
  }
});
