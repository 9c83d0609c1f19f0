/**
 * Work that goes on beside the loop (bindings, status writes, evictions): bounded, never lost, waited for at the end.
 * What fails is handled by the work itself; an error that comes out is a bug and ends the run.
 */
export class Background {
  readonly #limit: number;
  readonly #running = new Set<Promise<void>>();
  readonly #waiting: (() => void)[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves at once unless as many as the limit are running. Throws what an earlier one failed with. */
  async room(): Promise<void> {
    while (this.#running.size >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#failure) throw this.#failure.error;
  }

  start(work: () => Promise<void>): void {
    const running: Promise<void> = work()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#running.delete(running);
        this.#waiting.shift()?.();
      });
    this.#running.add(running);
  }

  async drained(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure) throw this.#failure.error;
  }
}
