import { qualifiedResource } from '../api/errors.ts';
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

interface NamedResource {
  readonly group: string;
  readonly resource: string;
}

export function resourceMetrics(metrics: Metrics | undefined): (resource: NamedResource) => ResourceMetrics {
  if (!metrics) return () => nothing;
  const labels = ['group', 'resource'];
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
  const objects = metrics.gauge({ name: 'apiserver_resource_objects', help: 'Objects stored, of resources that were read.', labels });
  const stored = metrics.gauge({
    name: 'apiserver_storage_objects',
    help: 'The same under the older name, by qualified resource.',
    labels: ['resource'],
  });
  const conflict = metrics.counter({ name: 'gokube_registry_conflicts_total', help: 'Writes that began again after a conflict.', labels });
  return ({ group, resource }) => {
    const own = { group, resource };
    const qualified = { resource: qualifiedResource(own) };
    return {
      received: (count) => received.inc(own, count),
      filled: () => filled.inc(own),
      cut: () => cut.inc(own),
      objects: (count) => {
        objects.set(count, own);
        stored.set(count, qualified);
      },
      conflict: () => conflict.inc(own),
    };
  };
}
