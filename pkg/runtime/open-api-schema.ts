/**
 * Types as OpenAPI schemas, with the `x-kubernetes-*` extensions that clients read: `kubectl explain`, client-side
 * apply, and generators of client libraries.
 * https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-interface-definition
 */
import { describeField, describeType } from '../api/descriptions.ts';
import enums from '../api/facts/enums.json' with { type: 'json' };
import { builtinSchema, type Field, type Schema } from './schema.ts';
import type { JsonObject } from './values.ts';

/** 2: Swagger 2.0, `#/definitions/`. 3: OpenAPI 3.0, `#/components/schemas/`. */
export type OpenApiVersion = 2 | 3;

const values: Readonly<Record<string, readonly string[]>> = enums;
/** Types that name well-known values, and take others too. */
const openSets =
  /(ConditionType|ResourceName|SecretType|FinalizerName|Reason|CauseType|AddressType|StorageMedium|Signal|KeyUsage|Phase|UsageType)$/;

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
    ...(field.default === undefined ? {} : { default: field.default }),
    ...(schema.kind === 'array' && schema.listKeys.length > 0 ? { 'x-kubernetes-list-map-keys': schema.listKeys } : {}),
    ...(schema.kind === 'array' ? { 'x-kubernetes-list-type': schema.listType } : {}),
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
  if (Object.keys(facts).length === 0 && !field.alwaysPresent) return type;
  return { allOf: [type], ...(field.alwaysPresent && field.default === undefined ? { default: {} } : {}), ...facts };
}

function typeOf(schema: Schema, owner: Schema, version: OpenApiVersion): JsonObject {
  if (schema.definition !== undefined) return { $ref: reference(schema.definition, version) };
  switch (schema.kind) {
    case 'array':
      return { type: 'array', items: typeOf(schema.items as Schema, owner, version) };
    case 'map':
      return { type: 'object', additionalProperties: typeOf(schema.items as Schema, owner, version) };
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

/** The values of a closed set, looked up by the name of its Go type in the package of the type that uses it. */
function enumOf({ type, goType }: Schema, owner: Schema): JsonObject {
  const name = goType.split('.').pop() ?? '';
  if (type !== 'string' || goType === 'string' || openSets.test(name) || owner.definition === undefined) return {};
  const home = owner.definition.replace(/^io\.k8s\./, '').replace(/\.[^.]+$/, '');
  const [alias] = goType.split('.');
  const list = values[`${home}.${name}`] ?? (alias === 'corev1' || alias === 'v1' ? values[`api.core.v1.${name}`] : undefined);
  return list ? { enum: [...list].sort() } : {};
}
