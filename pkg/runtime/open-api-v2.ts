/**
 * The one OpenAPI v2 (Swagger 2.0) document of all resources, which older clients read: kubectl up to 1.26, Helm,
 * generators of client libraries.
 */
import {
  builtinsOf,
  componentOfKind,
  customComponents,
  documentVersion,
  isCustom,
  mediaTypesOf,
  phrases,
  sorted,
  streamTypes,
} from './open-api.ts';
import { type OpenApiResource, type Operation, operationsOf, patchComponent } from './open-api-operations.ts';
import { type Parameter, sharedParameters } from './open-api-parameters.ts';
import { openApiComponents, reference } from './open-api-schema.ts';
import { isObject, type JsonObject } from './values.ts';

export function openApiV2(resources: readonly OpenApiResource[]): JsonObject {
  const component = componentOfKind(resources);
  const custom = isCustom(resources);
  const versions = Map.groupBy(resources, ({ group, version }) => `${group}/${version}`);
  const operations = [...versions.values()].flatMap((own) => {
    const [{ group, version }] = own as [OpenApiResource];
    return operationsOf(group, version, own, component);
  });
  const paths: Record<string, JsonObject> = {};
  for (const [path, ofPath] of Map.groupBy(operations, (operation) => operation.path)) {
    const { shared, own: ownOf } = sharedParameters(ofPath);
    paths[path] = {
      ...Object.fromEntries(ofPath.map((operation) => [operation.method, operationObject(operation, ownOf(operation), custom(operation))])),
      ...(shared.length > 0 ? { parameters: shared.map(parameterObject) } : {}),
    };
  }
  const own = Object.fromEntries(
    Object.entries(customComponents(resources)).map(([name, schema]) => [name, customDefinition(schema as JsonObject)]),
  );
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: documentVersion },
    paths: sorted(paths),
    definitions: sorted({ ...openApiComponents(builtinsOf(resources, operations), 2), ...own }),
    securityDefinitions: {
      BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' },
    },
    security: [{ BearerToken: [] }],
  };
}

function parameterObject({ name, in: place, type, description }: Parameter): JsonObject {
  return { uniqueItems: true, type, description, name, in: place, ...(place === 'path' ? { required: true } : {}) };
}

function operationObject(operation: Operation, parameters: readonly Parameter[], custom: boolean): JsonObject {
  const { id, description, tag, action, kind, body, bodyRequired, response, statuses, streams } = operation;
  const { objects: types, patches } = mediaTypesOf(custom);
  const objects = streams && !custom ? [...types, ...streamTypes] : types;
  const schema = response === undefined ? { type: 'string' } : { $ref: reference(response, 2) };
  return {
    description,
    consumes: body === patchComponent ? patches : ['*/*'],
    produces: response !== undefined ? objects : operation.types ? [...operation.types, ...types] : ['*/*'],
    schemes: ['https'],
    tags: [tag],
    operationId: id,
    parameters: [
      ...(body === undefined
        ? []
        : [{ name: 'body', in: 'body', ...(bodyRequired ? { required: true } : {}), schema: { $ref: reference(body, 2) } }]),
      ...parameters.map(parameterObject),
    ],
    responses: {
      ...Object.fromEntries(statuses.map((status) => [String(status), { description: phrases[status], schema }])),
      '401': { description: 'Unauthorized' },
    },
    ...(action === ''
      ? {}
      : { 'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': { group: kind[0], version: kind[1], kind: kind[2] } }),
  };
}

/** A custom resource as v2 has it. One that takes any field says nothing but that: kubectl would refuse what it does not list. */
function customDefinition(schema: JsonObject): unknown {
  if (!keepsUnknown(schema)) return toSwagger(withoutDefaults(schema));
  const kinds = 'x-kubernetes-group-version-kind';
  return { type: 'object', [kinds]: schema[kinds] };
}

/** kubectl of old took a default for what stands there. */
function withoutDefaults(schema: unknown): unknown {
  if (!isObject(schema)) return schema;
  const { default: _, properties, items, additionalProperties, ...rest } = schema;
  return {
    ...rest,
    ...(isObject(properties)
      ? { properties: Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, withoutDefaults(property)])) }
      : {}),
    ...(items === undefined ? {} : { items: withoutDefaults(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: withoutDefaults(additionalProperties) }),
  };
}

/** What OpenAPI v3 can say of a schema and v2 cannot. */
const onlyV3 = new Set(['nullable', 'allOf', 'oneOf', 'anyOf', 'not']);

const keepsUnknown = (schema: JsonObject): boolean => schema['x-kubernetes-preserve-unknown-fields'] === true;
const isNullable = (schema: unknown): boolean => isObject(schema) && schema['nullable'] === true;

/** A schema of OpenAPI v3 as far as v2 can express it; where it cannot, it says less. */
export function toSwagger(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(toSwagger);
  if (!isObject(schema)) return schema;
  const only = Array.isArray(schema['allOf']) && schema['allOf'].length === 1 ? schema['allOf'][0] : undefined;
  if (isObject(only) && typeof only['$ref'] === 'string') {
    const { allOf: _, ...rest } = schema;
    return { ...(toSwagger(rest) as JsonObject), ...(toSwagger(only) as JsonObject) };
  }
  const out: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'properties' && isObject(value))
      out[key] = Object.fromEntries(Object.entries(value).map(([name, property]) => [name, toSwagger(property)]));
    else if (key === '$ref' && typeof value === 'string') out[key] = value.replace('#/components/schemas/', '#/definitions/');
    else if (key === 'default' || key === 'enum' || key === 'example' || key.startsWith('x-')) out[key] = value;
    else if (!onlyV3.has(key)) out[key] = toSwagger(value);
  }
  return withoutHalfTruths(out, schema);
}

/** What may be null, or of several types, or holds more than it says, can neither be typed nor described in v2. */
function withoutHalfTruths(out: JsonObject, schema: JsonObject): JsonObject {
  const nullable = isNullable(schema);
  const open = nullable || keepsUnknown(schema);
  if (open) {
    delete out['items'];
    delete out['properties'];
  }
  const listOfAnything = out['type'] === 'array' && out['items'] === undefined;
  if (nullable || listOfAnything || schema['x-kubernetes-int-or-string'] === true || (open && out['type'] === 'object')) delete out['type'];
  const { properties, required, additionalProperties } = schema;
  if (!Array.isArray(required)) return out;
  const stated = required.filter((name) => !(isObject(properties) && isNullable(properties[name as string])));
  if (stated.length === 0 || isNullable(additionalProperties)) delete out['required'];
  else out['required'] = stated;
  return out;
}
