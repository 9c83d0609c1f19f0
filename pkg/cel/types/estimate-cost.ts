/**
 * The most that an expression can cost, from the sizes its schema allows: every list is as long, every string as large
 * as it may be. Follows cel-go's estimate part by part, macros counted as the loops that cel-go makes of them.
 */
import type { Environment } from '../environment.ts';
import type { Expr, FoldExpr } from '../syntax/ast.ts';
import { sizeOf } from '../values/size.ts';
import { type CelType, resolve } from './cel-type.ts';
import type { Checked } from './checker.ts';
import { type Estimate, type SizedArgument, type SizeRange, unknownSize, widest } from './cost-rule.ts';
import { foldCosts, listCost, mapCost, messageCost, nameCost } from './node-costs.ts';
import type { SchemaType } from './schema-type.ts';

/** Of one part of the expression. */
interface Part {
  readonly cost: number;
  readonly schema?: SchemaType;
  readonly size?: SizeRange;
  /** Of elements or values, where they are known without a schema. */
  readonly elements?: SizeRange;
}

export function estimateCost(checked: Checked, environment: Environment): number {
  return new Estimator(checked, environment).cost(checked.expr);
}

const times = (count: number, each: number): number => (count === 0 || each === 0 ? 0 : count * each);

class Estimator {
  readonly #checked: Checked;
  readonly #environment: Environment;
  #locals: readonly (readonly [string, Omit<Part, 'cost'>])[] = [];

  constructor(checked: Checked, environment: Environment) {
    this.#checked = checked;
    this.#environment = environment;
  }

  cost(expr: Expr): number {
    return this.#part(expr).cost;
  }

