/**
 * Whether an apply configuration is of its type: stricter than decoding, since what it names will be owned. Every field
 * must be known, every value of its kind, and every element of a list one that can be told from the others.
 */
import { elementOf, keyOf, typeUnder } from './field-set.ts';
import { stringifyJson } from './json.ts';
import type { ScalarType, Schema } from './schema.ts';
import { goPrinted, isObject, type JsonObject } from './values.ts';

/** What is wrong with the configuration, as one text; undefined when all is well. */
export function typeFault(value: unknown, schema: Schema): string | undefined {
  const faults: string[] = [];
  check(value, schema, '', faults);
  if (faults.length <= 1) return faults[0];
  return `errors:\n  ${faults.join('\n  ')}`;
}

function check(value: unknown, schema: Schema | undefined, path: string, faults: string[]): void {
  if (schema === undefined || value === null || value === undefined) return;
  switch (schema.kind) {
    case 'any':
      return;
    case 'scalar': {
      const expected = expectedScalar(schema.type, value);
      if (expected !== undefined) faults.push(`${path}: expected ${expected}`);
      return;
    }
    case 'array':
      if (Array.isArray(value)) checkList(value, schema, path, faults);
      else faults.push(`${path}: expected list, got ${printed(value)}`);
      return;
    case 'object':
    case 'map':
      if (isObject(value)) checkMembers(value, schema, path, faults);
      else faults.push(`${path}: expected map, got ${printed(value)}`);
  }
}

function checkMembers(value: JsonObject, schema: Schema, path: string, faults: string[]): void {
  const closed = schema.kind === 'object' && !schema.preserveUnknown;
  for (const key in value) {
    const known = schema.kind === 'map' || schema.fields.has(key) || (schema.embedded && embedded.has(key));
    if (known || !closed) check(value[key], typeUnder(schema, key), `${path}.${key}`, faults);
    else faults.push(`${path}.${key}: field not declared in schema`);
  }
}

const embedded = new Set(['apiVersion', 'kind', 'metadata']);

function checkList(list: readonly unknown[], schema: Schema, path: string, faults: string[]): void {
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    if (schema.listType === 'atomic') {
      check(item, schema.items, `${path}[${index}]`, faults);
      continue;
    }
    const element = elementOf(item, schema);
    if (element === undefined || item === null || (schema.listType === 'set' && typeof item === 'object')) {
      faults.push(`${path}: element ${index}: ${unnamed(item, schema)}`);
      return;
    }
    const name = describe(item, schema);
    if (seen.has(element)) faults.push(`${path}: duplicate entries for key [${name}]`);
    seen.add(element);
    check(item, schema.items, `${path}[${name}]`, faults);
  }
}

/** Why an element of a set or map cannot be named. */
function unnamed(item: unknown, { listType, listKeys }: Schema): string {
  if (listType === 'set') {
    if (item === null) return "associative list without keys has an element that's an explicit null";
    return Array.isArray(item)
      ? 'not supported: associative list with lists as elements'
      : "associative list without keys has an element that's a map type";
  }
  if (item === null) return 'associative list with keys may not have a null element';
  if (!isObject(item)) return 'associative list with keys may not have non-map elements';
  const keys = listKeys.map((key) => JSON.stringify(key)).join(' ');
  return `associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`;
}

function describe(item: unknown, schema: Schema): string {
  if (!isObject(item)) return `=${stringifyJson(item)}`;
  return [...schema.listKeys]
    .sort()
    .flatMap((key) => {
      const value = keyOf(item, key, schema);
      return value === undefined ? [] : [`${key}=${stringifyJson(value)}`];
    })
    .join(',');
}

function expectedScalar(type: ScalarType, value: unknown): string | undefined {
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  switch (type) {
    case 'string':
    case 'byte':
      return typeof value === 'string' ? undefined : `string, got &value.valueUnstructured{Value:${goPrinted(value)}}`;
    case 'bool':
      return typeof value === 'boolean' ? undefined : `boolean, got ${printed(value)}`;
    case 'int32':
    case 'int64':
    case 'double':
      return isNumber ? undefined : `numeric (int or float), got ${goType(value)}`;
    default:
      return isNumber || typeof value === 'string' || typeof value === 'boolean' ? undefined : `any scalar, got ${printed(value)}`;
  }
}

/** As Go prints the value that its merge library holds. */
function printed(value: unknown): string {
  return `&{${goPrinted(value)}}`;
}

function goType(value: unknown): string {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}
