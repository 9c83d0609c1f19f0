import type { Clock, Timer } from '../clock/clock.ts';

/**
 * The time that requests may take. One timer for all of them, since nearly all end long before: a request costs an
 * entry in a Map, not a timer. A deadline is met late by `grain` at most.
 */
export class Deadlines {
  static readonly grain = 1000;

  readonly #clock: Clock;
  readonly #open = new Map<() => void, number>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `expire` once, `ms` from now, unless it was cleared before. */
  set(expire: () => void, ms: number): void {
    this.#open.set(expire, this.#clock.monotonic() + ms);
    this.#timer ??= this.#clock.setTimer(Deadlines.grain, () => this.#sweep());
  }

  clear(expire: () => void): void {
    this.#open.delete(expire);
  }

  /** After this, nothing expires any more. */
  stop(): void {
    this.#timer?.cancel();
    this.#open.clear();
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    for (const [expire, due] of this.#open) {
      if (due > now) continue;
      this.#open.delete(expire);
      expire();
    }
    this.#timer = this.#open.size === 0 ? undefined : this.#clock.setTimer(Deadlines.grain, () => this.#sweep());
  }
}
