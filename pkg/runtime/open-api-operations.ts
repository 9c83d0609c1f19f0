/** What can be done with a resource, as OpenAPI's operations: one list from which both versions of the document are written. */

import { answersDeletion } from '../api/answered-deletions.ts';

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

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly type: 'string' | 'integer' | 'boolean';
  readonly description: string;
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

const query = (name: string, type: Parameter['type'], description: string): Parameter => ({ name, in: 'query', type, description });
const nameParameter = (kind: string): Parameter => ({ name: 'name', in: 'path', type: 'string', description: `name of the ${kind}` });
const namespaceParameter: Parameter = { name: 'namespace', in: 'path', type: 'string', description: 'the namespace that the object is in' };
const pathParameter: Parameter = { name: 'path', in: 'path', type: 'string', description: 'path to the resource' };
const pretty = query('pretty', 'string', "If 'true', the answer is indented for reading.");

const writeParameters: readonly Parameter[] = [
  query('dryRun', 'string', "With 'All' the request goes through every stage, and nothing is stored."),
  query('fieldManager', 'string', 'The name under which the fields that change are recorded as owned.'),
  query('fieldValidation', 'string', 'What to do with unknown and duplicate fields: Ignore, Warn (the default) or Strict.'),
];
const watchParameters: readonly Parameter[] = [
  query('allowWatchBookmarks', 'boolean', 'Whether a watch may send BOOKMARK events, which carry a resource version and nothing else.'),
  query('watch', 'boolean', 'Send changes as they happen, in place of a list.'),
];
const selectParameters: readonly Parameter[] = [
  query('continue', 'string', 'The token that the last page of a list came with: asks for the next page.'),
  query('fieldSelector', 'string', 'Only objects with these values in fields. Which fields can be named depends on the resource.'),
  query('labelSelector', 'string', 'Only objects with labels like these.'),
  query('limit', 'integer', 'At most this many objects; the rest comes by "continue".'),
  query('resourceVersion', 'string', 'How old the answer may be, or where a watch begins.'),
  query('resourceVersionMatch', 'string', 'How resourceVersion is meant: NotOlderThan or Exact.'),
  query('sendInitialEvents', 'boolean', 'Begin a watch with an event for each object that is there.'),
  query('shardSelector', 'string', 'Only the objects of one shard. Not yet: it is read and not listened to.'),
  query('timeoutSeconds', 'integer', 'How long the call may last.'),
];
const listParameters: readonly Parameter[] = [...selectParameters, ...watchParameters];
const deleteParameters: readonly Parameter[] = [
  writeParameters[0] as Parameter,
  query('gracePeriodSeconds', 'integer', 'How long the object may take to end: 0 means at once.'),
  query('ignoreStoreReadErrorWithClusterBreakingPotential', 'boolean', 'Delete an object that can no longer be read.'),
  query('orphanDependents', 'boolean', 'Deprecated: use propagationPolicy.'),
  query('propagationPolicy', 'string', 'What becomes of the objects that this one owns: Orphan, Background or Foreground.'),
];
const force = query('force', 'boolean', 'Take fields that others own, in place of a conflict. For apply patches.');

const connectMethods = { get: 'get', create: 'post', update: 'put', patch: 'patch', delete: 'delete' } as const;

const container = query('container', 'string', 'Which container, where there are several.');
const streamParameters: readonly Parameter[] = [
  container,
  query('stderr', 'boolean', "Whether the client wants the container's standard error."),
  query('stdin', 'boolean', "Whether the client writes to the container's standard input."),
  query('stdout', 'boolean', "Whether the client wants the container's standard output."),
  query('tty', 'boolean', 'Whether the process has a terminal.'),
];
const proxyParameter = query('path', 'string', 'Which path of the backend.');
/** What the connections to pods, services and nodes are asked for, by subresource. */
const connectParameters: Readonly<Record<string, readonly Parameter[]>> = {
  attach: streamParameters,
  exec: [...streamParameters, query('command', 'string', 'What is run, a word each time that it is given.')],
  portforward: [query('ports', 'integer', 'Which ports of the pod.')],
  proxy: [proxyParameter],
  log: [
    container,
    query('follow', 'boolean', 'Go on with what is written from now on.'),
    query('insecureSkipTLSVerifyBackend', 'boolean', "Whether the kubelet's certificate is not looked at."),
    query('limitBytes', 'integer', 'End after so many bytes.'),
    query('previous', 'boolean', "The log of the container's last run."),
    query('sinceSeconds', 'integer', 'What was written in so many seconds up to now.'),
    query('stream', 'string', 'Stdout, Stderr or All.'),
    query('tailLines', 'integer', 'So many lines from the end.'),
    query('timestamps', 'boolean', 'Each line with its time.'),
  ],
};

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

/** The parameters of all operations of a path, and those that each has beside them; by name. */
export function sharedParameters(operations: readonly Operation[]): {
  readonly shared: readonly Parameter[];
  own(operation: Operation): readonly Parameter[];
} {
  const byName = (list: Iterable<Parameter>): Parameter[] => [...list].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const keyOf = ({ name, in: place }: Parameter): string => `${place} ${name}`;
  const [first, ...others] = operations;
  const elsewhere = others.map(({ parameters }) => new Set(parameters.map(keyOf)));
  const shared = (first?.parameters ?? []).filter((parameter) => elsewhere.every((keys) => keys.has(keyOf(parameter))));
  const keys = new Set(shared.map(keyOf));
  return { shared: byName(shared), own: ({ parameters }) => byName(parameters.filter((each) => !keys.has(keyOf(each)))) };
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
