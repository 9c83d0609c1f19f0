import { type Clock, sleepOn, type Timer } from './clock.ts';
import { platformTurn } from './real-clock.ts';

interface Entry {
  readonly due: number;
  readonly order: number;
  readonly fn: () => void;
  cancelled: boolean;
}

/**
 * Time that moves only when somebody pumps it. `advance(ms)` runs everything that is due within the next `ms`
 * milliseconds, one timer at a time, and between two timers lets every promise chain come to its end. Two runs of
 * the same program therefore do the same things in the same order.
 *
 * What runs off the thread (disk, sockets, `crypto.subtle`) would run away from this clock. Such work announces
 * itself with `outside()`; the clock refuses to move while any is pending.
 */
export class VirtualClock implements Clock {
  /** 2026-01-01T00:00:00Z, so that timestamps in simulations look like timestamps. */
  static readonly defaultStart = 1_767_225_600_000;

  readonly #start: number;
  #elapsed = 0;
  #order = 0;
  #outside = 0;
  #pumping = false;
  readonly #turn: () => Promise<void>;
  /** Binary heap by (due, order). */
  readonly #heap: Entry[] = [];

  /** `turn`: the platform's turn primitive, or a test's own (with random extra yields, for example). */
  constructor(options: { start?: number; turn?: () => Promise<void> } = {}) {
    this.#start = options.start ?? VirtualClock.defaultStart;
    this.#turn = options.turn ?? platformTurn;
  }

  now(): number {
    return this.#start + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  setTimer(ms: number, fn: () => void): Timer {
    const entry: Entry = { due: this.#elapsed + Math.max(0, ms), order: this.#order++, fn, cancelled: false };
    this.#push(entry);
    return {
      cancel: () => {
        entry.cancelled = true;
      },
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  turn(): Promise<void> {
    return this.#turn();
  }

  /** Marks work that this clock cannot see; call the returned function when it has ended. */
  outside(): () => void {
    this.#outside++;
    let ended = false;
    return () => {
      if (!ended) this.#outside--;
      ended = true;
    };
  }

  /** Moves time on by `ms`, running what falls due on the way. Throws if called while it is already moving. */
  async advance(ms: number): Promise<void> {
    await this.advanceUntil(() => false, ms);
  }

  /**
   * Moves time on until `done()` holds, but by `ms` at most; checks after every timer. Returns whether it held.
   * If it held, time stands where it came true; if not, `ms` later than before.
   */
  async advanceUntil(done: () => boolean | Promise<boolean>, ms: number): Promise<boolean> {
    if (this.#pumping) throw new Error('VirtualClock: advance() was called while time is already moving');
    this.#pumping = true;
    try {
      const end = this.#elapsed + ms;
      await this.#settle();
      for (;;) {
        if (await done()) return true;
        const next = this.#peek();
        if (!next || next.due > end) break;
        this.#pop();
        this.#elapsed = Math.max(this.#elapsed, next.due);
        next.fn();
        await this.#settle();
      }
      this.#elapsed = end;
      return await done();
    } finally {
      this.#pumping = false;
    }
  }

  /** Number of timers waiting: zero after a clean shutdown. */
  get pendingTimers(): number {
    return this.#heap.filter((entry) => !entry.cancelled).length;
  }

  async #settle(): Promise<void> {
    await this.#turn();
    if (this.#outside > 0) {
      throw new Error(
        `VirtualClock: ${this.#outside} operation(s) outside the clock's control are pending (disk, network or ` +
          'Web Crypto); a cluster on virtual time must use the memory store, the fake runtime and simulated credentials',
      );
    }
  }

  #peek(): Entry | undefined {
    while (this.#heap[0]?.cancelled) this.#pop();
    return this.#heap[0];
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Entry;
      if (!before(entry, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right && before(right, heap[child] as Entry)) child++;
      const below = heap[child] as Entry;
      if (!before(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}
