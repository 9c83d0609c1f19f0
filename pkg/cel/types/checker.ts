/**
 * Gives every part of an expression its type, and every call the declarations that may serve it. Faults are collected,
 * not thrown, and worded as cel-go words them; a part that is wrong is dynamic for what is around it.
 */
import type { Environment } from '../environment.ts';
import type { Overload } from '../library/overload.ts';
import type { Expr, FoldExpr } from '../syntax/ast.ts';
import { qualifiedName } from '../syntax/ast.ts';
import type { Issue } from '../syntax/issue.ts';
import { typeOf } from '../values/type-of.ts';
import { type CelValue, TypeValue } from '../values/value.ts';
import {
  type CelType,
  formatType,
  isDynamic,
  isExactly,
  listOf,
  mapOf,
  optionalOf,
  resolve,
  scalars,
  type TypeVariable,
} from './cel-type.ts';
import { typeNames } from './type-names.ts';
import { assign, join, settle, type Trail, undo } from './unify.ts';

export interface Call {
  readonly overloads: readonly Overload[];
  /** The receiver first. */
  readonly args: readonly Expr[];
}

/** What a name stands for. */
export type Reference = { readonly variable: string; readonly local: boolean } | { readonly constant: CelValue };

export interface Checked {
  readonly expr: Expr;
  readonly issues: readonly Issue[];
  readonly output: CelType;
  readonly calls: ReadonlyMap<Expr, Call>;
  /** Of identifiers, and of selections that are qualified names. */
  readonly references: ReadonlyMap<Expr, Reference>;
  typeOf(expr: Expr): CelType;
}

export function check(expr: Expr, environment: Environment): Checked {
  return new Checker(environment).run(expr);
}

class Checker {
  readonly #environment: Environment;
  readonly #issues: Issue[] = [];
  readonly #types = new Map<Expr, CelType>();
  readonly #calls = new Map<Expr, Call>();
  readonly #references = new Map<Expr, Reference>();
  readonly #trail: Trail = [];
  #locals: readonly (readonly [string, CelType])[] = [];

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  run(expr: Expr): Checked {
    this.#check(expr);
    for (const [part, type] of this.#types) this.#types.set(part, settle(type));
    const typeOfPart = (part: Expr): CelType => this.#types.get(part) ?? scalars.dyn;
    return { expr, issues: this.#issues, output: typeOfPart(expr), calls: this.#calls, references: this.#references, typeOf: typeOfPart };
  }

  #fault(at: number, message: string): CelType {
    this.#issues.push({ at, message });
    return scalars.error;
  }

  #mismatch(at: number, expected: CelType, found: CelType): CelType {
    return this.#fault(at, `expected type '${formatType(expected)}' but found '${formatType(found)}'`);
  }

