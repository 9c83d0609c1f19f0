/**
 * Checks values against the OpenAPI schema of a custom resource, in the words in which Kubernetes refuses them.
 * Rules in CEL (`x-kubernetes-validations`) are another matter, and not looked at here.
 */
import type { JSONSchemaProps } from '../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../api/generated/meta-v1.ts';
import {
  duplicateField,
  invalidField,
  mistypedField,
  requiredField,
  tooLongField,
  tooManyField,
  unsupportedField,
} from './field-errors.ts';
import { hasFormat } from './formats.ts';
import { stringifyJson } from './json.ts';
import { compilePattern } from './pattern.ts';
import { equalValues, isObject, type JsonObject } from './values.ts';

export interface ValidationOptions {
  /** Where the value stands, `spec`; empty, the default, for the whole object. */
  readonly path?: string;
  /**
   * What stood there before. A value that has not changed since is not refused: rules that grow stricter do not hold up
   * those who change something else. https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-ratcheting
   */
  readonly old?: unknown;
}

/** All faults, outer before inner; none: an empty list. Whether lists hold things twice is `listFaults`' to say. */
export function validateValue(value: unknown, schema: JSONSchemaProps, { path = '', old }: ValidationOptions = {}): StatusCause[] {
  const faults: StatusCause[] = [];
  check(value, schema, { path, old }, faults);
  return faults;
}

/** What stands twice in lists that are sets, or maps by key. */
export function listFaults(value: unknown, schema: JSONSchemaProps, path = ''): StatusCause[] {
  const faults: StatusCause[] = [];
  checkLists(value, schema, path, faults);
  return faults;
}

/** The field's name in messages: the path, or what stands for the whole object. */
const named = (path: string): string => path || '<root>';
const below = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

interface Place {
  readonly path: string;
  readonly old: unknown;
}

function check(value: unknown, schema: JSONSchemaProps, { path, old }: Place, faults: StatusCause[]): void {
  const before = faults.length;
  checkChanged(value, schema, { path, old }, faults);
  if (faults.length > before && old !== undefined && equalValues(value, old)) faults.length = before;
}

function checkChanged(value: unknown, schema: JSONSchemaProps, { path, old }: Place, faults: StatusCause[]): void {
  if (value === null) {
    if (schema.nullable === true || (schema.type === undefined && schema['x-kubernetes-int-or-string'] !== true)) return;
    faults.push(mistyped('null', expectedOf(schema), path));
    return;
  }
  if (!typeFits(value, schema)) {
    faults.push(mistyped(typeName(value), expectedOf(schema), path));
    return;
  }
  if (schema.enum && !schema.enum.some((allowed) => equalValues(allowed, value))) {
    faults.push(unsupportedField(named(path), value, schema.enum));
  }
  if (typeof value === 'string') checkText(value, schema, path, faults);
  else if (typeof value === 'number' || typeof value === 'bigint') checkNumber(value, schema, path, faults);
  else if (Array.isArray(value)) checkList(value, schema, { path, old }, faults);
  else if (isObject(value)) checkObject(value, schema, { path, old }, faults);
  checkCombinations(value, schema, path, faults);
}

function expectedOf(schema: JSONSchemaProps): string {
  return schema['x-kubernetes-int-or-string'] === true ? 'integer,string' : (schema.type ?? '');
}

function mistyped(found: string, expected: string, path: string): StatusCause {
  return mistypedField(named(path), found, `${path} in body must be of type ${expected}: ${JSON.stringify(found)}`);
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'bigint':
      return 'integer';
    case 'number':
      return Number.isInteger(value) ? 'integer' : 'number';
    case 'object':
      return 'object';
    default:
      return typeof value;
  }
}

function typeFits(value: unknown, schema: JSONSchemaProps): boolean {
  const found = typeName(value);
  if (schema['x-kubernetes-int-or-string'] === true) return found === 'integer' || found === 'string';
  return schema.type === undefined || schema.type === '' || found === schema.type || (found === 'integer' && schema.type === 'number');
}

