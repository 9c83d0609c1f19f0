import type { Clock } from '../clock/clock.ts';
import type { Logger } from '../log/log.ts';
import { isStoreError, type Store } from './store.ts';

/** How much of the past is kept: what is older than `age` goes, and what exceeds one of the other limits. */
export interface HistoryLimits {
  /** Milliseconds; Kubernetes' API server keeps 5 minutes. Infinity: nothing goes because of its age. */
  readonly age: number;
  /** Revisions. */
  readonly revisions?: number;
  /** Bytes of the whole store: beyond, the older half of its history goes at each look. */
  readonly bytes?: number;
}

export interface CompactorOptions {
  readonly store: Pick<Store, 'revision' | 'compactedRevision' | 'compact' | 'size'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: HistoryLimits;
  /** Milliseconds between two looks; default a tenth of the age, a minute at most. */
  readonly interval?: number;
  /** The newest revision written by a time on the wall clock, for what was written before this one began to count. */
  revisionAt?(time: number): Promise<number | undefined>;
}

/**
 * Compacts a store from time to time, so that it keeps a bounded past. Which revision was when is remembered while it
 * runs; what was before is dated by `revisionAt`, or else age counts from the start, and history is kept longer rather
 * than shorter. Several may work on
 * one store (API servers over one etcd); compaction is idempotent. A failure is logged, and tried again at the next
 * look. Counterpart in Kubernetes: the compactor of the etcd3 storage.
 */
export class Compactor {
  readonly #options: CompactorOptions;
  readonly #interval: number;
  /** Revisions with the time at which they were the newest, ascending. */
  #samples: { readonly at: number; readonly revision: number }[] = [];

  constructor(options: CompactorOptions) {
    this.#options = options;
    this.#interval = options.interval ?? Math.min(60_000, Math.max(1, options.limits.age / 10));
  }

  /** Runs until the signal is aborted or the store is closed. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        if (isStoreError(error, 'Closed')) return;
        log.warn('compaction failed; it will be tried again', { error });
      }
      try {
        await clock.sleep(this.#interval, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  async #dated(): Promise<number> {
    const { clock, limits, revisionAt } = this.#options;
    if (!revisionAt || limits.age === Number.POSITIVE_INFINITY) return 0;
    return (await revisionAt(clock.now() - limits.age)) ?? 0;
  }

  /** Compacts as far as the limits ask for now. */
  async look(): Promise<void> {
    const { store, clock, log, limits } = this.#options;
    const [revision, compacted] = [await store.revision(), await store.compactedRevision()];
    const now = clock.monotonic();
    if (limits.age < Number.POSITIVE_INFINITY) this.#samples.push({ at: now, revision });
    const old = this.#samples.findLastIndex((sample) => now - sample.at >= limits.age);
    const byAge = this.#samples[old]?.revision ?? (await this.#dated());
    this.#samples = this.#samples.slice(Math.max(0, old));
    const byCount = limits.revisions === undefined ? 0 : revision - limits.revisions;
    const tooLarge = limits.bytes !== undefined && (await store.size()) > limits.bytes;
    const bySize = tooLarge ? Math.floor((compacted + revision) / 2) : 0;
    const target = Math.max(byAge, byCount, bySize);
    if (target <= compacted) return;
    await store.compact(target);
    log.debug('compacted', { from: compacted, to: target, revision });
  }
}
