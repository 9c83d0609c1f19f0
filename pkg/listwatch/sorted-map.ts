/**
 * A map in ascending order of its keys (by UTF-16 code units, which for the ASCII of object names is byte order).
 * Look-ups by key are constant time, insertions move the tail of an array: for caches of up to some 100,000 objects
 * that is cheaper than any tree, and a listing is one copy.
 */
export class SortedMap<V> {
  readonly #byKey = new Map<string, V>();
  readonly #keys: string[] = [];
  readonly #values: V[] = [];

  get size(): number {
    return this.#keys.length;
  }

  get(key: string): V | undefined {
    return this.#byKey.get(key);
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  set(key: string, value: V): void {
    const known = this.#byKey.has(key);
    this.#byKey.set(key, value);
    const at = this.#position(key);
    if (known) {
      this.#values[at] = value;
    } else if (at === this.#keys.length) {
      this.#keys.push(key);
      this.#values.push(value);
    } else {
      this.#keys.splice(at, 0, key);
      this.#values.splice(at, 0, value);
    }
  }

  delete(key: string): boolean {
    if (!this.#byKey.delete(key)) return false;
    const at = this.#position(key);
    this.#keys.splice(at, 1);
    this.#values.splice(at, 1);
    return true;
  }

  keys(): string[] {
    return this.#keys.slice();
  }

  values(): V[] {
    return this.#values.slice();
  }

  /** Values whose keys begin with `prefix`, in order. */
  valuesWithPrefix(prefix: string): V[] {
    const start = this.#position(prefix);
    let end = start;
    while (end < this.#keys.length && (this.#keys[end] as string).startsWith(prefix)) end++;
    return this.#values.slice(start, end);
  }

  /** Index of the first key that is not below `key`. New keys mostly come last: that is looked at first. */
  #position(key: string): number {
    const keys = this.#keys;
    let high = keys.length;
    if (high === 0 || (keys[high - 1] as string) < key) return high;
    let low = 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
