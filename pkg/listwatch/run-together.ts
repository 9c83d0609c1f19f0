/**
 * Runs several parts as one: all get a signal that is aborted with the outer one or when one of them fails. Returns
 * when every part has ended; throws the first failure. More parts may join while it runs.
 */
export class RunTogether {
  readonly #stop = new AbortController();
  readonly #parts = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  /** Aborted when this group is to end. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  start(part: (signal: AbortSignal) => Promise<void>): void {
    const running: Promise<void> = part(this.#stop.signal)
      .catch((error: unknown) => {
        if (this.#stop.signal.aborted && error === this.#stop.signal.reason) return;
        this.#failure ??= { error };
        this.#stop.abort(error);
      })
      .finally(() => this.#parts.delete(running));
    this.#parts.add(running);
  }

  /** Waits until `signal` is aborted or a part fails, and then for all parts to end. */
  async untilStopped(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#stop.abort(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    if (!this.#stop.signal.aborted) await new Promise((resolve) => this.#stop.signal.addEventListener('abort', resolve, { once: true }));
    signal.removeEventListener('abort', onAbort);
    while (this.#parts.size > 0) await Promise.all(this.#parts);
    if (this.#failure) throw this.#failure.error;
  }
}

/** Runs all parts until the signal is aborted or one fails; see RunTogether. */
export async function runTogether(parts: readonly ((signal: AbortSignal) => Promise<void>)[], signal: AbortSignal): Promise<void> {
  const group = new RunTogether();
  for (const part of parts) group.start(part);
  await group.untilStopped(signal);
}
