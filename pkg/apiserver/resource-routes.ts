/**
 * From a request's path to its verb: which resource, whether it has the verb, and which function carries it out.
 */
import { ApiError, badRequest } from '../api/errors.ts';
import type { ApiResponse } from '../api/http.ts';
import type { ResourceDeclaration } from '../registry/contract.ts';
import { attach, exec } from './connect/exec.ts';
import { log } from './connect/log.ts';
import { portForward } from './connect/port-forward.ts';
import { proxy } from './connect/proxy.ts';
import { deprecationOf } from './deprecated-kinds.ts';
import { noSuchPath } from './discovery/discovery-documents.ts';
import type { Exchange } from './exchange.ts';
import type { Negotiated } from './negotiate.ts';
import type { RequestInfo } from './request-info.ts';
import { negotiateResource, type ResourceCall, type Services, type Verb } from './resource-call.ts';
import { create } from './verbs/create.ts';
import { createBinding } from './verbs/create-binding.ts';
import { createSubresource } from './verbs/create-subresource.ts';
import { createToken } from './verbs/create-token.ts';
import { remove } from './verbs/delete.ts';
import { deleteCollection } from './verbs/delete-collection.ts';
import { get } from './verbs/get.ts';
import { history } from './verbs/history.ts';
import { list } from './verbs/list.ts';
import { patch } from './verbs/patch.ts';
import { isReview, review } from './verbs/reviews.ts';
import { update } from './verbs/update.ts';
import { watch } from './verbs/watch.ts';

const verbs: Readonly<Record<string, Verb>> = {
  get,
  list,
  watch,
  create,
  update,
  patch,
  delete: remove,
  deletecollection: deleteCollection,
};
/** For a subresource, POST means something else than for a collection. */
const subresourceVerbs: Readonly<Record<string, Verb>> = { get, update, patch, create: createSubresource };

/** Subresources that are no objects: what the server answers with comes from elsewhere. */
const connections: Readonly<Record<string, Verb>> = {
  '/pods/log': log,
  '/pods/exec': exec,
  '/pods/attach': attach,
  '/pods/portforward': portForward,
  '/pods/proxy': proxy,
  '/services/proxy': proxy,
  '/nodes/proxy': proxy,
  '/serviceaccounts/token': createToken,
};

/** What goes through to a kubelet, a pod or a service is in its hands, the form of its answer too. */
const passedOn: ReadonlySet<Verb> = new Set([exec, attach, portForward, proxy]);
const passedThrough: Negotiated = { mediaType: 'application/json', as: 'object', metaVersion: 'v1' };

export async function routeResource(exchange: Exchange, services: Services): Promise<ApiResponse> {
  const { info } = exchange;
  const { registry } = services;
  let storage = registry.storage(info.group, info.version, info.resource);
  if (!storage) {
    const posted = routePosted(exchange, services);
    if (posted) return posted;
    // Its definition may have been written through another server, a moment ago.
    await registry.fresh();
    storage = registry.storage(info.group, info.version, info.resource) ?? noSuchPath();
  }
  const { declaration } = storage;
  const verb = verbOf(info, declaration);
  if (passedOn.has(verb) && exchange.request.query.has('dryRun')) throw badRequest('dryRun is not supported');
  const call: ResourceCall = {
    exchange,
    services,
    storage,
    declaration,
    key: { namespace: declaration.namespaced ? info.namespace : '', name: info.name },
    subresource: info.subresource,
    negotiated: passedOn.has(verb) ? passedThrough : negotiateResource(exchange, declaration),
  };
  warnOfDeprecation(exchange, declaration);
  if (info.history) {
    if (verb !== get || call.subresource !== '') throw methodNotAllowed();
    return history(call);
  }
  return verb(call);
}

/** Kinds that are posted and never stored; undefined: it is none. */
function routePosted(exchange: Exchange, services: Services): Promise<ApiResponse> | undefined {
  const { info } = exchange;
  const declaration = services.registry
    .declarations()
    .find(({ group, version, resource }) => group === info.group && version === info.version && resource === info.resource);
  if (!declaration) return undefined;
  if (info.name !== '' || declaration.namespaced !== (info.namespace !== '')) return noSuchPath();
  if (info.verb !== 'create') throw methodNotAllowed();
  if (isReview(declaration)) return review(exchange, services, declaration);
  if (declaration.group === '' && declaration.resource === 'bindings') return createBinding(exchange, services, declaration);
  return noSuchPath();
}

function verbOf(info: RequestInfo, declaration: ResourceDeclaration): Verb {
  const inNamespace = info.namespace !== '';
  if (declaration.namespaced ? !inNamespace && info.name !== '' : inNamespace && info.resource !== 'namespaces') noSuchPath();
  if (info.subresource === '') {
    const needsNamespace = declaration.namespaced && !inNamespace && (info.verb === 'create' || info.verb === 'deletecollection');
    const named = info.name !== '' && info.verb === 'create';
    const nameless = info.name === '' && (info.verb === 'update' || info.verb === 'patch');
    const verb = verbs[info.verb];
    if (!verb || needsNamespace || named || nameless || !declaration.verbs.includes(info.verb)) throw methodNotAllowed();
    return verb;
  }
  const subresource = Object.hasOwn(declaration.subresources, info.subresource) ? declaration.subresources[info.subresource] : undefined;
  if (!subresource || (info.tail !== '' && info.subresource !== 'proxy')) return noSuchPath();
  const own = connections[`${declaration.group}/${declaration.resource}/${info.subresource}`];
  const verb = own ?? subresourceVerbs[info.verb];
  if (!verb || !subresource.verbs.includes(info.verb)) throw methodNotAllowed();
  return verb;
}

function methodNotAllowed(): ApiError {
  return new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource', { details: {} });
}

function warnOfDeprecation(exchange: Exchange, declaration: ResourceDeclaration): void {
  if (exchange.request.direct) return;
  const text = deprecationOf(declaration);
  if (text !== undefined) exchange.warnings.add(text);
}
