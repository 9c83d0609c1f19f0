/** The types of control frames (SPDY/3.1, section 2.6). */
export const frameType = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 } as const;

export type Frame =
  | { readonly control: true; readonly type: number; readonly flags: number; readonly payload: Uint8Array }
  | { readonly control: false; readonly streamId: number; readonly flags: number; readonly payload: Uint8Array };

const headerSize = 8;
/** A frame's length has 24 bits; nobody who means well uses them all. */
const maxPayload = 4 * 1024 * 1024;

/** Cuts a stream of bytes into frames. Throws on a frame that cannot be meant; an unfinished last frame is dropped. */
export class FrameReader implements AsyncIterable<Frame> {
  readonly #source: AsyncIterable<Uint8Array>;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
    /** Chunks that are not used up, and their length. */
    let chunks: Uint8Array[] = [];
    let length = 0;
    /** How much must be there before it is worth looking again. */
    let needed = headerSize;
    for await (const chunk of this.#source) {
      chunks.push(chunk);
      length += chunk.length;
      if (length < needed) continue;
      let bytes = join(chunks, length);
      for (;;) {
        const payload = payloadLength(bytes);
        needed = headerSize + (payload ?? 0);
        if (payload === undefined || bytes.length < needed) break;
        yield frameOf(bytes, payload);
        bytes = bytes.subarray(needed);
      }
      chunks = [bytes];
      length = bytes.length;
    }
  }
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

function payloadLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < headerSize) return undefined;
  const length = ((bytes[5] as number) << 16) | ((bytes[6] as number) << 8) | (bytes[7] as number);
  if (length > maxPayload) throw new Error(`SPDY: a frame of ${length} bytes`);
  return length;
}

function frameOf(bytes: Uint8Array, payloadLength: number): Frame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerSize);
  const flags = bytes[4] as number;
  // A copy: the bytes belong to whoever reads the transport.
  const payload = bytes.slice(headerSize, headerSize + payloadLength);
  if ((view.getUint8(0) & 0x80) === 0) return { control: false, streamId: view.getUint32(0) & 0x7fffffff, flags, payload };
  const version = view.getUint16(0) & 0x7fff;
  if (version !== 3) throw new Error(`SPDY: version ${version}`);
  return { control: true, type: view.getUint16(2), flags, payload };
}
