/**
 * OpenAPI as it is served: v3 as one document for each version of a group, found through an index whose addresses
 * change when the document does; v2 as one document for all, in JSON and in the protobuf form that Go clients ask for.
 * Documents are made when they are first asked for, and made anew when resources come or go.
 * https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-interface-definition
 */
import { ApiError } from '../../api/errors.ts';
import type { ApiResponse } from '../../api/http.ts';
import { toBase64Url } from '../../client/credentials/base64.ts';
import { sha256 } from '../../client/credentials/sha-256.ts';
import type { ResourceDeclaration } from '../../registry/contract.ts';
import { encodeJson } from '../../runtime/encode.ts';
import { type OpenApiPage, openApiV3, openApiV3Page } from '../../runtime/open-api.ts';
import { camel, tagOf } from '../../runtime/open-api-operations.ts';
import { openApiV2 } from '../../runtime/open-api-v2.ts';
import type { Exchange } from '../exchange.ts';
import { holdsCurrent, mediaTypes, negotiatePlain, parseAccept } from '../negotiate.ts';
import type { Compressor, RegistryPort } from '../resource-call.ts';
import { respondBytes } from '../respond.ts';
import { gitVersion } from '../version.ts';
import { groupsOf } from './api-groups.ts';
import { encodeOpenApiV2, openApiV2Protobuf } from './open-api-protobuf.ts';

interface OneDocument {
  readonly hash: string;
  make(): object;
  bytes?: Uint8Array;
}

interface Documents {
  /** By what follows /openapi/v3/: `api/v1`, `apis/apps/v1`. */
  readonly v3: ReadonlyMap<string, OneDocument>;
  /** By content type. */
  readonly v2: Map<string, Uint8Array>;
}

/**
 * What v2 is served as. Go clients ask for the protobuf form under a name with an `@`, which no media type may have,
 * and so it is given under the other one, which their parser takes.
 */
const protobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
const v2Types = ['application/json', protobufType] as const;

export class OpenApiDocuments {
  readonly #registry: RegistryPort;
  readonly #compressor: Compressor | undefined;
  #declarations: readonly ResourceDeclaration[] = [];
  #documents: Documents = { v3: new Map(), v2: new Map() };

  constructor(registry: RegistryPort, compressor: Compressor | undefined) {
    this.#registry = registry;
    this.#compressor = compressor;
  }

