/** The macros that go through a list or map. */
import { type Frame, type Plans, type Step, truth } from './frame.ts';
import { sorted } from './library/lists.ts';
import type { FoldExpr } from './syntax/ast.ts';
import { foldCosts } from './types/node-costs.ts';
import type { Budget } from './values/budget.ts';
import { typeOf } from './values/type-of.ts';
import { ArrayList, CelError, type CelValue, displayValue, HashMap, ListValue, MapValue, mapKey, noSuchOverload } from './values/value.ts';

type Entry = readonly [CelValue, CelValue];

/** Of the elements: what is put into the variables, one run of the loop each. */
function* entries(range: CelValue): Generator<Entry> {
  if (range instanceof ListValue) {
    for (let index = 0; index < range.size; index++) yield [BigInt(index), range.at(index)];
  } else if (range instanceof MapValue) {
    for (const key of range.keys()) yield [key, range.get(key) ?? null];
  } else {
    throw notIterable(range);
  }
}

function* keys(range: CelValue): Generator<CelValue> {
  if (range instanceof ListValue) yield* range;
  else if (range instanceof MapValue) yield* range.keys();
  else throw notIterable(range);
}

function notIterable(range: CelValue): CelError {
  const { kind } = typeOf(range);
  return new CelError(`got 'types.${kind[0]?.toUpperCase()}${kind.slice(1)}', expected iterable type`);
}

export function planFold(expr: FoldExpr, planner: Plans): Step {
  const range = planner.plan(expr.range);
  const two = expr.variables.length === 2;
  return planner.within(expr.variables, (slot) => {
    const filter = expr.filter ? planner.plan(expr.filter) : undefined;
    const body = planner.plan(expr.body);
    /** Once for every element, its variables set. */
    const loop = function* (frame: Frame): Generator<Entry> {
      const over = range(frame);
      frame.budget.spend(foldCosts[expr.macro].end);
      if (two) {
        for (const entry of entries(over)) {
          frame.locals[slot] = entry[0];
          frame.locals[slot + 1] = entry[1];
          yield entry;
        }
      } else {
        for (const element of keys(over)) {
          frame.locals[slot] = element;
          yield [element, element];
        }
      }
    };
    return folds[expr.macro]({ loop, filter, body, costs: foldCosts[expr.macro] });
  });
}

interface Fold {
  loop(frame: Frame): Generator<Entry>;
  readonly filter: Step | undefined;
  readonly body: Step;
  readonly costs: (typeof foldCosts)[keyof typeof foldCosts];
}

const folds: Readonly<Record<FoldExpr['macro'], (fold: Fold) => Step>> = {
  all: (fold) => quantifier(fold, false),
  exists: (fold) => quantifier(fold, true),
  exists_one:
    ({ loop, body, costs }) =>
    (frame) => {
      let count = 0;
      for (const _ of loop(frame)) if (taken(truth(body(frame)), costs, frame.budget)) count++;
      return count === 1;
    },
  filter:
    ({ loop, body, costs }) =>
    (frame) => {
      const kept: CelValue[] = [];
      for (const [, element] of loop(frame)) if (taken(truth(body(frame)), costs, frame.budget)) kept.push(element);
      return new ArrayList(kept);
    },
  map: toList,
  sortBy:
    ({ loop, body, costs }) =>
    (frame) => {
      const elements: CelValue[] = [];
      const keys: CelValue[] = [];
      for (const [, element] of loop(frame)) {
        frame.budget.spend(costs.taken);
        elements.push(element);
        keys.push(body(frame));
      }
      return sorted(new ArrayList(elements), frame.budget, keys);
    },
  transformList: toList,
  transformMap: (fold) => toMap(fold, (key, value, made) => insert(made, key, value)),
  transformMapEntry: (fold) =>
    toMap(fold, (_, value, made) => {
      if (!(value instanceof MapValue)) throw noSuchOverload();
      for (const key of value.keys()) insert(made, key, value.get(key) ?? null);
    }),
};

function taken(yes: boolean, costs: Fold['costs'], budget: Budget): boolean {
  budget.spend(yes ? costs.taken : costs.left);
  return yes;
}

/** An element that decides ends it; an error counts only if none does. */
function quantifier({ loop, body, costs }: Fold, decisive: boolean): Step {
  return (frame) => {
    let failure: CelError | undefined;
    for (const _ of loop(frame)) {
      frame.budget.spend(costs.test);
      try {
        if (truth(body(frame)) === decisive) {
          // It is asked once more whether to go on.
          frame.budget.spend(costs.test - 1);
          return decisive;
        }
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        failure ??= error;
      }
    }
    if (failure) throw failure;
    return !decisive;
  };
}

function toList({ loop, filter, body, costs }: Fold): Step {
  return (frame) => {
    const made: CelValue[] = [];
    for (const _ of loop(frame)) if (taken(!filter || truth(filter(frame)), costs, frame.budget)) made.push(body(frame));
    return new ArrayList(made);
  };
}

function toMap({ loop, filter, body, costs }: Fold, add: (key: CelValue, value: CelValue, made: Map<string, Entry>) => void): Step {
  return (frame) => {
    const made = new Map<string, Entry>();
    for (const [key] of loop(frame)) if (taken(!filter || truth(filter(frame)), costs, frame.budget)) add(key, body(frame), made);
    return new HashMap(made);
  };
}

function insert(made: Map<string, Entry>, key: CelValue, value: CelValue): void {
  const id = mapKey(key);
  if (made.has(id)) throw new CelError(`insert failed: key ${displayValue(key)} already exists`);
  made.set(id, [key, value]);
}
