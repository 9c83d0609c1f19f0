import { jitter, type Random } from '../clock/random.ts';

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly factor: number;
  /** Up to this part of the delay is added at random; 0 for none. */
  readonly jitter: number;
}

/** Exponential back-off of one activity: each `next()` is `factor` times the one before, up to `maxMs`, plus jitter. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: Random;
  #attempts = 0;

  constructor(options: BackoffOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  /** Failures since the last reset. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Milliseconds to wait before trying again. Counts as one attempt. */
  next(): number {
    const { initialMs, maxMs, factor, jitter: part } = this.#options;
    const ms = Math.min(maxMs, initialMs * factor ** Math.min(this.#attempts++, 64));
    return part > 0 ? jitter(this.#random, ms, part) : ms;
  }

  reset(): void {
    this.#attempts = 0;
  }
}

/** Exponential back-off for each of many keys: client-go's ItemExponentialFailureRateLimiter. */
export class KeyedBackoff {
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #failures = new Map<string, number>();

  /** Defaults as in client-go's controllers: 5 ms, doubling, up to 1,000 s (reached at the 19th failure). */
  constructor(initialMs = 5, maxMs = 1_000_000) {
    this.#initialMs = initialMs;
    this.#maxMs = maxMs;
  }

  /** Milliseconds to wait before this key's next try. Counts as one failure. */
  next(key: string): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    return Math.min(this.#maxMs, this.#initialMs * 2 ** Math.min(failures, 64));
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }
}
