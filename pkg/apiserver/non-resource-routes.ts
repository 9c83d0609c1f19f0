/**
 * Everything beside resources: discovery, health, version, metrics, and the list of these paths at `/`.
 */
import { ApiError } from '../api/errors.ts';
import type { ApiResponse } from '../api/http.ts';
import type { Logger } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { ServiceAccountTokens } from './auth/service-account-tokens.ts';
import { Discovery, noSuchPath } from './discovery/discovery-documents.ts';
import { OpenApiDocuments } from './discovery/open-api-documents.ts';
import type { Exchange } from './exchange.ts';
import { Health, type HealthCheck } from './health.ts';
import { negotiatePlain } from './negotiate.ts';
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

const encoder = new TextEncoder();

export class NonResourceRoutes {
  readonly #options: NonResourceOptions;
  readonly #discovery: Discovery;
  readonly #health: Health;
  readonly #openApi: OpenApiDocuments;

  constructor(options: NonResourceOptions) {
    this.#options = options;
    this.#discovery = new Discovery(options.registry);
    this.#health = new Health(options.healthChecks ?? [], options.log);
    this.#openApi = new OpenApiDocuments(options.registry, options.compressor);
  }

  async respond(exchange: Exchange): Promise<ApiResponse> {
    const { method, path } = exchange.request;
    const parts = path.split('/').filter((part) => part !== '');
    const route = this.#route(parts[0]);
    if (!route) return noSuchPath();
    if (method !== 'GET' && method !== 'HEAD') {
      throw new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource', { details: {} });
    }
    return (await route(exchange, parts)) ?? noSuchPath();
  }

  #route(
    root: string | undefined,
  ): ((exchange: Exchange, parts: readonly string[]) => Promise<ApiResponse | undefined> | undefined) | undefined {
    switch (root) {
      case 'api':
      case 'apis':
        return (exchange, parts) => this.#discovery.respond(exchange, parts);
      case 'healthz':
      case 'livez':
      case 'readyz':
        return (exchange, parts) => this.#health.respond(exchange, parts);
      case 'version':
        return (exchange, parts) => (parts.length === 1 ? this.#json(exchange, versionInfo(this.#options.platform)) : undefined);
      case 'openapi':
        return (exchange, parts) => this.#openApi.respond(exchange, parts.slice(1));
      case 'openid':
        return async (exchange, parts) => (parts.slice(1).join('/') === 'v1/jwks' ? this.#keySet(exchange) : undefined);
      case '.well-known':
        return async (exchange, parts) => (parts.slice(1).join('/') === 'openid-configuration' ? this.#openId(exchange) : undefined);
      case 'metrics':
        return async (_, parts) => (parts.length === 1 ? this.#metrics() : undefined);
      case undefined:
        return (exchange) => this.#json(exchange, { paths: this.#paths() });
      default:
        return undefined;
    }
  }

  /** Whatever the client would rather have. */
  #json(exchange: Exchange, object: unknown): Promise<ApiResponse> {
    return respondObject(exchange, object, { mediaType: 'application/json' });
  }

  #object(exchange: Exchange, object: unknown): Promise<ApiResponse> {
    return respondObject(exchange, object, negotiatePlain(exchange.request.headers['accept'], ['application/json', 'application/yaml']));
  }

  async #metrics(): Promise<ApiResponse> {
    const text = await this.#options.metrics.expose();
    return { status: 200, headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }, body: encoder.encode(text) };
  }

  /** The public key of service accounts' tokens, for others who check them. */
  async #keySet(exchange: Exchange): Promise<ApiResponse | undefined> {
    const { tokens } = this.#options;
    return tokens ? this.#object(exchange, await tokens.keySet()) : undefined;
  }

  /** https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery */
  async #openId(exchange: Exchange): Promise<ApiResponse | undefined> {
    const { tokens } = this.#options;
    if (!tokens) return undefined;
    return this.#object(exchange, {
      issuer: tokens.issuer,
      jwks_uri: `https://${exchange.request.headers['host'] ?? 'kubernetes.default.svc'}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    });
  }

  #paths(): string[] {
    const groups = this.#discovery.groups().flatMap(({ name, versions }) => {
      const base = name === '' ? '/api' : `/apis/${name}`;
      return [base, ...versions.map(({ version }) => `${base}/${version}`)];
    });
    return [...new Set(['/apis', ...groups, '/healthz', '/livez', '/metrics', '/openapi/v2', '/openapi/v3', '/readyz', '/version'])].sort();
  }
}
