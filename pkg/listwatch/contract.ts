/**
 * What control loops use: an Informer keeps a local copy of one resource (a reflector lists, watches and
 * reconnects), an Indexer answers look-ups in it, a Workqueue says what to reconcile next, and
 * `runController` is the loop around all of it. Kubernetes' counterparts: client-go tools/cache and util/workqueue.
 */
import type { KubeObject, ResourceRef } from '../api/object.ts';
import type { Client } from '../client/client.ts';
import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import type { Logger } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Causes } from '../trace/cause.ts';

/** What every component is given to run with. */
export interface Environment {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface InformerOptions<T> {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /**
   * Named indexes: each maps an object to the values it is found under. Informers are shared, and so are the names:
   * asking for a name again with another function throws.
   */
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Applied to each object before it is kept: to drop what nobody here reads. Not for shared informers. */
  readonly transform?: (object: T) => T;
  /** When and how often to try again; see `defaultRetry` in reflector.ts. */
  readonly retry?: Partial<RetryOptions>;
}

export type IndexFunction<T> = (object: T) => readonly string[];

/** How a reflector goes on after a failure: exponential back-off with jitter. */
export interface RetryOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly factor: number;
  /** Up to this part of the delay is added at random, so that clients of a restarted server do not come at once. */
  readonly jitter: number;
  /** Failures in a row before the reflector gives up and rejects; Infinity: never. */
  readonly maxRetries: number;
}

/** The local copy. Objects are frozen. All answers are as of the last delivered event. */
export interface Lister<T extends KubeObject> {
  /** By `namespace/name`, or `name` where there is no namespace. */
  get(key: string): T | undefined;
  /** In ascending order of keys. */
  list(namespace?: string): readonly T[];
  /** What the named index holds under a value, in ascending order of keys. */
  byIndex(index: string, value: string): readonly T[];
  readonly size: number;
}

/**
 * Guarantees: handlers are called one at a time, in the order of the server's revisions for each object; after a
 * relist, objects that vanished meanwhile come as `onDelete` with the last known state; the lister already shows a
 * change when its handler is called. A handler added late first gets `onAdd` for everything that is there. An object
 * that was deleted and made anew under its name comes as `onDelete` and `onAdd`, never as `onUpdate`. Handlers are
 * quick and do not throw: one that does ends the informer with its error, since its view would be wrong from then on.
 * `causes` are the revisions behind the call: hand them to the workqueue.
 */
export interface Handler<T> {
  onAdd?(object: T, causes: Causes): void;
  onUpdate?(object: T, previous: T, causes: Causes): void;
  onDelete?(object: T, causes: Causes): void;
}

export interface Informer<T extends KubeObject> {
  readonly ref: ResourceRef<T>;
  readonly lister: Lister<T>;
  /** True once the first list has been delivered to the lister. */
  readonly synced: boolean;
  whenSynced(signal?: AbortSignal): Promise<void>;
  addHandler(handler: Handler<T>): void;
  /** Lists and watches until the signal is aborted. Never rejects for what a reconnect can mend. */
  run(signal: AbortSignal): Promise<void>;
}

/** One informer for each (resource, options), shared by everything in a process; started together. */
export interface InformerFactory {
  informer<T extends KubeObject>(ref: ResourceRef<T>, options?: InformerOptions<T>): Informer<T>;
  /** Starts those not yet running; returns when the signal is aborted and all have ended. */
  run(signal: AbortSignal): Promise<void>;
  /** Starts those not yet running (under the signal given to `run`) and waits for all first lists. */
  whenSynced(signal?: AbortSignal): Promise<void>;
}

/**
 * Keys waiting to be worked on. A key is in the queue at most once; a key that is added while it is being worked
 * on comes again after `done`; the causes of merged additions are merged. Same as client-go's workqueue.
 */
export interface Workqueue {
  add(key: string, causes?: Causes): void;
  addAfter(key: string, ms: number, causes?: Causes): void;
  /** After the key's own back-off: 5 ms doubling to 1000 s, forgotten by `forget`. */
  addRateLimited(key: string, causes?: Causes): void;
  forget(key: string): void;
  retries(key: string): number;
  /** The next key, or undefined once the queue is shut down. Call `done` when it has been worked on. */
  next(): Promise<{ readonly key: string; readonly causes: Causes } | undefined>;
  done(key: string): void;
  shutDown(): void;
  readonly length: number;
}

/** What a reconcile says: nothing (done) or again after so many milliseconds. A throw means back off and retry. */
export type ReconcileResult = undefined | { readonly after: number };

/** A control loop in the field's well-known shape. `client` is bound to the causes of this reconcile. */
export interface Reconciler {
  readonly name: string;
  reconcile(
    key: string,
    context: { readonly client: Client; readonly causes: Causes; readonly signal: AbortSignal },
  ): Promise<ReconcileResult>;
}

/** Anything that starts, runs until the signal is aborted, and then ends leaving nothing behind. */
export interface Runnable {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

/** Publishes Events about objects, merging repetitions as Kubernetes does (count, lastTimestamp). */
export interface EventRecorder {
  event(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
}
