/**
 * One pod's life on this node, in one serial loop: the latest wish, the latest observation, one step after the other.
 *
 *   syncing ──────────────▶ terminating ─────────▶ terminated ────▶ gone
 *   start, restart, keep    grace, SIGTERM,        last status,     nothing of it is left,
 *   up to date              SIGKILL                volumes away     here and on the server
 *
 * Guarantees: never two steps of one pod at a time; a pod that began to terminate never starts anything again; when
 * the grace gets shorter meanwhile, its containers end sooner; a step that fails is tried again. Kubernetes'
 * counterpart: podWorkers with syncPod, syncTerminatingPod and syncTerminatedPod.
 */
import type { Pod, PodStatus } from '../api/generated/core-v1.ts';
import type { Timer } from '../clock/clock.ts';
import type { CrashBackoff } from './crash-backoff.ts';
import { anythingRuns, nothingObserved, type PodObservation } from './pod-observation.ts';
import { podLabel } from './pod-paths.ts';
import { computePodStatus } from './pod-status.ts';
import { PodSync } from './pod-sync.ts';
import type { PodWorkerParts } from './pod-worker-parts.ts';
import { graceOf } from './runtime-manager.ts';

/** Why the node ends a pod by itself. */
export interface Verdict {
  readonly reason: string;
  readonly message: string;
}

/** Config maps, secrets, tokens and whatever events have missed are looked at again this often, in milliseconds. */
const resync = 60_000;
/** Seconds that a pod still has when its object was deleted by force: "a small grace period", as Kubernetes says. */
const forcedGrace = 2;
const firstRetry = 1000;
const longestRetry = 20_000;

export class PodWorker {
  readonly #parts: PodWorkerParts;
  readonly #backoff: CrashBackoff;
  readonly #sync: PodSync;
  #pod: Pod;
  #state: 'syncing' | 'terminating' | 'terminated' | 'gone' = 'syncing';
  #observed: PodObservation = nothingObserved;
  #lastLook = 0;
  #newestLook = 0;
  #verdict: Verdict | undefined;
  readonly #rejected: boolean;
  /** The object is no longer on the server. */
  #vanished = false;
  #mostGrace = Number.POSITIVE_INFINITY;
  /** Seconds of grace that the end under way was given, and how it is cut short. */
  #grace: number | undefined;
  #dirty = true;
  #wakeUp: (() => void) | undefined;
  #wakeAt: { readonly timer: Timer; readonly at: number } | undefined;
  #failures = 0;
  /** Aborted when the pod is to end: whatever its sync waits for is no longer wanted. */
  readonly #syncing = new AbortController();

