/**
 * Time, as everything in GoKube sees it. No code under `pkg/` outside adapters reads the wall clock or sets a
 * timer itself: it asks the Clock it was given, so that a whole cluster can run on virtual time.
 *
 * Contract of every Clock:
 *  - timers fire in order of their due time, and in order of creation when due at the same time;
 *  - a timer never fires inside the call that created it;
 *  - `sleep` rejects with the signal's reason when aborted, and leaves no timer behind.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. May jump (somebody set the machine's clock). */
  now(): number;
  /** Milliseconds that only ever grow, from an arbitrary origin: for durations and timeouts. */
  monotonic(): number;
  /** Calls `fn` once, `ms` milliseconds from now (0 or less: as soon as possible, but never synchronously). */
  setTimer(ms: number, fn: () => void): Timer;
  /** Resolves after `ms` milliseconds; rejects with `signal.reason` once the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /**
   * Lets everything else that is ready run first: one turn of the event loop, in which every promise chain that
   * needs nothing from outside has come to its end. Takes no time on this clock.
   */
  turn(): Promise<void>;
}

export interface Timer {
  /** Idempotent; a cancelled timer never fires. */
  cancel(): void;
}

/** `now` as Kubernetes' `metav1.Time` writes it: RFC 3339, UTC, whole seconds. */
export function timestamp(clock: Pick<Clock, 'now'>): string {
  return formatTime(clock.now());
}

/** Milliseconds since the epoch as `metav1.Time`: `2026-01-02T03:04:05Z`. */
export function formatTime(ms: number): string {
  return `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** Milliseconds since the epoch as `metav1.MicroTime`: `2026-01-02T03:04:05.678000Z`. */
export function formatMicroTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`;
}

/** `sleep` on top of `setTimer`, for implementations of Clock. */
export function sleepOn(clock: Pick<Clock, 'setTimer'>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
