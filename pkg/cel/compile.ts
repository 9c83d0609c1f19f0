/**
 * The lower layer: an expression, an environment and the type that is expected make a program, which is run with values
 * and a budget. Nothing here knows of custom resources; admission policies and the like use it as it is.
 */
import type { Environment } from './environment.ts';
import { plan } from './evaluate.ts';
import type { Expr } from './syntax/ast.ts';
import { type Issue, renderIssues } from './syntax/issue.ts';
import { parse } from './syntax/parser.ts';
import { type CelType, isExactly } from './types/cel-type.ts';
import { constantFault, literalIssues } from './types/check-literals.ts';
import { type Checked, check } from './types/checker.ts';
import { estimateCost } from './types/estimate-cost.ts';
import type { Budget } from './values/budget.ts';
import { CelError, type CelValue } from './values/value.ts';

export interface Program {
  /** The most it can cost, in Kubernetes' units. May be Infinity. */
  readonly estimatedCost: number;
  readonly output: CelType;
  /** Whether it looks at a variable that the environment declares. */
  uses(variable: string): boolean;
  /** Throws CelError where evaluation fails, BudgetExceeded where it costs too much, and nothing else. */
  evaluate(values: ReadonlyMap<string, CelValue>, budget: Budget): CelValue;
}

export type Compiled = { readonly program: Program } | { readonly fault: string };

export interface Expectation {
  readonly type: CelType;
  /** How to say that it has another. */
  readonly otherwise: string;
  /** What the expression is called, where it is not the only one: `messageExpression`. */
  readonly name?: string;
}

export function compile(source: string, environment: Environment, expected?: Expectation): Compiled {
  const named = (what: string): string => (expected?.name === undefined ? what : `${expected.name} ${what.replace('program ', '')}`);
  const parsed = parse(source);
  if ('issues' in parsed) return { fault: `${named('compilation failed')}: ${renderIssues(source, parsed.issues)}` };
  const checked = check(parsed.expr, environment);
  const issues: readonly Issue[] = checked.issues.length > 0 ? checked.issues : literalIssues(checked);
  if (issues.length > 0) return { fault: `${named('compilation failed')}: ${renderIssues(source, issues)}` };
  if (expected && !isExactly(checked.output, expected.type)) return { fault: expected.otherwise };
  const fault = constantFault(checked);
  if (fault !== undefined) return { fault: `${named('program instantiation failed')}: ${fault}` };
  return { program: program(parsed.expr, checked, environment) };
}

function program(expr: Expr, checked: Checked, environment: Environment): Program {
  const used = new Set(
    [...checked.references.values()].flatMap((reference) => ('variable' in reference && !reference.local ? [reference.variable] : [])),
  );
  let run: ReturnType<typeof plan> | undefined;
  return {
    estimatedCost: estimateCost(checked, environment),
    output: checked.typeOf(expr),
    uses: (variable) => used.has(variable),
    evaluate: (globals, budget) => {
      run ??= plan(checked);
      try {
        return run({ globals, locals: [], budget });
      } catch (error) {
        // Only the engine's own limits are left: a string or a stack that grew too large.
        if (error instanceof RangeError) throw new CelError(`value too large: ${error.message}`, { cause: error });
        throw error;
      }
    },
  };
}
