import type { ApiResponse } from '../api/http.ts';
import type { Clock } from '../clock/clock.ts';
import type { Labels, Metrics } from '../metrics/metrics.ts';
import { isLongRunning, type RequestInfo } from './request-info.ts';

/** The API server's own metrics, under Kubernetes' names: how many requests of which kind, and how long they took. */
export class RequestMetrics {
  readonly #clock: Clock;
  readonly #total: ReturnType<Metrics['counter']>;
  readonly #duration: ReturnType<Metrics['histogram']>;
  /** Made once: metrics find what counts by the identity of its labels. As many as there are series. */
  readonly #labels = new Map<string, { readonly request: Labels; readonly answer: Labels }>();

  constructor(clock: Clock, metrics: Metrics) {
    this.#clock = clock;
    const labels = ['verb', 'group', 'version', 'resource', 'subresource'];
    this.#total = metrics.counter({
      name: 'apiserver_request_total',
      help: 'Requests by verb, resource and HTTP status',
      labels: [...labels, 'code'],
    });
    this.#duration = metrics.histogram({
      name: 'apiserver_request_duration_seconds',
      help: 'Time from a request to the head of its answer; requests that stay open are left out',
      labels,
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    });
  }

  /** `known`: the resource is one that is served; others would make a label of whatever a client types. */
  observe(info: RequestInfo, query: URLSearchParams, response: ApiResponse, started: number, known: boolean): void {
    const { request, answer } = this.#labelsOf(info, response.status, known);
    this.#total.inc(answer);
    if (!isLongRunning(info, query)) this.#duration.observe((this.#clock.monotonic() - started) / 1000, request);
  }

  #labelsOf(info: RequestInfo, status: number, known: boolean): { readonly request: Labels; readonly answer: Labels } {
    const verb = known || !info.isResource ? info.verb : 'other';
    const { group, version, resource, subresource } = known ? info : unknown;
    const key = `${verb} ${group} ${version} ${resource} ${subresource} ${status}`;
    let labels = this.#labels.get(key);
    if (!labels) {
      const request = { verb, group, version, resource, subresource };
      labels = { request, answer: { ...request, code: String(status) } };
      this.#labels.set(key, labels);
    }
    return labels;
  }
}

const unknown = { group: '', version: '', resource: '', subresource: '' };
