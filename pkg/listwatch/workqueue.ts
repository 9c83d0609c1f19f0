import type { Clock, Timer } from '../clock/clock.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { type Causes, mergeCauses } from '../trace/cause.ts';
import { KeyedBackoff } from './backoff.ts';
import type { Workqueue } from './contract.ts';

export interface WorkqueueOptions {
  /** Names the queue in metrics: `deployment`. */
  readonly name: string;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Of `addRateLimited`; default: 5 ms doubling to 1,000 s. */
  readonly backoff?: KeyedBackoff;
}

/**
 * The queue between "something changed" and "look at it": what it promises stands at `Workqueue` in contract.ts.
 *
 * A key is in one of these states, and in `dirty` while somebody wants it worked on:
 *   waiting (a timer will add it) → queued → processing → (queued again if it was added meanwhile)
 * Invariant: a key is in `order` exactly when it is dirty and not processing.
 */
export function createWorkqueue(options: WorkqueueOptions): Workqueue {
  return new DelayingQueue(options);
}

interface Waiting {
  readonly due: number;
  readonly timer: Timer;
  readonly causes: Causes;
}

class DelayingQueue implements Workqueue {
  readonly #clock: Clock;
  readonly #backoff: KeyedBackoff;
  readonly #metrics: QueueMetrics;
  /** First in, first out; a Map of key to the moment it was queued, since a Map keeps the order of insertion. */
  readonly #order = new Map<string, number>();
  readonly #dirty = new Map<string, Causes>();
  readonly #processing = new Map<string, number>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #takers: ((item: { key: string; causes: Causes } | undefined) => void)[] = [];
  #shutDown = false;

  constructor({ name, clock, metrics, backoff }: WorkqueueOptions) {
    this.#clock = clock;
    this.#backoff = backoff ?? new KeyedBackoff();
    this.#metrics = queueMetrics(metrics, name);
  }

  get length(): number {
    return this.#order.size;
  }

  add(key: string, causes: Causes = []): void {
    if (this.#shutDown) return;
    const known = this.#dirty.get(key);
    this.#dirty.set(key, known ? mergeCauses(known, causes) : causes);
    if (known) return;
    this.#metrics.added();
    if (!this.#processing.has(key)) this.#enqueue(key);
  }

  addAfter(key: string, ms: number, causes: Causes = []): void {
    if (this.#shutDown) return;
    if (ms <= 0) {
      this.add(key, causes);
      return;
    }
    const due = this.#clock.monotonic() + ms;
    const present = this.#waiting.get(key);
    const merged = present ? mergeCauses(present.causes, causes) : causes;
    if (present && present.due <= due) {
      this.#waiting.set(key, { ...present, causes: merged });
      return;
    }
    present?.timer.cancel();
    const timer = this.#clock.setTimer(ms, () => {
      const waiting = this.#waiting.get(key);
      this.#waiting.delete(key);
      this.add(key, waiting?.causes ?? []);
    });
    this.#waiting.set(key, { due, timer, causes: merged });
  }

  addRateLimited(key: string, causes: Causes = []): void {
    this.#metrics.retried();
    this.addAfter(key, this.#backoff.next(key), causes);
  }

  forget(key: string): void {
    this.#backoff.forget(key);
  }

  retries(key: string): number {
    return this.#backoff.failures(key);
  }

  next(): Promise<{ readonly key: string; readonly causes: Causes } | undefined> {
    if (this.#shutDown) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.#hand();
    });
  }

  done(key: string): void {
    const began = this.#processing.get(key);
    if (began === undefined) return;
    this.#processing.delete(key);
    this.#metrics.worked((this.#clock.monotonic() - began) / 1000);
    if (this.#dirty.has(key) && !this.#shutDown) this.#enqueue(key);
  }

  shutDown(): void {
    this.#shutDown = true;
    for (const { timer } of this.#waiting.values()) timer.cancel();
    this.#waiting.clear();
    this.#order.clear();
    this.#dirty.clear();
    this.#metrics.depth(0);
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #enqueue(key: string): void {
    this.#order.set(key, this.#clock.monotonic());
    this.#metrics.depth(this.#order.size);
    this.#hand();
  }

  #hand(): void {
    while (this.#takers.length > 0 && this.#order.size > 0) {
      const [key, queued] = this.#order.entries().next().value as [string, number];
      const causes = this.#dirty.get(key) ?? [];
      const now = this.#clock.monotonic();
      this.#order.delete(key);
      this.#dirty.delete(key);
      this.#processing.set(key, now);
      this.#metrics.depth(this.#order.size);
      this.#metrics.waited((now - queued) / 1000);
      (this.#takers.shift() as (item: { key: string; causes: Causes }) => void)({ key, causes });
    }
  }
}

type QueueMetrics = ReturnType<typeof queueMetrics>;

/** client-go's workqueue metrics, by their names. */
function queueMetrics(metrics: Metrics, name: string) {
  const labels = { name };
  const own = ['name'];
  // Powers of ten from 10 ns, as in Kubernetes.
  const buckets = Array.from({ length: 10 }, (_, power) => 10 ** (power - 8));
  const depth = metrics.gauge({ name: 'workqueue_depth', help: 'Keys waiting to be worked on.', labels: own });
  const adds = metrics.counter({ name: 'workqueue_adds_total', help: 'Keys added.', labels: own });
  const wait = metrics.histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'Time that a key waits in the queue.',
    labels: own,
    buckets,
  });
  const work = metrics.histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'Time that working on a key takes.',
    labels: own,
    buckets,
  });
  const retries = metrics.counter({ name: 'workqueue_retries_total', help: 'Keys added again after a failure.', labels: own });
  return {
    depth: (size: number) => depth.set(size, labels),
    added: () => adds.inc(labels),
    waited: (seconds: number) => wait.observe(seconds, labels),
    worked: (seconds: number) => work.observe(seconds, labels),
    retried: () => retries.inc(labels),
  };
}
