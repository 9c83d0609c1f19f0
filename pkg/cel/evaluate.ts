/**
 * Turns a checked expression into functions that call each other, and runs them. Every part is charged to the budget
 * before it is done, so nothing runs on for longer than it was allowed to.
 *
 * Errors are exceptions. `&&`, `||`, `all` and `exists` look past an error if another operand decides, as CEL demands.
 */

import { planFold } from './evaluate-fold.ts';
import { type Plans, type Step, truth } from './frame.ts';
import { elementAt, entryAt, noOverloadFor, noSuchKey } from './library/standard.ts';
import type { Expr } from './syntax/ast.ts';
import type { Call, Checked } from './types/checker.ts';
import { listCost, mapCost, nameCost } from './types/node-costs.ts';
import { Budget } from './values/budget.ts';
import { accepts } from './values/type-of.ts';
import {
  ArrayList,
  CelError,
  type CelValue,
  HashMap,
  ListValue,
  MapValue,
  mapKey,
  none,
  noSuchOverload,
  OptionalValue,
} from './values/value.ts';

export function plan(checked: Checked): Step {
  return new Planner(checked).plan(checked.expr);
}

class Planner implements Plans {
  readonly #checked: Checked;
  /** Names in scope; a name's place is its slot. */
  #scope: readonly string[] = [];

  constructor(checked: Checked) {
    this.#checked = checked;
  }

  within<T>(names: readonly string[], make: (slot: number) => T): T {
    const outer = this.#scope;
    this.#scope = [...outer, ...names];
    const made = make(outer.length);
    this.#scope = outer;
    return made;
  }

  plan(expr: Expr): Step {
    switch (expr.kind) {
      case 'literal': {
        const { value } = expr;
        return () => value;
      }
      case 'ident':
        return this.#name(expr, expr.name);
      case 'select':
        return this.#checked.references.has(expr) ? this.#name(expr, '') : this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'message':
        throw new Error(`no type ${expr.name}`);
      case 'fold':
        return planFold(expr, this);
      case 'optMap':
        return this.#optMap(expr);
    }
  }

  #name(expr: Expr, local: string): Step {
    const reference = this.#checked.references.get(expr);
    if (!reference) throw new Error('an expression with faults is not evaluated');
    if ('constant' in reference) {
      const { constant } = reference;
      return () => constant;
    }
    const { variable } = reference;
    if (reference.local) {
      const slot = this.#scope.lastIndexOf(local);
      return ({ locals, budget }) => {
        budget.spend(nameCost);
        return locals[slot] as CelValue;
      };
    }
    return ({ globals, budget }) => {
      budget.spend(nameCost);
      const value = globals.get(variable);
      if (value === undefined) throw new CelError(`no such attribute(s): ${variable}`);
      return value;
    };
  }

  #select(expr: Extract<Expr, { kind: 'select' }>): Step {
    const operand = this.plan(expr.operand);
    const { field, test, optional } = expr;
    if (test) {
      return (frame) => {
        const of = operand(frame);
        return find(of instanceof OptionalValue ? (of.value ?? null) : of, field) !== undefined;
      };
    }
    return (frame) => {
      const of = operand(frame);
      frame.budget.spend(nameCost);
      if (of instanceof OptionalValue) return of.value === undefined ? none : toOptional(find(of.value, field));
      const found = find(of, field);
      if (optional) return toOptional(found);
      if (found === undefined) throw new CelError(`no such key: ${field}`);
      return found;
    };
  }

  #call(expr: Extract<Expr, { kind: 'call' }>): Step {
    const call = this.#checked.calls.get(expr);
    if (!call) throw new Error('an expression with faults is not evaluated');
    const args = call.args.map((arg) => this.plan(arg));
    const [first, second, third] = args as [Step, Step, Step];
    switch (expr.name) {
      case '_&&_':
        return shortCircuit(first, second, false);
      case '_||_':
        return shortCircuit(first, second, true);
      case '_?_:_':
        return (frame) => (truth(first(frame)) ? second(frame) : third(frame));
      case '_[_]':
        return (frame) => index(first(frame), second(frame), frame.budget);
      case '_[?_]':
        return (frame) => optionalIndex(first(frame), second(frame), frame.budget);
      default:
        return isConversion(expr) ? converted(invoke(call, args)) : invoke(call, args);
    }
  }

  #list(expr: Extract<Expr, { kind: 'list' }>): Step {
    const constant = constantOf(expr);
    if (constant !== undefined) return () => constant;
    const elements = expr.elements.map(({ value, optional }) => ({ step: this.plan(value), optional }));
    return (frame) => {
      frame.budget.spend(listCost);
      const values: CelValue[] = [];
      for (const { step, optional } of elements) {
        const value = optional ? held(step(frame)) : step(frame);
        if (value !== undefined) values.push(value);
      }
      return new ArrayList(values);
    };
  }

  #map(expr: Extract<Expr, { kind: 'map' }>): Step {
    const constant = constantOf(expr);
    if (constant !== undefined) return () => constant;
    const entries = expr.entries.map(({ key, value, optional }) => ({ key: this.plan(key), value: this.plan(value), optional }));
    return (frame) => {
      frame.budget.spend(mapCost);
      const made = new Map<string, readonly [CelValue, CelValue]>();
      for (const entry of entries) {
        const key = entry.key(frame);
        const value = entry.optional ? held(entry.value(frame)) : entry.value(frame);
        if (value === undefined) continue;
        made.set(mapKey(key), [key, value]);
      }
      return new HashMap(made);
    };
  }

  #optMap(expr: Extract<Expr, { kind: 'optMap' }>): Step {
    const target = this.plan(expr.target);
    return this.within([expr.name], (slot) => {
      const body = this.plan(expr.body);
      return (frame) => {
        const before = frame.budget.cost;
        const of = target(frame);
        // cel-go looks at the target twice: whether it holds something, and what.
        frame.budget.spend(frame.budget.cost - before + 2);
        const value = held(of);
        if (value === undefined) return none;
        frame.locals[slot] = value;
        const result = body(frame);
        if (!expr.flat) return new OptionalValue(result);
        if (!(result instanceof OptionalValue)) throw noSuchOverload();
        return result;
      };
    });
  }
}

