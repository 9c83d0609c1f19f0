import type { Labels, Metrics } from '../metrics/metrics.ts';

/** Metrics that keep the last value of every series: `value('reflector_relists_total', { resource: 'pods' })`. */
export class RecordedMetrics implements Metrics {
  readonly #series = new Map<string, { readonly name: string; readonly labels: Labels; value: number }>();

  counter({ name }: { readonly name: string }) {
    return { inc: (labels: Labels = {}, by = 1): void => this.#add(name, labels, by) };
  }
  gauge({ name }: { readonly name: string }) {
    return {
      set: (value: number, labels: Labels = {}): void => {
        this.#at(name, labels).value = value;
      },
      add: (by: number, labels: Labels = {}): void => this.#add(name, labels, by),
    };
  }
  /** Recorded as the number of observations under the histogram's name, and their sum under `<name>_sum`. */
  histogram({ name }: { readonly name: string }) {
    return {
      observe: (value: number, labels: Labels = {}): void => {
        this.#add(name, labels, 1);
        this.#add(`${name}_sum`, labels, value);
      },
    };
  }
  expose(): Promise<string> {
    return Promise.resolve(
      [...this.#series.values()].map(({ name, labels, value }) => `${name}${JSON.stringify(labels)} ${value}\n`).join(''),
    );
  }

  /** The sum over all series of that name that have at least these labels. */
  value(name: string, labels: Labels = {}): number {
    let sum = 0;
    for (const series of this.#series.values()) {
      if (series.name === name && Object.entries(labels).every(([key, value]) => series.labels[key] === value)) sum += series.value;
    }
    return sum;
  }

  #at(name: string, labels: Labels) {
    const key = `${name}${JSON.stringify(Object.entries(labels).sort())}`;
    let series = this.#series.get(key);
    if (!series) {
      series = { name, labels, value: 0 };
      this.#series.set(key, series);
    }
    return series;
  }
  #add(name: string, labels: Labels, by: number): void {
    this.#at(name, labels).value += by;
  }
}
