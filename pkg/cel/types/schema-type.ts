/**
 * Types from structural schemas: what an expression may ask of a value, and how large it can get. Parts without a type
 * (unknown fields, `x-kubernetes-preserve-unknown-fields` alone) cannot be named in expressions.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#type-checking
 */
import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import { type CelType, listOf, mapOf, scalars } from './cel-type.ts';
import { escapeProperty } from './property-name.ts';

export interface SchemaType {
  readonly type: CelType;
  readonly shape:
    | 'int-or-string'
    | 'list'
    | 'map'
    | 'object'
    | 'bytes'
    | 'duration'
    | 'date'
    | 'date-time'
    | 'string'
    | 'bool'
    | 'double'
    | 'int';
  /** Most elements, entries or bytes that fit into one request; of what has no length, 0, as Kubernetes counts it. */
  readonly maxElements: number;
  /** Least bytes of one such value in JSON. */
  readonly minSize: number;
  readonly nullable: boolean;
  /** Of lists and maps. */
  readonly element?: SchemaType;
  /** Of objects, by the name in expressions. */
  readonly fields?: ReadonlyMap<string, SchemaField>;
  readonly listType?: string;
  readonly listMapKeys?: readonly string[];
}

export interface SchemaField {
  /** In JSON. */
  readonly name: string;
  readonly type: SchemaType;
}

/** The largest request. */
export const maxRequestSize = 3 * 1024 * 1024;

const text: JSONSchemaProps = { type: 'string' };
const typeMeta: Readonly<Record<string, JSONSchemaProps>> = {
  apiVersion: text,
  kind: text,
  metadata: { type: 'object', properties: { name: text, generateName: text } },
};

/** Every resource, embedded ones too, shows its type and its name, whatever the schema says. */
export function asResource(schema: JSONSchemaProps): JSONSchemaProps {
  return { ...schema, properties: { ...schema.properties, ...typeMeta } };
}

/** `resource`: the root of an object. Undefined: expressions cannot see it. */
export function schemaType(given: JSONSchemaProps, resource = false): SchemaType | undefined {
  const nullable = given.nullable === true;
  if (given['x-kubernetes-int-or-string'] === true) {
    return { type: scalars.dyn, shape: 'int-or-string', maxElements: textSize(given) ?? maxRequestSize - 2, minSize: 1, nullable };
  }
  const schema = resource ? asResource(given) : given;
  switch (schema.type) {
    case 'array':
      return listType(schema, nullable);
    case 'object':
      return isSchema(schema.additionalProperties) ? mapType(schema, schema.additionalProperties, nullable) : objectType(schema, nullable);
    case 'string':
      return { ...stringType(schema), nullable };
    case 'boolean':
      return { type: scalars.bool, shape: 'bool', maxElements: 0, minSize: 4, nullable };
    case 'number':
      return { type: scalars.double, shape: 'double', maxElements: 0, minSize: 1, nullable };
    case 'integer':
      return { type: scalars.int, shape: 'int', maxElements: 0, minSize: 1, nullable };
    default:
      return undefined;
  }
}

export const isSchema = (value: unknown): value is JSONSchemaProps => typeof value === 'object' && value !== null && !Array.isArray(value);
const embedded = (schema: JSONSchemaProps): boolean => schema['x-kubernetes-embedded-resource'] === true;
const atLeastZero = (limit: number): number => Math.max(0, limit);
/** `maxLength` counts characters, of up to four bytes. */
const textSize = (schema: JSONSchemaProps): number | undefined =>
  schema.maxLength === undefined ? undefined : atLeastZero(schema.maxLength) * 4;

function listType(schema: JSONSchemaProps, nullable: boolean): SchemaType | undefined {
  const element = isSchema(schema.items) ? schemaType(schema.items, embedded(schema.items)) : undefined;
  if (!element) return undefined;
  return {
    type: listOf(element.type),
    shape: 'list',
    element,
    // Between [ and ], each element and a comma.
    maxElements: schema.maxItems === undefined ? Math.floor((maxRequestSize - 2) / (element.minSize + 1)) : atLeastZero(schema.maxItems),
    minSize: 2,
    nullable,
    ...(schema['x-kubernetes-list-type'] ? { listType: schema['x-kubernetes-list-type'] } : {}),
    ...(schema['x-kubernetes-list-map-keys'] ? { listMapKeys: schema['x-kubernetes-list-map-keys'] } : {}),
  };
}

function mapType(schema: JSONSchemaProps, of: JSONSchemaProps, nullable: boolean): SchemaType | undefined {
  const element = schemaType(of, embedded(of));
  if (!element) return undefined;
  return {
    type: mapOf(scalars.string, element.type),
    shape: 'map',
    element,
    // A key of two characters at least, quotes, colon and comma.
    maxElements:
      schema.maxProperties === undefined ? Math.floor((maxRequestSize - 2) / (element.minSize + 6)) : atLeastZero(schema.maxProperties),
    minSize: 2,
    nullable,
  };
}

function objectType(schema: JSONSchemaProps, nullable: boolean): SchemaType {
  const fields = new Map<string, SchemaField>();
  // Of {} and the properties that must be there.
  let minSize = 2;
  const required = new Set(schema.required ?? []);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const type = schemaType(property, embedded(property));
    if (!type) continue;
    const escaped = escapeProperty(name);
    if (escaped !== undefined) fields.set(escaped, { name, type });
    if (required.has(name) && property.default === undefined) minSize += name.length + type.minSize + 4;
  }
  const types = new Map([...fields].map(([name, field]) => [name, field.type.type]));
  return { type: { kind: 'object', name: 'object', fields: types }, shape: 'object', fields, maxElements: 0, minSize, nullable };
}

function stringType(schema: JSONSchemaProps): Omit<SchemaType, 'nullable'> {
  switch (schema.format) {
    case 'byte':
      return {
        type: scalars.bytes,
        shape: 'bytes',
        maxElements: schema.maxLength === undefined ? maxRequestSize - 2 : atLeastZero(schema.maxLength),
        minSize: 2,
      };
    case 'duration':
      return { type: scalars.duration, shape: 'duration', maxElements: 32, minSize: 3 };
    case 'date':
      return { type: scalars.timestamp, shape: 'date', maxElements: 12, minSize: 12 };
    case 'date-time':
      return { type: scalars.timestamp, shape: 'date-time', maxElements: 32, minSize: 21 };
    default: {
      const enumerated = schema.enum?.length
        ? Math.max(0, ...schema.enum.map((value) => (typeof value === 'string' ? byteLength(value) : 0)))
        : undefined;
      return { type: scalars.string, shape: 'string', maxElements: textSize(schema) ?? enumerated ?? maxRequestSize - 2, minSize: 2 };
    }
  }
}

const byteLength = (value: string): number => new TextEncoder().encode(value).length;
