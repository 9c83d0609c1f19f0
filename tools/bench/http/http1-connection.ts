import type { TLSSocket } from 'node:tls';

/** Told once an answer is complete: its status, and the bytes of its body as they came over the line. */
export type Answered = (status: number, bytes: number) => void;

const lineFeed = 0x0a;
const endOfHead = '\r\n\r\n';
const endOfChunks = '0\r\n\r\n';

/**
 * HTTP/1.1 as a load generator needs it, which must cost less than the server it measures: requests are bytes made
 * beforehand, of an answer only status and length are read. One request at a time.
 */
export class Http1Connection {
  readonly #socket: TLSSocket;
  #answered: Answered | undefined;
  /** The answer's first bytes, while its head is not complete. */
  #head: Buffer | undefined;
  #status = 0;
  #bytes = 0;
  /** Of the body, those still to come; undefined: in chunks. */
  #left: number | undefined = 0;
  /** The last bytes of a body in chunks. */
  #tail = '';

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('close', () => this.#finish(0));
    socket.on('error', () => undefined); // 'close' follows
  }

  send(request: Buffer, answered: Answered): void {
    if (this.#answered) throw new Error('a request is under way');
    this.#answered = answered;
    this.#status = 0;
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#status !== 0) {
      this.#body(chunk);
      return;
    }
    const bytes = this.#head ? Buffer.concat([this.#head, chunk]) : chunk;
    const end = bytes.indexOf(endOfHead);
    if (end < 0) {
      this.#head = bytes;
      return;
    }
    this.#head = undefined;
    const head = bytes.toString('latin1', 0, end).toLowerCase();
    this.#status = Number(head.slice(9, 12));
    const length = head.indexOf('\r\ncontent-length: ');
    this.#left = length < 0 ? undefined : Number.parseInt(head.slice(length + 18), 10);
    this.#bytes = 0;
    this.#tail = '';
    this.#body(end + 4 === bytes.length ? bytes.subarray(bytes.length) : bytes.subarray(end + 4));
  }

  #body(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#left !== undefined) {
      this.#left -= bytes.length;
      if (this.#left <= 0) this.#finish(this.#status);
      return;
    }
    // JSON has no line that is "0": the last chunk's end can be nothing else.
    this.#tail = (this.#tail + bytes.toString('latin1', Math.max(0, bytes.length - endOfChunks.length))).slice(-endOfChunks.length);
    if (this.#tail === endOfChunks) this.#finish(this.#status);
  }

  #finish(status: number): void {
    const answered = this.#answered;
    this.#answered = undefined;
    this.#status = 0;
    answered?.(status, this.#bytes);
  }
}

/** A watch over HTTP/1.1: counts the events that come, each of which is one line of JSON. */
export class Http1Watch {
  /** Events so far. */
  count = 0;
  readonly #socket: TLSSocket;
  #last = 0;
  #started = false;

  /** `arrived`: the watch has got its `count`th event just now. */
  constructor(socket: TLSSocket, request: Buffer, arrived: (count: number) => void) {
    this.#socket = socket;
    socket.on('error', () => undefined); // a watch that breaks is one that gets no more events
    socket.on('data', (chunk: Buffer) => {
      let from = 0;
      if (!this.#started) {
        const end = chunk.indexOf(endOfHead);
        if (end < 0) throw new Error('the head of a watch came in pieces');
        this.#started = true;
        from = end + 4;
      }
      // The line of an event ends with a line feed alone, those of HTTP with a carriage return before it.
      for (let at = chunk.indexOf(lineFeed, from); at >= 0; at = chunk.indexOf(lineFeed, at + 1)) {
        if ((at > 0 ? chunk[at - 1] : this.#last) !== 0x0d) arrived(++this.count);
      }
      this.#last = chunk[chunk.length - 1] as number;
    });
    socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }
}
