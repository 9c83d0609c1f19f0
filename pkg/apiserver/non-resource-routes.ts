/**
 * Everything beside resources: discovery, health, version, metrics, and the list of these paths at `/`.
 */
import type { ApiResponse } from '../api/http.ts';
import type { Logger } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { ServiceAccountTokens } from './auth/service-account-tokens.ts';
import { Discovery } from './discovery/discovery-documents.ts';
import { OpenApiDocuments } from './discovery/open-api-documents.ts';
import type { Exchange } from './exchange.ts';
import { Health, type HealthCheck } from './health.ts';
import { checkProduced } from './negotiate.ts';
import { methodNotAllowed, noSuchPage } from './no-such-path.ts';
import type { Compressor, RegistryPort } from './resource-call.ts';
import { respondObject } from './respond.ts';
import { versionInfo } from './version.ts';

export interface NonResourceOptions {
  readonly registry: RegistryPort;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly healthChecks?: readonly HealthCheck[];
  readonly platform?: string;
  readonly compressor?: Compressor;
  readonly tokens?: ServiceAccountTokens;
}

type Page = (exchange: Exchange) => Promise<ApiResponse> | ApiResponse;

const encoder = new TextEncoder();

export class NonResourceRoutes {
  readonly #options: NonResourceOptions;
  readonly #discovery: Discovery;
  readonly #health: Health;
  readonly #openApi: OpenApiDocuments;
  /** By path. */
  readonly #pages: ReadonlyMap<string, Page>;

  constructor(options: NonResourceOptions) {
    this.#options = options;
    this.#discovery = new Discovery(options.registry);
    this.#health = new Health(options.healthChecks ?? [], options.log);
    this.#openApi = new OpenApiDocuments(options.registry, options.compressor);
    const index: Page = (exchange) => indented(exchange, { paths: this.#paths() });
    this.#pages = new Map<string, Page>([
      ['/', index],
      ['/index.html', index],
      ['/version', (exchange) => this.#version(exchange)],
      ['/version/', (exchange) => this.#version(exchange)],
      ['/metrics', () => this.#metrics()],
      ['/metrics/slis', async () => metricsPage(await this.#health.slis())],
      ['/openapi/v2', (exchange) => this.#openApi.v2(exchange)],
      ['/openapi/v3', (exchange) => this.#openApi.v3Index(exchange)],
      ...(options.tokens ? issuerPages(options.tokens) : []),
    ]);
  }

  async respond(exchange: Exchange): Promise<ApiResponse> {
    // That it can be decoded was found out when it was told what it asks for.
    const path = decodeURIComponent(exchange.request.path);
    const page = this.#pages.get(path);
    if (page) return page(exchange);
    const [, root, ...rest] = path.split('/');
    switch (root) {
      case 'api':
      case 'apis':
        if (rest.at(-1) === '') rest.pop();
        return this.#discovery.respond(exchange, [root, ...rest]);
      case 'healthz':
      case 'livez':
      case 'readyz':
        return (await this.#health.respond(exchange, root, path.slice(root.length + 2))) ?? noSuchPage();
      case 'openapi':
        return rest[0] === 'v3' ? this.#openApi.v3(exchange, rest.slice(1).join('/')) : noSuchPage();
      default:
        return noSuchPage();
    }
  }

  #version(exchange: Exchange): Promise<ApiResponse> {
    checkRead(exchange, ['application/json']);
    return indented(exchange, versionInfo(this.#options.platform));
  }

  async #metrics(): Promise<ApiResponse> {
    return metricsPage(await this.#options.metrics.expose());
  }

  #paths(): string[] {
    const groups = this.#discovery.groups().flatMap(({ name, versions }) => {
      const base = name === '' ? '/api' : `/apis/${name}`;
      return [base, ...versions.map(({ version }) => `${base}/${version}`)];
    });
    const pages = [...this.#pages.keys()].filter((path) => path !== '/' && path !== '/index.html' && path !== '/version/');
    return [...new Set(['/apis', '/apis/', ...groups, ...pages, ...this.#health.paths(), '/openapi/v3/'])].sort();
  }
}

/** What may be read, and in which forms. Throws MethodNotAllowed and NotAcceptable. */
function checkRead({ request }: Exchange, produced: readonly string[]): void {
  if (request.method !== 'GET') throw methodNotAllowed();
  checkProduced(request.headers['accept'], produced);
}

/** JSON for whoever asks, laid out to be read. */
function indented(exchange: Exchange, object: unknown): Promise<ApiResponse> {
  return respondObject(exchange, object, { mediaType: 'application/json', pretty: true });
}

function metricsPage(text: string): ApiResponse {
  const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores' };
  return { status: 200, headers, body: encoder.encode(text) };
}

/**
 * The public key of service accounts' tokens, for others who check them, and where to find it.
 * https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery
 */
function issuerPages(tokens: ServiceAccountTokens): [path: string, page: Page][] {
  const page = (exchange: Exchange, contentType: string, object: unknown): ApiResponse => {
    checkRead(exchange, [contentType]);
    const headers = { 'content-type': contentType, 'cache-control': 'public, max-age=3600' };
    return { status: 200, headers, body: encoder.encode(JSON.stringify(object)) };
  };
  const configuration: Page = (exchange) =>
    page(exchange, 'application/json', {
      issuer: tokens.issuer,
      jwks_uri: `https://${exchange.request.headers['host'] ?? 'kubernetes.default.svc'}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    });
  return [
    ['/.well-known/openid-configuration', configuration],
    ['/openid/v1/jwks', async (exchange) => page(exchange, 'application/jwk-set+json', await tokens.keySet())],
  ];
}
