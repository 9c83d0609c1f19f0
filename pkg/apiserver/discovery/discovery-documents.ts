/**
 * The documents of discovery: /api, /apis and below, and all of it at once (aggregated discovery).
 */
import { ApiError } from '../../api/errors.ts';
import type { APIGroupList, APIResourceList, APIVersions } from '../../api/generated/meta-v1.ts';
import type { ApiResponse } from '../../api/http.ts';
import { apiVersionOf } from '../../api/object.ts';
import { toBase64Url } from '../../client/credentials/base64.ts';
import { sha256 } from '../../client/credentials/sha-256.ts';
import type { ResourceDeclaration } from '../../registry/contract.ts';
import { encodeJson } from '../../runtime/encode.ts';
import type { Exchange } from '../exchange.ts';
import { holdsCurrent, negotiatePlain, parseAccept } from '../negotiate.ts';
import type { RegistryPort } from '../resource-call.ts';
import { respondObject } from '../respond.ts';
import { type ApiGroup, type ApiVersion, apiGroup, apiResources, groupsOf, offeredVerbs } from './api-groups.ts';

type AggregatedVersion = 'v2' | 'v2beta1';

interface Documents {
  readonly groups: readonly ApiGroup[];
  /** By path and version of aggregated discovery: bytes and ETag. */
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

  /** `path`: the segments after the host. undefined: there is no such document. */
  respond(exchange: Exchange, path: readonly string[]): Promise<ApiResponse> | undefined {
    const [root, ...rest] = path;
    if (rest.length === 0) {
      const version = wantsAggregated(exchange.request.headers['accept']);
      if (version) return Promise.resolve(this.#aggregated(exchange, root === 'api', version));
    }
    const document = root === 'api' ? this.#coreDocument(rest, exchange) : this.#groupDocument(rest);
    return document === undefined ? undefined : respondObject(exchange, document, negotiatePlain(exchange.request.headers['accept']));
  }

  #coreDocument([version, ...rest]: readonly string[], { request }: Exchange): unknown {
    const core = this.groups().find((group) => group.name === '');
    if (!core || rest.length > 0) return undefined;
    if (version !== undefined) return this.#resources(core, version);
    const versions: APIVersions = {
      kind: 'APIVersions',
      apiVersion: 'v1',
      versions: core.versions.map((each) => each.version),
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: request.headers['host'] ?? '' }],
    };
    return versions;
  }

  #groupDocument([name, version, ...rest]: readonly string[]): unknown {
    if (rest.length > 0) return undefined;
    if (name === undefined) {
      const groups = this.groups().filter((group) => group.name !== '');
      const list: APIGroupList = { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(apiGroup) };
      return list;
    }
    const group = name === '' ? undefined : this.groups().find((each) => each.name === name);
    if (!group) return undefined;
    return version === undefined ? apiGroup(group) : this.#resources(group, version);
  }

  #resources(group: ApiGroup, version: string): APIResourceList | undefined {
    const found = group.versions.find((each) => each.version === version);
    if (!found) return undefined;
    return {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: apiVersionOf({ group: group.name, version }),
      resources: apiResources(found, storedIn(group)),
    };
  }

  /** https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery */
  #aggregated(exchange: Exchange, core: boolean, version: AggregatedVersion): ApiResponse {
    const { aggregated, groups } = this.#current();
    const key = `${core ? 'api' : 'apis'} ${version}`;
    let document = aggregated.get(key);
    if (!document) {
      const items = groups.filter((group) => (group.name === '') === core).map(aggregatedGroup);
      const bytes = encodeJson({ kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items });
      document = { bytes, etag: `"${toBase64Url(sha256(bytes))}"` };
      aggregated.set(key, document);
    }
    const headers = {
      'content-type': `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
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

/** Throws NotFound in the words that clients expect for a path that nothing is at. */
export function noSuchPath(): never {
  throw new ApiError('NotFound', 'the server could not find the requested resource', { details: {} });
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

function aggregatedGroup(group: ApiGroup): unknown {
  return {
    metadata: { name: group.name, creationTimestamp: null },
    versions: group.versions.map((version) => ({
      version: version.version,
      freshness: 'Current',
      resources: aggregatedResources(version),
    })),
  };
}

function aggregatedResources({ resources }: ApiVersion): unknown[] {
  return resources.map((declaration) => aggregatedResource(declaration));
}

function aggregatedResource(declaration: ResourceDeclaration): unknown {
  const { group, version, resource, kind, singular, namespaced, shortNames, categories, subresources } = declaration;
  return {
    resource,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: offeredVerbs(declaration),
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(Object.keys(subresources).length === 0
      ? {}
      : {
          subresources: Object.keys(subresources)
            .sort()
            .map((name) => {
              const {
                verbs: subverbs,
                kind: [subgroup, subversion, subkind],
              } = subresources[name] as ResourceDeclaration['subresources'][string];
              return { subresource: name, responseKind: { group: subgroup, version: subversion, kind: subkind }, verbs: subverbs };
            }),
        }),
  };
}

function wantsAggregated(accept: string | undefined): AggregatedVersion | undefined {
  for (const { type, parameters } of parseAccept(accept ?? '')) {
    if (type !== 'application/json') continue;
    if (parameters.get('as') !== 'APIGroupDiscoveryList' || parameters.get('g') !== 'apidiscovery.k8s.io') {
      if (parameters.get('as') === undefined) return undefined;
      continue;
    }
    const version = parameters.get('v');
    if (version === 'v2' || version === 'v2beta1') return version;
  }
  return undefined;
}
