import { headerDictionary } from './dictionary.ts';
import { Inflater } from './inflate.ts';

/** Names in lower case; several values of one name joined by a NUL, as on the wire. */
export type SpdyHeaders = Readonly<Record<string, string>>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Header blocks of one direction of a connection, read. */
export class HeaderReader {
  readonly #inflater = new Inflater(headerDictionary);

  /** Throws on a block that is not valid: the connection cannot go on, since the compression has state. */
  read(block: Uint8Array): SpdyHeaders {
    const bytes = this.#inflater.inflate(block);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    const text = (): string => {
      const length = view.getUint32(at);
      const start = at + 4;
      at = start + length;
      if (at > bytes.length) throw new Error('SPDY: a header reaches beyond its block');
      return decoder.decode(bytes.subarray(start, at));
    };
    const headers: Record<string, string> = {};
    const count = view.getUint32(0);
    at = 4;
    for (let i = 0; i < count; i++) {
      const name = text().toLowerCase();
      headers[name] = text();
    }
    return headers;
  }
}

/**
 * Header blocks of one direction, written. Compression may choose not to compress: each block is stored as it is,
 * which every zlib reader takes.
 */
export class HeaderWriter {
  #started = false;

  write(headers: SpdyHeaders): Uint8Array {
    const parts: Uint8Array[] = [];
    const entries = Object.entries(headers);
    parts.push(uint32(entries.length));
    for (const [name, value] of entries) {
      for (const text of [name.toLowerCase(), value]) {
        const bytes = encoder.encode(text);
        parts.push(uint32(bytes.length), bytes);
      }
    }
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (length > 0xffff) throw new Error('SPDY: headers of more than 64 KiB');
    // zlib's header, once: deflate with a window of 32 KiB, no dictionary. Then a stored block, not the last one.
    const start = this.#started ? [] : [0x78, 0x01];
    this.#started = true;
    const prefix = [...start, 0, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff];
    const out = new Uint8Array(prefix.length + length + syncFlush.length);
    out.set(prefix);
    out.set(syncFlush, prefix.length + length);
    let at = prefix.length;
    for (const part of parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
}

/** An empty stored block. Go's reader hands out what it has decompressed when it meets one. */
const syncFlush = [0, 0, 0, 0xff, 0xff];

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
