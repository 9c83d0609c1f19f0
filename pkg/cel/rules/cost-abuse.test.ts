/** Rules written to run for ever, against objects as large as they may be: a counter, and no clock, says how far they get. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import { compileRules } from '../cel.ts';
import { compile } from '../compile.ts';
import { kubernetesEnvironment } from '../library/kubernetes.ts';
import { type SchemaType, schemaType } from '../types/schema-type.ts';
import { Budget, BudgetExceeded } from '../values/budget.ts';
import { fromJson } from '../values/schema-value.ts';
import { CelError } from '../values/value.ts';

const schema: JSONSchemaProps = {
  type: 'object',
  properties: {
    list: { type: 'array', items: { type: 'string' } },
    text: { type: 'string' },
    deep: { type: 'object', additionalProperties: { type: 'array', items: { type: 'array', items: { type: 'integer' } } } },
  },
};
const value = {
  list: Array.from({ length: 100_000 }, (_, index) => `value-${index}`),
  text: 'a'.repeat(1_000_000),
  deep: { x: Array.from({ length: 1000 }, () => Array.from({ length: 100 }, (_, index) => index)) },
};
const type = schemaType(schema) as SchemaType;
const environment = kubernetesEnvironment.with([{ name: 'self', type: type.type, schema: type }]);

/** A tenth of what a rule may spend: the same is shown in a tenth of the time. */
const limit = 100_000;
const freeSteps = 200_000;

/** How an expression ended, and what it had done by then. */
function run(source: string): { ended: string; budget: Budget } {
  const compiled = compile(source, environment);
  if ('fault' in compiled) return { ended: compiled.fault, budget: new Budget(0) };
  const budget = new Budget(limit, freeSteps);
  try {
    compiled.program.evaluate(new Map([['self', fromJson(value, type)]]), budget);
    return { ended: 'done', budget };
  } catch (error) {
    if (error instanceof BudgetExceeded) return { ended: 'stopped', budget };
    if (error instanceof CelError) return { ended: `error: ${error.message}`, budget };
    throw error;
  }
}

suite('what would run for ever is stopped', () => {
  const hostile = [
    'self.list.all(x, self.list.all(y, x == y || x != y))',
    'self.list.map(x, self.list.map(y, x + y)).size() > 0',
    'self.list.all(x, self.list + self.list != [])',
    'self.list.all(x, self.deep == self.deep)',
    'self.list.all(x, self.text.size() > 0)',
    'self.list.all(x, !self.text.matches("(a*)*(b|c)*d"))',
    'self.list.all(x, !self.text.contains("aaaaaaaaaaaaaaaaaaaab"))',
    'self.list.all(x, !self.text.endsWith(self.text + "b"))',
    'self.text.findAll("a*?b").size() == 0 && self.list.all(x, self.text.find("a*b") == "")',
    'self.list.map(x, self.text + self.text).size() > 0',
    'self.list.all(x, self.list.exists_one(y, y == x))',
    'self.list.transformMap(i, v, self.list.transformMap(j, w, v + w)).size() > 0',
  ];
  for (const source of hostile) {
    test(source, () => {
      const { ended, budget } = run(source);
      assert.equal(ended, 'stopped');
      // The free ones, two for every unit, and the last charge, which was not done.
      assert.ok(budget.steps <= freeSteps + 2 * limit + 1_000_000, `${budget.steps} steps`);
    });
  }
});

test('a regular expression that grows when compiled pays for its size', () => {
  const { ended } = run('self.text.matches("((a?){300}){3}b|(.{0,500}c)")');
  assert.equal(ended, 'stopped');
});

test('patterns that come from the object are paid for before they are compiled', () => {
  const { ended, budget } = run('lists.range(90).all(i, "a".matches(string(i) + self.text.substring(0, 9).replace("a", "(a?){1000}")))');
  assert.equal(ended, 'stopped');
  assert.ok(budget.steps <= freeSteps + 2 * limit + 2_000_000, `${budget.steps} steps`);
  assert.match(run(`"a".matches("${'(a?){1000}'.repeat(50)}")`).ended, /invalid matches argument/);
});

test('strings that double soon cost more than there is', () => {
  let source = 'v39 == ""';
  for (let index = 39; index > 0; index--) source = `[v${index - 1} + v${index - 1}].all(v${index}, ${source})`;
  const { ended, budget } = run(`[self.text].all(v0, ${source})`);
  assert.equal(ended, 'stopped');
  // What was refused would have made a string of millions of characters, and did not.
  assert.ok(budget.cost < 3 * limit, `${budget.cost}`);
});

test('an object pays for all its rules together, and the last word says so', () => {
  const rules = Array.from({ length: 30 }, () => ({ rule: 'self.list.all(x, x != "") && self.list.size() > 0', message: 'empty' }));
  const found = compileRules({ ...schema, 'x-kubernetes-validations': rules })?.validate(value) ?? [];
  assert.deepEqual(found, [
    {
      reason: 'FieldValueInvalid',
      field: '<nil>',
      message: 'Invalid value: "object": validation failed due to running out of cost budget, no further validation rules will be run',
    },
  ]);
});

test('what a rule costs does not depend on the machine', () => {
  const source = 'self.list.filter(x, x.endsWith("7")).size() > 0';
  assert.equal(run(source).budget.cost, run(source).budget.cost);
});
