/**
 * The one place where the schema of a CustomResourceDefinition is checked: that it is structural, that its defaults fit,
 * that each keyword makes sense where it stands, and that its rules do. `loadRulesOf` the definition comes before.
 */
import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { forbiddenField, invalidField } from '../../runtime/field-errors.ts';
import { noStructure, structuralFaults } from '../../runtime/structural-schema.ts';
import { isObject } from '../raw.ts';
import { patternFault, ruleFaults, writtenFaults } from './custom-rules.ts';
import { internalSchema, setFields } from './internal-form.ts';
import { defaultFaults } from './schema-defaults.ts';
import { checkKeywords } from './schema-keywords.ts';

/** Fields of the internal form that a schema may have at its root where the status is written apart. */
const atRoot = (
  'Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems ' +
  'UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations'
).split(' ');

/** `path`: where the schema stands; `statusApart`: the version has a status subresource. */
export function schemaFaults(schema: JSONSchemaProps, path: string, statusApart: boolean): StatusCause[] {
  const causes: StatusCause[] = [];
  if (statusApart) causes.push(...rootFaults(schema, path));
  if (schema.nullable === true) causes.push(forbiddenField(`${path}.nullable`, 'nullable cannot be true at the root'));
  const shapeless = noStructure(schema);
  // Each is asked once those before it have nothing to say: defaults need a structure, rules need types.
  const structure = shapeless === undefined ? structuralFaults(schema, path, patternFault) : [];
  const defaults = shapeless === undefined && structure.length === 0 ? defaultFaults(schema, path) : [];
  const keywords = checkKeywords(schema, path, { ruleFaults: writtenFaults });
  causes.push(...structure, ...defaults, ...keywords.faults);
  if (shapeless === undefined && structure.length + defaults.length === 0) causes.push(...ruleFaults(schema, path, keywords.unsound));
  if (causes.length === 0 && shapeless !== undefined) causes.push(invalidField(path, '', shapeless));
  return causes;
}

function rootFaults(schema: JSONSchemaProps, path: string): StatusCause[] {
  for (const field of setFields(schema)) {
    if (field === 'Type' && schema.type !== 'object') {
      const why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
      return [invalidField(`${path}.type`, schema.type, why)];
    }
    if (!atRoot.includes(field)) {
      const why = `only [${atRoot.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`;
      return [invalidField(path, internalSchema(schema), why)];
    }
  }
  return [];
}

/** The field that a plain path leads to, `.spec.colour`, or why it leads to none. */
export function fieldAlong(path: string, schema: JSONSchemaProps): { names: readonly string[]; field: unknown } | { fault: string } {
  const names: string[] = [];
  let at: unknown = schema;
  const tokens = path.match(/[.[\]]|[^.[\]]+/g) ?? [];
  for (let i = 0; i < tokens.length; i += 2) {
    const [token, name] = [tokens[i], tokens[i + 1]];
    if (token === '[') return { fault: 'array notation is not allowed' };
    if (token !== '.') return { fault: `expected [ or . but got: ${token}` };
    if (name === undefined) return { fault: 'unexpected end of JSON path' };
    const { properties = {}, additionalProperties } = (isObject(at) ? at : {}) as JSONSchemaProps;
    at = Object.keys(properties).length === 0 ? additionalProperties : Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (at === undefined) return { fault: 'does not refer to a valid field' };
    names.push(name);
  }
  return { names, field: at };
}
