/**
 * One watch of the store for all caches of a registry. Events are handed to the cache whose prefix their key begins
 * with; those of resources that nobody has read yet go nowhere.
 *
 * Guarantees: a sink sees the events of its prefix in the store's order, each once, whole revisions at a time;
 * `revision` moves on after every sink has seen everything up to it. When history was lost (the store compacted
 * what the feed had still to read), every sink is told to `reset`, and begins again from a list.
 */
import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../log/log.ts';
import { isStoreError, prefixRange, type Store, StoreError, type StoreEvent, type WatchBatch } from '../../storage/store.ts';
import { tooLargeResourceVersion } from './store-failure.ts';

export interface FeedSink {
  apply(events: readonly StoreEvent[], revision: number): void;
  reset(): void;
}

/** Everything of the API lives under this prefix, as in Kubernetes. */
export const registryPrefix = '/registry/';

/** A reader waits at most this long for a revision that has not arrived: Kubernetes' blockTimeout. */
const blockTimeout = 3_000;
/** After a failure of the watch: 100 ms, doubling to 5 s. */
const retryBase = 100;
const retryMax = 5_000;

interface Waiter {
  readonly revision: number;
  readonly done: PromiseWithResolvers<void>;
}

export class EventFeed {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #sinks = new Map<string, FeedSink>();
  readonly #abort = new AbortController();
  #waiters: Waiter[] = [];
  #revision = 0;
  #running: Promise<void> | undefined;
  #asking: Promise<boolean> | undefined;
  #askNext: Promise<boolean> | undefined;

  constructor(options: { store: Store; clock: Clock; log: Logger }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Every sink has seen everything up to this revision. */
  get revision(): number {
    return this.#revision;
  }

  get closed(): boolean {
    return this.#abort.signal.aborted;
  }

  async start(): Promise<void> {
    if (this.#running) return;
    this.#revision = await this.#store.revision();
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
    for (const waiter of this.#waiters.splice(0)) waiter.done.resolve();
  }

  /** `prefix`: without `/registry/`, with its last `/`. */
  register(prefix: string, sink: FeedSink): void {
    this.#sinks.set(prefix, sink);
  }
  unregister(prefix: string): void {
    this.#sinks.delete(prefix);
  }

  /**
   * Waits until the caches are as fresh as the store was when this was called. false: this store cannot say, read
   * from itself instead. Callers that ask while a question is under way share the next one.
   */
  fresh(): Promise<boolean> {
    if (!this.#asking) {
      this.#asking = this.#ask().finally(() => {
        this.#asking = undefined;
      });
      return this.#asking;
    }
    this.#askNext ??= this.#asking
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => {
        this.#askNext = undefined;
        return this.fresh();
      });
    return this.#askNext;
  }

  /** Waits for a revision; throws `Too large resource version` when it does not come in time. */
  async reach(revision: number): Promise<void> {
    if (this.#revision >= revision) return;
    const done = Promise.withResolvers<void>();
    const waiter: Waiter = { revision, done };
    this.#waiters.push(waiter);
    const timer = this.#clock.setTimer(blockTimeout, () => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      done.reject(tooLargeResourceVersion(revision, this.#revision, 1));
    });
    try {
      await done.promise;
    } finally {
      timer.cancel();
    }
  }

  async #ask(): Promise<boolean> {
    if (this.closed) throw new StoreError('Closed', 'the registry has been closed');
    const newest = await this.#store.revision();
    if (this.#revision >= newest) return true;
    const target = await this.#store.progress(prefixRange(registryPrefix));
    if (target === undefined) return false;
    await this.reach(target);
    return true;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const watch = this.#store.watch(prefixRange(registryPrefix), { from: this.#revision + 1, previous: true, signal });
        for await (const batch of watch) {
          failures = 0;
          this.#deliver(batch);
        }
        if (!signal.aborted) this.#log.warn('the watch of the store ended; watching again', { revision: this.#revision });
      } catch (error) {
        if (signal.aborted || isStoreError(error, 'Closed')) return;
        this.#log.warn('the watch of the store failed', { revision: this.#revision, error });
        if (isStoreError(error, 'Compacted')) await this.#beginAgain();
        await this.#pause(Math.min(retryMax, retryBase * 2 ** failures++));
      }
    }
  }

  async #beginAgain(): Promise<void> {
    try {
      this.#revision = await this.#store.revision();
      for (const sink of this.#sinks.values()) sink.reset();
      this.#wake();
    } catch (error) {
      this.#log.warn('the store does not say where it stands', { error });
    }
  }

  async #pause(ms: number): Promise<void> {
    try {
      await this.#clock.sleep(ms, this.#abort.signal);
    } catch (error) {
      if (!this.#abort.signal.aborted) throw error;
    }
  }

  #deliver(batch: WatchBatch): void {
    if (batch.events.length === 1) {
      const event = batch.events[0] as StoreEvent;
      this.#sinkOf(event.key)?.apply(batch.events, batch.revision);
    } else if (batch.events.length > 1) {
      const parts = new Map<FeedSink, StoreEvent[]>();
      for (const event of batch.events) {
        const sink = this.#sinkOf(event.key);
        if (!sink) continue;
        const part = parts.get(sink);
        if (part) part.push(event);
        else parts.set(sink, [event]);
      }
      for (const [sink, events] of parts) sink.apply(events, batch.revision);
    }
    this.#revision = Math.max(this.#revision, batch.revision);
    if (this.#waiters.length > 0) this.#wake();
  }

  #wake(): void {
    const late = this.#waiters.filter((waiter) => waiter.revision > this.#revision);
    for (const waiter of this.#waiters) if (waiter.revision <= this.#revision) waiter.done.resolve();
    this.#waiters = late;
  }

  /** Prefixes are one or two segments long: `pods/`, `services/specs/`, `example.com/widgets/`. */
  #sinkOf(key: string): FeedSink | undefined {
    const first = key.indexOf('/', registryPrefix.length) + 1;
    const sink = this.#sinks.get(key.slice(registryPrefix.length, first));
    if (sink || first === 0) return sink;
    const second = key.indexOf('/', first) + 1;
    return second === 0 ? undefined : this.#sinks.get(key.slice(registryPrefix.length, second));
  }
}
