/** Literal durations, timestamps and regular expressions are looked at when an expression is compiled, not when it first runs. */
import type { Expr } from '../syntax/ast.ts';
import type { Issue } from '../syntax/issue.ts';
import { compileRegex } from '../values/regex.ts';
import { parseDuration, parseTimestamp } from '../values/time.ts';
import { CelError } from '../values/value.ts';

const parsers: Readonly<Record<string, (text: string) => unknown>> = {
  duration: parseDuration,
  timestamp: parseTimestamp,
  matches: compileRegex,
};

export function literalIssues(expr: Expr): Issue[] {
  const issues: Issue[] = [];
  visit(expr, (part) => {
    if (part.kind !== 'call' || !Object.hasOwn(parsers, part.name)) return;
    const literal = part.args.at(-1);
    if (literal?.kind !== 'literal' || typeof literal.value !== 'string' || (part.name !== 'matches' && part.target)) return;
    try {
      parsers[part.name]?.(literal.value);
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      issues.push({ at: literal.at, message: `invalid ${part.name} argument` });
    }
  });
  return issues;
}

function visit(expr: Expr, see: (part: Expr) => void): void {
  see(expr);
  for (const part of parts(expr)) visit(part, see);
}

function parts(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'select':
      return [expr.operand];
    case 'call':
      return expr.target ? [expr.target, ...expr.args] : expr.args;
    case 'list':
      return expr.elements.map(({ value }) => value);
    case 'map':
      return expr.entries.flatMap(({ key, value }) => [key, value]);
    case 'message':
      return expr.fields.map(({ value }) => value);
    case 'fold':
      return [expr.range, ...(expr.filter ? [expr.filter] : []), expr.body];
    case 'bind':
      return [expr.value, expr.body];
    case 'optMap':
      return [expr.target, expr.body];
    default:
      return [];
  }
}
