/**
 * Rules in CEL (`x-kubernetes-validations`), of custom resources and of the schemas themselves, and regular expressions
 * (`pattern`). What compiles and runs both is loaded when the first schema with some turns up: `loadRules` (of an
 * object's schema) or `loadRulesOf` (of a definition) comes before all else.
 */
import { InvariantError } from '../../api/errors.ts';
import type { CustomResourceDefinition, JSONSchemaProps, ValidationRule } from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import type { SchemaRules } from '../../cel/cel.ts';
import { loadPatterns } from '../../runtime/pattern.ts';
import { isObject, type Raw } from '../raw.ts';
import { schemaHas } from './schema-walk.ts';

type Cel = typeof import('../../cel/cel.ts');

let loaded: Cel | undefined;

/** Undefined: nothing to wait for. */
export function loadRules(...schemas: readonly (JSONSchemaProps | undefined)[]): Promise<void> | undefined {
  return loaded || !schemas.some((schema) => schema && schemaHas(schema, needsLoading)) ? undefined : load();
}

export function loadRulesOf({ spec }: CustomResourceDefinition): Promise<void> | undefined {
  const schemas = (spec.versions ?? []).flatMap(({ schema }) => schema?.openAPIV3Schema ?? []);
  return loaded || !schemas.some((schema) => schemaHas(schema, needsLoading)) ? undefined : load();
}

const needsLoading = ({ pattern, 'x-kubernetes-validations': rules = [] }: JSONSchemaProps): boolean => !!pattern || rules.length > 0;

async function load(): Promise<void> {
  await loadPatterns();
  loaded = await import('../../cel/cel.ts');
}

function cel(): Cel {
  if (!loaded) throw new InvariantError('rules are looked at before they were loaded');
  return loaded;
}

const withRules = new WeakMap<JSONSchemaProps, boolean>();

function hasRules(schema: JSONSchemaProps): boolean {
  let known = withRules.get(schema);
  if (known === undefined) {
    const inner = [schema.items, schema.additionalProperties, ...Object.values(schema.properties ?? {})];
    known = (schema['x-kubernetes-validations'] ?? []).length > 0 || inner.some((one) => isObject(one) && hasRules(one as JSONSchemaProps));
    withRules.set(schema, known);
  }
  return known;
}

/** What is wrong with the rules of a structural schema. `unsound`: where something else is wrong. */
export function ruleFaults(schema: JSONSchemaProps, path: string, unsound: ReadonlySet<JSONSchemaProps>): StatusCause[] {
  return hasRules(schema) ? cel().ruleFaults(schema, path, { unsound }) : [];
}

/** What is wrong with how a rule is written. */
export function writtenFaults(rule: ValidationRule, schema: JSONSchemaProps, path: string): StatusCause[] {
  return cel().writtenFaults(rule, schema, path);
}

export const patternFault = (pattern: string): string | undefined => cel().patternFault(pattern);

/** What a default violates, as a value that was there before and as one that was not. */
export function defaultViolations(schema: JSONSchemaProps, value: unknown, path: string): StatusCause[] {
  if (!hasRules(schema)) return [];
  const rules = cel().compileRules(schema, { path, resource: schema['x-kubernetes-embedded-resource'] === true });
  const violations = rules?.validate(value, value) ?? [];
  return violations.length > 0 ? violations : (rules?.validate(value) ?? []);
}

const compiled = new WeakMap<JSONSchemaProps, SchemaRules>();
const warnings = new WeakMap<Raw, readonly string[]>();

/** Faults after which rules would speak of values that are not what they seem. */
const blocking = ['FieldValueNotSupported', 'FieldValueRequired', 'FieldValueTooLong', 'FieldValueTooMany', 'FieldValueTypeInvalid'];

/** `before`: what validation by schema has found. */
export function ruleViolations(
  schema: JSONSchemaProps,
  object: Raw,
  { old, before }: { readonly old: Raw | undefined; readonly before: readonly StatusCause[] },
): StatusCause[] {
  if (!hasRules(schema)) return [];
  if (before.some(({ reason = '' }) => blocking.includes(reason))) return [cel().rulesNotChecked];
  let rules = compiled.get(schema);
  if (!rules) {
    rules = cel().compileRules(schema);
    if (!rules) return [];
    compiled.set(schema, rules);
  }
  const tolerated: string[] = [];
  const causes = rules.validate(object, old, ({ field, message }) => tolerated.push(`${field}: ${message}`));
  warnings.set(object, tolerated);
  return causes;
}

/** Of rules that an object violates where it has not changed. */
export const ruleWarnings = (object: Raw): string[] => [...(warnings.get(object) ?? [])];
