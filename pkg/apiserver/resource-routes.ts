/**
 * From a request's path to its verb: which resource, whether it has the verb, and which function carries it out.
 */
import { ApiError } from '../api/errors.ts';
import type { ApiResponse } from '../api/http.ts';
import type { ResourceDeclaration } from '../registry/contract.ts';
import { noSuchPath } from './discovery/discovery-documents.ts';
import type { Exchange } from './exchange.ts';
import type { RequestInfo } from './request-info.ts';
import { negotiateResource, type ResourceCall, type Services, type Verb } from './resource-call.ts';
import { create } from './verbs/create.ts';
import { createSubresource } from './verbs/create-subresource.ts';
import { remove } from './verbs/delete.ts';
import { deleteCollection } from './verbs/delete-collection.ts';
import { get } from './verbs/get.ts';
import { list } from './verbs/list.ts';
import { patch } from './verbs/patch.ts';
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

export async function routeResource(exchange: Exchange, services: Services): Promise<ApiResponse> {
  const { info } = exchange;
  const storage = services.registry.storage(info.group, info.version, info.resource);
  if (!storage) return noSuchPath();
  const { declaration } = storage;
  const verb = verbOf(info, declaration);
  const call: ResourceCall = {
    exchange,
    services,
    storage,
    declaration,
    key: { namespace: declaration.namespaced ? info.namespace : '', name: info.name },
    subresource: info.subresource,
    negotiated: negotiateResource(exchange, declaration),
  };
  warnOfDeprecation(exchange, declaration);
  return verb(call);
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
  if (!subresource || info.tail !== '') return noSuchPath();
  const verb = subresourceVerbs[info.verb];
  if (!verb || !subresource.verbs.includes(info.verb)) throw methodNotAllowed();
  return verb;
}

function methodNotAllowed(): ApiError {
  return new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource', { details: {} });
}

/** What Kubernetes 1.36 still serves but asks to leave. */
const deprecated: Readonly<Record<string, string>> = {
  '/v1/componentstatuses': 'v1 ComponentStatus is deprecated in v1.19+',
  '/v1/endpoints': 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
};

function warnOfDeprecation(exchange: Exchange, { group, version, resource }: ResourceDeclaration): void {
  if (exchange.request.direct) return;
  const text = deprecated[`${group}/${version}/${resource}`];
  if (text !== undefined) exchange.warnings.add(text);
}
