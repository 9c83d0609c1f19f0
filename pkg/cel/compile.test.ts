/** The layer below rules, as admission policies and the like use it: variables and functions of one's own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile, type Program } from './compile.ts';
import { kubernetesEnvironment } from './library/kubernetes.ts';
import { f } from './library/overload.ts';
import { scalars } from './types/cel-type.ts';
import { Budget, BudgetExceeded } from './values/budget.ts';
import { fromUntyped } from './values/schema-value.ts';
import { CelError, type CelValue, MapValue } from './values/value.ts';

const environment = kubernetesEnvironment
  .with(['object', 'oldObject', 'params'].map((name) => ({ name, type: scalars.dyn })))
  .with([{ name: 'request', type: { kind: 'object', name: 'AdmissionRequest', fields: new Map([['operation', scalars.string]]) } }])
  .withFunctions([f('team.of', 'string -> string', (args: readonly [string]) => `team-${args[0]}`)]);

const programOf = (source: string): Program => {
  const compiled = compile(source, environment, { type: scalars.bool, otherwise: 'must evaluate to bool' });
  assert.ok('program' in compiled, JSON.stringify(compiled));
  return compiled.program;
};
const values = new Map<string, CelValue>([
  ['object', fromUntyped({ metadata: { labels: { team: 'team-a' } }, spec: { replicas: 3 } })],
  ['oldObject', null],
  ['params', fromUntyped({ max: 5 })],
  ['request', fromUntyped({ operation: 'CREATE' })],
]);

test('variables may be dynamic or typed, and may be null', () => {
  const program = programOf("oldObject == null && object.spec.replicas <= params.max && request.operation in ['CREATE', 'UPDATE']");
  assert.equal(program.evaluate(values, new Budget(1000)), true);
  assert.ok(program.uses('params') && !program.uses('self'));
});

test('a program is compiled once and run many times', () => {
  const program = programOf('object.spec.replicas > 2');
  const smaller = new Map([...values, ['object', fromUntyped({ spec: { replicas: 1 } })] as const]);
  assert.deepEqual(
    [values, smaller, values].map((one) => program.evaluate(one, new Budget(1000))),
    [true, false, true],
  );
});

test('functions are added beside the known ones', () => {
  assert.equal(programOf("object.metadata.labels.team == team.of('a')").evaluate(values, new Budget(1000)), true);
});

test('faults say what was expected', () => {
  const expected = { type: scalars.bool, otherwise: 'must evaluate to bool' };
  assert.deepEqual(compile('1', environment, expected), { fault: 'must evaluate to bool' });
  const undeclared = compile('request.dryRun', environment, expected);
  assert.match('fault' in undeclared ? undeclared.fault : '', /^compilation failed: ERROR: <input>:1:8: undefined field 'dryRun'/);
});

test('a variable is looked at when it is named, and not before', () => {
  class Lazy extends MapValue {
    looked = 0;
    readonly size = 1;
    get(key: CelValue): CelValue | undefined {
      this.looked++;
      return key === 'costly' ? 1n : undefined;
    }
    keys(): Iterable<CelValue> {
      return ['costly'];
    }
  }
  const lazy = new Lazy();
  const compiled = compile(
    'object.spec.replicas == 3 || variables.costly > 1',
    environment.with([{ name: 'variables', type: scalars.dyn }]),
  );
  assert.ok('program' in compiled);
  assert.equal(compiled.program.evaluate(new Map([...values, ['variables', lazy]]), new Budget(1000)), true);
  assert.equal(lazy.looked, 0);
});

test('it fails with an error of its own, and stops with another', () => {
  assert.throws(() => programOf('object.spec.missing == 1').evaluate(values, new Budget(1000)), new CelError('no such key: missing'));
  assert.throws(() => programOf('params.max == 1').evaluate(new Map(), new Budget(1000)), new CelError('no such attribute(s): params'));
  assert.throws(() => programOf('object.spec.replicas > 2').evaluate(values, new Budget(2)), BudgetExceeded);
});
