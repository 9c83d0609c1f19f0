/**
 * pkg/apiserver takes a request from its first byte to its last. It is free of any platform: Node's HTTP servers,
 * the in-process client, tests and browsers are thin adapters to `ApiServer.handle`.
 *
 * One GET, one POST:
 *   handle → filters (authenticate, audit-id, impersonate, limit, authorize) → verbs/get    → registry.get    → respond
 *   handle → filters                                                        → verbs/create → request-body → registry.create → respond
 *
 * Guarantees: every request is answered; a refusal is a Status object with Kubernetes' reason and words; a bug is a
 * 500 with its stack in the log, and never takes the server down.
 */
import { ApiError, badRequest, isApiError } from '../api/errors.ts';
import { parseGoDuration } from '../api/go-duration.ts';
import type { ApiRequest, ApiResponse } from '../api/http.ts';
import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import type { Logger } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { type Authenticator, anonymous, certificateAuthenticator, inProcessAuthenticator } from './auth/authenticator.ts';
import { type Authorizer, ComponentAuthorizer } from './auth/authorizer.ts';
import type { ServiceAccountTokens } from './auth/service-account-tokens.ts';
import { unpackWebSocketToken } from './auth/web-socket-token.ts';
import type { BackendDialer, KubeletDialer } from './connect/dialers.ts';
import { Deadlines } from './deadlines.ts';
import type { Exchange, Filter } from './exchange.ts';
import { auditId } from './filters/audit-id.ts';
import { authenticate } from './filters/authenticate.ts';
import { authorize } from './filters/authorize.ts';
import { impersonate } from './filters/impersonate.ts';
import { limit } from './filters/limit.ts';
import type { HealthCheck } from './health.ts';
import { negotiatePlain } from './negotiate.ts';
import { NonResourceRoutes } from './non-resource-routes.ts';
import { isLongRunning, requestInfo } from './request-info.ts';
import { RequestMetrics } from './request-metrics.ts';
import type { Compressor, RegistryPort, Services } from './resource-call.ts';
import { routeResource } from './resource-routes.ts';
import { respondObject } from './respond.ts';
import { warningHeader } from './warning-header.ts';

export interface ApiServerOptions {
  readonly registry: RegistryPort;
  readonly clock: Clock;
  /** Cryptographic where tokens and ids must not be guessed. */
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Tried in order; default: callers in this process, then client certificates, then `tokens`. */
  readonly authenticators?: readonly Authenticator[];
  readonly authorizer?: Authorizer;
  readonly compressor?: Compressor;
  /** The way to kubelets: logs, exec, attach, port-forward. */
  readonly kubelets?: KubeletDialer;
  /** The way to pods and services, for proxies. */
  readonly backends?: BackendDialer;
  /** Makes service accounts' tokens, and believes them. */
  readonly tokens?: ServiceAccountTokens;
  readonly healthChecks?: readonly HealthCheck[];
  /** Ceilings on requests in flight; Kubernetes' defaults are 400 and 200. */
  readonly maxReadsInFlight?: number;
  readonly maxWritesInFlight?: number;
  /** Milliseconds that a request may take, unless it is one that stays open. Default: 60 s. */
  readonly requestTimeout?: number;
  /** What /version says beyond the defaults. */
  readonly platform?: string;
}

export class ApiServer {
  /** In the order in which a request passes them. */
  readonly filters: readonly Filter[];
  readonly #identify: Filter;
  readonly #services: Services;
  readonly #routes: NonResourceRoutes;
  readonly #metrics: RequestMetrics;
  readonly #deadlines: Deadlines;
  readonly #requestTimeout: number;

  constructor(options: ApiServerOptions) {
    const { registry, clock, random, log, metrics } = options;
    const authorizer = options.authorizer ?? new ComponentAuthorizer();
    const { compressor, kubelets, backends, tokens } = options;
    this.#services = { registry, clock, random, log, compressor, kubelets, backends, tokens, authorizer };
    this.#identify = auditId(random.fork('audit-id'));
    this.filters = [
      authenticate(options.authenticators ?? [inProcessAuthenticator, certificateAuthenticator, ...(tokens ? [tokens] : [])]),
      this.#identify,
      impersonate(authorizer),
      limit({ clock, metrics, maxReads: options.maxReadsInFlight ?? 400, maxWrites: options.maxWritesInFlight ?? 200 }),
      authorize(authorizer),
    ];
    this.#routes = new NonResourceRoutes(options);
    this.#metrics = new RequestMetrics(clock, metrics, options.platform);
    this.#deadlines = new Deadlines(clock);
    this.#requestTimeout = options.requestTimeout ?? 60_000;
  }

