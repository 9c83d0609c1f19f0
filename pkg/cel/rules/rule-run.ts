/** One rule, run for one value: what it says of it, and in which words. */
import type { ValidationRule } from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import type { Program } from '../compile.ts';
import type { SchemaType } from '../types/schema-type.ts';
import { BudgetExceeded, type SharedBudget } from '../values/budget.ts';
import { fromJson } from '../values/schema-value.ts';
import { CelError, type CelValue, none, OptionalValue } from '../values/value.ts';
import { type CompiledRule, faultOf, programOf } from './compile-rule.ts';
import { duplicate, forbidden, invalid, required } from './faults.ts';
import { maxMessageSize, perCallBudget } from './limits.ts';

export interface Outcome {
  readonly causes: readonly StatusCause[];
  /** The rule was false, rather than failed. */
  readonly violation: boolean;
  /** No further rule may run. */
  readonly over: boolean;
}

interface Subject {
  readonly value: unknown;
  readonly old: unknown;
  readonly type: SchemaType;
  /** Empty: the whole object. */
  readonly path: string;
  /** The schema's `type`: `object`. */
  readonly kind: string;
}

type Result = { readonly value: CelValue } | { readonly failure: string } | { readonly exceeded: 'call' | 'object' };

export class RuleRun {
  readonly #subject: Subject;
  readonly #field: string;

  constructor(subject: Subject) {
    this.#subject = subject;
    this.#field = subject.path === '' ? '<nil>' : subject.path;
  }

  outOfBudget(): StatusCause {
    return this.#about('validation failed due to running out of cost budget, no further validation rules will be run');
  }

  #about(detail: string): StatusCause {
    return invalid(this.#field, this.#subject.kind, detail);
  }

  run(compiled: CompiledRule, budget: SharedBudget): Outcome {
    const fault = faultOf(compiled.expression);
    if (fault !== undefined) return { causes: [this.#about(`rule compile error: ${fault}`)], violation: false, over: false };
    const result = this.#evaluate(compiled, programOf(compiled.expression) as Program, budget);
    if ('value' in result) return result.value === true ? { causes: [], violation: false, over: false } : this.#violation(compiled, budget);
    return { causes: [this.#failed(compiled.rule, result)], violation: false, over: 'exceeded' in result };
  }

  #evaluate({ rule }: CompiledRule, program: Program, shared: SharedBudget): Result {
    try {
      return { value: shared.run(perCallBudget, (budget) => program.evaluate(this.#values(rule), budget)) };
    } catch (error) {
      if (error instanceof CelError) return { failure: error.message };
      if (error instanceof BudgetExceeded) return { exceeded: shared.remaining < 0 ? 'object' : 'call' };
      throw error;
    }
  }

  #values(rule: ValidationRule): ReadonlyMap<string, CelValue> {
    const { value, old, type } = this.#subject;
    const values = new Map([['self', fromJson(value, type)]]);
    const before = old === undefined || old === null ? undefined : fromJson(old, type);
    if (rule.optionalOldSelf === true) values.set('oldSelf', before === undefined ? none : new OptionalValue(before));
    else if (before !== undefined) values.set('oldSelf', before);
    return values;
  }

  #failed(rule: ValidationRule, result: Exclude<Result, { value: CelValue }>): StatusCause {
    if ('exceeded' in result) {
      if (result.exceeded === 'object') return this.outOfBudget();
      return this.#about(
        `'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: ${ruleName(rule)}`,
      );
    }
    if (result.failure.startsWith('no such overload')) {
      return this.#about(
        `'${result.failure}': call arguments did not match a supported operator, function or macro signature for rule: ${ruleName(rule)}`,
      );
    }
    return this.#about(`${result.failure} evaluating rule: ${ruleName(rule)}`);
  }

  #violation(compiled: CompiledRule, budget: SharedBudget): Outcome {
    const { rule } = compiled;
    const at = this.#fieldOf(compiled);
    const program = programOf(compiled.message);
    const result = program && this.#evaluate(compiled, program, budget);
    if (result && 'exceeded' in result) {
      const why =
        result.exceeded === 'object'
          ? 'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run'
          : `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${JSON.stringify(rule.messageExpression)}`;
      return { causes: [invalid(at, this.#subject.kind, why)], violation: true, over: true };
    }
    const said = result && 'value' in result ? usableMessage(result.value) : undefined;
    return {
      causes: [this.#cause(at, rule, said ?? (rule.message ? rule.message.trim() : `failed rule: ${ruleName(rule)}`))],
      violation: true,
      over: false,
    };
  }

  #fieldOf({ fieldPath }: CompiledRule): string {
    if (fieldPath === undefined) return this.#field;
    return this.#subject.path === '' ? fieldPath : `${this.#subject.path}.${fieldPath}`;
  }

  #cause(at: string, rule: ValidationRule, detail: string): StatusCause {
    const { value, kind } = this.#subject;
    const shown = kind === 'object' || kind === 'array' ? undefined : value;
    switch (rule.reason) {
      case 'FieldValueForbidden':
        return forbidden(at, detail);
      case 'FieldValueRequired':
        return required(at, detail);
      case 'FieldValueDuplicate':
        return duplicate(at, shown);
      default:
        return invalid(at, shown, detail);
    }
  }
}

/** A message of one line that is neither empty nor too long; otherwise what the rule says stands. */
function usableMessage(value: CelValue): string | undefined {
  const text = typeof value === 'string' ? value.trim() : '';
  return text === '' || text.length > maxMessageSize || text.includes('\n') ? undefined : text;
}

const ruleName = (rule: ValidationRule): string => (rule.message || rule.rule).trim();
