/**
 * What Kubernetes asks of literals beyond their types: durations, timestamps and regular expressions are looked at when
 * an expression is compiled, not when it first runs, and lists and maps hold values of one type.
 */
import { formatFault } from '../library/format-text.ts';
import { noOverloadFor } from '../library/standard.ts';
import { type Expr, partsOf } from '../syntax/ast.ts';
import type { Issue } from '../syntax/issue.ts';
import { Budget } from '../values/budget.ts';
import { compileRegex } from '../values/regex.ts';
import { parseDuration, parseTimestamp } from '../values/time.ts';
import { accepts } from '../values/type-of.ts';
import { CelError, type CelValue, Timestamp } from '../values/value.ts';
import { type CelType, formatType, isExactly, resolve } from './cel-type.ts';
import type { Checked } from './checker.ts';

/** The arguments of `format` may be anything. */
const mixing = 'format';

export function literalIssues(checked: Checked): Issue[] {
  const issues: Issue[] = [];
  const visit = (part: Expr, mixed: boolean): void => {
    if (part.kind === 'call') issues.push(...argumentIssues(part), ...formatIssues(part, checked));
    if (!mixed && part.kind === 'list') issues.push(...mixtures(part.elements, checked));
    if (!mixed && part.kind === 'map') {
      issues.push(
        ...mixtures(
          part.entries.map(({ key }) => ({ value: key, optional: false })),
          checked,
        ),
      );
      issues.push(...mixtures(part.entries, checked));
    }
    const inner = mixed || (part.kind === 'call' && part.name === mixing);
    for (const one of partsOf(part)) visit(one, inner);
  };
  visit(checked.expr, false);
  return issues;
}

/** Of a literal template with its arguments in a literal list. */
function formatIssues({ name, at, target, args: [list] }: Extract<Expr, { kind: 'call' }>, checked: Checked): Issue[] {
  if (name !== mixing || target?.kind !== 'literal' || typeof target.value !== 'string' || list?.kind !== 'list') return [];
  const values = list.elements.map(({ value }) => value);
  const fault = formatFault(
    target.value,
    values.map((value) => resolve(checked.typeOf(value))),
  );
  if (!fault) return [];
  return [{ at: (fault.argument === undefined ? undefined : values[fault.argument])?.at ?? at, message: fault.message }];
}

function mixtures(values: readonly { readonly value: Expr; readonly optional: boolean }[], checked: Checked): Issue[] {
  let first: CelType | undefined;
  for (const { value, optional } of values) {
    const type = resolve(checked.typeOf(value));
    const held = optional && type.kind === 'optional' ? type.value : type;
    first ??= held;
    if (!isExactly(first, held)) return [{ at: value.at, message: `expected type '${formatType(first)}' but found '${formatType(held)}'` }];
  }
  return [];
}

const readers: Readonly<Record<string, (value: CelValue) => unknown>> = {
  duration: (value) => typeof value === 'string' && parseDuration(value),
  timestamp: (value) =>
    typeof value === 'bigint' ? new Timestamp(value * 1_000_000_000n) : typeof value === 'string' && parseTimestamp(value),
  matches: (value) => typeof value === 'string' && compileRegex(value),
};

function argumentIssues(call: Extract<Expr, { kind: 'call' }>): Issue[] {
  const argument = call.args.at(-1);
  const read = Object.hasOwn(readers, call.name) ? readers[call.name] : undefined;
  if (!read || argument?.kind !== 'literal') return [];
  return faultIn(() => read(argument.value)) === undefined ? [] : [{ at: argument.at, message: `invalid ${call.name} argument` }];
}

const conversions = ['bool', 'bytes', 'double', 'int', 'string', 'uint'];

/** What is worked out while a program is made: conversions of literals, patterns of `find`. Undefined: nothing is wrong. */
export function constantFault(checked: Checked, expr: Expr = checked.expr): string | undefined {
  for (const part of partsOf(expr)) {
    const fault = constantFault(checked, part);
    if (fault !== undefined) return fault;
  }
  const [argument] = expr.kind === 'call' ? expr.args : [];
  if (expr.kind !== 'call' || argument?.kind !== 'literal') return undefined;
  if (expr.target && /^find(All)?$/.test(expr.name)) return faultIn(() => readers['matches']?.(argument.value));
  const overloads = !expr.target && conversions.includes(expr.name) ? checked.calls.get(expr)?.overloads : undefined;
  const overload = overloads?.find(({ parameters: [parameter] }) => parameter && accepts(parameter, argument.value));
  if (overload) return faultIn(() => overload.run([argument.value], new Budget(Infinity)));
  return overloads && noOverloadFor(expr.name, [argument.value]).message;
}

function faultIn(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof CelError) return error.message;
    throw error;
  }
}