  #part(expr: Expr): Part {
    switch (expr.kind) {
      case 'literal':
        return { cost: 0, size: fixed(sizeOf(expr.value)) };
      case 'ident':
        return this.#name(expr, expr.name);
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'message':
        return { cost: expr.fields.reduce((sum, field) => sum + this.cost(field.value), messageCost) };
      case 'fold':
        return this.#fold(expr);
      case 'optMap': {
        const target = this.#part(expr.target);
        const body = this.#within([[expr.name, {}]], () => this.#part(expr.body));
        // hasValue(), value() and optional.of() around the body.
        return { cost: target.cost * 2 + listCost + body.cost + 3 };
      }
    }
  }

  #within<T>(variables: readonly (readonly [string, Omit<Part, 'cost'>])[], run: () => T): T {
    const outer = this.#locals;
    this.#locals = [...outer, ...variables];
    const result = run();
    this.#locals = outer;
    return result;
  }

  #name(expr: Expr, name: string): Part {
    const reference = this.#checked.references.get(expr);
    if (reference && 'variable' in reference) {
      const local = reference.local ? this.#locals.findLast(([known]) => known === name)?.[1] : undefined;
      const schema = reference.local ? local?.schema : this.#environment.variable(reference.variable)?.schema;
      return { ...local, cost: nameCost, ...(schema ? { schema } : {}) };
    }
    return { cost: nameCost, size: fixed(1) };
  }

  #select(expr: Extract<Expr, { kind: 'select' }>): Part {
    if (this.#checked.references.has(expr)) return this.#name(expr, '');
    const operand = this.#part(expr.operand);
    const schema = operand.schema?.fields?.get(expr.field)?.type ?? (operand.schema?.shape === 'map' ? operand.schema.element : undefined);
    if (expr.test) return { cost: operand.cost };
    // Of what may be missing, Kubernetes forgets how large it can be.
    if (expr.optional) return { cost: operand.cost + nameCost };
    return { cost: operand.cost + nameCost, ...(schema ? { schema } : {}) };
  }

  #size(expr: Expr, part: Part): SizeRange {
    if (part.size) return part.size;
    if (part.schema) return { min: 0, max: part.schema.maxElements };
    return isScalar(this.#checked.typeOf(expr)) ? fixed(1) : unknownSize;
  }

  #argument(expr: Expr, part: Part): SizedArgument {
    const type = resolve(this.#checked.typeOf(expr));
    const element = part.schema?.shape === 'list' ? part.schema.element : undefined;
    const size = element ? { min: 0, max: element.maxElements } : (part.elements ?? unknownSize);
    const text = type.kind === 'list' && ['string', 'bytes'].includes(resolve(type.element).kind);
    return {
      size: this.#size(expr, part),
      isList: type.kind === 'list',
      ...(type.kind === 'list' ? { elements: { size, text } } : {}),
      ...(expr.kind === 'literal' ? { literal: expr.value } : {}),
    };
  }

  /** What is known of the elements of a list that no schema describes is what is known of `self`: Kubernetes looks there. */
  #elementOf({ schema, elements }: Part): Omit<Part, 'cost'> {
    if (schema?.element) return { schema: schema.element };
    const root = this.#environment.variable('self')?.schema;
    return { ...(root ? { schema: root } : {}), ...(elements ? { elements } : {}) };
  }

  #call(expr: Extract<Expr, { kind: 'call' }>): Part {
    const call = this.#checked.calls.get(expr);
    if (!call) return { cost: 0 };
    const parts = call.args.map((arg) => this.#part(arg));
    const cost = parts.reduce((sum, part) => sum + part.cost, 0);
    const [first, second, third] = parts;
    if (expr.name === '_?_:_' && first && second && third) {
      const sizes = [this.#size(call.args[1] as Expr, second), this.#size(call.args[2] as Expr, third)] as const;
      const elements = second.elements && third.elements ? { elements: widest(second.elements, third.elements) } : {};
      const schema = second.schema && second.schema === third.schema ? { schema: second.schema } : {};
      return { cost: first.cost + Math.max(second.cost, third.cost), size: widest(...sizes), ...elements, ...schema };
    }
    if (expr.name === '_[?_]') return { cost: cost + 1 };
    if (expr.name === '_[_]' && first) {
      return { cost: cost + 1, ...(first.elements && !first.schema ? { size: first.elements } : this.#elementOf(first)) };
    }
    const args = call.args.map((arg, index) => this.#argument(arg, parts[index] as Part));
    const estimates = call.overloads.map((overload) => overload.cost.estimate(args));
    return {
      cost: cost + Math.max(0, ...estimates.map((estimate) => estimate.cost)),
      ...sizesOf(estimates),
      ...this.#kept(expr.name, first),
    };
  }

  /** What passes a value on passes on what is known of it. */
  #kept(name: string, first: Part | undefined): Partial<Part> {
    return name === 'dyn' && first
      ? { ...(first.schema ? { schema: first.schema } : {}), ...(first.size ? { size: first.size } : {}) }
      : {};
  }

  #list(expr: Extract<Expr, { kind: 'list' }>): Part {
    let cost = listCost;
    let elements: SizeRange | undefined;
    for (const { value } of expr.elements) {
      const part = this.#part(value);
      cost += part.cost;
      const size = this.#size(value, part);
      elements = elements ? widest(elements, size) : size;
    }
    return { cost, size: fixed(expr.elements.length), elements: elements ?? fixed(0) };
  }

  #map(expr: Extract<Expr, { kind: 'map' }>): Part {
    let cost = mapCost;
    let elements: SizeRange | undefined;
    for (const { key, value } of expr.entries) {
      const part = this.#part(value);
      cost += this.cost(key) + part.cost;
      const size = this.#size(value, part);
      elements = elements ? widest(elements, size) : size;
    }
    return { cost, size: fixed(expr.entries.length), elements: elements ?? fixed(0) };
  }

  #fold(expr: FoldExpr): Part {
    const range = this.#part(expr.range);
    const count = this.#size(expr.range, range);
    const type = resolve(this.#checked.typeOf(expr.range));
    const element = this.#elementOf(range);
    // Keys of maps count as empty, as Kubernetes has it.
    const key: Omit<Part, 'cost'> = { size: type.kind === 'map' ? fixed(0) : fixed(1) };
    const [name, other] = expr.variables;
    const variables: (readonly [string, Omit<Part, 'cost'>])[] =
      other === undefined
        ? [[name, type.kind === 'map' ? key : element]]
        : [
            [name, key],
            [other, element],
          ];
    const [filter, body] = this.#within(variables, () => [expr.filter ? this.cost(expr.filter) : 0, this.#part(expr.body)] as const);
    const costs = foldCosts[expr.macro];
    const each = costs.test + filter + body.cost + Math.max(costs.taken, costs.left);
    const cost = range.cost + costs.start + times(count.max, each) + costs.end;
    if (!costs.makes) return { cost, size: fixed(1) };
    const keeps = expr.macro === 'filter' || expr.macro === 'sortBy';
    const elements = keeps ? this.#size(expr.range, element as Part) : this.#size(expr.body, body);
    return { cost, size: { min: 0, max: count.max }, elements: keeps && range.elements ? range.elements : elements };
  }
}

const fixed = (size: number): SizeRange => ({ min: size, max: size });

function sizesOf(estimates: readonly Estimate[]): { size?: SizeRange; elements?: SizeRange } {
  const sizes = estimates.flatMap(({ size }) => (size ? [size] : []));
  const elements = estimates.flatMap((estimate) => (estimate.elements ? [estimate.elements] : []));
  return {
    ...(sizes.length > 0 ? { size: sizes.reduce(widest) } : {}),
    ...(elements.length > 0 ? { elements: elements.reduce(widest) } : {}),
  };
}

function isScalar(unresolved: CelType): boolean {
  const type = resolve(unresolved);
  if (type.kind === 'optional') return isScalar(type.value);
  // What a library brings is compared at once, however it was written.
  return ['bool', 'double', 'duration', 'int', 'timestamp', 'uint', 'opaque', 'type'].includes(type.kind);
}
