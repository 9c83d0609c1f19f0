import type { Duplex } from 'node:stream';

/**
 * What passes between the cluster's process and its runtime helper: frames over one socket pair.
 *
 *     length (4 bytes, of what follows) | kind (1) | call (4) | payload
 *
 * A call is a request, any number of data frames both ways, and one answer. Data belongs to one of four lanes (the
 * payload's first byte). Back pressure is by credit: a side may have `windowBytes` on its way in one call, and gets
 * them back as the other side consumes them, so that one slow reader holds up its own stream and no other.
 */
export const frameKinds = { request: 1, answer: 2, failure: 3, data: 4, end: 5, credit: 6, cancel: 7, event: 8 } as const;
export type FrameKind = (typeof frameKinds)[keyof typeof frameKinds];

/** Lanes of a call's data. `resize` carries JSON `{width, height}`. */
export const lanes = { stdin: 0, stdout: 1, stderr: 2, resize: 3 } as const;
export type Lane = (typeof lanes)[keyof typeof lanes];

export interface Frame {
  readonly kind: FrameKind;
  readonly call: number;
  readonly payload: Buffer;
}

/** Bytes that one side may send in one call before the other side has consumed them. */
export const windowBytes = 256 * 1024;
/** A data frame's largest payload. */
export const chunkBytes = 64 * 1024;
const headerBytes = 9;
const largestFrame = 64 * 1024 * 1024;

/** Frames in, frames out. Calls `onFrame` in the order of arrival and `onClose` once, when the other side is gone. */
export class FramedSocket {
  readonly #socket: Duplex;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #closed = false;

  constructor(socket: Duplex, onFrame: (frame: Frame) => void, onClose: () => void) {
    this.#socket = socket;
    const close = (): void => {
      if (this.#closed) return;
      this.#closed = true;
      onClose();
    };
    socket.on('data', (chunk: Buffer) => {
      this.#pending.push(chunk);
      this.#pendingBytes += chunk.length;
      for (let frame = this.#take(); frame; frame = this.#take()) onFrame(frame);
    });
    socket.on('end', close);
    socket.on('close', close);
    // A peer that was killed resets the connection: for us the same as one that left.
    socket.on('error', close);
  }

  send(kind: FrameKind, call: number, payload: Uint8Array = empty): void {
    if (this.#closed) return;
    const header = Buffer.allocUnsafe(headerBytes);
    header.writeUInt32BE(payload.length + 5, 0);
    header.writeUInt8(kind, 4);
    header.writeUInt32BE(call, 5);
    this.#socket.cork();
    this.#socket.write(header);
    if (payload.length > 0) this.#socket.write(payload);
    this.#socket.uncork();
  }

  sendJson(kind: FrameKind, call: number, value: unknown): void {
    this.send(kind, call, Buffer.from(JSON.stringify(value ?? null)));
  }

  /** Lets go of the socket; the other side sees the end. */
  close(): void {
    this.#socket.end();
  }

  #take(): Frame | undefined {
    if (this.#pendingBytes < headerBytes) return undefined;
    const length = this.#peek(4).readUInt32BE(0);
    if (length < 5 || length > largestFrame)
      throw new Error(`runtime helper: a frame of ${length} bytes; the two sides do not speak alike`);
    if (this.#pendingBytes < length + 4) return undefined;
    const bytes = this.#peek(length + 4);
    this.#pendingBytes -= length + 4;
    const rest = (this.#pending[0] as Buffer).subarray(length + 4);
    if (rest.length > 0) this.#pending[0] = rest;
    else this.#pending.shift();
    return { kind: bytes.readUInt8(4) as FrameKind, call: bytes.readUInt32BE(5), payload: bytes.subarray(headerBytes, length + 4) };
  }

  /** The first buffer, made to hold at least `count` bytes. */
  #peek(count: number): Buffer {
    const first = this.#pending[0] as Buffer;
    if (first.length >= count) return first;
    const joined = Buffer.concat(this.#pending);
    this.#pending = [joined];
    return joined;
  }
}

const empty = new Uint8Array(0);

/**
 * One call's flow of bytes as a side sees it: how much it may still send, and how much it took in and owes credit
 * for. `send` resolves when more may be sent; it never waits once the call is over.
 */
export class Flow {
  readonly #socket: FramedSocket;
  readonly #call: number;
  #credit = windowBytes;
  #owed = 0;
  #waiting: (() => void)[] = [];
  #over = false;

  constructor(socket: FramedSocket, call: number) {
    this.#socket = socket;
    this.#call = call;
  }

  async send(lane: Lane, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#over; at += chunkBytes) {
      const part = bytes.subarray(at, at + chunkBytes);
      while (this.#credit <= 0 && !this.#over) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (this.#over) return;
      this.#credit -= part.length;
      this.#socket.send(frameKinds.data, this.#call, Buffer.concat([Buffer.of(lane), part]));
    }
  }

  /** True while a producer should hold its source back. */
  get full(): boolean {
    return this.#credit <= 0;
  }

  end(lane: Lane): void {
    if (!this.#over) this.#socket.send(frameKinds.end, this.#call, Buffer.of(lane));
  }

  /** The other side's data was consumed: gives its credit back, in lumps. */
  consumed(bytes: number): void {
    this.#owed += bytes;
    if (this.#owed < windowBytes / 4 || this.#over) return;
    const lump = Buffer.allocUnsafe(4);
    lump.writeUInt32BE(this.#owed, 0);
    this.#owed = 0;
    this.#socket.send(frameKinds.credit, this.#call, lump);
  }

  credited(payload: Buffer): void {
    this.#credit += payload.readUInt32BE(0);
    this.#wake();
  }

  close(): void {
    this.#over = true;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
