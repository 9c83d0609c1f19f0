import type { Metrics } from '../metrics/metrics.ts';

/**
 * What reflectors tell about themselves. The names are client-go's where it has one (`reflector_*` of
 * tools/cache); every instrument carries the resource and the selectors that the reflector asks with.
 */
export interface ReflectorMetrics {
  listed(seconds: number, items: number): void;
  watchStarted(): void;
  /** A session is over: how long it lasted, how many events it brought, whether it was too short to be of use. */
  watchEnded(seconds: number, events: number, short: boolean): void;
  event(type: string): void;
  /** How long the consumer took to take a batch in: what a slow consumer shows in. */
  delivered(seconds: number): void;
  failed(operation: 'list' | 'watch', reason: string): void;
  relist(): void;
  reconnect(): void;
  connected(yes: boolean): void;
  revision(revision: string): void;
}

export function reflectorMetrics(metrics: Metrics, labels: { readonly resource: string; readonly selector: string }): ReflectorMetrics {
  const own = ['resource', 'selector'];
  const sessions = [0.1, 1, 10, 60, 300, 600, 1800, 3600];
  const sizes = [1, 10, 100, 1_000, 10_000, 100_000];
  const lists = metrics.counter({ name: 'reflector_lists_total', help: 'Lists done.', labels: own });
  const listSeconds = metrics.histogram({
    name: 'reflector_list_duration_seconds',
    help: 'From asking for a list to its last page.',
    labels: own,
  });
  const listItems = metrics.histogram({ name: 'reflector_items_per_list', help: 'Objects in a list.', labels: own, buckets: sizes });
  const watches = metrics.counter({ name: 'reflector_watches_total', help: 'Watches begun.', labels: own });
  const shortWatches = metrics.counter({
    name: 'reflector_short_watches_total',
    help: 'Watches that ended at once without an event.',
    labels: own,
  });
  const session = metrics.histogram({
    name: 'reflector_watch_duration_seconds',
    help: 'Length of a watch session.',
    labels: own,
    buckets: sessions,
  });
  const watchItems = metrics.histogram({
    name: 'reflector_items_per_watch',
    help: 'Events in a watch session.',
    labels: own,
    buckets: sizes,
  });
  const last = metrics.gauge({ name: 'reflector_last_resource_version', help: 'The revision seen last.', labels: own });
  const events = metrics.counter({ name: 'reflector_events_total', help: 'Watch events received, by type.', labels: [...own, 'type'] });
  const delivery = metrics.histogram({
    name: 'reflector_delivery_duration_seconds',
    help: 'Time that a consumer took for a batch of events.',
    labels: own,
  });
  const watchFailures = metrics.counter({ name: 'reflector_watch_failures_total', help: 'Watches that failed.', labels: own });
  const errors = metrics.counter({
    name: 'reflector_errors_total',
    help: 'Failed requests, by operation and reason.',
    labels: [...own, 'operation', 'reason'],
  });
  const relists = metrics.counter({
    name: 'reflector_relists_total',
    help: 'Lists after the first one: a revision was no longer kept.',
    labels: own,
  });
  const reconnects = metrics.counter({ name: 'reflector_reconnects_total', help: 'Watches after the first one.', labels: own });
  const state = metrics.gauge({ name: 'reflector_connected', help: '1 while a watch is open, else 0.', labels: own });
  return {
    listed(seconds, items) {
      lists.inc(labels);
      listSeconds.observe(seconds, labels);
      listItems.observe(items, labels);
    },
    watchStarted: () => watches.inc(labels),
    watchEnded(seconds, count, short) {
      session.observe(seconds, labels);
      watchItems.observe(count, labels);
      if (short) shortWatches.inc(labels);
    },
    event: (type) => events.inc({ ...labels, type }),
    delivered: (seconds) => delivery.observe(seconds, labels),
    failed(operation, reason) {
      errors.inc({ ...labels, operation, reason });
      if (operation === 'watch') watchFailures.inc(labels);
    },
    relist: () => relists.inc(labels),
    reconnect: () => reconnects.inc(labels),
    connected: (yes) => state.set(yes ? 1 : 0, labels),
    revision: (revision) => last.set(Number(revision) || 0, labels),
  };
}
