import type { ContainerEvent } from '../cri.ts';

/**
 * Hands every event to every reader. A reader that falls more than `limit` events behind loses them and gets one
 * `relist` instead: memory stays bounded, and nobody is left with a wrong idea.
 */
export class EventFan {
  readonly #readers = new Set<Reader>();
  readonly #limit: number;

  constructor(limit = 4096) {
    this.#limit = limit;
  }

  publish(event: ContainerEvent): void {
    for (const reader of this.#readers) {
      if (reader.pending.length >= this.#limit) reader.pending = [{ type: 'relist', at: event.at }];
      else reader.pending.push(event);
      reader.wake?.();
    }
  }

  /** Subscribed from this call on, not from the first read. */
  read(signal: AbortSignal): AsyncIterable<readonly ContainerEvent[]> {
    const reader: Reader = { pending: [], wake: undefined };
    if (!signal.aborted) this.#readers.add(reader);
    const stop = (): void => {
      this.#readers.delete(reader);
      reader.wake?.();
    };
    signal.addEventListener('abort', stop, { once: true });
    const readers = this.#readers;
    return (async function* () {
      try {
        while (!signal.aborted) {
          if (reader.pending.length === 0) {
            await new Promise<void>((resolve) => {
              reader.wake = resolve;
            });
            reader.wake = undefined;
            continue;
          }
          const batch = reader.pending;
          reader.pending = [];
          yield batch;
        }
      } finally {
        readers.delete(reader);
        signal.removeEventListener('abort', stop);
      }
    })();
  }
}

interface Reader {
  pending: ContainerEvent[];
  wake: (() => void) | undefined;
}
