/** The OpenAPI v3 document of one version of a group, as `/openapi/v3/apis/apps/v1` serves it. */

import { type OpenApiResource, type Operation, operationsOf, patchComponent } from './open-api-operations.ts';
import { type Parameter, sharedParameters } from './open-api-parameters.ts';
import { openApiComponents, reference } from './open-api-schema.ts';
import { definitionOfKind, hasBuiltinSchema } from './schema.ts';
import type { JsonObject } from './values.ts';

export type { OpenApiResource } from './open-api-operations.ts';

/** The version in `info`: that of Kubernetes' API. */
export const documentVersion = '1.36';

const patchTypes = ['application/json-patch+json', 'application/merge-patch+json'];
const strategicPatch = 'application/strategic-merge-patch+json';
const applyPatch = 'application/apply-patch+yaml';
const objectTypes = ['application/json', 'application/yaml'];
const protobuf = 'application/vnd.kubernetes.protobuf';
/** Of a path that lists and watches. */
export const streamTypes = ['application/json;stream=watch', `${protobuf};stream=watch`];

/** What a body and an answer may be written in; custom resources know neither protobuf nor strategic merge patch. */
export function mediaTypesOf(custom: boolean): { readonly objects: readonly string[]; readonly patches: readonly string[] } {
  return custom
    ? { objects: objectTypes, patches: [...patchTypes, applyPatch] }
    : { objects: [...objectTypes, protobuf], patches: [...patchTypes, strategicPatch, applyPatch] };
}

/** Resources of that group and version alone; those of others are left out. */
export function openApiV3(
  groupVersion: { readonly group: string; readonly version: string },
  resources: readonly OpenApiResource[],
): object {
  const { group, version } = groupVersion;
  const own = resources.filter((resource) => resource.group === group && resource.version === version);
  const operations = operationsOf(group, version, own, componentOfKind(own));
  const custom = isCustom(own);
  const paths: Record<string, JsonObject> = {};
  for (const [path, ofPath] of Map.groupBy(operations, (operation) => operation.path)) {
    const { shared, own: ownOf } = sharedParameters(ofPath);
    paths[path] = {
      ...Object.fromEntries(ofPath.map((operation) => [operation.method, operationObject(operation, ownOf(operation), custom(operation))])),
      ...(shared.length > 0 ? { parameters: shared.map(parameterObject) } : {}),
    };
  }
  const schemas = openApiComponents(builtinsOf(own, operations), 3);
  for (const schema of Object.values(schemas)) keepKinds(schema, group, version);
  return documentOf(paths, sorted({ ...schemas, ...customComponents(own) }));
}

/** What is the same kind in every group (DeleteOptions, WatchEvent) is named once, and for the group of the document. */
function keepKinds(schema: JsonObject, group: string, version: string): void {
  const key = 'x-kubernetes-group-version-kind';
  const kinds = schema[key] as readonly { readonly group: string; readonly version: string }[] | undefined;
  if (!kinds || kinds.length < 2) return;
  schema[key] = kinds.filter((kind) => (kind.group === '' && kind.version === 'v1') || (kind.group === group && kind.version === version));
}

function documentOf(paths: Readonly<Record<string, JsonObject>>, schemas: Readonly<Record<string, object>>): object {
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: documentVersion },
    paths: sorted(paths),
    components: {
      ...(Object.keys(schemas).length > 0 ? { schemas } : {}),
      securitySchemes: {
        BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' },
      },
    },
  };
}

/** What a path beside the resources answers: a kind of `meta/v1`, or a text. */
export interface OpenApiPage {
  readonly path: string;
  readonly tag: string;
  readonly id: string;
  readonly description: string;
  /** The component; undefined: a text. */
  readonly response: string | undefined;
  readonly types: readonly string[];
}

/** The document of one such path. */
export function openApiV3Page({ path, tag, id, description, response, types }: OpenApiPage): object {
  const schema = response === undefined ? { type: 'string' } : { $ref: reference(response, 3) };
  const content = Object.fromEntries(types.map((type) => [type, { schema }]));
  const responses = { '200': { description: 'OK', content }, '401': { description: 'Unauthorized' } };
  const get = { tags: [tag], description, operationId: id, responses };
  return documentOf({ [path]: { get } }, response === undefined ? {} : openApiComponents([response], 3));
}

/** The component of a kind: a custom resource's own, or a built-in type; undefined for options of a connection. */
export function componentOfKind(
  resources: readonly OpenApiResource[],
): (kind: readonly [group: string, version: string, kind: string]) => string | undefined {
  return ([group, version, kind]) =>
    resources.find((resource) => resource.kind === kind && resource.group === group && resource.version === version)?.definition ??
    definitionOfKind(group, version, kind);
}

/** The built-in types that these resources and operations begin with. */
export function builtinsOf(resources: readonly OpenApiResource[], operations: readonly Operation[]): Set<string> {
  const out = new Set<string>();
  for (const { body, response } of operations) {
    for (const name of [body, response]) if (name !== undefined && hasBuiltinSchema(name)) out.add(name);
  }
  const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
  out.add(`${meta}WatchEvent`);
  // Components of custom resources refer to the metadata that all objects have.
  if (resources.some((resource) => resource.components)) for (const name of ['ObjectMeta', 'ListMeta']) out.add(meta + name);
  return out;
}

export function customComponents(resources: readonly OpenApiResource[]): Record<string, object> {
  return Object.assign({}, ...resources.map((resource) => resource.components ?? {})) as Record<string, object>;
}

export function sorted<T>(object: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether an operation is on a custom resource. */
export function isCustom(resources: readonly OpenApiResource[]): (operation: Operation) => boolean {
  return ({ kind }) =>
    resources.some((resource) => resource.components !== undefined && resource.group === kind[0] && resource.kind === kind[2]);
}

function parameterObject({ name, in: place, type, description }: Parameter): JsonObject {
  return { name, in: place, description, ...(place === 'path' ? { required: true } : {}), schema: { type, uniqueItems: true } };
}

function operationObject(operation: Operation, parameters: readonly Parameter[], custom: boolean): JsonObject {
  const { id, description, tag, action, kind, body, bodyRequired, response, statuses, streams } = operation;
  const { objects: types, patches } = mediaTypesOf(custom);
  const objects = streams && !custom ? [...types, ...streamTypes] : types;
  const content = (types: readonly string[], schema: object): object => Object.fromEntries(types.map((type) => [type, { schema }]));
  const texts = operation.types ? [...operation.types, ...types] : ['*/*'];
  const answer = response === undefined ? content(texts, { type: 'string' }) : content(objects, { $ref: reference(response, 3) });
  return {
    tags: [tag],
    description,
    operationId: id,
    ...(parameters.length > 0 ? { parameters: parameters.map(parameterObject) } : {}),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            content: content(body === patchComponent ? patches : ['*/*'], { $ref: reference(body, 3) }),
            ...(bodyRequired ? { required: true } : {}),
          },
        }),
    responses: {
      ...Object.fromEntries(statuses.map((status) => [String(status), { description: phrases[status], content: answer }])),
      '401': { description: 'Unauthorized' },
    },
    ...(action === ''
      ? {}
      : { 'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': { group: kind[0], version: kind[1], kind: kind[2] } }),
  };
}

export const phrases: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' };