/** Of lists and maps of literals: they are made once, and cost nothing. */
function constantOf(expr: Expr): CelValue | undefined {
  if (expr.kind === 'literal') return expr.value;
  if (expr.kind === 'list') {
    const values = expr.elements.map(({ value, optional }) => (optional ? undefined : constantOf(value)));
    return values.every((value) => value !== undefined) ? new ArrayList(values) : undefined;
  }
  if (expr.kind !== 'map') return undefined;
  const made = new Map<string, readonly [CelValue, CelValue]>();
  for (const entry of expr.entries) {
    const key = entry.key.kind === 'literal' ? entry.key.value : undefined;
    const value = entry.optional ? undefined : constantOf(entry.value);
    if (key === undefined || value === undefined || !isKey(key)) return undefined;
    made.set(mapKey(key), [key, value]);
  }
  return new HashMap(made);
}

const isKey = (value: CelValue): boolean => ['string', 'boolean', 'bigint'].includes(typeof value);

const conversions = ['bool', 'bytes', 'double', 'duration', 'int', 'string', 'timestamp', 'uint'];
const isConversion = (expr: Extract<Expr, { kind: 'call' }>): boolean =>
  conversions.includes(expr.name) && !expr.target && expr.args.every(({ kind }) => kind === 'literal');

/** Of a literal: once, for nothing. */
function converted(convert: Step): Step {
  let value: CelValue | undefined;
  return ({ globals }) => {
    value ??= convert({ globals, locals: [], budget: new Budget(Infinity) });
    return value;
  };
}

/** What is no map has no fields. */
const find = (of: CelValue, field: string): CelValue | undefined => (of instanceof MapValue ? of.get(field) : undefined);

const toOptional = (value: CelValue | undefined): OptionalValue => (value === undefined ? none : new OptionalValue(value));

/** What an optional holds. */
function held(value: CelValue): CelValue | undefined {
  if (!(value instanceof OptionalValue)) throw noSuchOverload();
  return value.value;
}

/** `decisive`: the operand that settles it, whatever the other is, an error included. */
function shortCircuit(first: Step, second: Step, decisive: boolean): Step {
  return (frame) => {
    let failure: CelError | undefined;
    try {
      if (truth(first(frame)) === decisive) return decisive;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      failure = error;
    }
    const result = truth(second(frame));
    if (failure && result !== decisive) throw failure;
    return result;
  };
}

function index(of: CelValue, key: CelValue, budget: Budget): CelValue {
  budget.spend(nameCost);
  if (of instanceof OptionalValue) return of.value === undefined ? none : optionalIndex(of.value, key, budget);
  if (of instanceof ListValue) return elementAt(of, key);
  if (of instanceof MapValue) return entryAt(of, key);
  throw noSuchKey(key);
}

function optionalIndex(of: CelValue, key: CelValue, budget: Budget): CelValue {
  budget.spend(nameCost);
  if (of instanceof OptionalValue) return of.value === undefined ? none : optionalIndex(of.value, key, budget);
  if (of instanceof ListValue) {
    if (typeof key !== 'bigint') throw noSuchOverload();
    return key >= 0n && key < of.size ? new OptionalValue(of.at(Number(key))) : none;
  }
  if (of instanceof MapValue) return toOptional(of.get(key));
  throw noSuchOverload();
}

function invoke(call: Call, args: readonly Step[]): Step {
  const { overloads } = call;
  return (frame) => {
    const values = args.map((arg) => arg(frame));
    for (const overload of overloads) {
      if (!overload.parameters.every((parameter, at) => accepts(parameter, values[at] as CelValue))) continue;
      frame.budget.spend(overload.cost.actual(values));
      return overload.run(values, frame.budget);
    }
    throw noOverloadFor(overloads[0]?.name ?? '', values);
  };
}
