import { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { RequestBody } from '../api/http.ts';

/**
 * The body of a request. Whoever stops reading it still wants to answer: the connection is not destroyed. To be read
 * once, in one of the two ways.
 */
export class IncomingBody implements RequestBody {
  readonly #stream: Readable;

  constructor(stream: Readable) {
    this.#stream = stream;
  }

  /**
   * A short body comes with its head: the parser, which is at work when a request begins, has all of it by the next
   * turn of promises. Taking it then costs a tenth of listening for its pieces and its end.
   */
  async arrived(): Promise<Uint8Array | undefined> {
    await Promise.resolve();
    const stream = this.#stream;
    if (!(stream instanceof IncomingMessage) || !stream.complete) return undefined;
    return (stream.read() as Uint8Array | null) ?? new Uint8Array();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return new BodyReader(this.#stream);
  }
}

/** A stream's pieces as they come. (The stream's own iterator costs more than all that is done with a body of 1 KB.) */
class BodyReader implements AsyncIterator<Uint8Array> {
  readonly #stream: Readable;
  #waiting: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    for (const event of ['readable', 'end', 'error', 'close']) stream.on(event, this.#wake);
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    this.#waiting = Promise.withResolvers();
    const { promise } = this.#waiting;
    this.#wake();
    return promise;
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#leave();
    return Promise.resolve({ done: true, value: undefined });
  }

  readonly #wake = (): void => {
    const waiting = this.#waiting;
    if (!waiting) return;
    const { readableEnded, errored, destroyed } = this.#stream;
    const value = this.#stream.read() as Uint8Array | null;
    if (value === null && !readableEnded && !destroyed) return;
    this.#waiting = undefined;
    if (value !== null) {
      waiting.resolve({ done: false, value });
      return;
    }
    this.#leave();
    if (readableEnded) waiting.resolve({ done: true, value: undefined });
    else waiting.reject(errored ?? new Error('the client has gone before its request was complete'));
  };

  /** Whoever listens for `readable` keeps the stream from being drained by others; the rest may stay. */
  #leave(): void {
    this.#stream.removeListener('readable', this.#wake);
  }
}
