/** A binary heap that finds its items again by key, so that any of them can be taken out or moved. */
export class KeyedHeap<T> {
  readonly #items: T[] = [];
  readonly #at = new Map<string, number>();
  readonly #key: (item: T) => string;
  readonly #compare: (a: T, b: T) => number;

  constructor(key: (item: T) => string, compare: (a: T, b: T) => number) {
    this.#key = key;
    this.#compare = compare;
  }

  get size(): number {
    return this.#items.length;
  }

  has(key: string): boolean {
    return this.#at.has(key);
  }

  get(key: string): T | undefined {
    const at = this.#at.get(key);
    return at === undefined ? undefined : this.#items[at];
  }

  /** Adds the item, or replaces the one with its key. */
  set(item: T): void {
    const key = this.#key(item);
    const at = this.#at.get(key) ?? this.#items.length;
    this.#items[at] = item;
    this.#at.set(key, at);
    this.#up(at);
    this.#down(this.#at.get(key) ?? at);
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.delete(this.#key(first));
    return first;
  }

  delete(key: string): T | undefined {
    const at = this.#at.get(key);
    if (at === undefined) return undefined;
    const item = this.#items[at] as T;
    const last = this.#items.pop() as T;
    this.#at.delete(key);
    if (at < this.#items.length) {
      this.#items[at] = last;
      this.#at.set(this.#key(last), at);
      this.#up(at);
      this.#down(this.#at.get(this.#key(last)) ?? at);
    }
    return item;
  }

  /** In no particular order. */
  values(): readonly T[] {
    return this.#items;
  }

  #up(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#compare(this.#items[at] as T, this.#items[parent] as T) >= 0) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #down(from: number): void {
    let at = from;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#items.length && this.#compare(this.#items[child] as T, this.#items[least] as T) < 0) least = child;
      }
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #swap(a: number, b: number): void {
    const x = this.#items[a] as T;
    const y = this.#items[b] as T;
    this.#items[a] = y;
    this.#items[b] = x;
    this.#at.set(this.#key(y), a);
    this.#at.set(this.#key(x), b);
  }
}
