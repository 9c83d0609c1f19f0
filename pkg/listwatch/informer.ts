/**
 * An informer folds a reflector's stream into an Indexer and tells its handlers of every change. What it
 * guarantees to handlers stands at `Handler` in contract.ts. client-go: SharedIndexInformer.
 */
import { InvariantError } from '../api/errors.ts';
import { type KubeObject, keyOf, type ResourceRef } from '../api/object.ts';
import type { Causes } from '../trace/cause.ts';
import type { Environment, Handler, Informer, InformerOptions, Lister } from './contract.ts';
import { Indexer } from './indexer.ts';
import { type Delta, reflect } from './reflector.ts';

/** An informer of one's own, outside any factory: for resources that come and go, or with a transform. */
export function createInformer<T extends KubeObject>(env: Environment, ref: ResourceRef<T>, options: InformerOptions<T> = {}): Informer<T> {
  return new SharedInformer(env, ref, options);
}

export class SharedInformer<T extends KubeObject> implements Informer<T> {
  readonly ref: ResourceRef<T>;
  readonly #env: Environment;
  readonly #options: InformerOptions<T>;
  readonly #indexer = new Indexer<T>();
  #handlers: readonly Handler<T>[] = [];
  #synced = false;
  #running = false;
  #waiters = new Set<{ resolve: () => void; reject: (reason: unknown) => void }>();
  /** Keys in the pages of a list that has not ended yet. */
  #listed = new Set<string>();

  constructor(env: Environment, ref: ResourceRef<T>, options: InformerOptions<T>) {
    this.ref = ref;
    this.#env = env;
    this.#options = options;
    this.addIndexes(options.indexes ?? {});
  }

  get lister(): Lister<T> {
    return this.#indexer;
  }

  get synced(): boolean {
    return this.#synced;
  }

  addIndexes(indexes: NonNullable<InformerOptions<T>['indexes']>): void {
    for (const [name, values] of Object.entries(indexes)) this.#indexer.addIndex(name, values);
  }

  addHandler(handler: Handler<T>): void {
    // A new array each time: a dispatch under way goes on with those it began with.
    this.#handlers = [...this.#handlers, handler];
    for (const object of this.#indexer.list()) handler.onAdd?.(object, causesOf(object));
  }

  whenSynced(signal?: AbortSignal): Promise<void> {
    if (this.#synced) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const settle = (end: () => void): void => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener('abort', onAbort);
        end();
      };
      const onAbort = (): void => settle(() => reject(signal?.reason));
      const waiter = { resolve: () => settle(resolve), reject: (reason: unknown) => settle(() => reject(reason)) };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    if (this.#running) throw new InvariantError(`the informer of ${this.ref.resource} is running already`);
    this.#running = true;
    let reason: unknown;
    try {
      for await (const delta of reflect(this.#env, this.ref, { ...this.#options, signal })) this.#apply(delta);
      reason = signal.reason;
    } catch (error) {
      reason = error;
      throw error;
    } finally {
      this.#running = false;
      for (const waiter of [...this.#waiters]) waiter.reject(reason);
    }
  }

  #apply(delta: Delta<T>): void {
    if (delta.type === 'events') {
      for (const { type, object } of delta.events) {
        if (type === 'DELETED') this.#remove(keyOf(object), object, causesOf(object));
        else this.#upsert(object);
      }
      return;
    }
    if (delta.first) this.#listed = new Set();
    for (const object of delta.objects) {
      this.#listed.add(keyOf(object));
      this.#upsert(object);
    }
    if (!delta.last) return;
    for (const key of this.#indexer.keys()) {
      if (!this.#listed.has(key))
        this.#remove(
          key,
          undefined,
          [Number(delta.revision)].filter((revision) => revision > 0),
        );
    }
    this.#listed = new Set();
    this.#synced = true;
    for (const waiter of [...this.#waiters]) waiter.resolve();
  }

  #upsert(received: T): void {
    const object = this.#options.transform?.(received) ?? received;
    const previous = this.#indexer.get(keyOf(object));
    if (previous?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    const causes = causesOf(object);
    const sameObject = previous?.metadata.uid === object.metadata.uid;
    if (previous && !sameObject) this.#remove(keyOf(previous), undefined, causes);
    this.#indexer.set(object);
    for (const handler of this.#handlers) {
      if (previous && sameObject) handler.onUpdate?.(object, previous, causes);
      else handler.onAdd?.(object, causes);
    }
  }

  /** `final`: the object's last state, where the server told; else the one known last. */
  #remove(key: string, final: T | undefined, causes: Causes): void {
    const known = this.#indexer.get(key);
    if (!known) return;
    this.#indexer.delete(key);
    const object = final ? (this.#options.transform?.(final) ?? final) : known;
    for (const handler of this.#handlers) handler.onDelete?.(object, causes);
  }
}

function causesOf(object: KubeObject): Causes {
  const revision = Number(object.metadata.resourceVersion);
  return Number.isSafeInteger(revision) && revision > 0 ? [revision] : [];
}
