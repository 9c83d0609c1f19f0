/** How a function is declared: its types in CEL's own notation, what it does, and what it costs. */

import { type CelType, listOf, mapOf, opaque, optionalOf, type ScalarKind, scalars } from '../types/cel-type.ts';
import { type CostRule, unit } from '../types/cost-rule.ts';
import type { Budget } from '../values/budget.ts';
import type { CelValue } from '../values/value.ts';

export interface Overload {
  readonly name: string;
  /** `a.f(b)` rather than `f(a, b)`; the receiver is the first parameter. */
  readonly member: boolean;
  readonly parameters: readonly CelType[];
  readonly result: CelType;
  readonly cost: CostRule;
  /** Arguments fit the parameters by kind. Throws CelError; charges work that the cost does not cover. */
  run(args: readonly CelValue[], budget: Budget): CelValue;
}

/** `A`: what the signature says of the arguments, as a tuple. */
type Run<A> = (args: A, budget: Budget) => CelValue;

/** `f('size', 'list(A) -> int', ...)`; several parameters: `(int, int) -> int`. */
export function f<A extends readonly CelValue[]>(name: string, signature: string, run: Run<A>, cost: CostRule = unit): Overload {
  return { name, member: false, ...parseSignature(signature), cost, run: run as unknown as Overload['run'] };
}

/** A member function: `m('startsWith', '(string, string) -> bool', ...)`, the receiver first. */
export function m<A extends readonly CelValue[]>(name: string, signature: string, run: Run<A>, cost: CostRule = unit): Overload {
  return { ...f(name, signature, run, cost), member: true };
}

function parseSignature(signature: string): { parameters: CelType[]; result: CelType } {
  const reader = new TypeReader(signature);
  const parameters = reader.list();
  reader.expect('->');
  return { parameters, result: reader.type() };
}

class TypeReader {
  readonly #tokens: readonly string[];
  #next = 0;

  constructor(text: string) {
    this.#tokens = text.match(/[\w.]+|->|[(),]/g) ?? [];
  }

  expect(token: string): void {
    const found = this.#tokens[this.#next++];
    if (found !== token) throw new Error(`signature ${this.#tokens.join(' ')}: ${token} expected, ${found} found`);
  }

  /** `(a, b)`, or one type without parentheses. */
  list(): CelType[] {
    if (this.#tokens[this.#next] !== '(') return [this.type()];
    this.#next++;
    const types: CelType[] = [];
    while (this.#tokens[this.#next] !== ')') {
      types.push(this.type());
      if (this.#tokens[this.#next] !== ')') this.expect(',');
    }
    this.#next++;
    return types;
  }

  type(): CelType {
    const name = this.#tokens[this.#next++] ?? '';
    const parameters = this.#tokens[this.#next] === '(' ? this.list() : [];
    const [first = scalars.dyn, second = scalars.dyn] = parameters;
    if (name === 'list') return listOf(first);
    if (name === 'map') return mapOf(first, second);
    if (name === 'optional') return optionalOf(first);
    if (name === 'type') return { kind: 'type', of: first };
    if (/^[A-Z]$/.test(name)) return { kind: 'parameter', name };
    return Object.hasOwn(scalars, name) ? scalars[name as ScalarKind] : opaque(name);
  }
}