function checkText(value: string, schema: JSONSchemaProps, path: string, faults: StatusCause[]): void {
  const { maxLength, minLength, pattern, format } = schema;
  // Lengths count characters, not units of UTF-16.
  const length = maxLength !== undefined || minLength !== undefined ? [...value].length : 0;
  if (maxLength !== undefined && length > maxLength) faults.push(tooLongField(named(path), maxLength));
  if (minLength !== undefined && length < minLength) {
    faults.push(invalidField(named(path), value, `${path} in body should be at least ${minLength} chars long`));
  }
  if (pattern !== undefined && !compilePattern(pattern).test(value)) {
    faults.push(invalidField(named(path), value, `${path} in body should match '${pattern}'`));
  }
  if (format !== undefined && !hasFormat(value, format)) {
    faults.push(invalidField(named(path), value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`));
  }
}

function checkNumber(value: number | bigint, schema: JSONSchemaProps, path: string, faults: StatusCause[]): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, format } = schema;
  const refuse = (detail: string): void => {
    faults.push(invalidField(named(path), value, `${path} in body ${detail}`));
  };
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    refuse(`should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`);
  }
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    refuse(`should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`);
  }
  if (multipleOf !== undefined && multipleOf > 0 && !isMultiple(value, multipleOf)) refuse(`should be a multiple of ${multipleOf}`);
  if (format === 'int32' && (value < -(2 ** 31) || value > 2 ** 31 - 1)) refuse(`must be of type int32: ${JSON.stringify(String(value))}`);
  if (format === 'int64' && (typeName(value) !== 'integer' || BigInt.asIntN(64, BigInt(value)) !== BigInt(value))) {
    refuse(`must be of type int64: ${JSON.stringify(String(value))}`);
  }
}

function isMultiple(value: number | bigint, of: number): boolean {
  if (typeof value === 'bigint') return Number.isInteger(of) && value % BigInt(of) === 0n;
  const times = value / of;
  return Math.abs(times - Math.round(times)) < 1e-9;
}

function checkList(value: readonly unknown[], schema: JSONSchemaProps, { path, old }: Place, faults: StatusCause[]): void {
  const { maxItems, minItems, items, uniqueItems } = schema;
  if (maxItems !== undefined && value.length > maxItems) {
    faults.push(tooManyField(named(path), value.length, maxItems));
    return;
  }
  if (minItems !== undefined && value.length < minItems) {
    faults.push(invalidField(named(path), value.length, `${path} in body should have at least ${minItems} items`));
  }
  if (uniqueItems === true && new Set(value.map(stringifyJson)).size < value.length) {
    faults.push(invalidField(named(path), value, `${path} in body shouldn't contain duplicates`));
  }
  if (!isObject(items)) return;
  const before = oldItems(schema, old);
  for (const [index, item] of value.entries()) {
    check(item, items as JSONSchemaProps, { path: `${path}[${index}]`, old: before(item) }, faults);
  }
}

/** Only the elements of a map can be found again; those of other lists have no identity. */
function oldItems(schema: JSONSchemaProps, old: unknown): (item: unknown) => unknown {
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return () => undefined;
  const byKey = new Map(old.map((item: unknown) => [identityOf(item, schema), item]));
  return (item) => byKey.get(identityOf(item, schema));
}

/** What tells an element of a set or a map from the others, as text; undefined: it has none. */
function identityOf(item: unknown, schema: JSONSchemaProps): string | undefined {
  if (schema['x-kubernetes-list-type'] === 'set') return stringifyJson(item);
  return isObject(item) ? stringifyJson(keysOf(item, schema)) : undefined;
}

function keysOf(item: JsonObject, schema: JSONSchemaProps): JsonObject {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return Object.fromEntries(keys.filter((key) => Object.hasOwn(item, key)).map((key) => [key, item[key]]));
}

function checkLists(value: unknown, schema: JSONSchemaProps, path: string, faults: StatusCause[]): void {
  if (Array.isArray(value)) {
    const kind = schema['x-kubernetes-list-type'];
    if (kind === 'set' || kind === 'map') {
      const seen = new Set<string>();
      for (const [index, item] of value.entries()) {
        const identity = identityOf(item, schema);
        if (identity === undefined) continue;
        if (seen.has(identity)) {
          faults.push(duplicateField(`${path}[${index}]`, kind === 'set' ? item : keysOf(item as JsonObject, schema)));
        }
        seen.add(identity);
      }
    }
    const { items } = schema;
    if (isObject(items))
      for (const [index, item] of value.entries()) checkLists(item, items as JSONSchemaProps, `${path}[${index}]`, faults);
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      const inner = schemaOfKey(schema, key);
      if (inner) checkLists(value[key], inner, below(path, key), faults);
    }
  }
}

function schemaOfKey({ properties = {}, additionalProperties }: JSONSchemaProps, key: string): JSONSchemaProps | undefined {
  if (Object.hasOwn(properties, key)) return properties[key];
  return isObject(additionalProperties) ? (additionalProperties as JSONSchemaProps) : undefined;
}

function checkObject(value: JsonObject, schema: JSONSchemaProps, { path, old }: Place, faults: StatusCause[]): void {
  const { required = [], additionalProperties, maxProperties, minProperties } = schema;
  if (maxProperties !== undefined || minProperties !== undefined) {
    const count = Object.keys(value).length;
    if (maxProperties !== undefined && count > maxProperties) faults.push(tooManyField(named(path), count, maxProperties));
    if (minProperties !== undefined && count < minProperties) {
      faults.push(invalidField(named(path), count, `${path} in body should have at least ${minProperties} properties`));
    }
  }
  for (const key of required) if (!Object.hasOwn(value, key)) faults.push(requiredField(below(path, key)));
  for (const key of Object.keys(value)) {
    const inner = schemaOfKey(schema, key);
    const before = isObject(old) && Object.hasOwn(old, key) ? old[key] : undefined;
    if (inner) check(value[key], inner, { path: below(path, key), old: before }, faults);
    else if (additionalProperties === false && schema.properties === undefined) {
      faults.push(invalidField(named(path), '', `${path}.${key} in body is a forbidden property`));
    }
  }
}

/** allOf, anyOf, oneOf and not: of structural schemas, conditions beside the structure. */
function checkCombinations(value: unknown, schema: JSONSchemaProps, path: string, faults: StatusCause[]): void {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  const holds = (one: JSONSchemaProps): boolean => validateValue(value, one, { path }).length === 0;
  const refuse = (what: string): void => {
    faults.push(invalidField(named(path), summary(value), `${JSON.stringify(path)} must ${what}`));
  };
  if (anyOf.length > 0 && !anyOf.some(holds)) refuse('validate at least one schema (anyOf)');
  if (oneOf.length > 0) {
    const count = oneOf.filter(holds).length;
    if (count !== 1)
      refuse(`validate one and only one schema (oneOf). ${count === 0 ? 'Found none valid' : `Found ${count} valid alternatives`}`);
  }
  const before = faults.length;
  for (const one of allOf) check(value, one, { path, old: undefined }, faults);
  if (faults.length > before) refuse('validate all the schemas (allOf)');
  if (not && holds(not)) refuse('not validate the schema (not)');
}

/** Values may be large; a fault of the whole shows scalars alone. */
function summary(value: unknown): unknown {
  return typeof value === 'object' ? '' : value;
}
