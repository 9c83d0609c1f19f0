import { InvariantError } from '../api/errors.ts';
import { type KubeObject, keyOf } from '../api/object.ts';
import type { IndexFunction, Lister } from './contract.ts';
import { SortedMap } from './sorted-map.ts';

interface Index<T> {
  readonly values: IndexFunction<T>;
  readonly buckets: Map<string, SortedMap<T>>;
}

/**
 * The local copy behind an informer: objects by key, and by what index functions say of them. Every answer is an
 * array of its own, so that a reader may keep it while the cache goes on. client-go: cache.Indexer.
 */
export class Indexer<T extends KubeObject> implements Lister<T> {
  readonly #objects = new SortedMap<T>();
  readonly #indexes = new Map<string, Index<T>>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string): readonly T[] {
    return namespace ? this.#objects.valuesWithPrefix(`${namespace}/`) : this.#objects.values();
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (!index)
      throw new InvariantError(
        `there is no index ${JSON.stringify(name)} here; there are: ${[...this.#indexes.keys()].join(', ') || 'none'}`,
      );
    return index.buckets.get(value)?.values() ?? [];
  }

  keys(): readonly string[] {
    return this.#objects.keys();
  }

  /** Adding the same function again does nothing; another one under the same name throws. */
  addIndex(name: string, values: IndexFunction<T>): void {
    const present = this.#indexes.get(name);
    if (present) {
      if (present.values !== values) throw new InvariantError(`the index ${JSON.stringify(name)} was defined before, by another function`);
      return;
    }
    const index: Index<T> = { values, buckets: new Map() };
    this.#indexes.set(name, index);
    for (const object of this.#objects.values()) enter(index, keyOf(object), object);
  }

  set(object: T): void {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      if (previous) leave(index, key, previous);
      enter(index, key, object);
    }
  }

  delete(key: string): void {
    const previous = this.#objects.get(key);
    if (!previous) return;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) leave(index, key, previous);
  }
}

function enter<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.values(object)) {
    let bucket = index.buckets.get(value);
    if (!bucket) {
      bucket = new SortedMap();
      index.buckets.set(value, bucket);
    }
    bucket.set(key, object);
  }
}

function leave<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.values(object)) {
    const bucket = index.buckets.get(value);
    if (bucket?.delete(key) && bucket.size === 0) index.buckets.delete(value);
  }
}
