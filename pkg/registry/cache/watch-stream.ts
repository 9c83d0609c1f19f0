import type { RegistryEvent } from '../contract.ts';

/** Events of one watch that wait for its reader; beyond them it is cut and has to resume. 8,192 references. */
const maxUnread = 8_192;

/**
 * The live part of one watch, for one reader. What is pushed is shared with other watches and only referenced here.
 * After `end` the reader still gets what was pushed before, then the end.
 */
export class WatchStream {
  readonly bookmarks: boolean;
  #unread: (readonly RegistryEvent[])[] = [];
  #unreadEvents = 0;
  #waiting: ((batch: readonly RegistryEvent[] | undefined) => void) | undefined;
  #ended = false;
  readonly #onEnd: (stream: WatchStream) => void;
  readonly #onCut: () => void;

  /** `onCut`: its reader has fallen too far behind; `onEnd` follows. */
  constructor(options: { bookmarks: boolean; onEnd: (stream: WatchStream) => void; onCut: () => void }) {
    this.bookmarks = options.bookmarks;
    this.#onEnd = options.onEnd;
    this.#onCut = options.onCut;
  }

  push(batch: readonly RegistryEvent[]): void {
    if (this.#ended || batch.length === 0) return;
    if (this.#waiting) {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting(batch);
      return;
    }
    if (this.#unreadEvents > 0 && this.#unreadEvents + batch.length > maxUnread) {
      this.#onCut();
      this.end();
      return;
    }
    this.#unread.push(batch);
    this.#unreadEvents += batch.length;
  }

  /** The next batch; undefined at the end. One call at a time. */
  next(): Promise<readonly RegistryEvent[] | undefined> {
    const batch = this.#unread.shift();
    if (batch) {
      this.#unreadEvents -= batch.length;
      return Promise.resolve(batch);
    }
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd(this);
    this.#waiting?.(undefined);
    this.#waiting = undefined;
  }
}
