/**
 * Parts of a CustomResourceDefinition as Kubernetes' messages quote them: its internal structs, every field with its
 * value, set or not.
 */
import type { CustomResourceDefinitionVersion, JSONSchemaProps, ValidationRule } from '../../api/generated/apiextensions-v1.ts';
import { goRule } from '../../cel/rules/go-rule.ts';
import { isObject, type Raw } from '../raw.ts';

/** Name in the struct, keyword, and what stands there when it is not set. In the order of the struct. */
const schemaFields: readonly (readonly [name: string, keyword: string, zero: unknown])[] = [
  ['ID', 'id', ''],
  ['Schema', '$schema', ''],
  ['Ref', '$ref', null],
  ['Description', 'description', ''],
  ['Type', 'type', ''],
  ['Nullable', 'nullable', false],
  ['Format', 'format', ''],
  ['Title', 'title', ''],
  ['Default', 'default', null],
  ['Maximum', 'maximum', null],
  ['ExclusiveMaximum', 'exclusiveMaximum', false],
  ['Minimum', 'minimum', null],
  ['ExclusiveMinimum', 'exclusiveMinimum', false],
  ['MaxLength', 'maxLength', null],
  ['MinLength', 'minLength', null],
  ['Pattern', 'pattern', ''],
  ['MaxItems', 'maxItems', null],
  ['MinItems', 'minItems', null],
  ['UniqueItems', 'uniqueItems', false],
  ['MultipleOf', 'multipleOf', null],
  ['Enum', 'enum', null],
  ['MaxProperties', 'maxProperties', null],
  ['MinProperties', 'minProperties', null],
  ['Required', 'required', null],
  ['Items', 'items', null],
  ['AllOf', 'allOf', null],
  ['OneOf', 'oneOf', null],
  ['AnyOf', 'anyOf', null],
  ['Not', 'not', null],
  ['Properties', 'properties', null],
  ['AdditionalProperties', 'additionalProperties', null],
  ['PatternProperties', 'patternProperties', null],
  ['Dependencies', 'dependencies', null],
  ['AdditionalItems', 'additionalItems', null],
  ['Definitions', 'definitions', null],
  ['ExternalDocs', 'externalDocs', null],
  ['Example', 'example', null],
  ['XPreserveUnknownFields', 'x-kubernetes-preserve-unknown-fields', null],
  ['XEmbeddedResource', 'x-kubernetes-embedded-resource', false],
  ['XIntOrString', 'x-kubernetes-int-or-string', false],
  ['XListMapKeys', 'x-kubernetes-list-map-keys', null],
  ['XListType', 'x-kubernetes-list-type', null],
  ['XMapType', 'x-kubernetes-map-type', null],
  ['XValidations', 'x-kubernetes-validations', null],
];

/** The fields of the struct that are set, in its order. */
export function setFields(schema: JSONSchemaProps): string[] {
  const given = schema as Raw;
  return schemaFields.flatMap(([name, keyword, zero]) => (given[keyword] === undefined || given[keyword] === zero ? [] : [name]));
}

export function internalSchema(schema: JSONSchemaProps): Raw {
  const given = schema as Raw;
  return Object.fromEntries(schemaFields.map(([name, keyword, zero]) => [name, internalValue(keyword, given[keyword]) ?? zero]));
}

function internalValue(keyword: string, value: unknown): unknown {
  if (value === undefined) return undefined;
  switch (keyword) {
    case 'items':
      return Array.isArray(value)
        ? { Schema: null, JSONSchemas: value.map(internalSchema) }
        : { Schema: internalSchema(value as JSONSchemaProps), JSONSchemas: null };
    case 'additionalProperties':
    case 'additionalItems':
      return isObject(value) ? { Allows: true, Schema: internalSchema(value as JSONSchemaProps) } : { Allows: value, Schema: null };
    case 'allOf':
    case 'anyOf':
    case 'oneOf':
      return (value as JSONSchemaProps[]).map(internalSchema);
    case 'not':
      return internalSchema(value as JSONSchemaProps);
    case 'properties':
    case 'patternProperties':
    case 'definitions': {
      const entries = Object.entries(value as Record<string, JSONSchemaProps>).sort(([a], [b]) => (a < b ? -1 : 1));
      return Object.fromEntries(entries.map(([name, inner]) => [name, internalSchema(inner)]));
    }
    case 'externalDocs': {
      const { description = '', url = '' } = value as { description?: string; url?: string };
      return { Description: description, URL: url };
    }
    case 'x-kubernetes-validations':
      return (value as ValidationRule[]).map(goRule);
    default:
      return value;
  }
}

/** `own`: whether a version says that for itself; what all versions say alike stands above them. */
export function internalVersion(
  version: CustomResourceDefinitionVersion,
  own: (field: keyof CustomResourceDefinitionVersion) => boolean,
): Raw {
  const { schema, subresources, additionalPrinterColumns = [], selectableFields = [] } = version;
  const shown = <T>(field: keyof CustomResourceDefinitionVersion, value: T | undefined): T | null =>
    own(field) && value !== undefined ? value : null;
  const { scale } = subresources ?? {};
  return {
    Name: version.name ?? '',
    Served: version.served ?? false,
    Storage: version.storage ?? false,
    Deprecated: version.deprecated ?? false,
    DeprecationWarning: version.deprecationWarning ?? null,
    Schema: shown('schema', schema && { OpenAPIV3Schema: schema.openAPIV3Schema ? internalSchema(schema.openAPIV3Schema) : null }),
    Subresources: shown(
      'subresources',
      subresources && {
        Status: subresources.status ?? null,
        Scale: scale
          ? {
              SpecReplicasPath: scale.specReplicasPath,
              StatusReplicasPath: scale.statusReplicasPath,
              LabelSelectorPath: scale.labelSelectorPath ?? null,
            }
          : null,
      },
    ),
    AdditionalPrinterColumns: shown(
      'additionalPrinterColumns',
      additionalPrinterColumns.length === 0
        ? undefined
        : additionalPrinterColumns.map(({ name, type, format = '', description = '', priority = 0, jsonPath }) => ({
            Name: name,
            Type: type,
            Format: format,
            Description: description,
            Priority: priority,
            JSONPath: jsonPath,
          })),
    ),
    SelectableFields: shown(
      'selectableFields',
      selectableFields.length === 0 ? undefined : selectableFields.map(({ jsonPath }) => ({ JSONPath: jsonPath })),
    ),
  };
}
