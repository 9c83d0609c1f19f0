/**
 * What an expression may name: variables with their types, and functions. Made once, extended cheaply: custom resources
 * declare `self` and `oldSelf`, whoever needs `object`, `request` or `params` declares those.
 */

import type { Overload } from './library/overload.ts';
import type { CelType } from './types/cel-type.ts';
import type { SchemaType } from './types/schema-type.ts';

export interface Variable {
  readonly name: string;
  readonly type: CelType;
  /** Where sizes are known: what costs are estimated from. */
  readonly schema?: SchemaType;
}

export class Environment {
  readonly #variables: ReadonlyMap<string, Variable>;
  readonly #functions: ReadonlyMap<string, readonly Overload[]>;

  constructor(functions: ReadonlyMap<string, readonly Overload[]>, variables: ReadonlyMap<string, Variable> = new Map()) {
    this.#functions = functions;
    this.#variables = variables;
  }

  static of(overloads: readonly Overload[]): Environment {
    return new Environment(Map.groupBy(overloads, (overload) => overload.name));
  }

  with(variables: readonly Variable[]): Environment {
    return new Environment(
      this.#functions,
      new Map([...this.#variables, ...variables.map((variable) => [variable.name, variable] as const)]),
    );
  }

  /** Beside the known ones. */
  withFunctions(overloads: readonly Overload[]): Environment {
    const functions = new Map(this.#functions);
    for (const overload of overloads) functions.set(overload.name, [...(functions.get(overload.name) ?? []), overload]);
    return new Environment(functions, this.#variables);
  }

  variable(name: string): Variable | undefined {
    return this.#variables.get(name);
  }

  functions(name: string): readonly Overload[] | undefined {
    return this.#functions.get(name);
  }
}
