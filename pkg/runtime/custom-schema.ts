/**
 * Schemas of custom resources: the structural OpenAPI schema of a CustomResourceDefinition as the same `Schema` that
 * built-in types have, so that pruning, defaulting, field ownership and walks work alike.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
import type { JSONSchemaProps } from '../api/generated/apiextensions-v1.ts';
import { builtinSchema, createSchema, type Field, type ScalarType, type Schema } from './schema.ts';
import { isObject } from './values.ts';

export interface CustomKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const scalarTypes: Readonly<Record<string, ScalarType>> = { string: 'string', integer: 'int64', number: 'double', boolean: 'bool' };

/**
 * The schema of the kind. Without `props`, everything is kept as it is (`preserveUnknownFields` of old).
 * `statusApart`: it has a `status` subresource.
 */
export function schemaFromOpenApi(props: JSONSchemaProps | undefined, kind: CustomKind, statusApart = false): Schema {
  const { group, version } = kind;
  const source = props ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  return createSchema({
    kind: 'object',
    definition: customDefinition(kind),
    gvk: [[group, version, kind.kind]],
    goType: `${version}.${kind.kind}`,
    preserveUnknown: source['x-kubernetes-preserve-unknown-fields'] === true,
    source,
    statusApart,
    fields: () => {
      const fields = new Map(propertiesOf(source));
      fields.set('apiVersion', plainField('apiVersion'));
      fields.set('kind', plainField('kind'));
      fields.set('metadata', { ...plainField('metadata'), schema: builtinSchema(objectMeta), alwaysPresent: true });
      return fields;
    },
  });
}

/** The component's name in OpenAPI: `com.example.v1.Widget` for group example.com. */
export function customDefinition({ group, version, kind }: CustomKind): string {
  return `${group.split('.').reverse().join('.')}.${version}.${kind}`;
}

function* propertiesOf(source: JSONSchemaProps): Generator<[string, Field]> {
  for (const [name, props] of Object.entries(source.properties ?? {})) {
    yield [name, { ...plainField(name), schema: node(props), required: source.required?.includes(name) ?? false }];
  }
}

/** As a field of no Go struct: neither zero values nor absence mean anything but themselves. */
function plainField(name: string): Field {
  return {
    name,
    element: `f:${name}`,
    schema: node({ type: 'string' }),
    required: false,
    value: false,
    omitEmpty: false,
    alwaysPresent: false,
    nullWhenUnset: false,
    zero: undefined,
    default: undefined,
    numbers: [],
    wrapped: false,
    patchStrategy: undefined,
    retainKeys: false,
    patchMergeKey: undefined,
  };
}

function node(source: JSONSchemaProps): Schema {
  const common = { source, nullable: source.nullable === true };
  const preserveUnknown = source['x-kubernetes-preserve-unknown-fields'] === true;
  const atomic = source['x-kubernetes-map-type'] === 'atomic';
  if (source['x-kubernetes-int-or-string'] === true)
    return createSchema({ ...common, kind: 'scalar', type: 'int-or-string', goType: 'intstr.IntOrString' });
  if (source['x-kubernetes-embedded-resource'] === true) {
    return createSchema({
      ...common,
      kind: 'object',
      goType: 'object',
      atomic,
      preserveUnknown,
      embedded: true,
      fields: () =>
        new Map([
          ...propertiesOf(source),
          ['apiVersion', plainField('apiVersion')],
          ['kind', plainField('kind')],
          ['metadata', { ...plainField('metadata'), schema: builtinSchema(objectMeta) }],
        ]),
    });
  }
  if (source.type === 'array') {
    const items = source.items;
    const listType = source['x-kubernetes-list-type'];
    return createSchema({
      ...common,
      kind: 'array',
      goType: 'array',
      items: () => (isObject(items) ? node(items as JSONSchemaProps) : anything),
      listType: listType === 'set' || listType === 'map' ? listType : 'atomic',
      listKeys: source['x-kubernetes-list-map-keys'] ?? [],
    });
  }
  const scalar = source.type === undefined ? undefined : scalarTypes[source.type];
  if (scalar) return createSchema({ ...common, kind: 'scalar', type: scalar, goType: source.type ?? '' });
  const { properties, additionalProperties } = source;
  if (properties === undefined && (isObject(additionalProperties) || additionalProperties === true)) {
    return createSchema({
      ...common,
      kind: 'map',
      goType: 'object',
      atomic,
      items: () => (isObject(additionalProperties) ? node(additionalProperties as JSONSchemaProps) : anything),
    });
  }
  if (properties === undefined && preserveUnknown) return createSchema({ ...common, kind: 'any', goType: 'object', atomic });
  return createSchema({
    ...common,
    kind: 'object',
    goType: 'object',
    atomic,
    preserveUnknown,
    fields: () => new Map(propertiesOf(source)),
  });
}

const anything: Schema = createSchema({ kind: 'any', goType: 'object', source: { 'x-kubernetes-preserve-unknown-fields': true } });
