import { badRequest } from '../api/errors.ts';
import type { ApiRequest } from '../api/http.ts';

/**
 * What a request asks for, read from its method, path and query alone.
 * https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
 */
export interface RequestInfo {
  /** True under /api/{version}/ and /apis/{group}/{version}/ with a resource named. */
  readonly isResource: boolean;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; else the method in lower case. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  /** Empty: the resource has no namespace, or the request goes to all of them. */
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  /** Empty: the collection. */
  readonly name: string;
  /** What follows the subresource, for proxies: `a/b` in `/api/v1/nodes/n/proxy/a/b`. */
  readonly tail: string;
  /** Not the object as it is, but all that it was: `/debug/history/` before its path. Who may get it may read that. */
  readonly history?: true;
}

const historyPrefix = '/debug/history';

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Subresources of a namespace; anything else after its name is a resource in it. */
const namespaceSubresources = new Set(['status', 'finalize']);

/** Throws BadRequest when the path is not valid percent-encoding. */
export function requestInfo(request: Pick<ApiRequest, 'method' | 'path' | 'query'>): RequestInfo {
  if (request.path.startsWith(`${historyPrefix}/`)) {
    const info = requestInfo({ ...request, path: request.path.slice(historyPrefix.length) });
    return info.isResource && info.name !== '' && !info.history ? { ...info, history: true } : nonResource(request.method);
  }
  const parts = decodePath(request.path);
  let at: number;
  let group = '';
  if (parts[0] === 'api') at = 1;
  else if (parts[0] === 'apis') {
    group = parts[1] ?? '';
    at = 2;
  } else return nonResource(request.method);
  const version = parts[at++] ?? '';
  let verb = verbs[request.method] ?? request.method.toLowerCase();
  // The old way to ask for a watch: /api/v1/watch/pods.
  const watchPath = parts[at] === 'watch' && parts.length > at + 1;
  if (watchPath) at++;
  if (at >= parts.length) return nonResource(request.method, group, version);

  let namespace = '';
  if (parts[at] === 'namespaces') {
    namespace = parts[at + 1] ?? '';
    const next = parts[at + 2];
    if (next !== undefined && !namespaceSubresources.has(next)) at += 2;
  }
  const resource = parts[at] as string;
  const name = parts[at + 1] ?? '';
  const subresource = parts[at + 2] ?? '';
  const tail = parts.length > at + 3 ? parts.slice(at + 3).join('/') : '';
  // A namespace is an object of the cluster; Kubernetes still reports its name as the namespace for authorization.
  if (watchPath && verb === 'get') verb = 'watch';
  else if (name === '' && verb === 'get') verb = isTrue(request.query.get('watch')) ? 'watch' : 'list';
  else if (name === '' && verb === 'delete') verb = 'deletecollection';
  return { isResource: true, verb, group, version, namespace, resource, subresource, name, tail };
}

function nonResource(method: string, group = '', version = ''): RequestInfo {
  return {
    isResource: false,
    verb: method.toLowerCase(),
    group,
    version,
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    tail: '',
  };
}

/**
 * The path behind the first segment of that name which follows a resource's name, as it came: `a//b%2F/` in
 * `/api/v1/nodes/n/proxy/a//b%2F/`.
 */
export function rawTail(path: string, subresource: string): string {
  const match = new RegExp(`^/+api/+[^/]+/+(?:namespaces/+[^/]+/+)?[^/]+/+[^/]+/+${subresource}(?:/(.*))?$`, 's').exec(path);
  return match?.[1] ?? '';
}

/** Two slashes in a row, which no path of the API has. One at the end is let pass. */
export function hasEmptySegment(path: string): boolean {
  return path.includes('//');
}

function decodePath(path: string): string[] {
  let parts = (path[0] === '/' ? path.slice(1) : path).split('/');
  if (parts.includes('')) parts = parts.filter((part) => part !== '');
  if (!path.includes('%')) return parts;
  try {
    return parts.map(decodeURIComponent);
  } catch (error) {
    throw badRequest(`the path ${JSON.stringify(path)} is not valid percent-encoding`, error);
  }
}

/** A boolean query parameter as Kubernetes reads it: present and neither `0` nor `false`. */
export function isTrue(value: string | null): boolean {
  return value !== null && value[0] !== '0' && value.toLowerCase() !== 'false';
}

/** Requests that stay open as long as the client likes: no timeout, no place in the ceiling on requests in flight. */
export function isLongRunning(info: RequestInfo, query: URLSearchParams): boolean {
  if (!info.isResource) return false;
  if (info.verb === 'watch') return true;
  switch (info.subresource) {
    case 'exec':
    case 'attach':
    case 'portforward':
    case 'proxy':
      return true;
    case 'log':
      return isTrue(query.get('follow'));
    default:
      return false;
  }
}
