/**
 * Metrics as a port, in Prometheus' terms. Names follow Kubernetes' own metrics where there is one. A component
 * asks its Metrics for an instrument by name; asking again for the same name gives the same instrument, and asking
 * for it with other labels or another kind throws.
 */
export interface Metrics {
  counter(options: InstrumentOptions): Counter;
  gauge(options: InstrumentOptions): Gauge;
  histogram(
    options: InstrumentOptions & { /** Upper bounds, ascending. Durations are in seconds. */ buckets?: readonly number[] },
  ): Histogram;
  /** Everything in Prometheus' text exposition format. */
  expose(): Promise<string>;
}

export interface InstrumentOptions {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** Not to be changed once it was used. */
export type Labels = Readonly<Record<string, string>>;
export interface Counter {
  inc(labels?: Labels, by?: number): void;
}
export interface Gauge {
  set(value: number, labels?: Labels): void;
  add(by: number, labels?: Labels): void;
}
export interface Histogram {
  observe(value: number, labels?: Labels): void;
}
