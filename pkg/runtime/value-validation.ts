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

/** All faults, outer before inner; none: an empty list. `path`: where the value stands, `spec`; empty for the whole object. */
export function validateValue(value: unknown, schema: JSONSchemaProps, path = ''): StatusCause[] {
  const faults: StatusCause[] = [];
  check(value, schema, path, faults);
  return faults;
}

/** The field's name in messages: the path, or what stands for the whole object. */
const named = (path: string): string => path || '<root>';

function check(value: unknown, schema: JSONSchemaProps, path: string, faults: StatusCause[]): void {
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
  else if (Array.isArray(value)) checkList(value, schema, path, faults);
  else if (isObject(value)) checkObject(value, schema, path, faults);
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

function checkList(value: readonly unknown[], schema: JSONSchemaProps, path: string, faults: StatusCause[]): void {
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
  checkIdentities(value, schema, path, faults);
  if (isObject(items)) for (const [index, item] of value.entries()) check(item, items as JSONSchemaProps, `${path}[${index}]`, faults);
}

/** Elements of a set, and the keys of a map's, stand once. */
function checkIdentities(value: readonly unknown[], schema: JSONSchemaProps, path: string, faults: StatusCause[]): void {
  const kind = schema['x-kubernetes-list-type'];
  if (kind !== 'set' && kind !== 'map') return;
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    let identity = item;
    if (kind === 'map') {
      if (!isObject(item)) continue;
      identity = Object.fromEntries((schema['x-kubernetes-list-map-keys'] ?? []).map((key) => [key, item[key]]));
    }
    const text = stringifyJson(identity);
    if (seen.has(text)) faults.push(duplicateField(`${path}[${index}]`, identity));
    seen.add(text);
  }
}

function checkObject(value: JsonObject, schema: JSONSchemaProps, path: string, faults: StatusCause[]): void {
  const { properties = {}, required = [], additionalProperties, maxProperties, minProperties } = schema;
  const under = (key: string): string => (path === '' ? key : `${path}.${key}`);
  if (maxProperties !== undefined || minProperties !== undefined) {
    const count = Object.keys(value).length;
    if (maxProperties !== undefined && count > maxProperties) faults.push(tooManyField(named(path), count, maxProperties));
    if (minProperties !== undefined && count < minProperties) {
      faults.push(invalidField(named(path), count, `${path} in body should have at least ${minProperties} properties`));
    }
  }
  for (const key of required) if (!Object.hasOwn(value, key)) faults.push(requiredField(under(key)));
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(properties, key)) check(value[key], properties[key] as JSONSchemaProps, under(key), faults);
    else if (isObject(additionalProperties)) check(value[key], additionalProperties as JSONSchemaProps, under(key), faults);
    else if (additionalProperties === false && schema.properties === undefined) {
      faults.push(invalidField(named(path), '', `${path}.${key} in body is a forbidden property`));
    }
  }
}

/** allOf, anyOf, oneOf and not: of structural schemas, conditions beside the structure. */
function checkCombinations(value: unknown, schema: JSONSchemaProps, path: string, faults: StatusCause[]): void {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  const holds = (one: JSONSchemaProps): boolean => validateValue(value, one, path).length === 0;
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
  for (const one of allOf) check(value, one, path, faults);
  if (faults.length > before) refuse('validate all the schemas (allOf)');
  if (not && holds(not)) refuse('not validate the schema (not)');
}

/** Values may be large; a fault of the whole shows scalars alone. */
function summary(value: unknown): unknown {
  return typeof value === 'object' ? '' : value;
}
