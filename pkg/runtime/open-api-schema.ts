/**
 * Types as OpenAPI schemas, with the `x-kubernetes-*` extensions that clients read: `kubectl explain`, client-side
 * apply, and generators of client libraries.
 * https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-interface-definition
 */
import { describeField, describeType } from '../api/descriptions.ts';
import enums from '../api/facts/closed-enums.json' with { type: 'json' };
import { builtinSchema, type Field, type Schema } from './schema.ts';
import type { JsonObject } from './values.ts';

/** 2: Swagger 2.0, `#/definitions/`. 3: OpenAPI 3.0, `#/components/schemas/`. */
export type OpenApiVersion = 2 | 3;

const values: Readonly<Record<string, readonly string[]>> = enums;

/** The schemas of the named types and of all that they refer to, by name, in the order of their names. */
export function openApiComponents(definitions: Iterable<string>, version: OpenApiVersion): Record<string, JsonObject> {
  const out = new Map<string, JsonObject>();
  const queue = [...definitions];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (out.has(name)) continue;
    const schema = builtinSchema(name);
    out.set(name, openApiDefinition(schema, version));
    for (const field of schema.fields.values()) {
      let inner: Schema | undefined = field.schema;
      while (inner && inner.definition === undefined) inner = inner.items;
      if (inner?.definition !== undefined) queue.push(inner.definition);
    }
    if (schema.items?.definition !== undefined) queue.push(schema.items.definition);
  }
  return Object.fromEntries([...out].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** One named type. */
export function openApiDefinition(schema: Schema, version: OpenApiVersion): JsonObject {
  const description = describeType(schema.definition ?? '');
  const head = description === undefined ? {} : { description };
  switch (schema.kind) {
    case 'scalar':
      return { ...head, ...scalar(schema, version) };
    case 'any':
      return {
        ...head,
        ...(schema.goType === 'runtime.RawExtension' || schema.goType === 'v1.FieldsV1' || schema.goType === 'v1.Patch'
          ? { type: 'object' }
          : {}),
      };
    default: {
      const properties: JsonObject = {};
      for (const name of [...schema.fields.keys()].sort()) properties[name] = property(schema, schema.fields.get(name) as Field, version);
      const required = [...schema.fields.values()].filter((field) => field.required).map((field) => field.name);
      return {
        ...head,
        ...(required.length > 0 ? { required: required.sort() } : {}),
        ...(schema.fields.size > 0 ? { properties } : {}),
        type: 'object',
        ...(schema.gvk.length > 0
          ? { 'x-kubernetes-group-version-kind': schema.gvk.map(([group, gvkVersion, kind]) => ({ group, kind, version: gvkVersion })) }
          : {}),
        ...(schema.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
      };
    }
  }
}

function property(owner: Schema, field: Field, version: OpenApiVersion): JsonObject {
  const { schema } = field;
  const description = describeField(owner.definition ?? '', field.name);
  const facts: JsonObject = {
    ...(description === undefined ? {} : { description }),
    ...defaultOf(field, version),
    ...(schema.kind === 'array' && schema.listKeys.length > 0 ? { 'x-kubernetes-list-map-keys': schema.listKeys } : {}),
    ...(schema.kind === 'array' && schema.listTypeStated ? { 'x-kubernetes-list-type': schema.listType } : {}),
    ...(schema.kind === 'map' && schema.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    ...(field.patchMergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': field.patchMergeKey }),
    ...(field.patchStrategy || field.retainKeys
      ? { 'x-kubernetes-patch-strategy': [field.patchStrategy, field.retainKeys ? 'retainKeys' : undefined].filter(Boolean).join(',') }
      : {}),
  };
  const type = typeOf(schema, owner, version);
  if (!('$ref' in type)) return { ...type, ...facts };
  // A reference with anything beside it stands in an allOf of its own; Swagger has none, and looks away.
  if (version === 2) return { ...facts, ...type };
  if (Object.keys(facts).length === 0) return type;
  return { allOf: [type], ...facts };
}

/** What stands there when nothing is said: v2 tells of the defaults that are stated, v3 of Go's own as well. */
function defaultOf(field: Field, version: OpenApiVersion): { default?: unknown } {
  if (field.default !== undefined) return { default: field.default };
  if (version === 2 || !field.value || (field.schema.kind === 'scalar' && field.omitEmpty)) return {};
  return emptyOf(field.schema);
}

/** Of a value that is no pointer. A time, a quantity and the like are types of their own. */
function emptyOf(schema: Schema): { default?: unknown } {
  if (schema.kind === 'object') return { default: {} };
  if (schema.kind !== 'scalar') return {};
  switch (schema.type) {
    case 'string':
      return { default: '' };
    case 'bool':
      return { default: false };
    case 'int32':
    case 'int64':
    case 'double':
      return { default: 0 };
    default:
      return {};
  }
}

/** The element of a list or a map. */
function elementOf(schema: Schema, owner: Schema, version: OpenApiVersion): JsonObject {
  const type = typeOf(schema, owner, version);
  const empty = version === 2 ? {} : emptyOf(schema);
  if (empty.default === undefined) return type;
  return '$ref' in type ? { allOf: [type], ...empty } : { ...type, ...empty };
}

function typeOf(schema: Schema, owner: Schema, version: OpenApiVersion): JsonObject {
  if (schema.definition !== undefined) return { $ref: reference(schema.definition, version) };
  switch (schema.kind) {
    case 'array':
      return { type: 'array', items: elementOf(schema.items as Schema, owner, version) };
    case 'map':
      return { type: 'object', additionalProperties: elementOf(schema.items as Schema, owner, version) };
    case 'scalar':
      return { ...scalar(schema, version), ...enumOf(schema, owner) };
    default:
      return { type: 'object' };
  }
}

export function reference(definition: string, version: OpenApiVersion): string {
  return `#/${version === 3 ? 'components/schemas' : 'definitions'}/${definition}`;
}

function scalar({ type }: Schema, version: OpenApiVersion): JsonObject {
  switch (type) {
    case 'string':
      return { type: 'string' };
    case 'bool':
      return { type: 'boolean' };
    case 'int32':
    case 'int64':
      return { type: 'integer', format: type };
    case 'double':
      return { type: 'number', format: 'double' };
    case 'byte':
      return { type: 'string', format: 'byte' };
    case 'time':
    case 'micro-time':
      return { type: 'string', format: 'date-time' };
    case 'int-or-string':
      return version === 2
        ? { type: 'string', format: 'int-or-string' }
        : { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] };
    case 'quantity':
      return version === 2 ? { type: 'string' } : { oneOf: [{ type: 'string' }, { type: 'number' }] };
  }
}

/** The values of a set that Kubernetes declares closed, looked up by the name of its Go type in the package of the type that uses it. */
function enumOf({ type, goType }: Schema, owner: Schema): JsonObject {
  const name = goType.split('.').pop() ?? '';
  if (type !== 'string' || goType === 'string' || owner.definition === undefined) return {};
  const home = owner.definition.replace(/^io\.k8s\./, '').replace(/\.[^.]+$/, '');
  const [alias] = goType.split('.');
  const list = values[`${home}.${name}`] ?? (alias === 'corev1' || alias === 'v1' ? values[`api.core.v1.${name}`] : undefined);
  return list ? { enum: list } : {};
}
