/**
 * Everything beside resources: discovery, health, version, metrics, and the list of these paths at `/`.
 */
import { ApiError } from '../api/errors.ts';
import type { ApiResponse } from '../api/http.ts';
import type { Logger } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { Discovery, noSuchPath } from './discovery/discovery-documents.ts';
import type { Exchange } from './exchange.ts';
import { Health, type HealthCheck } from './health.ts';
import { negotiate } from './negotiate.ts';
import type { RegistryPort } from './resource-call.ts';
import { respondObject } from './respond.ts';
import { versionInfo } from './version.ts';

export interface NonResourceOptions {
  readonly registry: RegistryPort;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly healthChecks?: readonly HealthCheck[];
  readonly platform?: string;
}

const encoder = new TextEncoder();

export class NonResourceRoutes {
  readonly #options: NonResourceOptions;
  readonly #discovery: Discovery;
  readonly #health: Health;

  constructor(options: NonResourceOptions) {
    this.#options = options;
    this.#discovery = new Discovery(options.registry);
    this.#health = new Health(options.healthChecks ?? [], options.log);
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
        return (exchange, parts) => (parts.length === 1 ? this.#object(exchange, versionInfo(this.#options.platform)) : undefined);
      case 'metrics':
        return async (_, parts) => (parts.length === 1 ? this.#metrics() : undefined);
      case undefined:
        return (exchange) => this.#object(exchange, { paths: this.#paths() });
      default:
        return undefined;
    }
  }

  #object(exchange: Exchange, object: unknown): Promise<ApiResponse> {
    return respondObject(exchange, object, negotiate(exchange.request.headers['accept'], ['application/json', 'application/yaml']));
  }

  async #metrics(): Promise<ApiResponse> {
    const text = await this.#options.metrics.expose();
    return { status: 200, headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }, body: encoder.encode(text) };
  }

  #paths(): string[] {
    const groups = this.#discovery.groups().flatMap(({ name, versions }) => {
      const base = name === '' ? '/api' : `/apis/${name}`;
      return [base, ...versions.map(({ version }) => `${base}/${version}`)];
    });
    return [...new Set(['/apis', ...groups, '/healthz', '/livez', '/metrics', '/openapi/v2', '/openapi/v3', '/readyz', '/version'])].sort();
  }
}
