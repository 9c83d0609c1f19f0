/**
 * What others ask of a node: the API server for logs and commands, a metrics server for usage, people for health.
 * Free of any platform: an HTTPS server, or a caller in the same process, hands in requests.
 *
 * Only health is open to everybody; for the rest the peer must be of the group `system:masters`, as the API server
 * is (by its client certificate, or because the process vouches for it).
 */
import type { Pod } from '../../api/generated/core-v1.ts';
import type { ApiRequest, ApiResponse, Peer } from '../../api/http.ts';
import type { KubeletContext } from '../kubelet-context.ts';
import { newest } from '../pod-observation.ts';
import type { PodWorker } from '../pod-worker.ts';
import { containerLogs } from './container-logs.ts';
import { answerJson, answerText, refuse } from './refuse.ts';
import { portForward, remoteCommand } from './remote-command.ts';
import { NodeStats } from './stats.ts';

export interface KubeletServerOptions {
  readonly context: KubeletContext;
  workers(): readonly PodWorker[];
  /** The pod with the status that this node would tell. */
  current(worker: PodWorker): Pod;
  /** What is wrong with the kubelet; empty: nothing. */
  problems(): readonly string[];
}

export class KubeletServer {
  readonly #options: KubeletServerOptions;
  readonly #stats: NodeStats;

  constructor(options: KubeletServerOptions) {
    this.#options = options;
    this.#stats = new NodeStats(options.context);
  }

  async handle(request: ApiRequest): Promise<ApiResponse> {
    const { context } = this.#options;
    const names = namesOf(request.path);
    if (!names) return refuse(400, `malformed path ${JSON.stringify(request.path)}`);
    const [route = '', ...rest] = names;
    if (route === 'healthz') return this.#health();
    if (!isTrusted(request.peer)) return refuse(isKnown(request.peer) ? 403 : 401, isKnown(request.peer) ? 'Forbidden' : 'Unauthorized');
    if (request.method !== 'GET' && request.method !== 'POST') return refuse(405, `405: Method Not Allowed`);
    const workers = this.#options.workers();
    switch (route) {
      case 'pods':
      case 'runningpods':
        return answerJson({
          kind: 'PodList',
          apiVersion: 'v1',
          metadata: {},
          items: workers.map((worker) => this.#options.current(worker)),
        });
      case 'metrics':
        if (rest[0] === 'resource')
          return answerText(await this.#stats.resourceMetrics(workers), 'text/plain; version=0.0.4; charset=utf-8');
        return answerText(await context.metrics.expose(), 'text/plain; version=0.0.4; charset=utf-8');
      case 'stats':
        return rest[0] === 'summary' ? answerJson(await this.#stats.summary(workers)) : notFound(request);
      case 'containerLogs':
      case 'exec':
      case 'attach':
      case 'portForward':
        return this.#ofPod(route, rest, request);
      default:
        return notFound(request);
    }
  }

  #ofPod(route: 'containerLogs' | 'exec' | 'attach' | 'portForward', path: readonly string[], request: ApiRequest): ApiResponse {
    const { context } = this.#options;
    const [namespace, name, ...rest] = path;
    const container = rest.at(-1);
    // With three names before the container's, the middle one is the uid.
    const uid = (route === 'portForward' ? rest.length === 1 : rest.length === 2) ? rest[0] : undefined;
    const worker = this.#options
      .workers()
      .filter(
        ({ pod: { metadata } }) => metadata.namespace === namespace && metadata.name === name && (uid ?? metadata.uid) === metadata.uid,
      )
      // One that is being put out of the way by another of its name comes last.
      .sort((a, b) => Number(b.active) - Number(a.active))[0];
    if (!worker) return refuse(404, `pod "${name}" does not exist on node ${context.nodeName}`);
    if (route === 'portForward') return portForward(context, request, worker.observed);
    if (container === undefined) return notFound(request);
    if (route === 'containerLogs') return containerLogs(context, request, this.#options.current(worker), worker.observed, container);
    const instance = newest(worker.observed, container);
    if (instance?.state !== 'running') return refuse(404, `container not found ("${container}")`);
    return remoteCommand(context, request, instance, route);
  }

  #health(): ApiResponse {
    const problems = this.#options.problems();
    return problems.length === 0 ? answerText('ok') : refuse(500, problems.join('\n'));
  }
}

/** The decoded parts of a path; undefined when an escape in it is none. */
function namesOf(path: string): string[] | undefined {
  try {
    return path
      .replace(/^\/|\/$/g, '')
      .split('/')
      .map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function notFound({ path }: ApiRequest): ApiResponse {
  return refuse(404, `404 page not found: ${path}`);
}

function isKnown({ user, certificate }: Peer): boolean {
  return user !== undefined || certificate !== undefined;
}
function isTrusted({ user, certificate }: Peer): boolean {
  return [...(user?.groups ?? []), ...(certificate?.organizations ?? [])].includes('system:masters');
}
