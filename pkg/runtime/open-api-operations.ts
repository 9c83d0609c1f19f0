/** What can be done with a resource, as OpenAPI's operations: one list from which both versions of the document are written. */

import { answersDeletion } from '../api/answered-deletions.ts';
import {
  connectParameters,
  deleteParameters,
  force,
  listParameters,
  nameParameter,
  namespaceParameter,
  type Parameter,
  pathParameter,
  pretty,
  selectParameters,
  writeParameters,
} from './open-api-parameters.ts';

/** What the documents need to know of a resource; a registry's declarations have it all. */
export interface OpenApiResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: Readonly<
    Record<string, { readonly verbs: readonly string[]; readonly kind: readonly [group: string, version: string, kind: string] }>
  >;
  /** The component's name: `io.k8s.api.core.v1.Pod`, `com.example.v1.Widget`. */
  readonly definition: string;
  /** Of a custom resource: its schema in OpenAPI, by component name. */
  readonly components?: Readonly<Record<string, object>>;
}

export interface Operation {
  readonly path: string;
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete' | 'head' | 'options';
  readonly id: string;
  readonly description: string;
  readonly tag: string;
  /** `list`, `post`, `patch`, `connect`, ... */
  readonly action: string;
  readonly kind: readonly [group: string, version: string, kind: string];
  readonly parameters: readonly Parameter[];
  /** The component that the body is, `patch` for any patch. */
  readonly body: string | undefined;
  readonly bodyRequired: boolean;
  /** The component that comes back; undefined: text. */
  readonly response: string | undefined;
  readonly statuses: readonly number[];
  /** In which forms a text comes back, beside those of objects; absent: any. */
  readonly types?: readonly string[];
  /** What comes back may be a stream of events. */
  readonly streams?: true;
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
export const patchComponent = `${meta}Patch`;
export const deleteOptionsComponent = `${meta}DeleteOptions`;
export const statusComponent = `${meta}Status`;
const resourceListComponent = `${meta}APIResourceList`;
const watchEventComponent = `${meta}WatchEvent`;

const connectMethods = { get: 'get', create: 'post', update: 'put', patch: 'patch', delete: 'delete' } as const;

/** The operations of one version of a group, and the list of its resources. `component` names the type of a kind. */
export function operationsOf(
  group: string,
  version: string,
  resources: readonly OpenApiResource[],
  component: (kind: readonly [group: string, version: string, kind: string]) => string | undefined,
): Operation[] {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const words = `${camel(group === '' ? 'core' : group.replace(/\.k8s\.io$/, ''))}${camel(version)}`;
  const tag = `${tagOf(group)}_${version}`;
  const out: Operation[] = [
    {
      path: `${root}/`,
      method: 'get',
      id: `get${words}APIResources`,
      description: 'the resources of this version of the group',
      tag,
      action: '',
      kind: ['', 'v1', 'APIResourceList'],
      parameters: [],
      body: undefined,
      bodyRequired: false,
      response: resourceListComponent,
      statuses: [200],
    },
  ];
  for (const resource of resources) {
    out.push(...resourceOperations(resource, { root, words, tag }));
    for (const [name, { verbs, kind }] of Object.entries(resource.subresources)) {
      out.push(...subresourceOperations(resource, name, verbs, kind, { root, words, tag }, component(kind)));
    }
  }
  return out;
}

interface Names {
  readonly root: string;
  readonly words: string;
  readonly tag: string;
}

function resourceOperations(resource: OpenApiResource, { root, words, tag }: Names): Operation[] {
  const { kind, namespaced, verbs, definition } = resource;
  const scope = namespaced ? [namespaceParameter] : [];
  const collection = `${root}${namespaced ? '/namespaces/{namespace}' : ''}/${resource.resource}`;
  const list = `${definition}List`;
  const scoped = `${words}${namespaced ? 'Namespaced' : ''}${kind}`;
  const base = { tag, kind: [resource.group, resource.version, kind] as const, bodyRequired: true };
  const one = [...scope, nameParameter(kind), pretty];
  const has = (verb: string): boolean => verbs.includes(verb);
  const out: Operation[] = [];
  if (has('list')) {
    const parameters = [...scope, pretty, ...listParameters];
    out.push({
      ...base,
      path: collection,
      method: 'get',
      id: `list${scoped}`,
      description: `list or watch objects of kind ${kind}`,
      action: 'list',
      parameters,
      body: undefined,
      response: list,
      statuses: [200],
      streams: true,
    });
  }
  if (has('create')) {
    const parameters = [...scope, pretty, ...writeParameters];
    out.push({
      ...base,
      path: collection,
      method: 'post',
      id: `create${scoped}`,
      description: `create a ${kind}`,
      action: 'post',
      parameters,
      body: definition,
      response: definition,
      statuses: [200, 201, 202],
    });
  }
  if (has('deletecollection')) {
    const parameters = [...scope, pretty, ...selectParameters, ...deleteParameters];
    out.push({
      ...base,
      bodyRequired: false,
      path: collection,
      method: 'delete',
      id: `delete${words}Collection${namespaced ? 'Namespaced' : ''}${kind}`,
      description: `delete a collection of ${kind}`,
      action: 'deletecollection',
      parameters,
      body: deleteOptionsComponent,
      response: statusComponent,
      statuses: [200],
    });
  }
  if (has('list') && namespaced) {
    const parameters = [pretty, ...listParameters];
    out.push({
      ...base,
      path: `${root}/${resource.resource}`,
      method: 'get',
      id: `list${words}${kind}ForAllNamespaces`,
      description: `list or watch objects of kind ${kind} in all namespaces`,
      action: 'list',
      parameters,
      body: undefined,
      response: list,
      statuses: [200],
      streams: true,
    });
  }
  // The old paths of watches; custom resources are newer.
  if (has('watch') && !resource.components) out.push(...watchOperations(resource, { root, words, tag }));
  const path = `${collection}/{name}`;
  if (has('get'))
    out.push({
      ...base,
      path,
      method: 'get',
      id: `read${scoped}`,
      description: `read the ${kind}`,
      action: 'get',
      parameters: one,
      body: undefined,
      response: definition,
      statuses: [200],
    });
  if (has('update'))
    out.push({
      ...base,
      path,
      method: 'put',
      id: `replace${scoped}`,
      description: `replace the ${kind}`,
      action: 'put',
      parameters: [...one, ...writeParameters],
      body: definition,
      response: definition,
      statuses: [200, 201],
    });
  if (has('patch'))
    out.push({
      ...base,
      path,
      method: 'patch',
      id: `patch${scoped}`,
      description: `change parts of the ${kind}`,
      action: 'patch',
      parameters: [...one, ...writeParameters, force],
      body: patchComponent,
      response: definition,
      statuses: [200, 201],
    });
  if (has('delete'))
    out.push({
      ...base,
      bodyRequired: false,
      path,
      method: 'delete',
      id: `delete${scoped}`,
      description: `delete a ${kind}`,
      action: 'delete',
      parameters: [...one, ...deleteParameters],
      body: deleteOptionsComponent,
      response: answersDeletion(resource) ? definition : statusComponent,
      statuses: [200, 202],
    });
  return out;
}

function watchOperations(resource: OpenApiResource, { root, words, tag }: Names): Operation[] {
  const { kind, namespaced } = resource;
  const scope = namespaced ? [namespaceParameter] : [];
  const collection = `${root}/watch${namespaced ? '/namespaces/{namespace}' : ''}/${resource.resource}`;
  const scoped = `watch${words}${namespaced ? 'Namespaced' : ''}${kind}`;
  const watch = (path: string, id: string, action: string, parameters: readonly Parameter[]): Operation => ({
    path,
    method: 'get',
    id,
    description: `watch objects of kind ${kind}: an old path, for a list with "watch"`,
    tag,
    action,
    kind: [resource.group, resource.version, kind],
    parameters: [...parameters, pretty, ...listParameters],
    body: undefined,
    bodyRequired: false,
    response: watchEventComponent,
    statuses: [200],
    streams: true,
  });
  return [
    watch(collection, `${scoped}List`, 'watchlist', scope),
    watch(`${collection}/{name}`, scoped, 'watch', [...scope, nameParameter(kind)]),
    ...(namespaced ? [watch(`${root}/watch/${resource.resource}`, `watch${words}${kind}ListForAllNamespaces`, 'watchlist', [])] : []),
  ];
}

function subresourceOperations(
  resource: OpenApiResource,
  name: string,
  verbs: readonly string[],
  kind: readonly [group: string, version: string, kind: string],
  { root, words, tag }: Names,
  component: string | undefined,
): Operation[] {
  const scope = resource.namespaced ? [namespaceParameter] : [];
  const path = `${root}${resource.namespaced ? '/namespaces/{namespace}' : ''}/${resource.resource}/{name}/${name}`;
  const parameters = [...scope, nameParameter(kind[2]), pretty];
  const suffix = `${words}${resource.namespaced ? 'Namespaced' : ''}${resource.kind}${camel(name)}`;
  const of = `${name} of the ${resource.kind}`;
  const out: Operation[] = component === undefined ? connectOperations() : [];
  for (const [verb, method] of Object.entries(connectMethods)) {
    if (!verbs.includes(verb)) continue;
    const base = { path, method, tag, kind, bodyRequired: true };
    if (name === 'log') {
      const [read, given] = [`read${suffix}`, [...parameters, ...(connectParameters['log'] ?? [])]];
      out.push({
        ...base,
        id: read,
        description: `read the ${of}`,
        action: method,
        parameters: given,
        body: undefined,
        response: undefined,
        statuses: [200],
        types: ['text/plain'],
      });
      continue;
    }
    // A kind that is only options in the query is a connection: exec, proxy.
    if (component === undefined) continue;
    const action = { get: 'read', create: 'create', update: 'replace', patch: 'patch', delete: 'delete' }[verb] ?? verb;
    const writes = verb === 'get' ? [] : verb === 'patch' ? [...writeParameters, force] : writeParameters;
    out.push({
      ...base,
      id: `${action}${suffix}`,
      description: `${action} ${of}`,
      action: method,
      parameters: [...parameters, ...writes],
      body: verb === 'get' ? undefined : verb === 'patch' ? patchComponent : component,
      response: component,
      statuses: verb === 'get' ? [200] : verb === 'create' ? [200, 201, 202] : [200, 201],
    });
  }
  return out;

  function connectOperations(): Operation[] {
    const asked: string[] = Object.entries(connectMethods).flatMap(([verb, method]) => (verbs.includes(verb) ? [method] : []));
    const methods = name === 'proxy' ? [...asked, 'head', 'options'] : asked;
    const given = [...scope, nameParameter(kind[2]), ...(connectParameters[name] ?? [])];
    return methods.flatMap((method) => {
      const connect: Operation = {
        path,
        method: method as Operation['method'],
        id: `connect${words}${camel(method)}${resource.namespaced ? 'Namespaced' : ''}${resource.kind}${camel(name)}`,
        description: `connect ${method.toUpperCase()} requests to the ${of}`,
        tag,
        action: 'connect',
        kind,
        parameters: given,
        body: undefined,
        bodyRequired: false,
        response: undefined,
        statuses: [200],
      };
      if (name !== 'proxy') return [connect];
      const description = `${connect.description}, below a path`;
      return [
        connect,
        { ...connect, path: `${path}/{path}`, id: `${connect.id}WithPath`, description, parameters: [...given, pathParameter] },
      ];
    });
  }
}

/** `rbac.authorization.k8s.io` → `rbacAuthorization`. */
export function tagOf(group: string): string {
  const words = camel(group === '' ? 'core' : group.replace(/\.k8s\.io$/, ''));
  return words.charAt(0).toLowerCase() + words.slice(1);
}

/** `rbac.authorization` → `RbacAuthorization`, `v1` → `V1`. */
export function camel(text: string): string {
  return text
    .split(/[^A-Za-z0-9]/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
}
