/**
 * Pods that wait for a node, in three places:
 *
 *   active         to be tried next, in QueueSort's order
 *   back-off       tried before, something has changed since; 1 s doubling to 10 s after each failure
 *   unschedulable  tried before, and nothing that could help has happened (also: gated pods)
 *
 * An event of the cluster moves those pods out of `unschedulable` whose rejecting plugins say that it may help them.
 * Events that come while a pod is being tried are kept for it and looked at when it fails, so that none is lost.
 * When there is nothing in `active`, pods backing off from a rejection are tried early (an idle scheduler has nothing
 * better to do); those backing off from an error are not. What sleeps for five minutes is tried again in any case.
 * Counterpart: kube-scheduler's SchedulingQueue.
 */
import type { Clock } from '../clock/clock.ts';
import type { Gauge } from '../metrics/metrics.ts';
import { type Causes, mergeCauses } from '../trace/cause.ts';
import { type ClusterEvent, type EventKind, schedulingChanged, waitingPodEvents } from './cluster-event.ts';
import type { Plugin, QueueOrder, Rejection } from './framework.ts';
import { KeyedHeap } from './heap.ts';
import type { PodInfo } from './pod-info.ts';

export interface QueueOptions {
  readonly clock: Clock;
  readonly plugins: readonly Plugin[];
  readonly initialBackoffMs?: number;
  readonly maxBackoffMs?: number;
  /** How long a pod sleeps at most before it is tried again whatever happened. */
  readonly unschedulableTimeoutMs?: number;
  /** scheduler_pending_pods, by queue. */
  readonly pending?: Gauge;
}

/** A pod on its way through the queue. Owned by the queue; whoever popped it only reads. */
export interface QueuedPod extends QueueOrder {
  readonly pod: PodInfo;
  /** When it last came into the queue, monotonic ms. */
  readonly since: number;
  /** When it first did. */
  readonly firstSeen: number;
  readonly attempts: number;
  readonly causes: Causes;
  /** Who keeps it from being tried at all, if anyone. */
  readonly gate: Rejection | undefined;
}

export type Place = 'active' | 'backoff' | 'unschedulable' | 'gated';

interface Entry extends QueuedPod {
  pod: PodInfo;
  since: number;
  attempts: number;
  causes: Causes;
  gate: Rejection | undefined;
  /** Failures in a row: rejections and errors count apart, and set the back-off. */
  rejections: number;
  errors: number;
  backoffUntil: number;
  rejectors: ReadonlySet<string>;
  /** Breaks ties, so that the order is total and repeats. */
  order: number;
}

interface InFlight {
  readonly entry: Entry;
  /** The first event that this pod has not seen. */
  readonly from: number;
  /** The pod as it was last updated meanwhile. */
  latest: PodInfo;
  deleted: boolean;
}

/** The rejector of pods that met no node at all. */
export const noNodes = 'NoNodes';

type Hint = ((pod: PodInfo, event: ClusterEvent) => boolean) | undefined;

