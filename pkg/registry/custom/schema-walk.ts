import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import { isObject } from '../raw.ts';

/** Whether the test holds for the schema or any within it. */
export function schemaHas(schema: JSONSchemaProps, test: (schema: JSONSchemaProps) => boolean): boolean {
  return schemasOf(schema).some(test);
}

/** The schema and all within it, those of keywords that only narrow included, in the order in which Kubernetes meets them. */
export function schemasOf(schema: JSONSchemaProps): JSONSchemaProps[] {
  const { items, allOf = [], anyOf = [], oneOf = [], not, properties = {}, additionalProperties } = schema;
  const { patternProperties = {}, additionalItems, definitions = {}, dependencies = {} } = schema;
  const inner: readonly unknown[] = [
    ...(Array.isArray(items) ? items : [items]),
    ...allOf,
    ...anyOf,
    ...oneOf,
    not,
    ...Object.values(properties),
    additionalProperties,
    ...Object.values(patternProperties),
    additionalItems,
    ...Object.values(definitions),
    ...Object.values(dependencies),
  ];
  return [schema, ...inner.flatMap((one) => (isObject(one) ? schemasOf(one as JSONSchemaProps) : []))];
}