  /** JSON in whichever form it is asked for; called plain text, as Kubernetes calls it. */
  v3Index({ request }: Exchange): ApiResponse {
    const entries = [...this.#current().v3].map(([path, { hash }]) => [path, { serverRelativeURL: addressOf(path, hash) }]);
    const body = encodeJson({ paths: Object.fromEntries(entries) });
    const headers = { etag: `"${toBase64Url(sha256(body))}"`, vary: 'Accept', 'content-type': 'text/plain; charset=utf-8' };
    if (holdsCurrent(request.headers['if-none-match'], headers.etag)) return { status: 304, headers };
    return { status: 200, headers, body };
  }

  /** `path`: what follows /openapi/v3/. */
  v3(exchange: Exchange, path: string): ApiResponse {
    const document = this.#current().v3.get(path);
    if (!document) return { status: 404, headers: {} };
    const { request } = exchange;
    negotiatePlain(request.headers['accept'], ['application/json']);
    const etag = `"${document.hash}"`;
    const asked = request.query.get('hash');
    if (asked !== null && asked !== '' && asked !== document.hash) {
      return { status: 301, headers: { location: addressOf(path, document.hash), etag, vary: 'Accept' } };
    }
    // An address with its hash always leads to the same document.
    const caching: Record<string, string> = asked === document.hash ? { 'cache-control': 'public, immutable, max-age=31536000' } : {};
    const headers = { ...caching, etag, vary: 'Accept' };
    if (holdsCurrent(request.headers['if-none-match'], etag)) return { status: 304, headers };
    document.bytes ??= encodeJson(document.make());
    const response = respondBytes(exchange, 'application/json', document.bytes, this.#compressor);
    return { ...response, headers: { ...headers, ...response.headers } };
  }

  async v2(exchange: Exchange): Promise<ApiResponse> {
    const { headers } = exchange.request;
    const contentType = chooseV2(headers['accept']);
    const { v2, v3 } = this.#current();
    const etag = `"${toBase64Url(sha256(new TextEncoder().encode([...v3.values()].map(({ hash }) => hash).join('') + contentType)))}"`;
    const caching = { etag, vary: 'Accept' };
    if (holdsCurrent(headers['if-none-match'], etag)) return { status: 304, headers: caching };
    let bytes = v2.get(contentType);
    if (!bytes) {
      const document = openApiV2(this.#declarations);
      bytes = contentType === 'application/json' ? encodeJson(document) : encodeOpenApiV2(document);
      v2.set(contentType, bytes);
    }
    const response = respondBytes(exchange, contentType, bytes, this.#compressor);
    return { ...response, headers: { ...caching, ...response.headers } };
  }

  #current(): Documents {
    const declarations = this.#registry.declarations();
    if (declarations === this.#declarations) return this.#documents;
    this.#declarations = declarations;
    const v3 = new Map<string, OneDocument>();
    const groups = groupsOf(declarations);
    const own = groups.filter(({ versions }) => versions.some(({ resources }) => !resources[0]?.custom)).map(({ name }) => name);
    for (const page of pagesOf(own)) {
      v3.set(page.path.slice(1, -1), { hash: hashOfText(JSON.stringify(page)), make: () => openApiV3Page(page) });
    }
    for (const { name: group, versions } of groups) {
      for (const { version, resources } of versions) {
        const path = group === '' ? `api/${version}` : `apis/${group}/${version}`;
        v3.set(path, { hash: hashOf(resources), make: () => openApiV3({ group, version }, resources) });
      }
    }
    this.#documents = { v3, v2: new Map() };
    return this.#documents;
  }
}

function chooseV2(accept: string | undefined): (typeof v2Types)[number] {
  if (!accept) return 'application/json';
  for (const { type } of parseAccept(accept)) {
    if (type === openApiV2Protobuf || type === protobufType) return protobufType;
    if (type === 'application/json' || type === '*/*' || type === 'application/*') return 'application/json';
  }
  throw new ApiError('NotAcceptable', `only the following media types are accepted: ${v2Types.join(', ')}`);
}

function addressOf(path: string, hash: string): string {
  return `/openapi/v3/${path}?hash=${hash}`;
}

const encoder = new TextEncoder();
const hashes = new WeakMap<ResourceDeclaration, string>();

/** Of what the document is made from: the same for the same resources and the same version of this program. */
function hashOf(resources: readonly ResourceDeclaration[]): string {
  return hashOfText(resources.map(hashOfOne).join(''));
}

function hashOfText(text: string): string {
  return toBase64Url(sha256(encoder.encode(gitVersion + text)));
}

const metaVersion = 'io.k8s.apimachinery.pkg.apis.meta.v1.';

/** What lies beside the resources, with a document each: discovery's own answers, the version, the issuer of tokens. */
function pagesOf(groups: readonly string[]): OpenApiPage[] {
  const versions = 'which versions of the API there are';
  const page = (path: string, tag: string, id: string, description: string, kind: string): OpenApiPage => ({
    path,
    tag,
    id,
    description,
    response: `${metaVersion}${kind}`,
    types: mediaTypes,
  });
  const text = (path: string, tag: string, id: string, types: readonly string[]): OpenApiPage => ({
    path,
    tag,
    id,
    description: 'how the tokens of service accounts are checked by others',
    response: undefined,
    types,
  });
  return [
    text('/.well-known/openid-configuration/', 'WellKnown', 'getServiceAccountIssuerOpenIDConfiguration', ['application/json']),
    text('/openid/v1/jwks/', 'openid', 'getServiceAccountIssuerOpenIDKeyset', ['application/jwk-set+json']),
    {
      path: '/version/',
      tag: 'version',
      id: 'getCodeVersion',
      description: 'the version of this server',
      response: 'io.k8s.apimachinery.pkg.version.Info',
      types: ['application/json'],
    },
    page('/api/', 'core', 'getCoreAPIVersions', versions, 'APIVersions'),
    page('/apis/', 'apis', 'getAPIVersions', versions, 'APIGroupList'),
    ...groups
      .filter((group) => group !== '')
      .map((group) => {
        const words = group.replace(/\.k8s\.io$/, '');
        return page(`/apis/${group}/`, tagOf(group), `get${camel(words)}APIGroup`, 'the versions of the group', 'APIGroup');
      }),
  ];
}

/** A declaration stays the same object until its resource changes; some have schemas of a megabyte. */
function hashOfOne(declaration: ResourceDeclaration): string {
  let hash = hashes.get(declaration);
  if (hash === undefined) {
    // Of a custom resource, the components say all that the document does.
    const { custom, ...facts } = declaration;
    hash = toBase64Url(sha256(encoder.encode(JSON.stringify(facts))));
    hashes.set(declaration, hash);
  }
  return hash;
}
