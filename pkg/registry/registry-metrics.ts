import type { Metrics } from '../metrics/metrics.ts';

/** What the registry counts, under Kubernetes' names where there are such. One set per resource. */
export interface ResourceMetrics {
  /** Events that reached the cache. */
  received(count: number): void;
  /** The cache was read from the store. */
  filled(): void;
  /** A watch was ended because its reader fell behind. */
  cut(): void;
  /** Objects in the cache. */
  objects(count: number): void;
  /** A write began again, since somebody else was faster. */
  conflict(): void;
}

const nothing: ResourceMetrics = { received() {}, filled() {}, cut() {}, objects() {}, conflict() {} };

/** `resource`: `pods`, `deployments.apps`. */
export function resourceMetrics(metrics: Metrics | undefined): (resource: string) => ResourceMetrics {
  if (!metrics) return () => nothing;
  const labels = ['resource'];
  const received = metrics.counter({
    name: 'apiserver_watch_cache_events_received_total',
    help: 'Events that reached the watch cache.',
    labels,
  });
  const filled = metrics.counter({
    name: 'apiserver_watch_cache_initializations_total',
    help: 'Times the watch cache was filled.',
    labels,
  });
  const cut = metrics.counter({ name: 'apiserver_terminated_watchers_total', help: 'Watches ended because they fell behind.', labels });
  const objects = metrics.gauge({ name: 'apiserver_storage_objects', help: 'Objects stored, of resources that were read.', labels });
  const conflict = metrics.counter({ name: 'gokube_registry_conflicts_total', help: 'Writes that began again after a conflict.', labels });
  return (resource) => {
    const own = { resource };
    return {
      received: (count) => received.inc(own, count),
      filled: () => filled.inc(own),
      cut: () => cut.inc(own),
      objects: (count) => objects.set(count, own),
      conflict: () => conflict.inc(own),
    };
  };
}
