import type { Clock } from '../clock/clock.ts';
import type { RuntimeService } from '../cri/cri.ts';
import type { Logger } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { sleepUnless } from './deadline.ts';
import { podUidLabel } from './pod-observation.ts';

/** Milliseconds between looks at everything: events may be lost, and nothing may be overlooked for ever. */
const relistPeriod = 30_000;
const retryPeriod = 1000;

export interface PlegOptions {
  readonly runtime: RuntimeService;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Something about the pod has changed in the runtime. */
  readonly onPod: (uid: string) => void;
  /** The uids of all pods of which the runtime has anything. */
  readonly onRelist: (uids: ReadonlySet<string>) => void;
}

/**
 * The pod lifecycle event generator: tells which pods have changed in the runtime, from its events and, against
 * lost ones, from a comparison of everything now and then. Kubernetes' counterpart: EventedPLEG with GenericPLEG.
 */
export class Pleg {
  readonly #options: PlegOptions;
  /** The state of every container and sandbox when last looked at, by pod. */
  #seen = new Map<string, string>();
  /** When the runtime last answered, by the monotonic clock; undefined: never. */
  lastRelist: number | undefined;

  constructor(options: PlegOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#watch(signal), this.#relistForEver(signal)]);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { runtime, clock, log, onPod } = this.#options;
    while (!signal.aborted) {
      try {
        for await (const batch of runtime.events(signal)) {
          if (batch.some(({ type }) => type === 'relist')) await this.relist();
          const uids = new Set(batch.flatMap((event) => (event.type === 'relist' ? [] : [event.podUid])));
          for (const uid of uids) onPod(uid);
        }
      } catch (error) {
        if (signal.aborted) return;
        log.warn("the runtime's events ended", { error });
      }
      if (!(await sleepUnless(clock, retryPeriod, signal))) return;
      await this.relist();
    }
  }

  async #relistForEver(signal: AbortSignal): Promise<void> {
    do {
      await this.relist();
    } while (await sleepUnless(this.#options.clock, this.lastRelist === undefined ? retryPeriod : relistPeriod, signal));
  }

  /** Compares everything with what was seen before. Never rejects: a runtime that does not answer is asked again. */
  async relist(): Promise<void> {
    const { runtime, clock, log, metrics, onPod, onRelist } = this.#options;
    const began = clock.monotonic();
    try {
      const [sandboxes, containers] = await Promise.all([runtime.listPodSandboxes(), runtime.listContainers()]);
      const now = new Map<string, string>();
      for (const { id, state, labels } of [...sandboxes, ...containers]) {
        const uid = labels[podUidLabel];
        if (uid !== undefined) now.set(uid, `${now.get(uid) ?? ''}${id}=${state};`);
      }
      const changed = [...new Set([...now.keys(), ...this.#seen.keys()])].filter((uid) => now.get(uid) !== this.#seen.get(uid));
      this.#seen = now;
      this.lastRelist = clock.monotonic();
      for (const uid of changed) onPod(uid);
      onRelist(new Set(now.keys()));
    } catch (error) {
      log.warn('the runtime did not say what it has', { error });
    }
    metrics
      .histogram({ name: 'kubelet_pleg_relist_duration_seconds', help: 'Duration in seconds for relisting pods in PLEG.' })
      .observe((clock.monotonic() - began) / 1000);
  }
}
