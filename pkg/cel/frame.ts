/** One run of an expression. */
import type { Expr } from './syntax/ast.ts';
import type { Budget } from './values/budget.ts';
import { type CelValue, noSuchOverload } from './values/value.ts';

/** The values of variables, by name or slot, and what is left to spend. */
export interface Frame {
  readonly globals: ReadonlyMap<string, CelValue>;
  readonly locals: CelValue[];
  readonly budget: Budget;
}

/** A part of an expression, ready to run. Throws CelError and BudgetExceeded, and nothing else. */
export type Step = (frame: Frame) => CelValue;

export interface Plans {
  plan(expr: Expr): Step;
  /** Plans what sees further variables; they follow each other from the slot that is given. */
  within<T>(names: readonly string[], make: (slot: number) => T): T;
}

export function truth(value: CelValue): boolean {
  if (typeof value !== 'boolean') throw noSuchOverload();
  return value;
}
