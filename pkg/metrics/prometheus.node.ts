import { MemoryMetrics } from './memory-metrics.ts';
import type { Metrics } from './metrics.ts';

/** What the program counts, in memory; and the Node.js process's own metrics beside it, from the first time that somebody asks. */
export function createPrometheusMetrics(): Metrics {
  const own = new MemoryMetrics();
  let ofProcess: Promise<{ metrics(): Promise<string> }> | undefined;
  return {
    counter: (options) => own.counter(options),
    gauge: (options) => own.gauge(options),
    histogram: (options) => own.histogram(options),
    async expose() {
      ofProcess ??= collectProcessMetrics();
      return (await own.expose()) + (await (await ofProcess).metrics());
    },
  };
}

/** Loaded when it is needed: a start does without it. */
async function collectProcessMetrics(): Promise<{ metrics(): Promise<string> }> {
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  const register = new Registry();
  collectDefaultMetrics({ register });
  return register;
}
