/**
 * An expression as a tree. Macros (`all`, `map`, `cel.bind`, ...) stay nodes of their own and are not rewritten to
 * loops over an accumulator: checker, estimate and evaluator each say in one place what a macro means.
 */
import type { CelValue } from '../values/value.ts';

export type FoldMacro =
  | 'all'
  | 'exists'
  | 'exists_one'
  | 'filter'
  | 'map'
  | 'sortBy'
  | 'transformList'
  | 'transformMap'
  | 'transformMapEntry';

/** `at`: the offset, in UTF-16 units, of what a message about the node points to (an operator, a dot, a parenthesis). */
export type Expr =
  | { readonly kind: 'literal'; readonly at: number; readonly value: CelValue }
  | { readonly kind: 'ident'; readonly at: number; readonly name: string }
  | {
      readonly kind: 'select';
      readonly at: number;
      readonly operand: Expr;
      readonly field: string;
      /** `has(a.b)`: whether the field is there. */
      readonly test: boolean;
      /** `a.?b` */
      readonly optional: boolean;
    }
  | { readonly kind: 'call'; readonly at: number; readonly name: string; readonly target?: Expr; readonly args: readonly Expr[] }
  | { readonly kind: 'list'; readonly at: number; readonly elements: readonly ListElement[] }
  | { readonly kind: 'map'; readonly at: number; readonly entries: readonly MapEntry[] }
  | { readonly kind: 'message'; readonly at: number; readonly name: string; readonly fields: readonly MessageField[] }
  | FoldExpr
  | {
      /** `optional.optMap(x, f(x))`; flat: optFlatMap, whose body is an optional itself. */
      readonly kind: 'optMap';
      readonly at: number;
      readonly target: Expr;
      readonly name: string;
      readonly body: Expr;
      readonly flat: boolean;
    };

export interface FoldExpr {
  readonly kind: 'fold';
  readonly at: number;
  readonly macro: FoldMacro;
  readonly range: Expr;
  /** One: the element of a list, the key of a map. Two: index and element, key and value. */
  readonly variables: readonly [string] | readonly [string, string];
  /** Of `map(x, p, t)` and its kin: what is left out. */
  readonly filter?: Expr;
  readonly body: Expr;
}

export interface ListElement {
  readonly value: Expr;
  /** `[?a]`: left out if the optional is empty. */
  readonly optional: boolean;
}

export interface MapEntry {
  readonly at: number;
  readonly key: Expr;
  readonly value: Expr;
  readonly optional: boolean;
}

export interface MessageField {
  readonly at: number;
  readonly name: string;
  readonly value: Expr;
  readonly optional: boolean;
}

/** `a.b.c` as a name; undefined for anything else. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return expr.name;
  if (expr.kind !== 'select' || expr.test || expr.optional) return undefined;
  const head = qualifiedName(expr.operand);
  return head === undefined ? undefined : `${head}.${expr.field}`;
}

/** What an expression is made of. */
export function partsOf(expr: Expr): readonly Expr[] {
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
    case 'optMap':
      return [expr.target, expr.body];
    default:
      return [];
  }
}
