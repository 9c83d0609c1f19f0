/** The OpenAPI v3 document of one version of a group, as `/openapi/v3/apis/apps/v1` serves it. */

import { type OpenApiResource, type Operation, operationsOf, patchComponent } from './open-api-operations.ts';
import { openApiComponents, reference } from './open-api-schema.ts';
import { definitionOfKind, hasBuiltinSchema } from './schema.ts';
import type { JsonObject } from './values.ts';

export type { OpenApiResource } from './open-api-operations.ts';

/** The version in `info`: that of Kubernetes. */
export const documentVersion = 'v1.36.0';

const patchTypes = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json'];
const strategicPatch = 'application/strategic-merge-patch+json';
const objectTypes = ['application/json', 'application/yaml'];
const protobuf = 'application/vnd.kubernetes.protobuf';

/** What a body and an answer may be written in; custom resources know neither protobuf nor strategic merge patch. */
export function mediaTypesOf(custom: boolean): { readonly objects: readonly string[]; readonly patches: readonly string[] } {
  return custom
    ? { objects: objectTypes, patches: patchTypes }
    : { objects: [...objectTypes, protobuf], patches: [...patchTypes, strategicPatch] };
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
  for (const operation of operations) {
    let item = paths[operation.path];
    if (!item) {
      item = {};
      paths[operation.path] = item;
    }
    item[operation.method] = operationObject(operation, custom(operation));
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: documentVersion },
    paths: sorted(paths),
    components: {
      schemas: sorted({ ...openApiComponents(builtinsOf(own, operations), 3), ...customComponents(own) }),
      securitySchemes: {
        BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' },
      },
    },
  };
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

function operationObject(operation: Operation, custom: boolean): JsonObject {
  const { id, description, tag, action, kind, parameters, body, bodyRequired, response, statuses } = operation;
  const { objects, patches } = mediaTypesOf(custom);
  const content = (types: readonly string[], schema: object): object => Object.fromEntries(types.map((type) => [type, { schema }]));
  const answer = response === undefined ? content(['*/*'], { type: 'string' }) : content(objects, { $ref: reference(response, 3) });
  return {
    tags: [tag],
    description,
    operationId: id,
    ...(parameters.length > 0
      ? {
          parameters: parameters.map(({ name, in: place, type, description: text }) => ({
            name,
            in: place,
            description: text,
            ...(place === 'path' ? { required: true } : {}),
            schema: { type, uniqueItems: true },
          })),
        }
      : {}),
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
