/**
 * The defaults of a custom resource, as its structural schema states them: for what is absent, and for a null that is no
 * value. They are filled in where the object around is there, within defaults too.
 */
import type { JSONSchemaProps } from '../api/generated/apiextensions-v1.ts';
import { copyValue, isObject, setKey } from './values.ts';

/** In place. */
export function defaultCustom(value: unknown, schema: JSONSchemaProps | undefined): void {
  if (!schema || !hasDefaults(schema)) return;
  const items = isObject(schema.items) ? (schema.items as JSONSchemaProps) : undefined;
  if (Array.isArray(value)) {
    if (!items) return;
    for (const [i, item] of value.entries()) {
      if (isUnset(item, items)) value[i] = defaultOf(items);
      defaultCustom(value[i], items);
    }
    return;
  }
  if (!isObject(value)) return;
  const { properties = {}, additionalProperties } = schema;
  for (const [name, property] of Object.entries(properties)) {
    if (property.default === undefined) continue;
    if (!Object.hasOwn(value, name) || isUnset(value[name], property)) setKey(value, name, copyValue(property.default));
  }
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(properties, key)) defaultCustom(value[key], properties[key]);
    else if (isObject(additionalProperties)) {
      const inner = additionalProperties as JSONSchemaProps;
      if (isUnset(value[key], inner)) setKey(value, key, defaultOf(inner));
      defaultCustom(value[key], inner);
    }
  }
}

const isUnset = (value: unknown, { nullable }: JSONSchemaProps): boolean => value === null && nullable !== true;
const defaultOf = (schema: JSONSchemaProps): unknown => (schema.default === undefined ? null : copyValue(schema.default));

const known = new WeakMap<JSONSchemaProps, boolean>();

/** Most schemas have few defaults: what has none is not looked into. */
function hasDefaults(schema: JSONSchemaProps): boolean {
  let has = known.get(schema);
  if (has === undefined) {
    const inner = [schema.items, schema.additionalProperties, ...Object.values(schema.properties ?? {})];
    has = inner.some((one) => {
      if (!isObject(one)) return false;
      const below = one as JSONSchemaProps;
      return below.default !== undefined || hasDefaults(below);
    });
    known.set(schema, has);
  }
  return has;
}
