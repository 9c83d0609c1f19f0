import type { Counter, Gauge, Histogram, InstrumentOptions, Labels, Metrics } from './metrics.ts';

type Kind = 'counter' | 'gauge' | 'histogram';
interface Series {
  /** Of a histogram: the sum of what was observed. */
  value: number;
  count: number;
  /** How many fell into each bucket and into none before it. */
  readonly perBucket: number[];
}
interface Instrument {
  readonly kind: Kind;
  readonly options: InstrumentOptions;
  readonly buckets: readonly number[];
  /** By the labels' text form. */
  readonly series: Map<string, Series>;
  /** The same by the labels' identity: who counts often keeps its labels, and is found without making text of them. */
  readonly known: WeakMap<Labels, Series>;
}

/** Prometheus' own defaults for durations in seconds. */
const defaultBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Metrics kept in plain memory. `value` reads one back. */
export class MemoryMetrics implements Metrics {
  readonly #instruments = new Map<string, Instrument>();

  counter(options: InstrumentOptions): Counter {
    const instrument = this.#instrument('counter', options);
    return {
      inc: (labels, by = 1) => {
        this.#series(instrument, labels).value += by;
      },
    };
  }

  gauge(options: InstrumentOptions): Gauge {
    const instrument = this.#instrument('gauge', options);
    return {
      set: (value, labels) => {
        this.#series(instrument, labels).value = value;
      },
      add: (by, labels) => {
        this.#series(instrument, labels).value += by;
      },
    };
  }

  histogram(options: InstrumentOptions & { buckets?: readonly number[] }): Histogram {
    const instrument = this.#instrument('histogram', options, options.buckets ?? defaultBuckets);
    return {
      observe: (value, labels) => {
        const series = this.#series(instrument, labels);
        series.value += value;
        series.count++;
        const at = instrument.buckets.findIndex((bound) => value <= bound);
        if (at >= 0) series.perBucket[at] = (series.perBucket[at] ?? 0) + 1;
      },
    };
  }

  /** A counter's or gauge's value, or a histogram's sum; 0 for what was never touched. */
  value(name: string, labels: Labels = {}): number {
    const instrument = this.#instruments.get(name);
    return instrument?.series.get(text(instrument.options, labels))?.value ?? 0;
  }

  async expose(): Promise<string> {
    const lines: string[] = [];
    for (const [name, { kind, options, buckets, series }] of [...this.#instruments].sort(([a], [b]) => (a < b ? -1 : 1))) {
      lines.push(`# HELP ${name} ${options.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${kind}`);
      // What has no labels has a value from the beginning.
      if (series.size === 0 && !options.labels?.length) series.set('', newSeries());
      for (const [labels, { value, count, perBucket }] of series) {
        if (kind !== 'histogram') {
          lines.push(`${name}${labels && `{${labels}}`} ${value}`);
          continue;
        }
        const before = labels && `${labels},`;
        let below = 0;
        for (const [at, bound] of buckets.entries()) {
          below += perBucket[at] ?? 0;
          lines.push(`${name}_bucket{${before}le="${bound}"} ${below}`);
        }
        lines.push(`${name}_bucket{${before}le="+Inf"} ${count}`);
        lines.push(`${name}_sum${labels && `{${labels}}`} ${value}`, `${name}_count${labels && `{${labels}}`} ${count}`);
      }
    }
    return `${lines.join('\n')}\n`;
  }

  #instrument(kind: Kind, options: InstrumentOptions, buckets: readonly number[] = []): Instrument {
    const known = this.#instruments.get(options.name);
    if (known) {
      if (known.kind !== kind || (known.options.labels ?? []).join() !== (options.labels ?? []).join()) {
        throw new Error(`metric ${options.name} already exists as a ${known.kind} with labels [${known.options.labels ?? ''}]`);
      }
      return known;
    }
    const made: Instrument = { kind, options, buckets, series: new Map(), known: new WeakMap() };
    this.#instruments.set(options.name, made);
    return made;
  }

  #series(instrument: Instrument, labels: Labels = none): Series {
    const known = instrument.known.get(labels);
    if (known) return known;
    const key = text(instrument.options, labels);
    let series = instrument.series.get(key);
    if (!series) {
      series = newSeries();
      instrument.series.set(key, series);
    }
    instrument.known.set(labels, series);
    return series;
  }
}

const none: Labels = {};

function newSeries(): Series {
  return { value: 0, count: 0, perBucket: [] };
}

function text({ labels = [] }: InstrumentOptions, values: Labels): string {
  const quoted = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return labels.map((label) => `${label}="${quoted(values[label] ?? '')}"`).join(',');
}