export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #preEnqueue: readonly Plugin[];
  readonly #initialBackoffMs: number;
  readonly #maxBackoffMs: number;
  readonly #unschedulableTimeoutMs: number;
  readonly #pending: Gauge | undefined;
  /** Kind of event → plugin → its hints for it. */
  readonly #interested = new Map<EventKind, Map<string, Hint[]>>();

  readonly #active: KeyedHeap<Entry>;
  readonly #backoff: KeyedHeap<Entry>;
  readonly #errorBackoff: KeyedHeap<Entry>;
  readonly #unschedulable = new Map<string, Entry>();
  /** Rejecting plugin → uids in `unschedulable`. */
  readonly #byRejector = new Map<string, Set<string>>();

  readonly #inFlight = new Map<string, InFlight>();
  /** Events since the oldest pod in flight was popped; `uid`: concerns that pod alone. */
  #events: { readonly event: ClusterEvent; readonly uid?: string; readonly causes: Causes }[] = [];
  #eventsFrom = 0;

  #order = 0;
  #wake: (() => void) | undefined;

  constructor(options: QueueOptions) {
    this.#clock = options.clock;
    this.#preEnqueue = options.plugins.filter((plugin) => plugin.preEnqueue);
    this.#initialBackoffMs = options.initialBackoffMs ?? 1000;
    this.#maxBackoffMs = options.maxBackoffMs ?? 10_000;
    this.#unschedulableTimeoutMs = options.unschedulableTimeoutMs ?? 300_000;
    this.#pending = options.pending;
    const sort = options.plugins.find((plugin) => plugin.compare);
    const uid = (entry: Entry): string => entry.pod.uid;
    this.#active = new KeyedHeap(uid, (a, b) => sort?.compare?.(a, b) || a.order - b.order);
    this.#backoff = new KeyedHeap(uid, (a, b) => a.backoffUntil - b.backoffUntil || a.order - b.order);
    this.#errorBackoff = new KeyedHeap(uid, (a, b) => a.backoffUntil - b.backoffUntil || a.order - b.order);

    for (const plugin of options.plugins) {
      for (const { kinds, hint } of plugin.events ?? []) for (const kind of kinds) this.#register(kind, plugin.name, hint);
    }
    this.#register('NodeAdd', noNodes, undefined);
  }

  /** A pod that has no node yet. */
  add(pod: PodInfo, causes: Causes = []): void {
    if (this.#inFlight.has(pod.uid)) return;
    this.#remove(pod.uid);
    const now = this.#clock.monotonic();
    const entry: Entry = {
      pod,
      since: now,
      firstSeen: now,
      attempts: 0,
      causes,
      gate: undefined,
      rejections: 0,
      errors: 0,
      backoffUntil: 0,
      rejectors: new Set(),
      order: this.#order++,
    };
    this.#enter(entry, 'active');
  }

  update(before: PodInfo, after: PodInfo, causes: Causes = []): void {
    const flying = this.#inFlight.get(after.uid);
    if (flying) {
      flying.latest = after;
      for (const event of waitingPodEvents(before, after)) this.#events.push({ event, uid: after.uid, causes });
      return;
    }
    const sleeping = this.#unschedulable.get(after.uid);
    if (sleeping) {
      sleeping.pod = after;
      if (!schedulingChanged(before.pod, after.pod)) return;
      if (sleeping.gate || waitingPodEvents(before, after).some((event) => this.#helps(sleeping, event))) this.#wakeUp(after.uid, causes);
      return;
    }
    const found = this.#remove(after.uid);
    if (!found) {
      this.add(after, causes);
      return;
    }
    found.entry.pod = after;
    this.#enter(found.entry, found.place === 'backoff' ? 'backoff' : 'active');
  }

  delete(uid: string): void {
    this.#remove(uid);
    const flying = this.#inFlight.get(uid);
    if (flying) flying.deleted = true;
  }

  /** The next pod to try; waits for one. Undefined once the signal is aborted. Follow with `requeue` or `done`. */
  async pop(signal: AbortSignal): Promise<QueuedPod | undefined> {
    for (;;) {
      if (signal.aborted) return undefined;
      const entry = this.#take();
      if (entry) {
        entry.attempts++;
        this.#inFlight.set(entry.pod.uid, {
          entry,
          from: this.#eventsFrom + this.#events.length,
          latest: entry.pod,
          deleted: false,
        });
        return entry;
      }
      await this.#sleep(signal);
    }
  }

  /**
   * A popped pod that got no node. `rejectors`: the plugins that said no; empty after an error. Has no effect on a pod
   * that was deleted or is no longer in flight.
   */
  requeue(uid: string, rejectors: ReadonlySet<string>): Place | undefined {
    const flying = this.#inFlight.get(uid);
    if (!flying) return undefined;
    const { entry, from, deleted } = flying;
    const missed = this.#events.slice(Math.max(0, from - this.#eventsFrom)).filter((item) => item.uid === undefined || item.uid === uid);
    this.done(uid);
    if (deleted) return undefined;
    entry.pod = flying.latest;
    entry.since = this.#clock.monotonic();
    entry.rejectors = rejectors;
    if (rejectors.size === 0) {
      entry.errors++;
      entry.rejections = 0;
      return this.#enter(entry, 'again');
    }
    entry.rejections++;
    entry.errors = 0;
    const helpful = missed.filter(({ event }) => this.#helps(entry, event));
    for (const { causes } of helpful) entry.causes = mergeCauses(entry.causes, causes);
    return this.#enter(entry, helpful.length > 0 ? 'again' : 'unschedulable');
  }

  /** The pod needs no more scheduling (it was bound, or is gone). Idempotent. */
  done(uid: string): void {
    if (!this.#inFlight.delete(uid)) return;
    if (this.#inFlight.size === 0) {
      this.#eventsFrom += this.#events.length;
      this.#events = [];
      return;
    }
    // Pods leave in about the order they came: the first one left needs the oldest events.
    const oldest = this.#inFlight.values().next().value?.from ?? this.#eventsFrom;
    if (oldest - this.#eventsFrom > 256) {
      this.#events = this.#events.slice(oldest - this.#eventsFrom);
      this.#eventsFrom = oldest;
    }
  }

  /** Something happened: wakes the pods that it may help. Returns how many. */
  move(event: ClusterEvent, causes: Causes = []): number {
    if (this.#inFlight.size > 0) this.#events.push({ event, causes });
    const interested = this.#interested.get(event.kind);
    if (!interested) return 0;
    const helped = new Set<string>();
    for (const [plugin, hints] of interested) {
      for (const uid of this.#byRejector.get(plugin) ?? []) {
        const entry = this.#unschedulable.get(uid);
        if (entry && !helped.has(uid) && hints.some((hint) => hint?.(entry.pod, event) ?? true)) helped.add(uid);
      }
    }
    for (const uid of helped) this.#wakeUp(uid, causes);
    return helped.size;
  }

  /** Brings every sleeping pod that is not gated back, whatever it waits for. */
  moveAll(causes: Causes = []): void {
    for (const uid of [...this.#unschedulable.keys()]) if (!this.#unschedulable.get(uid)?.gate) this.#wakeUp(uid, causes);
  }

  /** What keeps the pod from being tried at all, if anything. */
  gateOf(uid: string): Rejection | undefined {
    return this.#unschedulable.get(uid)?.gate;
  }

  placeOf(uid: string): Place | 'in flight' | undefined {
    if (this.#inFlight.has(uid)) return 'in flight';
    if (this.#active.has(uid)) return 'active';
    if (this.#backoff.has(uid) || this.#errorBackoff.has(uid)) return 'backoff';
    const entry = this.#unschedulable.get(uid);
    return entry && (entry.gate ? 'gated' : 'unschedulable');
  }

  get lengths(): Readonly<Record<Place, number>> {
    const gated = [...this.#unschedulable.values()].filter((entry) => entry.gate).length;
    return {
      active: this.#active.size,
      backoff: this.#backoff.size + this.#errorBackoff.size,
      unschedulable: this.#unschedulable.size - gated,
      gated,
    };
  }

  #register(kind: EventKind, plugin: string, hint: Hint): void {
    const plugins = this.#interested.get(kind) ?? new Map<string, Hint[]>();
    this.#interested.set(kind, plugins);
    plugins.set(plugin, [...(plugins.get(plugin) ?? []), hint]);
  }

  #helps(entry: Entry, event: ClusterEvent): boolean {
    const interested = this.#interested.get(event.kind);
    for (const plugin of entry.rejectors) {
      if (interested?.get(plugin)?.some((hint) => hint?.(entry.pod, event) ?? true)) return true;
    }
    return false;
  }

  #wakeUp(uid: string, causes: Causes): void {
    const found = this.#remove(uid);
    if (!found) return;
    found.entry.causes = mergeCauses(found.entry.causes, causes);
    this.#enter(found.entry, 'again');
  }

  /** `again`: to `active`, or to back-off while its time is not up. A gate sends it to `unschedulable` instead. */
  #enter(entry: Entry, where: 'active' | 'backoff' | 'unschedulable' | 'again'): Place {
    const { uid } = entry.pod;
    let place: 'active' | 'backoff' | 'unschedulable' = where === 'again' ? 'active' : where;
    if (where === 'again') {
      entry.backoffUntil = entry.since + this.#backoffOf(entry);
      if (entry.backoffUntil > this.#clock.monotonic()) place = 'backoff';
    }
    if (where !== 'unschedulable') {
      entry.gate = this.#closedGate(entry.pod);
      if (entry.gate) {
        entry.rejectors = new Set([entry.gate.plugin]);
        place = 'unschedulable';
      }
    }
    if (place === 'unschedulable') {
      this.#unschedulable.set(uid, entry);
      for (const plugin of entry.rejectors) {
        const uids = this.#byRejector.get(plugin) ?? new Set();
        this.#byRejector.set(plugin, uids.add(uid));
      }
    } else if (place === 'active') this.#active.set(entry);
    else if (entry.errors > 0) this.#errorBackoff.set(entry);
    else this.#backoff.set(entry);
    const shown: Place = entry.gate ? 'gated' : place;
    this.#pending?.add(1, { queue: shown });
    this.#wake?.();
    return shown;
  }

  #closedGate(pod: PodInfo): Rejection | undefined {
    for (const plugin of this.#preEnqueue) {
      const gate = plugin.preEnqueue?.(pod);
      if (gate) return gate;
    }
    return undefined;
  }

  #remove(uid: string): { readonly entry: Entry; readonly place: Place } | undefined {
    const sleeping = this.#unschedulable.get(uid);
    if (sleeping) {
      this.#unschedulable.delete(uid);
      for (const plugin of sleeping.rejectors) this.#byRejector.get(plugin)?.delete(uid);
    }
    const active = sleeping ? undefined : this.#active.delete(uid);
    const entry = sleeping ?? active ?? this.#backoff.delete(uid) ?? this.#errorBackoff.delete(uid);
    if (!entry) return undefined;
    const place: Place = sleeping ? (entry.gate ? 'gated' : 'unschedulable') : active ? 'active' : 'backoff';
    this.#pending?.add(-1, { queue: place });
    return { entry, place };
  }

  #take(): Entry | undefined {
    const now = this.#clock.monotonic();
    for (const heap of [this.#errorBackoff, this.#backoff]) {
      for (let due = heap.peek(); due && due.backoffUntil <= now; due = heap.peek()) {
        this.#remove(due.pod.uid);
        this.#enter(due, 'active');
      }
    }
    for (const [uid, entry] of this.#unschedulable) {
      // In order of `since`, so the first that is young enough ends the search; a gated one may be any age.
      if (entry.gate) continue;
      if (entry.since + this.#unschedulableTimeoutMs > now) break;
      this.#wakeUp(uid, []);
    }
    const next = this.#active.peek() ?? this.#backoff.peek();
    if (next) this.#remove(next.pod.uid);
    return next;
  }

  async #sleep(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#wake = wake;
    signal.addEventListener('abort', wake, { once: true });
    const due = this.#nextDue();
    const timer = due === undefined ? undefined : this.#clock.setTimer(due - this.#clock.monotonic(), wake);
    await promise;
    this.#wake = undefined;
    signal.removeEventListener('abort', wake);
    timer?.cancel();
  }

  #nextDue(): number | undefined {
    let due = this.#errorBackoff.peek()?.backoffUntil;
    for (const entry of this.#unschedulable.values()) {
      if (entry.gate) continue;
      const timeout = entry.since + this.#unschedulableTimeoutMs;
      due = due === undefined ? timeout : Math.min(due, timeout);
      break;
    }
    return due;
  }

  /** 1 s after the first failure, doubling. */
  #backoffOf(entry: Entry): number {
    const failures = entry.errors > 0 ? entry.errors : entry.rejections;
    return failures === 0 ? 0 : Math.min(this.#maxBackoffMs, this.#initialBackoffMs * 2 ** (failures - 1));
  }
}
