import type { ApiRequest, ApiResponse } from '../api/http.ts';
import type { Clock } from '../clock/clock.ts';
import type { Labels, Metrics } from '../metrics/metrics.ts';
import { mediaTypeOf } from './negotiate.ts';
import { isLongRunning, type RequestInfo } from './request-info.ts';
import { versionInfo } from './version.ts';

/** Verbs as the metrics of Kubernetes call them. */
const verbs: Readonly<Record<string, string>> = {
  get: 'GET',
  list: 'LIST',
  watch: 'WATCH',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETECOLLECTION',
};
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);
const connections = new Set(['exec', 'attach', 'portforward', 'proxy']);

/** Seconds, as Kubernetes cuts them, and two more at the quick end, where an answer out of memory is. */
const buckets = [0.001, 0.0025, 0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

/**
 * The API server's own metrics, under Kubernetes' names and labels, so that its dashboards find them: how many requests
 * of which kind, and how long they took.
 */
export class RequestMetrics {
  readonly #clock: Clock;
  readonly #total: ReturnType<Metrics['counter']>;
  readonly #duration: ReturnType<Metrics['histogram']>;
  readonly #serving: ReturnType<Metrics['histogram']>;
  /** Made once: metrics find what counts by the identity of its labels. As many as there are series. */
  readonly #labels = new Map<string, { readonly request: Labels; readonly answer: Labels }>();

  constructor(clock: Clock, metrics: Metrics, platform?: string) {
    this.#clock = clock;
    const place = ['group', 'version', 'resource', 'subresource', 'scope', 'component'];
    this.#total = metrics.counter({
      name: 'apiserver_request_total',
      help: 'Requests by verb, resource and HTTP status',
      labels: ['verb', 'dry_run', ...place, 'code'],
    });
    this.#duration = metrics.histogram({
      name: 'apiserver_request_duration_seconds',
      help: 'Time from a request to the head of its answer; requests that stay open are left out',
      labels: ['verb', 'dry_run', ...place],
      buckets,
    });
    this.#serving = metrics.histogram({
      name: 'apiserver_request_sli_duration_seconds',
      help: 'The same, without the time that webhooks took: what is promised of the server itself',
      labels: ['verb', ...place],
      buckets,
    });
    buildInfo(metrics, platform);
  }

  /** `known`: the resource is one that is served; others would make a label of whatever a client types. */
  observe(info: RequestInfo, request: ApiRequest, response: ApiResponse, started: number, known: boolean): void {
    const labels = this.#labelsOf(info, request, response.status, known);
    this.#total.inc(labels.answer);
    if (isLongRunning(info, request.query)) return;
    const seconds = (this.#clock.monotonic() - started) / 1000;
    this.#duration.observe(seconds, labels.request);
    this.#serving.observe(seconds, labels.request);
  }

  #labelsOf(info: RequestInfo, request: ApiRequest, status: number, known: boolean): { readonly request: Labels; readonly answer: Labels } {
    const verb = verbOf(info, request, known);
    const { group, version, resource, subresource } = known ? info : unknown;
    const scope = known ? scopeOf(info) : '';
    const dryRun = request.query.size > 0 && request.query.get('dryRun') === 'All' ? 'All' : '';
    const key = `${verb} ${group} ${version} ${resource} ${subresource} ${scope} ${dryRun} ${status}`;
    let labels = this.#labels.get(key);
    if (!labels) {
      const component = known ? 'apiserver' : '';
      const asked = { verb, dry_run: dryRun, group, version, resource, subresource, scope, component };
      labels = { request: asked, answer: { ...asked, code: String(status) } };
      this.#labels.set(key, labels);
    }
    return labels;
  }
}

const unknown = { group: '', version: '', resource: '', subresource: '' };

function verbOf(info: RequestInfo, { method, headers }: ApiRequest, known: boolean): string {
  if (!info.isResource) return methods.has(method) ? method : 'other';
  if (!known) return 'other';
  if (connections.has(info.subresource)) return 'CONNECT';
  if (info.verb === 'patch' && mediaTypeOf(headers['content-type'] ?? '') === 'application/apply-patch+yaml') return 'APPLY';
  return verbs[info.verb] ?? 'other';
}

function scopeOf({ name, namespace, verb }: RequestInfo): 'resource' | 'namespace' | 'cluster' {
  if (name !== '' || verb === 'create') return 'resource';
  return namespace === '' ? 'cluster' : 'namespace';
}

function buildInfo(metrics: Metrics, platform: string | undefined): void {
  const { major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform: machine } = versionInfo(platform);
  const labels = {
    major,
    minor,
    git_version: gitVersion,
    git_commit: gitCommit,
    git_tree_state: gitTreeState,
    build_date: buildDate,
    go_version: goVersion,
    compiler,
    platform: machine,
  } as Labels;
  metrics.gauge({ name: 'kubernetes_build_info', help: 'What runs here; always 1', labels: Object.keys(labels) }).set(1, labels);
}
