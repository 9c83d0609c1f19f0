/**
 * WebSocket messages over a stream of bytes (RFC 6455), after the handshake, for either side. No extensions.
 *
 * Written out here because Kubernetes names a subprotocol `SPDY/3.1+portforward.k8s.io`, which is no token in HTTP's
 * sense and which libraries therefore refuse; and so that it runs on any platform.
 *
 * Guarantees: messages arrive whole and in order; pings are answered; what breaks the protocol ends the connection
 * with the code that the RFC gives; a message above the limit ends it with 1009 before it is in memory.
 */
import type { ByteStream, MessageStream } from '../../api/http.ts';
import { concatBytes } from '../read-body.ts';

const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface WebSocketOptions {
  /** A client masks what it sends; a server must not. Four bytes, new for each frame, that others cannot foresee. */
  readonly mask?: () => Uint8Array;
  /** Bytes in one message. Default: 16 MiB. */
  readonly maxMessage?: number;
}

/** Why the connection is ended. */
class ProtocolError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export function webSocketOver(stream: ByteStream, { mask, maxMessage = 16 * 1024 * 1024 }: WebSocketOptions = {}): MessageStream {
  let closed = false;
  const write = async (op: number, payload: Uint8Array): Promise<void> => {
    if (closed) throw new Error('the WebSocket is closed');
    await stream.write(frame(op, payload, mask?.()));
  };
  const close = async (code = 1000, reason = ''): Promise<void> => {
    if (closed) return;
    const text = new TextEncoder().encode(reason).subarray(0, 123);
    try {
      await write(opcode.close, concatBytes([Uint8Array.of(code >> 8, code & 0xff), text]));
    } catch {
      // The line is cut already, and with it the WebSocket.
    }
    closed = true;
    await stream.end();
  };

  async function* messages(): AsyncGenerator<Uint8Array | string> {
    /** The frames of a message that is not complete. */
    let parts: Uint8Array[] = [];
    let size = 0;
    let kind: number | undefined;
    try {
      for await (const { fin, op, payload } of readFrames(stream.readable, mask === undefined, () => maxMessage - size)) {
        if (op === opcode.ping) await write(opcode.pong, payload);
        else if (op === opcode.close) {
          await close(payload.length >= 2 ? ((payload[0] as number) << 8) | (payload[1] as number) : 1000);
          return;
        } else if (op !== opcode.pong) {
          if ((op === opcode.continuation) !== (kind !== undefined))
            throw new ProtocolError(1002, 'a continuation of nothing, or none where one must be');
          kind ??= op;
          parts.push(payload);
          size += payload.length;
          if (!fin) continue;
          const message = concatBytes(parts);
          const text = kind === opcode.text;
          parts = [];
          size = 0;
          kind = undefined;
          yield text ? decodeText(message) : message;
        }
      }
    } catch (error) {
      await close(error instanceof ProtocolError ? error.code : 1011, error instanceof ProtocolError ? error.message : '');
      throw error;
    } finally {
      await close(); // the line was cut, or the reader has stopped
    }
  }

  return {
    messages: messages(),
    send: (message) =>
      typeof message === 'string' ? write(opcode.text, new TextEncoder().encode(message)) : write(opcode.binary, message),
    close,
  };
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ProtocolError(1007, `text that is not UTF-8: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function frame(op: number, payload: Uint8Array, mask: Uint8Array | undefined): Uint8Array {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65536 ? 2 : 8;
  const headerSize = 2 + lengthBytes + (mask ? 4 : 0);
  const out = new Uint8Array(headerSize + length);
  const view = new DataView(out.buffer);
  out[0] = 0x80 | op;
  out[1] = (mask ? 0x80 : 0) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) view.setUint16(2, length);
  else if (lengthBytes === 8) view.setBigUint64(2, BigInt(length));
  out.set(payload, headerSize);
  if (mask) {
    out.set(mask, headerSize - 4);
    applyMask(out.subarray(headerSize), mask);
  }
  return out;
}

/** In place; masking twice gives the original. */
function applyMask(bytes: Uint8Array, mask: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] as number) ^ (mask[i & 3] as number);
}

interface WebSocketFrame {
  readonly fin: boolean;
  readonly op: number;
  readonly payload: Uint8Array;
}

/** `room`: how many bytes of payload may still come. An unfinished last frame is dropped: the line was cut in it. */
async function* readFrames(source: AsyncIterable<Uint8Array>, masked: boolean, room: () => number): AsyncGenerator<WebSocketFrame> {
  let chunks: Uint8Array[] = [];
  let length = 0;
  let needed = 2;
  for await (const chunk of source) {
    chunks.push(chunk);
    length += chunk.length;
    if (length < needed) continue;
    let bytes = concatBytes(chunks);
    for (;;) {
      const header = readHeader(bytes, masked);
      if (header && header.payload > room()) throw new ProtocolError(1009, `a message of more than the limit`);
      needed = header ? header.size + header.payload : bytes.length + 1;
      if (!header || bytes.length < needed) break;
      // A copy: the bytes are unmasked in place, and belong to whoever reads the stream.
      const payload = bytes.slice(header.size, needed);
      if (masked) applyMask(payload, bytes.subarray(header.size - 4, header.size));
      yield { fin: header.fin, op: header.op, payload };
      bytes = bytes.subarray(needed);
    }
    chunks = [bytes];
    length = bytes.length;
  }
}

/** undefined: not all of it is there. */
function readHeader(bytes: Uint8Array, masked: boolean): { fin: boolean; op: number; size: number; payload: number } | undefined {
  if (bytes.length < 2) return undefined;
  const first = bytes[0] as number;
  const second = bytes[1] as number;
  const op = first & 0x0f;
  const fin = (first & 0x80) !== 0;
  const short = second & 0x7f;
  const control = op >= 8;
  if ((first & 0x70) !== 0) throw new ProtocolError(1002, 'reserved bits are set');
  if (op > opcode.pong || (op > opcode.binary && op < opcode.close)) throw new ProtocolError(1002, `opcode ${op}`);
  if (control && (!fin || short > 125)) throw new ProtocolError(1002, 'a control frame that is cut up or too long');
  if (((second & 0x80) !== 0) !== masked)
    throw new ProtocolError(1002, masked ? 'a client must mask its frames' : 'a server must not mask its frames');
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const size = 2 + lengthBytes + (masked ? 4 : 0);
  if (bytes.length < size) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  const payload = lengthBytes === 0 ? short : lengthBytes === 2 ? view.getUint16(2) : Number(view.getBigUint64(2));
  return { fin, op, size, payload };
}