  /** Never rejects. */
  async handle(request: ApiRequest): Promise<ApiResponse> {
    const started = this.#services.clock.monotonic();
    let exchange: Exchange;
    try {
      exchange = newExchange(unpackWebSocketToken(request));
    } catch (error) {
      return this.#refuse(newExchange({ ...request, path: '/' }), error);
    }
    const response = withHeaders(await this.#withinTime(exchange), exchange);
    const { info } = exchange;
    // A refused request may not have got so far.
    const storage = exchange.storage ?? this.#services.registry.storage(info.group, info.version, info.resource);
    this.#metrics.observe(info, request, response, started, info.isResource && storage !== undefined);
    return response;
  }

  /** Stops timers. Requests under way are not touched. */
  close(): void {
    this.#deadlines.stop();
  }

  #withinTime(exchange: Exchange): Promise<ApiResponse> {
    const { info, request } = exchange;
    if (isLongRunning(info, request.query)) return this.#carryOut(exchange);
    let timeout: number;
    try {
      timeout = this.#timeoutOf(request);
    } catch (error) {
      void this.#identify.apply(exchange);
      return this.#refuse(exchange, error);
    }
    return new Promise((resolve) => {
      const expire = (): void => {
        const error = new ApiError('Timeout', 'Timeout: request did not complete within requested timeout - context deadline exceeded');
        resolve(this.#refuse(exchange, error));
      };
      this.#deadlines.set(expire, timeout);
      exchange.atEnd.push(() => this.#deadlines.clear(expire));
      void this.#carryOut(exchange).then(resolve);
    });
  }

  /** A client may ask for less than the usual time: `?timeout=10s`. */
  #timeoutOf({ query }: ApiRequest): number {
    const text = query.get('timeout');
    if (text === null || text === '') return this.#requestTimeout;
    const asked = parseGoDuration(text);
    if (typeof asked === 'string') throw badRequest(`invalid timeout specified in the request URL - ${asked}`);
    return asked <= 0 ? this.#requestTimeout : Math.min(asked, this.#requestTimeout);
  }

  async #carryOut(exchange: Exchange): Promise<ApiResponse> {
    try {
      for (const filter of this.filters) {
        const passing = filter.apply(exchange);
        if (passing) await passing;
      }
      if (exchange.info.isResource) return await routeResource(exchange, this.#services);
      return await this.#routes.respond(exchange);
    } catch (error) {
      return await this.#refuse(exchange, error);
    } finally {
      for (const end of exchange.atEnd) end();
    }
  }

  /** A failure as a Status, in a form that the client reads. */
  async #refuse(exchange: Exchange, error: unknown): Promise<ApiResponse> {
    const refusal = this.#asApiError(exchange, error);
    const retryAfter = refusal.details?.retryAfterSeconds;
    const headers: Record<string, string> = retryAfter ? { 'retry-after': String(retryAfter) } : {};
    return respondObject(exchange, refusal.toStatus(), { mediaType: acceptable(exchange) }, { status: refusal.code, headers });
  }

  #asApiError(exchange: Exchange, error: unknown): ApiError {
    if (isApiError(error)) return error;
    const { request, signal } = exchange;
    if (signal.aborted) return new ApiError('Timeout', 'the client has gone before the request was carried out');
    this.#services.log.error('a request failed for a reason that is a bug', { method: request.method, path: request.path, error });
    return new ApiError('InternalError', `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function newExchange(request: ApiRequest): Exchange {
  return {
    request,
    info: requestInfo(request),
    storage: undefined,
    requestId: '',
    user: anonymous,
    signal: request.signal,
    warnings: new Set(),
    atEnd: [],
  };
}

function acceptable({ request }: Exchange) {
  try {
    return negotiatePlain(request.headers['accept']).mediaType;
  } catch {
    return 'application/json'; // The refusal itself must reach a client that accepts nothing that is offered.
  }
}

function withHeaders(response: ApiResponse, exchange: Exchange): ApiResponse {
  if (exchange.request.direct) return response;
  const headers: Record<string, string> = { 'audit-id': exchange.requestId, 'cache-control': 'no-cache, private', ...response.headers };
  if (exchange.warnings.size > 0) headers['warning'] = warningHeader(exchange.warnings);
  return { ...response, headers };
}
