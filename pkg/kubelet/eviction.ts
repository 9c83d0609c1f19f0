/**
 * Node-pressure eviction: when the machine runs short of memory or disk, the pod that is worst behaved goes, before
 * the kernel chooses one. The decision is pure; `EvictionManager` observes and acts.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
 */
import type { Pod } from '../api/generated/core-v1.ts';
import { formatQuantity } from '../api/quantity.ts';
import { podTotals } from './container-resources.ts';
import { sleepUnless } from './deadline.ts';
import type { KubeletContext } from './kubelet-context.ts';
import type { MachineUsage } from './kubelet-host.ts';
import type { Pressure } from './node-status.ts';
import { isRunning } from './pod-observation.ts';
import type { PodWorker } from './pod-worker.ts';

/** The kubelet's `--eviction-hard`: less than this much left is too little. */
export interface EvictionThresholds {
  readonly memoryBytes: number;
  /** Of the file system with the kubelet's directory, between 0 and 1. */
  readonly diskShare: number;
  readonly inodes: number;
}

/**
 * Memory as in Kubernetes. Of the disk Kubernetes wants 10 % free, which the disks of people's own machines seldom
 * have; kind asks for nothing at all, this for the last hundredth.
 */
export const defaultThresholds: EvictionThresholds = { memoryBytes: 100 * 2 ** 20, diskShare: 0.01, inodes: 1000 };

/** How often the machine is looked at, and how long a pressure must be over before the node says so, in milliseconds. */
const period = 10_000;
const transition = 300_000;

export type Shortage = 'memory' | 'disk';

/** What the machine is short of; memory goes first, since it kills. */
export function shortagesOf(usage: MachineUsage, diskBytes: number, least: EvictionThresholds): readonly Shortage[] {
  const out: Shortage[] = [];
  if (usage.memoryAvailableBytes < least.memoryBytes) out.push('memory');
  if (usage.diskAvailableBytes < diskBytes * least.diskShare || usage.diskInodesFree < least.inodes) out.push('disk');
  return out;
}

export interface Candidate {
  readonly pod: Pod;
  /** Bytes of memory that its containers work with. */
  readonly memoryBytes: number;
}

/**
 * The order in which pods go: first those that use more than they asked for, among them the less important, then
 * whoever exceeds its request by most. Critical pods never go.
 */
export function evictionOrder(candidates: readonly Candidate[]): readonly Candidate[] {
  const excess = ({ pod, memoryBytes }: Candidate): number => memoryBytes - podTotals(pod).requests.memoryBytes;
  const priority = ({ pod }: Candidate): number => pod.spec.priority ?? 0;
  return candidates
    .filter((candidate) => priority(candidate) < 2_000_000_000)
    .sort((a, b) => Number(excess(b) > 0) - Number(excess(a) > 0) || priority(a) - priority(b) || excess(b) - excess(a));
}

export interface EvictionManagerOptions {
  readonly context: KubeletContext;
  readonly thresholds: EvictionThresholds;
  workers(): readonly PodWorker[];
  /** A pressure has begun or ended: the node's conditions have changed. */
  onChange(): void;
}

export class EvictionManager {
  readonly #options: EvictionManagerOptions;
  /** When each shortage was last seen, by the monotonic clock. */
  readonly #seen = new Map<Shortage, number>();

  constructor(options: EvictionManagerOptions) {
    this.#options = options;
  }

  get pressure(): Pressure {
    return { memory: this.#seen.has('memory'), disk: this.#seen.has('disk'), pids: false };
  }

  /** Looks after the machine until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { context } = this.#options;
    do {
      try {
        await this.#look();
      } catch (error) {
        context.log.warn('what the machine has left could not be read', { error });
      }
    } while (await sleepUnless(context.clock, period, signal));
  }

  async #look(): Promise<void> {
    const { context, thresholds, onChange } = this.#options;
    const [usage, machine] = await Promise.all([context.host.usage(), context.host.machine()]);
    const shortages = shortagesOf(usage, machine.diskBytes, thresholds);
    const now = context.clock.monotonic();
    const before = [...this.#seen.keys()].join();
    for (const shortage of shortages) this.#seen.set(shortage, now);
    for (const [shortage, at] of this.#seen) if (now - at >= transition) this.#seen.delete(shortage);
    if ([...this.#seen.keys()].join() !== before) onChange();
    const [worst] = shortages;
    if (worst) await this.#evictOne(worst, usage);
  }

  /** One at a time: the next look tells whether it helped. */
  async #evictOne(shortage: Shortage, usage: MachineUsage): Promise<void> {
    const { context, thresholds } = this.#options;
    const all = this.#options.workers();
    // Somebody is leaving already: that may be enough.
    if (all.some(({ state }) => state === 'terminating')) return;
    const workers = all.filter(({ state }) => state === 'syncing');
    const candidates = await Promise.all(
      workers.map(async (worker) => ({ pod: worker.pod, memoryBytes: await this.#memoryOf(worker), worker })),
    );
    const [first] = evictionOrder(candidates) as readonly (Candidate & { readonly worker: PodWorker })[];
    if (!first) {
      context.log.warn('the machine is short of a resource, and no pod can go', { resource: shortage });
      return;
    }
    const resource = shortage === 'memory' ? 'memory' : 'ephemeral-storage';
    const available = shortage === 'memory' ? usage.memoryAvailableBytes : usage.diskAvailableBytes;
    const threshold = shortage === 'memory' ? inKibibytes(thresholds.memoryBytes) : `${thresholds.diskShare * 100}%`;
    const message = `The node was low on resource: ${resource}. Threshold quantity: ${threshold}, available: ${inKibibytes(available)}. `;
    context.events.event(first.pod, 'Warning', 'Evicted', message);
    // There is no time to lose: memory that is not given back now, the kernel takes.
    first.worker.end({ reason: 'Evicted', message }, 1);
  }

  async #memoryOf(worker: PodWorker): Promise<number> {
    let total = 0;
    for (const container of worker.observed.containers.filter(isRunning)) {
      try {
        total += (await this.#options.context.runtime.containerStats(container.id)).memoryWorkingSetBytes;
      } catch (error) {
        this.#options.context.log.debug('a container has no statistics', { container: container.name, error });
      }
    }
    return total;
  }
}

function inKibibytes(bytes: number): string {
  return formatQuantity({ nanos: BigInt(Math.floor(bytes / 1024)) * 1024n * 1_000_000_000n, format: 'binary' });
}