  #check(expr: Expr): CelType {
    const type = this.#typeOf(expr);
    this.#types.set(expr, type);
    return type;
  }

  #typeOf(expr: Expr): CelType {
    switch (expr.kind) {
      case 'literal':
        return typeOf(expr.value);
      case 'ident':
        return this.#name(expr, expr.name) ?? this.#undeclared(expr.at, expr.name);
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'message':
        for (const field of expr.fields) this.#check(field.value);
        return this.#undeclared(expr.at, expr.name);
      case 'fold':
        return this.#fold(expr);
      case 'optMap':
        return this.#optMap(expr);
    }
  }

  #undeclared(at: number, name: string): CelType {
    return this.#fault(at, `undeclared reference to '${name}' (in container '')`);
  }

  #name(expr: Expr, name: string): CelType | undefined {
    const local = this.#locals.findLast(([known]) => known === name);
    if (local) {
      this.#references.set(expr, { variable: name, local: true });
      return local[1];
    }
    const variable = this.#environment.variable(name);
    if (variable) {
      this.#references.set(expr, { variable: name, local: false });
      return variable.type;
    }
    const type = Object.hasOwn(typeNames, name) ? typeNames[name] : undefined;
    if (!type) return undefined;
    this.#references.set(expr, { constant: new TypeValue(type) });
    return { kind: 'type', of: type };
  }

  #select(expr: Extract<Expr, { kind: 'select' }>): CelType {
    if (!expr.test && !expr.optional) {
      const name = qualifiedName(expr);
      const isLocal = name !== undefined && this.#locals.some(([known]) => known === name.split('.')[0]);
      const type = name === undefined || isLocal ? undefined : this.#name(expr, name);
      if (type) return type;
    }
    const operand = resolve(this.#check(expr.operand));
    const field = this.#field(expr, operand.kind === 'optional' ? resolve(operand.value) : operand);
    if (expr.test) return scalars.bool;
    return operand.kind === 'optional' || expr.optional ? optionalOf(field) : field;
  }

  #field(expr: Extract<Expr, { kind: 'select' }>, of: CelType): CelType {
    switch (of.kind) {
      case 'map':
        return of.value;
      case 'object':
        return of.fields.get(expr.field) ?? this.#fault(expr.at, `undefined field '${expr.field}'`);
      case 'variable':
        assign(scalars.dyn, of, this.#trail);
        return scalars.dyn;
      default:
        if (!isDynamic(of)) this.#fault(expr.at, `type '${formatType(of)}' does not support field selection`);
        return scalars.dyn;
    }
  }

  #call(expr: Extract<Expr, { kind: 'call' }>): CelType {
    if (!expr.target) {
      for (const arg of expr.args) this.#check(arg);
      const functions = this.#environment.functions(expr.name);
      return functions ? this.#resolve(expr, functions, { member: false, args: expr.args }) : this.#undeclared(expr.at, expr.name);
    }
    for (const arg of expr.args) this.#check(arg);
    const prefix = qualifiedName(expr.target);
    const namespaced = prefix === undefined ? undefined : this.#environment.functions(`${prefix}.${expr.name}`);
    if (namespaced) return this.#resolve(expr, namespaced, { member: false, args: expr.args });
    this.#check(expr.target);
    const functions = this.#environment.functions(expr.name);
    if (!functions) return this.#undeclared(expr.at, expr.name);
    return this.#resolve(expr, functions, { member: true, args: [expr.target, ...expr.args] });
  }

  #resolve(expr: Expr, functions: readonly Overload[], { member, args }: { member: boolean; args: readonly Expr[] }): CelType {
    const types = args.map((arg) => this.#types.get(arg) ?? scalars.dyn);
    const name = functions[0]?.name ?? '';
    if (name === '_&&_' || name === '_||_') {
      // Each operand is blamed for itself.
      args.forEach((arg, index) => {
        const type = types[index] ?? scalars.dyn;
        if (!assign(scalars.bool, type, this.#trail)) this.#mismatch(arg.at, scalars.bool, type);
      });
    }
    const found: Overload[] = [];
    let result: CelType | undefined;
    for (const overload of functions) {
      if (overload.member !== member || overload.parameters.length !== args.length) continue;
      const fresh = new Map<string, TypeVariable>();
      const mark = this.#trail.length;
      const parameters = overload.parameters.map((parameter) => instantiate(parameter, fresh));
      if (!parameters.every((parameter, index) => assign(parameter, types[index] ?? scalars.dyn, this.#trail))) {
        undo(this.#trail, mark);
        continue;
      }
      found.push(overload);
      const candidate = instantiate(overload.result, fresh);
      if (!result) result = candidate;
      else if (!isDynamic(resolve(result)) && !isExactly(result, candidate)) result = scalars.dyn;
    }
    if (!result) {
      if (name === '_&&_' || name === '_||_') return scalars.error;
      const shown = types.map(formatType);
      const signature = member ? `${shown[0]}.(${shown.slice(1).join(', ')})` : `(${shown.join(', ')})`;
      return this.#fault(expr.at, `found no matching overload for '${name}' applied to '${signature}'`);
    }
    this.#calls.set(expr, { overloads: found, args });
    return result;
  }

  #list(expr: Extract<Expr, { kind: 'list' }>): CelType {
    let element: CelType | undefined;
    for (const { value, optional } of expr.elements) {
      const type = this.#entry(value, optional);
      element = element ? this.#join(element, type) : type;
    }
    return listOf(element ?? variable());
  }

  #map(expr: Extract<Expr, { kind: 'map' }>): CelType {
    let key: CelType | undefined;
    let value: CelType | undefined;
    for (const entry of expr.entries) {
      const keyType = this.#check(entry.key);
      key = key ? this.#join(key, keyType) : keyType;
      const valueType = this.#entry(entry.value, entry.optional);
      value = value ? this.#join(value, valueType) : valueType;
    }
    return mapOf(key ?? variable(), value ?? variable());
  }

  /** `?value`: what the optional holds. */
  #entry(expr: Expr, optional: boolean): CelType {
    const type = resolve(this.#check(expr));
    if (!optional || isDynamic(type)) return type;
    return type.kind === 'optional' ? type.value : this.#mismatch(expr.at, optionalOf(type), type);
  }

  /** What does not go together is dynamic; whether it may be is for `literalIssues` to say. */
  #join(before: CelType, next: CelType): CelType {
    return join(before, next, this.#trail) ?? scalars.dyn;
  }

  #within<T>(variables: readonly (readonly [string, CelType])[], run: () => T): T {
    const outer = this.#locals;
    this.#locals = [...outer, ...variables];
    const result = run();
    this.#locals = outer;
    return result;
  }

  #fold(expr: FoldExpr): CelType {
    const range = resolve(this.#check(expr.range));
    const [first, second] = this.#rangeTypes(expr.range, range);
    const [name, other] = expr.variables;
    // One variable: the element of a list, the key of a map.
    const single = range.kind === 'list' ? second : first;
    const variables: (readonly [string, CelType])[] =
      other === undefined
        ? [[name, single]]
        : [
            [name, first],
            [other, second],
          ];
    return this.#within(variables, () => {
      if (expr.filter) this.#condition(expr.filter, this.#check(expr.filter));
      return this.#foldResult(expr, this.#check(expr.body), { key: first, element: single });
    });
  }

  /** Of a list: index and element. Of a map: key and value. */
  #rangeTypes(expr: Expr, range: CelType): readonly [CelType, CelType] {
    if (range.kind === 'list') return [scalars.int, range.element];
    if (range.kind === 'map') return [range.key, range.value];
    if (range.kind === 'variable') assign(scalars.dyn, range, this.#trail);
    else if (!isDynamic(range)) {
      this.#fault(expr.at, `expression of type '${formatType(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`);
      return [scalars.error, scalars.error];
    }
    return [scalars.dyn, scalars.dyn];
  }

  #foldResult(expr: FoldExpr, body: CelType, range: { readonly key: CelType; readonly element: CelType }): CelType {
    switch (expr.macro) {
      case 'all':
      case 'exists':
      case 'exists_one':
        this.#condition(expr.body, body);
        return scalars.bool;
      case 'filter':
        this.#condition(expr.body, body);
        return listOf(range.element);
      case 'map':
      case 'transformList':
        return listOf(body);
      case 'sortBy': {
        const key = resolve(body);
        if (!isDynamic(key) && !isOrdered(key)) {
          this.#fault(
            expr.at,
            `found no matching overload for '@sortByAssociatedKeys' applied to '${formatType(listOf(range.element))}.(${formatType(listOf(key))})'`,
          );
        }
        return listOf(range.element);
      }
      case 'transformMap':
        return mapOf(range.key, body);
      case 'transformMapEntry': {
        const made = resolve(body);
        if (made.kind === 'map' || isDynamic(made)) return made.kind === 'map' ? made : mapOf(scalars.dyn, scalars.dyn);
        return this.#mismatch(expr.body.at, mapOf(scalars.dyn, scalars.dyn), made);
      }
    }
  }

  #condition(expr: Expr, type: CelType): void {
    if (!assign(scalars.bool, type, this.#trail)) this.#mismatch(expr.at, scalars.bool, type);
  }

  #optMap(expr: Extract<Expr, { kind: 'optMap' }>): CelType {
    const target = resolve(this.#check(expr.target));
    if (target.kind !== 'optional' && !isDynamic(target)) {
      this.#fault(expr.at, `found no matching overload for 'hasValue' applied to '${formatType(target)}.()'`);
    }
    const inner = target.kind === 'optional' ? target.value : scalars.dyn;
    const body = resolve(this.#within([[expr.name, inner]], () => this.#check(expr.body)));
    if (!expr.flat) return optionalOf(body);
    if (body.kind === 'optional' || isDynamic(body)) return body;
    return this.#mismatch(expr.body.at, optionalOf(body), body);
  }
}

/** Whether values of the type can be sorted. */
const isOrdered = ({ kind }: CelType): boolean =>
  ['variable', 'int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'].includes(kind);

const variable = (): TypeVariable => ({ kind: 'variable', bound: undefined });

/** Each call has type variables of its own. */
function instantiate(type: CelType, fresh: Map<string, TypeVariable>): CelType {
  switch (type.kind) {
    case 'parameter': {
      const known = fresh.get(type.name) ?? variable();
      fresh.set(type.name, known);
      return known;
    }
    case 'list':
      return listOf(instantiate(type.element, fresh));
    case 'map':
      return mapOf(instantiate(type.key, fresh), instantiate(type.value, fresh));
    case 'optional':
      return optionalOf(instantiate(type.value, fresh));
    case 'type':
      return { kind: 'type', of: instantiate(type.of, fresh) };
    default:
      return type;
  }
}