  constructor(
    pod: Pod,
    parts: PodWorkerParts,
    options: { readonly backoff: CrashBackoff; readonly verdict?: Verdict; readonly vanished?: boolean },
  ) {
    this.#pod = pod;
    this.#parts = parts;
    this.#backoff = options.backoff;
    this.#sync = new PodSync(parts, options.backoff, {
      observed: () => this.#observed,
      status: () => this.#status(),
      look: () => this.#look(),
      publish: () => {
        this.#publish();
      },
      wakeIn: (ms) => this.#wakeIn(ms),
    });
    this.#verdict = options.verdict;
    this.#rejected = options.verdict !== undefined;
    if (options.vanished) this.vanish();
    else parts.objects.retain(pod);
    if (options.verdict) this.#terminate();
    this.#consider();
  }

  get pod(): Pod {
    return this.#pod;
  }
  get state(): 'syncing' | 'terminating' | 'terminated' | 'gone' {
    return this.#state;
  }
  get observed(): PodObservation {
    return this.#observed;
  }
  /** It holds resources of the node: it runs, or may yet. */
  get active(): boolean {
    return !this.#rejected && (this.#state === 'syncing' || this.#state === 'terminating');
  }

  /** The object has changed. */
  update(pod: Pod): void {
    this.#pod = pod;
    if (this.#state === 'syncing') this.#parts.objects.retain(pod);
    this.#consider();
    this.wake();
  }

  /** The object is gone: another pod may be taking its place already, so what still runs is ended without delay. */
  vanish(last?: Pod): void {
    if (last) this.#pod = last;
    this.#vanished = true;
    this.#mostGrace = forcedGrace;
    this.#terminate();
    this.wake();
  }

  /** The node ends the pod by itself: it was evicted, or its time is over. `grace` in seconds; default: the pod's own. */
  end(verdict: Verdict, grace?: number): void {
    if (this.#state !== 'syncing') return;
    this.#verdict = verdict;
    this.#mostGrace = grace ?? Number.POSITIVE_INFINITY;
    this.#terminate();
    this.wake();
  }

  /** Something about the pod may have changed. */
  wake(): void {
    this.#dirty = true;
    this.#wakeUp?.();
  }

  /** The runtime has news of the pod: looked at and told at once, also while a step waits for something. */
  async notice(): Promise<void> {
    await this.#look();
    if (this.#state === 'gone') return;
    this.#publish();
    this.wake();
  }

  /** Looks at the runtime. Two looks may overlap; the one that began last counts. */
  async #look(): Promise<PodObservation> {
    const ticket = ++this.#lastLook;
    const seen = await this.#parts.runtime.observe(this.#pod.metadata.uid);
    if (ticket > this.#newestLook) {
      this.#newestLook = ticket;
      this.#observed = seen;
    }
    return this.#observed;
  }

  /** Works until the pod is gone or the signal is aborted, which leaves its containers as they are. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => {
      this.#syncing.abort(signal.reason);
      this.#wakeUp?.();
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (!signal.aborted && this.#state !== 'gone') {
        if (!this.#dirty) {
          await new Promise<void>((resolve) => {
            this.#wakeUp = resolve;
          });
          this.#wakeUp = undefined;
          continue;
        }
        this.#dirty = false;
        await this.#step(signal);
      }
    } finally {
      signal.removeEventListener('abort', stop);
      this.#wakeAt?.timer.cancel();
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    try {
      if (this.#state === 'syncing') await this.#syncOnce();
      else if (this.#state === 'terminating') await this.#endContainers(signal);
      else await this.#cleanUp();
      this.#failures = 0;
    } catch (error) {
      // The pod is to end, or the kubelet stops: what was under way no longer matters.
      if (signal.aborted || (this.#syncing.signal.aborted && error === this.#syncing.signal.reason)) return;
      this.#failures++;
      this.#parts.context.log.warn('a step of a pod failed', { pod: podLabel(this.#pod), state: this.#state, error });
      this.#wakeIn(Math.min(firstRetry * 2 ** (this.#failures - 1), longestRetry));
    }
  }

  /** Deletion and deadlines end a pod; a shorter grace ends it sooner. */
  #consider(): void {
    const { deletionTimestamp } = this.#pod.metadata;
    if (deletionTimestamp !== undefined) this.#terminate();
    const { activeDeadlineSeconds: limit } = this.#pod.spec;
    if (limit === undefined || this.#state !== 'syncing') return;
    const start = this.#status().startTime;
    const left = start === undefined ? limit * 1000 : Date.parse(start) + limit * 1000 - this.#parts.context.clock.now();
    if (left > 0) this.#wakeIn(left);
    else this.end({ reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' });
  }

  #terminate(): void {
    if (this.#state !== 'syncing') return;
    this.#state = 'terminating';
    this.#syncing.abort(new Error('the pod is to end'));
  }

  #status(): PodStatus {
    return this.#parts.statuses.statusOf(this.#pod);
  }

  /** Says what is known now. Returns whether the pod has come to its end. */
  #publish(): boolean {
    const { context, probes, statuses } = this.#parts;
    const terminating = this.#state !== 'syncing';
    const over = this.#state === 'terminated' || this.#state === 'gone';
    const [sandbox] = this.#observed.sandboxes;
    const podIP = sandbox?.ips[0] ?? (this.#pod.spec.hostNetwork ? context.hostIPs[0] : this.#status().podIP) ?? '';
    probes.update(this.#pod, this.#observed, { podIP, terminating });
    const { status, finished } = computePodStatus({
      pod: this.#pod,
      previous: this.#status(),
      observed: this.#observed,
      local: {
        waiting: this.#sync.waiting,
        runtimeName: context.runtimeName(),
        ready: (id) => probes.ready(id),
        started: (id) => probes.started(id),
      },
      ...(this.#verdict ? { verdict: this.#verdict } : {}),
      over,
      hostIPs: context.hostIPs,
      now: context.clock.now(),
    });
    if (!this.#vanished) statuses.set(this.#pod, status);
    return finished;
  }

  // syncing

  async #syncOnce(): Promise<void> {
    const { context } = this.#parts;
    const pod = this.#pod;
    const { signal } = this.#syncing;
    this.#wakeIn(resync);
    await this.#look();
    if (this.#state !== 'syncing') return;
    this.#consider();
    if (this.#publish()) this.#terminate();
    if (this.#state !== 'syncing') {
      this.wake();
      return;
    }
    const problem = pod.spec.hostNetwork ? undefined : this.#parts.networkProblem();
    if (problem !== undefined) {
      context.events.event(pod, 'Warning', 'NetworkNotReady', `network is not ready: ${problem}`);
      this.#wakeIn(firstRetry);
      return;
    }
    await this.#sync.run(pod, signal);
  }

  // terminating

  /** Ends everything that runs. While it waits, a shorter grace starts the same again, with less time. */
  async #endContainers(signal: AbortSignal): Promise<void> {
    const { runtime } = this.#parts;
    const pod = this.#pod;
    await this.#look();
    this.#publish();
    const again = this.#grace !== undefined;
    this.#grace = this.#graceLeft();
    const ending = { done: false, error: undefined as unknown };
    const end = (observed: PodObservation, grace: number, repeated: boolean): Promise<void> =>
      runtime.killPod(pod, observed, { grace, ...(repeated ? { again: true } : {}) }).then(
        () => {
          ending.done = true;
          this.wake();
        },
        (error: unknown) => {
          ending.error = error;
          this.wake();
        },
      );
    void end(this.#observed, this.#grace, again);
    while (!ending.done && !signal.aborted) {
      if (ending.error !== undefined) throw ending.error;
      const grace = this.#graceLeft();
      if (grace < this.#grace) {
        this.#grace = grace;
        void end(this.#observed, grace, true);
      }
      this.#dirty = false;
      await new Promise<void>((resolve) => {
        this.#wakeUp = resolve;
      });
      this.#wakeUp = undefined;
    }
    if (signal.aborted) return;
    await this.#look();
    if (anythingRuns(this.#observed)) throw new Error('containers of the pod still run after they were stopped');
    this.#state = 'terminated';
    this.wake();
  }

  #graceLeft(): number {
    // No less than a second: also what is deleted by force gets its signal.
    return Math.min(Math.max(1, graceOf(this.#pod)), this.#mostGrace);
  }

  // terminated

  /** The last status; then volumes, and once nobody will ask for its logs any more, everything else. */
  async #cleanUp(): Promise<void> {
    const { context, runtime, statuses, volumes, probes, images, objects } = this.#parts;
    const { uid, deletionTimestamp } = this.#pod.metadata;
    this.#publish();
    objects.release(uid);
    await volumes.unmount(uid);
    // A pod that is done and not deleted keeps its containers. Of one that is, nothing runs or is mounted once its
    // object goes; its log stays until then.
    if (this.#vanished || deletionTimestamp !== undefined) await runtime.removePod(uid, await this.#look());
    if (!this.#vanished) {
      statuses.finish(this.#pod);
      return;
    }
    const { paths, host } = context;
    for (const directory of [paths.pod(uid), paths.podLogs(this.#pod), ...paths.volumes(uid)]) await host.files.remove(directory);
    probes.forget(uid);
    images.forget(uid);
    this.#backoff.forget(`${uid}/`);
    statuses.forget(uid);
    this.#state = 'gone';
    this.#parts.onGone(uid);
  }

  /** Wakes the worker after `ms`, unless it is to wake sooner anyway. */
  #wakeIn(ms: number): void {
    const { clock } = this.#parts.context;
    const at = clock.now() + ms;
    if (this.#wakeAt && this.#wakeAt.at <= at && this.#wakeAt.at > clock.now()) return;
    this.#wakeAt?.timer.cancel();
    this.#wakeAt = {
      at,
      timer: clock.setTimer(ms, () => {
        this.#wakeAt = undefined;
        this.wake();
      }),
    };
  }
}
