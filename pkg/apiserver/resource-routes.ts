/**
 * From a request's path to its verb: which resource, whether it has the verb, and which function carries it out.
 */
import { ApiError, badRequest } from '../api/errors.ts';
import type { ApiRequest, ApiResponse } from '../api/http.ts';
import type { ResourceDeclaration, ResourceStorage } from '../registry/contract.ts';
import { attach, exec } from './connect/exec.ts';
import { log } from './connect/log.ts';
import { portForward } from './connect/port-forward.ts';
import { proxy } from './connect/proxy.ts';
import { deprecationOf } from './deprecated-kinds.ts';
import type { Exchange } from './exchange.ts';
import { checkProduced, listedTypes, mediaTypes, type Negotiated } from './negotiate.ts';
import { methodNotAllowed, noSuchPage, noSuchPath } from './no-such-path.ts';
import { hasEmptySegment, isTrue, type RequestInfo } from './request-info.ts';
import { isBuiltIn, negotiateResource, type ResourceCall, type Services, type Verb } from './resource-call.ts';
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
/** What logs are given as, beside the forms of objects in which they are refused. */
const logTypes: readonly string[] = ['text/plain', ...mediaTypes];
const passedThrough: Negotiated = { mediaType: 'application/json', as: 'object', metaVersion: 'v1' };

export async function routeResource(exchange: Exchange, services: Services): Promise<ApiResponse> {
  const { group, version, resource } = exchange.info;
  const storage = services.registry.storage(group, version, resource);
  return storage ? routeStored(exchange, services, storage) : (routePosted(exchange, services) ?? routeNew(exchange, services));
}

/** To a resource whose definition may have been written through another server, a moment ago. */
async function routeNew(exchange: Exchange, services: Services): Promise<ApiResponse> {
  const { group, version, resource } = exchange.info;
  await services.registry.fresh();
  const storage = services.registry.storage(group, version, resource);
  if (!storage) return isOfOurs(exchange, services) ? noSuchPath() : noSuchPage();
  return routeStored(exchange, services, storage);
}

function routeStored(exchange: Exchange, services: Services, storage: ResourceStorage): ApiResponse | Promise<ApiResponse> {
  const { info } = exchange;
  const { declaration } = storage;
  exchange.storage = storage;
  const verb = verbOf(exchange, declaration);
  if (!verb) return isBuiltIn(declaration) ? noSuchPath() : noSuchPage();
  if (isBuiltIn(declaration) && !passedOn.has(verb)) {
    const collection = info.name === '' && info.verb !== 'deletecollection' && exchange.request.method === 'GET';
    checkProduced(exchange.request.headers['accept'], verb === log ? logTypes : collection ? listedTypes : mediaTypes);
  }
  checkName(info);
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

/** Whether a group of Kubernetes' own is asked for. What else there could be, definitions alone say. */
function isOfOurs({ info }: Exchange, { registry }: Services): boolean {
  return registry.declarations().some((declaration) => declaration.group === info.group && isBuiltIn(declaration));
}

/** A name is one segment of a path, and says so wherever the path is taken apart. */
function checkName({ name }: RequestInfo): void {
  const fault = name === '.' || name === '..' ? `may not be '${name}'` : name.includes('%') ? "may not contain '%'" : undefined;
  if (fault !== undefined) throw badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${fault}`);
}

/** undefined: there is no such path. */
function verbOf({ info, request }: Exchange, declaration: ResourceDeclaration): Verb | undefined {
  if (hasEmptySegment(request.path) && info.tail === '') return undefined;
  if (request.method === 'HEAD' && isBuiltIn(declaration) && info.subresource !== 'proxy') throw methodNotAllowed();
  const inNamespace = info.namespace !== '';
  if (declaration.namespaced ? !inNamespace && info.name !== '' : inNamespace && info.resource !== 'namespaces') return undefined;
  if (info.resource === 'namespaces' && info.group === '' && info.name !== info.namespace) return undefined;
  if (info.subresource === '') {
    const needsNamespace = declaration.namespaced && !inNamespace && (info.verb === 'create' || info.verb === 'deletecollection');
    const named = info.name !== '' && info.verb === 'create';
    const nameless = info.name === '' && (info.verb === 'update' || info.verb === 'patch');
    const verb = verbs[info.verb];
    if (info.verb === 'watch' && !declaration.verbs.includes('watch')) return noWatch(request, declaration);
    if (!verb || needsNamespace || named || nameless || !declaration.verbs.includes(info.verb)) throw methodNotAllowed();
    return verb;
  }
  const subresource = Object.hasOwn(declaration.subresources, info.subresource) ? declaration.subresources[info.subresource] : undefined;
  if (!subresource || (info.tail !== '' && info.subresource !== 'proxy')) return undefined;
  const own = connections[`${declaration.group}/${declaration.resource}/${info.subresource}`];
  const verb = own ?? subresourceVerbs[info.verb];
  // Any method goes through a proxy, those too that are no verbs.
  const asked = verb === proxy && info.verb === 'options' ? 'get' : info.verb;
  if (!verb || !subresource.verbs.includes(asked)) throw methodNotAllowed();
  return verb;
}

function noWatch({ query }: ApiRequest, { resource }: ResourceDeclaration): undefined {
  if (!isTrue(query.get('watch'))) return undefined; // the old paths of watches lead to those that there are
  throw new ApiError('MethodNotAllowed', `watch is not supported on resources of kind "${resource}"`, { details: { kind: resource } });
}

function warnOfDeprecation(exchange: Exchange, declaration: ResourceDeclaration): void {
  if (exchange.request.direct) return;
  const text = deprecationOf(declaration);
  if (text !== undefined) exchange.warnings.add(text);
}
