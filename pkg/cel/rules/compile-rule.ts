/** One rule of a schema: its expression, its message's expression, and what they are allowed to see. */
import type { JSONSchemaProps, ValidationRule } from '../../api/generated/apiextensions-v1.ts';
import { type Compiled, compile, type Program } from '../compile.ts';
import type { Environment } from '../environment.ts';
import { kubernetesEnvironment } from '../library/kubernetes.ts';
import { optionalOf, scalars } from '../types/cel-type.ts';
import type { SchemaType } from '../types/schema-type.ts';
import { resolveFieldPath } from './field-path.ts';

export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly expression: Compiled;
  /** Undefined: there is none, or the rule itself did not compile. */
  readonly message?: Compiled;
  /** Whether it compares with the old value; then it runs on updates only, unless `optionalOldSelf` is set. */
  readonly usesOldSelf: boolean;
  /** Relative to the value. */
  readonly fieldPath?: string;
}

/** The two environments of a place in a schema: `oldSelf` is a value, or an optional. */
export function ruleEnvironments(type: SchemaType): { readonly plain: Environment; readonly optional: Environment } {
  const self = { name: 'self', type: type.type, schema: type };
  return {
    plain: kubernetesEnvironment.with([self, { name: 'oldSelf', type: type.type, schema: type }]),
    optional: kubernetesEnvironment.with([self, { name: 'oldSelf', type: optionalOf(type.type), schema: type }]),
  };
}

/** Undefined: the rule is empty. */
export function compileRule(
  rule: ValidationRule,
  schema: JSONSchemaProps,
  environments: ReturnType<typeof ruleEnvironments>,
): CompiledRule | undefined {
  if (rule.rule.trim() === '') return undefined;
  const environment = rule.optionalOldSelf === true ? environments.optional : environments.plain;
  const expression = compile(rule.rule, environment, { type: scalars.bool, otherwise: 'cel expression must evaluate to a bool' });
  const message =
    rule.messageExpression && programOf(expression)
      ? compile(rule.messageExpression, environment, {
          type: scalars.string,
          otherwise: 'messageExpression must evaluate to a string',
          name: 'messageExpression',
        })
      : undefined;
  const fieldPath = rule.fieldPath ? resolveFieldPath(rule.fieldPath, schema) : undefined;
  return {
    rule,
    expression,
    usesOldSelf: programOf(expression)?.uses('oldSelf') ?? false,
    ...(message ? { message } : {}),
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}

export const programOf = (compiled: Compiled | undefined): Program | undefined =>
  compiled && 'program' in compiled ? compiled.program : undefined;
export const faultOf = (compiled: Compiled | undefined): string | undefined =>
  compiled && 'fault' in compiled ? compiled.fault : undefined;
