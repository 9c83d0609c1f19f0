/**
 * Back-off by key: a first failure costs nothing, the next waits 10 s, then 20 s, ... up to 5 min; whoever goes
 * without failing for 10 min (twice the longest wait) starts over. Kubernetes: flowcontrol.Backoff, as the kubelet
 * uses it for crashing containers and failing pulls.
 */
export class CrashBackoff {
  static readonly initial = 10_000;
  static readonly longest = 300_000;
  readonly #entries = new Map<string, { wait: number; at: number }>();

  /** Milliseconds from `now` until the key may be tried again after a failure at `failedAt`; 0: now. */
  remaining(key: string, failedAt: number, now: number): number {
    const entry = this.#current(key, failedAt);
    return entry ? Math.max(0, failedAt + entry.wait - now) : 0;
  }

  /** The present wait of the key, in milliseconds: what messages quote. */
  wait(key: string): number {
    return this.#entries.get(key)?.wait ?? 0;
  }

  /** The key is tried again: the next failure waits longer. */
  next(key: string, failedAt: number, now: number): void {
    const entry = this.#current(key, failedAt);
    this.#entries.set(key, { wait: entry ? Math.min(entry.wait * 2, CrashBackoff.longest) : CrashBackoff.initial, at: now });
  }

  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }

  #current(key: string, failedAt: number): { wait: number; at: number } | undefined {
    const entry = this.#entries.get(key);
    return entry && failedAt - entry.at <= 2 * CrashBackoff.longest ? entry : undefined;
  }
}

/** As Go prints a duration of whole seconds: `10s`, `2m40s`, `5m0s`. */
export function formatSeconds(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
