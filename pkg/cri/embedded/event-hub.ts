import type { ContainerEvent } from '../cri.ts';

/** Events that wait for one reader before it is told to list again instead. */
const capacity = 1000;

/** Hands each event to every reader; a reader that falls behind gets `relist` in place of what it missed. */
export class EventHub {
  readonly #readers = new Set<Reader>();

  publish(event: ContainerEvent): void {
    for (const reader of this.#readers) reader.push(event);
  }

  async *subscribe(signal: AbortSignal): AsyncIterable<readonly ContainerEvent[]> {
    const reader = new Reader();
    this.#readers.add(reader);
    const abort = (): void => reader.wake();
    signal.addEventListener('abort', abort, { once: true });
    try {
      while (!signal.aborted) {
        const batch = reader.take();
        if (batch.length > 0) yield batch;
        else await reader.wait(signal);
      }
    } finally {
      signal.removeEventListener('abort', abort);
      this.#readers.delete(reader);
    }
  }
}

class Reader {
  #events: ContainerEvent[] = [];
  #wake: (() => void) | undefined;

  push(event: ContainerEvent): void {
    if (this.#events.length >= capacity) this.#events = [{ type: 'relist', at: event.at }];
    else this.#events.push(event);
    this.wake();
  }
  take(): readonly ContainerEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || this.#events.length > 0) resolve();
      else this.#wake = resolve;
    });
  }
  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
