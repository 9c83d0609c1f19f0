/**
 * The documents of discovery: /api, /apis and below, and all of it at once (aggregated discovery).
 */
import type { ApiResponse } from '../../api/http.ts';
import { apiVersionOf } from '../../api/object.ts';
import { toBase64Url } from '../../client/credentials/base64.ts';
import { sha256 } from '../../client/credentials/sha-256.ts';
import type { ResourceDeclaration } from '../../registry/contract.ts';
import { encodeJson } from '../../runtime/encode.ts';
import type { Exchange } from '../exchange.ts';
import { checkProduced, holdsCurrent, mediaTypes, negotiatePlain, parseAccept } from '../negotiate.ts';
import { methodNotAllowed, noSuchPage, noSuchPath } from '../no-such-path.ts';
import type { RegistryPort } from '../resource-call.ts';
import { respondObject } from '../respond.ts';
import { type ApiGroup, apiGroup, apiResources, groupsOf, offeredVerbs } from './api-groups.ts';

interface Documents {
  readonly groups: readonly ApiGroup[];
  /** Of aggregated discovery, by `api` and `apis`: bytes and ETag. */
  readonly aggregated: Map<string, { readonly bytes: Uint8Array; readonly etag: string }>;
}

export class Discovery {
  readonly #registry: RegistryPort;
  /** What was derived from the declarations, for as long as they stay the same. */
  #declarations: readonly ResourceDeclaration[] = [];
  #documents: Documents = { groups: [], aggregated: new Map() };

  constructor(registry: RegistryPort) {
    this.#registry = registry;
  }

  groups(): readonly ApiGroup[] {
    return this.#current().groups;
  }

  /** `path`: the segments after the host. */
  respond(exchange: Exchange, [root = '', ...rest]: readonly string[]): Promise<ApiResponse> | ApiResponse {
    const { headers, method } = exchange.request;
    const accept = headers['accept'];
    const [name, version] = root === 'api' ? ['', rest[0]] : rest;
    const group = name === undefined ? undefined : this.groups().find((each) => each.name === name);
    // The lists of groups, and what custom resources bring, are given whatever the method; the rest is for reading alone.
    const strict = root === 'api' || (version !== undefined && group?.versions.some(({ resources }) => !resources[0]?.custom));
    if (name !== undefined && (!group || (name === '' && root === 'apis'))) return noSuchPage();
    if (strict && method !== 'GET') throw methodNotAllowed();
    if (rest.length === 0 && wantsAggregated(accept)) return this.#aggregated(exchange, root === 'api');
    const document = rest.length > 2 ? undefined : this.#document(exchange, group, version);
    if (!document) return strict ? noSuchPath() : noSuchPage();
    if (strict) checkProduced(accept, mediaTypes);
    return respondObject(exchange, document, negotiatePlain(accept));
  }

  #document({ request }: Exchange, group: ApiGroup | undefined, version: string | undefined): unknown {
    if (!group) {
      const groups = this.groups().filter(({ name }) => name !== '');
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(apiGroup) };
    }
    if (version !== undefined) return this.#resources(group, version);
    if (group.name !== '') return { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(group) };
    // It and the list of the group's resources are older than versions of such documents: they name none.
    return {
      kind: 'APIVersions',
      versions: group.versions.map((each) => each.version),
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: request.headers['host'] ?? '' }],
    };
  }

  #resources(group: ApiGroup, version: string): unknown {
    const found = group.versions.find((each) => each.version === version);
    if (!found) return undefined;
    return {
      kind: 'APIResourceList',
      ...(group.name === '' ? {} : { apiVersion: 'v1' }),
      groupVersion: apiVersionOf({ group: group.name, version }),
      resources: apiResources(found, storedIn(group)),
    };
  }

  /** https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery */
  #aggregated(exchange: Exchange, core: boolean): ApiResponse {
    const { aggregated, groups } = this.#current();
    const key = core ? 'api' : 'apis';
    let document = aggregated.get(key);
    if (!document) {
      const items = groups.filter((group) => (group.name === '') === core).map(aggregatedGroup);
      const bytes = encodeJson({ kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items });
      document = { bytes, etag: `"${toBase64Url(sha256(bytes))}"` };
      aggregated.set(key, document);
    }
    const headers = {
      'content-type': 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
      etag: document.etag,
      vary: 'Accept',
      'cache-control': 'public',
    };
    if (holdsCurrent(exchange.request.headers['if-none-match'], document.etag)) return { status: 304, headers };
    return { status: 200, headers, body: document.bytes };
  }

  #current(): Documents {
    const declarations = this.#registry.declarations();
    if (declarations !== this.#declarations) {
      this.#declarations = declarations;
      this.#documents = { groups: groupsOf(declarations), aggregated: new Map() };
    }
    return this.#documents;
  }
}

/** Objects are stored in the group's preferred version that has the kind. */
function storedIn(group: ApiGroup): (declaration: ResourceDeclaration) => ResourceDeclaration {
  return (declaration) => {
    if (declaration.custom) return { ...declaration, version: declaration.custom.storageVersion };
    for (const { resources } of group.versions) {
      const found = resources.find((each) => each.resource === declaration.resource);
      if (found) return found;
    }
    return declaration;
  };
}

function aggregatedGroup({ name, versions }: ApiGroup): unknown {
  return {
    metadata: name === '' ? {} : { name },
    versions: versions.map(({ version, resources }) => ({ version, resources: resources.map(aggregatedResource), freshness: 'Current' })),
  };
}

function aggregatedResource(declaration: ResourceDeclaration): unknown {
  const { group, version, resource, kind, singular, namespaced, shortNames, categories, subresources } = declaration;
  /** A built-in kind of the version in which it is listed does not repeat it. */
  const responseKind = (ofGroup: string, ofVersion: string, ofKind: string): unknown =>
    !declaration.custom && ofGroup === group && ofVersion === version
      ? { group: '', version: '', kind: ofKind }
      : { group: ofGroup, version: ofVersion, kind: ofKind };
  const names = Object.keys(subresources).sort();
  return {
    resource,
    responseKind: responseKind(group, version, kind),
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: offeredVerbs(declaration),
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(names.length === 0
      ? {}
      : {
          subresources: names.map((name) => {
            const { verbs, kind: subkind } = subresources[name] as ResourceDeclaration['subresources'][string];
            return { subresource: name, responseKind: responseKind(...subkind), verbs };
          }),
        }),
  };
}

/** Whoever can read it is given it, however much more something else is wanted. */
function wantsAggregated(accept: string | undefined): boolean {
  return parseAccept(accept ?? '').some(
    ({ type, parameters }) =>
      type === 'application/json' &&
      parameters.get('as') === 'APIGroupDiscoveryList' &&
      parameters.get('g') === 'apidiscovery.k8s.io' &&
      parameters.get('v') === 'v2',
  );
}
