import type { TLSSocket } from 'node:tls';
import type { Answered } from './http1-connection.ts';

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const frameHead = 9;
const type = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const;
const flag = { end: 1, ack: 1, endHeaders: 4 } as const;
const largestWindow = 2 ** 31 - 1;
/** The window that a connection begins with. */
const firstWindow = 65_535;

/**
 * GETs over one HTTP/2 connection, many at a time, as a load generator needs it: headers are encoded beforehand, of
 * an answer's headers only the status is looked at. Any status but 200 counts as 0.
 */
export class Http2Connection {
  readonly #socket: TLSSocket;
  readonly #answers = new Map<number, { readonly answered: Answered; status: number; bytes: number }>();
  #next = 1;
  #rest: Buffer = Buffer.alloc(0);
  /** Received since the server was last told that it may go on. */
  #received = 0;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('close', () => {
      for (const stream of [...this.#answers.keys()]) this.#finish(stream, 0);
    });
    socket.on('error', () => undefined); // 'close' follows
    const initialWindow = Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]);
    socket.write(Buffer.concat([preface, frame(type.settings, 0, 0, initialWindow), windowUpdate(largestWindow - firstWindow)]));
  }

  /** `request` comes from `http2Get`. */
  send(request: Buffer, answered: Answered): void {
    const stream = this.#next;
    this.#next += 2;
    this.#answers.set(stream, { answered, status: 0, bytes: 0 });
    this.#socket.write(frame(type.headers, flag.end | flag.endHeaders, stream, request));
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    while (bytes.length - at >= frameHead) {
      const length = bytes.readUIntBE(at, 3);
      if (bytes.length - at < frameHead + length) break;
      this.#frame(bytes, at, length);
      at += frameHead + length;
    }
    this.#rest = bytes.subarray(at);
  }

  #frame(bytes: Buffer, at: number, length: number): void {
    const kind = bytes[at + 3];
    const flags = bytes[at + 4] as number;
    const stream = bytes.readUInt32BE(at + 5);
    if (kind === type.settings && !(flags & flag.ack)) this.#socket.write(frame(type.settings, flag.ack, 0, Buffer.alloc(0)));
    else if (kind === type.ping && !(flags & flag.ack))
      this.#socket.write(frame(type.ping, flag.ack, 0, bytes.subarray(at + frameHead, at + frameHead + length)));
    else if (kind === type.goAway) this.#socket.destroy();
    else if (kind === type.reset) this.#finish(stream, 0);
    if (kind !== type.data && kind !== type.headers) return;
    const answer = this.#answers.get(stream);
    if (!answer) return;
    if (kind === type.data) {
      answer.bytes += length;
      this.#received += length;
      if (this.#received > largestWindow / 2) {
        this.#socket.write(windowUpdate(this.#received));
        this.#received = 0;
      }
    } else if (answer.status === 0) {
      let first = at + frameHead;
      // Updates of the table's size may come first.
      while (((bytes[first] as number) & 0xe0) === 0x20) first++;
      answer.status = bytes[first] === 0x88 ? 200 : 0;
    }
    if (flags & flag.end) this.#finish(stream, answer.status);
  }

  #finish(stream: number, status: number): void {
    const answer = this.#answers.get(stream);
    this.#answers.delete(stream);
    answer?.answered(status, answer.bytes);
  }
}

function frame(kind: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(frameHead + payload.length);
  out.writeUIntBE(payload.length, 0, 3);
  out[3] = kind;
  out[4] = flags;
  out.writeUInt32BE(stream, 5);
  out.set(payload, frameHead);
  return out;
}

function windowUpdate(by: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(by);
  return frame(type.windowUpdate, 0, 0, payload);
}

/** The header block of a GET: entries of the static table by number, all else as it is, without compression. */
export function http2Get(path: string, headers: Readonly<Record<string, string>>): Buffer {
  const text = (value: string): Buffer => {
    if (value.length > 126) throw new Error(`too long for this simple encoding: ${value}`);
    return Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  };
  const method = 0x82;
  const scheme = 0x87;
  return Buffer.concat([
    Buffer.from([method, scheme, 0x04]),
    text(path),
    Buffer.from([0x01]),
    text('127.0.0.1'),
    ...Object.entries(headers).flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]),
  ]);
}
