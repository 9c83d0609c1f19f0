import {
  collectDefaultMetrics,
  type Metric,
  Counter as PromCounter,
  Gauge as PromGauge,
  Histogram as PromHistogram,
  Registry,
} from 'prom-client';
import type { InstrumentOptions, Metrics } from './metrics.ts';

/** Metrics kept by prom-client, with the Node.js process's own beside them. */
export function createPrometheusMetrics(): Metrics {
  const register = new Registry();
  const labelsOf = new Map<string, string>();
  collectDefaultMetrics({ register });

  function instrument<M extends Metric>(
    kind: new (configuration: never) => M,
    options: InstrumentOptions & { buckets?: readonly number[] },
  ): M {
    const { name, help, labels = [], buckets } = options;
    const known = register.getSingleMetric(name);
    if (known) {
      if (!(known instanceof kind) || labelsOf.get(name) !== labels.join()) {
        throw new Error(`metric ${name} already exists in another shape`);
      }
      return known;
    }
    labelsOf.set(name, labels.join());
    const configuration = { name, help, labelNames: [...labels], registers: [register], ...(buckets ? { buckets: [...buckets] } : {}) };
    return new kind(configuration as never);
  }

  return {
    counter(options) {
      const made = instrument(PromCounter<string>, options);
      return { inc: (labels, by = 1) => made.inc(labels ?? {}, by) };
    },
    gauge(options) {
      const made = instrument(PromGauge<string>, options);
      return { set: (value, labels) => made.set(labels ?? {}, value), add: (by, labels) => made.inc(labels ?? {}, by) };
    },
    histogram(options) {
      const made = instrument(PromHistogram<string>, options);
      return { observe: (value, labels) => made.observe(labels ?? {}, value) };
    },
    expose: () => register.metrics(),
  };
}
