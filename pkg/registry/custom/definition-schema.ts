/**
 * The one place where the schema of a CustomResourceDefinition is checked: that it is structural, that the server can do
 * with it what it says, and that its rules make sense. `loadRulesOf` the definition comes before.
 */
import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { forbiddenField, invalidField } from '../../runtime/field-errors.ts';
import { structuralFaults } from '../../runtime/structural-schema.ts';
import { isObject } from '../raw.ts';
import { ruleFaults } from './custom-rules.ts';

/** Keywords that a schema may have at its root where the status is written apart; by Kubernetes' names for them. */
const atRoot: Readonly<Record<string, string>> = {
  description: 'Description',
  type: 'Type',
  format: 'Format',
  title: 'Title',
  maximum: 'Maximum',
  exclusiveMaximum: 'ExclusiveMaximum',
  minimum: 'Minimum',
  exclusiveMinimum: 'ExclusiveMinimum',
  maxLength: 'MaxLength',
  minLength: 'MinLength',
  pattern: 'Pattern',
  maxItems: 'MaxItems',
  minItems: 'MinItems',
  uniqueItems: 'UniqueItems',
  multipleOf: 'MultipleOf',
  required: 'Required',
  items: 'Items',
  properties: 'Properties',
  externalDocs: 'ExternalDocs',
  example: 'Example',
  'x-kubernetes-preserve-unknown-fields': 'XPreserveUnknownFields',
  'x-kubernetes-validations': 'XValidations',
};

/** `path`: where the schema stands; `statusApart`: the version has a status subresource. */
export function schemaFaults(schema: JSONSchemaProps, path: string, statusApart: boolean): StatusCause[] {
  const causes: StatusCause[] = [];
  if (statusApart) {
    const other = Object.keys(schema).find((keyword) => !Object.hasOwn(atRoot, keyword));
    if (other !== undefined) {
      const why = `only [${Object.values(atRoot).join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`;
      causes.push(invalidField(path, schema, why));
    }
  }
  if (schema.nullable === true) causes.push(forbiddenField(`${path}.nullable`, 'nullable cannot be true at the root'));
  causes.push(...structuralFaults(schema, path));
  // Rules are typed by the structure.
  if (causes.length === 0) causes.push(...ruleFaults(schema, path));
  return causes;
}

/** The schema of the field along the path; undefined: there is none. */
export function propertyAt(schema: JSONSchemaProps, names: readonly string[]): JSONSchemaProps | undefined {
  let at: JSONSchemaProps | undefined = schema;
  for (const [i, name] of names.entries()) {
    if (i === 0 && name === 'metadata') return { type: 'string' };
    const inner: unknown = at?.properties?.[name] ?? at?.additionalProperties;
    at = isObject(inner) ? (inner as JSONSchemaProps) : undefined;
  }
  return at;
}
