/** Lists that are sets, or maps by some of their elements' fields: what tells an element from the others. */
import type { JSONSchemaProps } from '../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../api/generated/meta-v1.ts';
import { duplicateField, invalidField } from './field-errors.ts';
import { sortedJson } from './sorted-json.ts';
import { isObject, type JsonObject } from './values.ts';

/** What stands twice; each value is told once. */
export function listFaults(value: unknown, schema: JSONSchemaProps, path = ''): StatusCause[] {
  const faults: StatusCause[] = [];
  checkLists(value, schema, path, faults);
  return faults;
}

/** Finds the element of an old list that a new one answers to: only those of maps have a name. */
export function elementFinder(schema: JSONSchemaProps, old: unknown): (item: unknown) => unknown {
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return () => undefined;
  const byKey = new Map(old.map((item: unknown) => [identityOf(item, schema), item]));
  return (item) => byKey.get(identityOf(item, schema));
}

/** As text. */
function identityOf(item: unknown, schema: JSONSchemaProps): string {
  return sortedJson(schema['x-kubernetes-list-type'] === 'set' ? item : keysOf(item, schema));
}

function keysOf(item: unknown, schema: JSONSchemaProps): JsonObject {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return isObject(item) ? Object.fromEntries(keys.filter((key) => Object.hasOwn(item, key)).map((key) => [key, item[key]])) : {};
}

function checkLists(value: unknown, schema: JSONSchemaProps, path: string, faults: StatusCause[]): void {
  const { items, properties = {}, additionalProperties } = schema;
  if (Array.isArray(value)) {
    checkElements(value, schema, path, faults);
    if (!isObject(items)) return;
    for (const [index, item] of value.entries()) checkLists(item, items as JSONSchemaProps, `${path}[${index}]`, faults);
    return;
  }
  if (!isObject(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if (isObject(additionalProperties)) checkLists(inner, additionalProperties as JSONSchemaProps, `${path}[${key}]`, faults);
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property) checkLists(inner, property, path === '' ? key : `${path}.${key}`, faults);
  }
}

function checkElements(value: readonly unknown[], schema: JSONSchemaProps, path: string, faults: StatusCause[]): void {
  const kind = schema['x-kubernetes-list-type'];
  if (kind !== 'set' && kind !== 'map') return;
  const stranger = kind === 'map' ? value.findIndex((item) => item !== null && !isObject(item)) : -1;
  if (stranger >= 0) {
    const why = 'must be an object for an array of list-type map';
    faults.push(invalidField(`${path}[${stranger}]`, value[stranger], why));
    return;
  }
  const times = new Map<string, number>();
  for (const [index, item] of value.entries()) {
    const identity = identityOf(item, schema);
    const before = times.get(identity) ?? 0;
    times.set(identity, before + 1);
    if (before === 1) faults.push(duplicateField(`${path}[${index}]`, kind === 'set' ? item : keysOf(item, schema)));
  }
}
