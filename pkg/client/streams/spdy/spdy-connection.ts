/**
 * SPDY/3.1 as Kubernetes uses it for exec, attach and port-forward: many streams, each with headers and bytes both
 * ways, over one connection. Kubernetes' own implementation has no flow control of its own (windows are neither kept
 * nor announced), so a slow reader of one stream slows the connection; this does the same.
 *
 * Flow: bytes → FrameReader → control frames to the connection, data frames to their stream's queue.
 * https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
 */
import type { ByteStream } from '../../../api/http.ts';
import { ByteQueue, ItemQueue } from '../item-queue.ts';
import { FrameReader, frameType } from './frame-reader.ts';
import { HeaderReader, HeaderWriter, type SpdyHeaders } from './header-block.ts';

const flagFin = 0x01;
/** RST_STREAM's status for "not wanted any more". */
const cancel = 5;
/** Frames carry at most this much, so that streams share the connection fairly. */
const maxData = 32 * 1024;

export interface SpdyStream extends ByteStream {
  readonly id: number;
  readonly headers: SpdyHeaders;
}

export class SpdyConnection {
  /** Streams that the other side opens; ends with the connection. Each is answered (SYN_REPLY) when it is taken. */
  readonly incoming: AsyncIterable<SpdyStream>;
  readonly #transport: ByteStream;
  readonly #headersIn = new HeaderReader();
  readonly #headersOut = new HeaderWriter();
  readonly #streams = new Map<number, Stream>();
  readonly #incoming = new ItemQueue<SpdyStream>(1024, () => 1);
  #nextId: number;
  #lastIncoming = 0;
  #closed = false;
  /** Writes go out one after the other: header compression has an order. */
  #writing: Promise<void> = Promise.resolve();

  constructor(transport: ByteStream, role: 'client' | 'server') {
    this.#transport = transport;
    this.#nextId = role === 'client' ? 1 : 2;
    this.incoming = this.#incoming;
  }

  /** Opens a stream; resolves once the frame is written. */
  async open(headers: SpdyHeaders): Promise<SpdyStream> {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = this.#addStream(id, headers);
    await this.#send(() => {
      const block = this.#headersOut.write(headers);
      const payload = new Uint8Array(10 + block.length);
      new DataView(payload.buffer).setUint32(0, id);
      payload.set(block, 10);
      return controlFrame(frameType.synStream, 0, payload);
    });
    return stream;
  }

  /** Reads until the connection ends. Never rejects: a broken connection ends all streams with the error. */
  async run(): Promise<void> {
    let failure: unknown;
    try {
      for await (const frame of new FrameReader(this.#transport.readable)) {
        if (frame.control) await this.#onControl(frame.type, frame.flags, frame.payload);
        else await this.#onData(frame.streamId, frame.flags, frame.payload);
        if (this.#closed) break;
      }
    } catch (error) {
      failure = error;
    }
    this.#incoming.end();
    for (const stream of [...this.#streams.values()])
      stream.receiveEnd(failure ?? (stream.received ? undefined : new Error('the connection has ended')));
    this.#streams.clear();
    await this.#writing;
    this.#closed = true;
    try {
      await this.#transport.end();
    } catch {
      // It has ended already, as we now know.
    }
  }

  /** Says goodbye and ends the connection after what was written. */
  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#send(() => {
      const payload = new Uint8Array(8);
      new DataView(payload.buffer).setUint32(0, this.#lastIncoming);
      return controlFrame(frameType.goAway, 0, payload);
    });
    this.#closed = true;
    await this.#transport.end();
  }

  #addStream(id: number, headers: SpdyHeaders): Stream {
    const stream = new Stream(id, headers, {
      data: (chunk, fin) => this.#send(() => dataFrame(id, fin ? flagFin : 0, chunk)),
      reset: () =>
        this.#send(() => {
          const payload = new Uint8Array(8);
          const view = new DataView(payload.buffer);
          view.setUint32(0, id);
          view.setUint32(4, cancel);
          return controlFrame(frameType.rstStream, 0, payload);
        }),
      over: () => this.#streams.delete(id),
    });
    this.#streams.set(id, stream);
    return stream;
  }

  async #onControl(type: number, flags: number, payload: Uint8Array): Promise<void> {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const id = payload.length >= 4 ? view.getUint32(0) & 0x7fffffff : 0;
    switch (type) {
      case frameType.synStream: {
        const stream = this.#addStream(id, this.#headersIn.read(payload.subarray(10)));
        this.#lastIncoming = id;
        await this.#send(() => {
          const block = this.#headersOut.write({});
          const reply = new Uint8Array(4 + block.length);
          new DataView(reply.buffer).setUint32(0, id);
          reply.set(block, 4);
          return controlFrame(frameType.synReply, 0, reply);
        });
        if (flags & flagFin) stream.receiveEnd();
        await this.#incoming.push(stream);
        return;
      }
      case frameType.synReply:
      case frameType.headers:
        this.#headersIn.read(payload.subarray(4)); // nothing in it is needed, but the compression goes on from it
        if (flags & flagFin) this.#streams.get(id)?.receiveEnd();
        return;
      case frameType.rstStream:
        this.#streams.get(id)?.receiveReset();
        return;
      case frameType.ping:
        await this.#send(() => controlFrame(frameType.ping, 0, payload));
        return;
      case frameType.goAway:
        this.#incoming.end();
        return;
      default:
        return; // SETTINGS, WINDOW_UPDATE, and what we do not know
    }
  }

  async #onData(id: number, flags: number, payload: Uint8Array): Promise<void> {
    const stream = this.#streams.get(id);
    if (!stream) return; // reset a moment ago
    if (payload.length > 0) await stream.receive(payload);
    if (flags & flagFin) stream.receiveEnd();
  }

  /** `frame` is made when its turn has come. */
  #send(frame: () => Uint8Array): Promise<void> {
    const sent = this.#writing.then(async () => {
      if (!this.#closed) await this.#transport.write(frame());
    });
    this.#writing = sent.catch(() => {}); // whoever asked for this write is told; the next one finds out by itself
    return sent;
  }
}

