/**
 * What one side puts in and the other takes out, in order, with a bound: `push` resolves when there is room again, so
 * that a slow reader slows its writer instead of filling memory. One reader.
 */
export class ItemQueue<T> implements AsyncIterable<T> {
  readonly #sizeOf: (item: T) => number;
  readonly #limit: number;
  readonly #items: T[] = [];
  #size = 0;
  #ended = false;
  #error: unknown;
  #wakeReader: (() => void) | undefined;
  #wakeWriters: (() => void)[] = [];

  /** `limit`: the sum of sizes above which `push` waits. */
  constructor(limit: number, sizeOf: (item: T) => number) {
    this.#limit = limit;
    this.#sizeOf = sizeOf;
  }

  /** After the end, what is pushed is dropped. */
  push(item: T): Promise<void> | undefined {
    if (this.#ended) return undefined;
    this.#items.push(item);
    this.#size += this.#sizeOf(item);
    this.#wake();
    if (this.#size <= this.#limit) return undefined;
    return new Promise((resolve) => this.#wakeWriters.push(resolve));
  }

  /** The reader gets what is there, then the end, or `error`. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#wake();
    this.#release();
  }

  get ended(): boolean {
    return this.#ended;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (;;) {
        while (this.#items.length > 0) {
          const item = this.#items.shift() as T;
          this.#size -= this.#sizeOf(item);
          if (this.#size <= this.#limit) this.#release();
          yield item;
        }
        if (this.#ended) {
          if (this.#error !== undefined) throw this.#error;
          return;
        }
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      }
    } finally {
      // The reader has gone: nothing waits for it any more.
      this.#items.length = 0;
      this.end();
    }
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeReader = undefined;
  }

  #release(): void {
    const writers = this.#wakeWriters;
    this.#wakeWriters = [];
    for (const wake of writers) wake();
  }
}

/** A queue of chunks, bounded by their bytes. */
export class ByteQueue extends ItemQueue<Uint8Array> {
  constructor(limit = 256 * 1024) {
    super(limit, (chunk) => chunk.length);
  }
}