interface StreamOut {
  data(chunk: Uint8Array, fin: boolean): Promise<void>;
  reset(): Promise<void>;
  over(): void;
}

class Stream implements SpdyStream {
  readonly id: number;
  readonly headers: SpdyHeaders;
  readonly readable: AsyncIterable<Uint8Array>;
  readonly #queue = new ByteQueue();
  readonly #out: StreamOut;
  #sentEnd = false;

  constructor(id: number, headers: SpdyHeaders, out: StreamOut) {
    this.id = id;
    this.headers = headers;
    this.#out = out;
    this.readable = this.#queue;
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length && !this.#sentEnd; at += maxData) await this.#out.data(chunk.subarray(at, at + maxData), false);
  }

  async end(): Promise<void> {
    if (this.#sentEnd) return;
    this.#sentEnd = true;
    await this.#out.data(new Uint8Array(0), true);
    if (this.#queue.ended) this.#out.over();
  }

  abort(error?: Error): void {
    this.#sentEnd = true;
    this.#queue.end(error);
    this.#out.over();
    this.#out.reset().catch(() => {}); // the connection is gone, and the stream with it
  }

  get received(): boolean {
    return this.#queue.ended;
  }

  receive(chunk: Uint8Array): Promise<void> | undefined {
    return this.#queue.push(chunk);
  }

  receiveEnd(error?: unknown): void {
    this.#queue.end(error);
    if (this.#sentEnd) this.#out.over();
  }

  receiveReset(): void {
    this.#sentEnd = true;
    this.#queue.end(new Error('the other side has reset the stream'));
    this.#out.over();
  }
}

function controlFrame(type: number, flags: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(8 + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint16(0, 0x8003);
  view.setUint16(2, type);
  view.setUint32(4, (flags << 24) | payload.length);
  frame.set(payload, 8);
  return frame;
}

function dataFrame(streamId: number, flags: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(8 + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, streamId);
  view.setUint32(4, ((flags << 24) | payload.length) >>> 0);
  frame.set(payload, 8);
  return frame;
}
