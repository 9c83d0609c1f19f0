/**
 * The wire format of protocol buffers: tags, varints, and pieces with their length in front.
 * https://protobuf.dev/programming-guides/encoding/
 */
import { badRequest } from '../api/errors.ts';

export const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const utf8Bytes = new TextEncoder();

/**
 * Writes from the end to the beginning: when a message is complete its length is known, and can be put in front.
 * Fields are therefore written in falling order.
 */
export class WireWriter {
  #bytes = new Uint8Array(1024);
  #at = 1024;

  /** What was written so far. */
  finish(): Uint8Array {
    return this.#bytes.slice(this.#at);
  }

  /** The number of bytes written; to give to `message` when what follows is its content. */
  get length(): number {
    return this.#bytes.length - this.#at;
  }

  #reserve(count: number): number {
    if (this.#at < count) {
      const used = this.length;
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, used + count));
      larger.set(this.#bytes.subarray(this.#at), larger.length - used);
      this.#bytes = larger;
      this.#at = larger.length - used;
    }
    this.#at -= count;
    return this.#at;
  }

  #put(value: ArrayLike<number>): void {
    // Reserving may move the bytes elsewhere, so it comes first.
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
  }

  #rawVarint(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0) {
      let size = 1;
      for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
      let at = this.#reserve(size);
      let rest = value;
      for (; size > 1; size--) {
        this.#bytes[at++] = (rest % 128) | 128;
        rest = Math.floor(rest / 128);
      }
      this.#bytes[at] = rest;
      return;
    }
    // Negative numbers take ten bytes, as 64-bit two's complement.
    let rest = BigInt.asUintN(64, BigInt(value));
    const parts: number[] = [];
    while (rest >= 128n) {
      parts.push(Number(rest % 128n) | 128);
      rest /= 128n;
    }
    parts.push(Number(rest));
    this.#put(parts);
  }

  #tag(number: number, type: number): void {
    this.#rawVarint(number * 8 + type);
  }

  varint(number: number, value: number | bigint): void {
    this.#rawVarint(value);
    this.#tag(number, wireType.varint);
  }

  double(number: number, value: number): void {
    const at = this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(at, value, true);
    this.#tag(number, wireType.fixed64);
  }

  bytes(number: number, value: Uint8Array): void {
    this.#put(value);
    this.#rawVarint(value.length);
    this.#tag(number, wireType.bytes);
  }

  string(number: number, value: string): void {
    const { length } = value;
    let ascii = length < 64;
    for (let i = 0; ascii && i < length; i++) ascii = value.charCodeAt(i) < 128;
    if (!ascii) {
      this.bytes(number, utf8Bytes.encode(value));
      return;
    }
    const at = this.#reserve(length);
    for (let i = 0; i < length; i++) this.#bytes[at + i] = value.charCodeAt(i);
    this.#rawVarint(length);
    this.#tag(number, wireType.bytes);
  }

  /** Closes the message whose content was written since `length` was `start`. */
  message(number: number, start: number): void {
    this.#rawVarint(this.length - start);
    this.#tag(number, wireType.bytes);
  }

  /** Puts bytes in front of everything. */
  prefix(value: Uint8Array): void {
    this.#put(value);
  }
}

/** Reads fields one after another. Throws BadRequest for bytes that are no message. */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  #type = 0;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** The next field's number, or 0 at the end. Its value must then be read, or skipped. */
  next(): number {
    if (this.#at >= this.#end) return 0;
    const tag = this.#varint();
    if (typeof tag === 'bigint' || tag > 0xffffffff) throw badRequest('proto: illegal tag');
    this.#type = tag % 8;
    const number = Math.floor(tag / 8);
    if (number === 0) throw badRequest(`proto: illegal tag 0 (wire type ${this.#type})`);
    return number;
  }

  get type(): number {
    return this.#type;
  }

  #varint(): number | bigint {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (this.#at >= this.#end) throw badRequest('unexpected EOF');
      const byte = this.#bytes[this.#at++] as number;
      // Seven bytes hold 49 bits, which a number holds exactly; the rest is for bigint.
      if (i === 7) return this.#longVarint(value, byte);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw badRequest('proto: integer overflow');
  }

  #longVarint(low: number, first: number): number | bigint {
    let value = BigInt(low);
    let byte = first;
    for (let shift = 49n; ; shift += 7n) {
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) break;
      if (shift >= 63n) throw badRequest('proto: integer overflow');
      if (this.#at >= this.#end) throw badRequest('unexpected EOF');
      byte = this.#bytes[this.#at++] as number;
    }
    const signed = BigInt.asIntN(64, value);
    const number = Number(signed);
    return Number.isSafeInteger(number) ? number : signed;
  }

  /** A signed 64-bit integer: a bigint beyond 2^53. */
  int64(): number | bigint {
    this.#expect(wireType.varint);
    return this.#varint();
  }

  int32(): number {
    this.#expect(wireType.varint);
    return Number(BigInt.asIntN(32, BigInt(this.#varint())));
  }

  double(): number {
    this.#expect(wireType.fixed64);
    if (this.#end - this.#at < 8) throw badRequest('unexpected EOF');
    const value = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, 8).getFloat64(0, true);
    this.#at += 8;
    return value;
  }

  bytes(): Uint8Array {
    const [start, end] = this.#piece();
    return this.#bytes.subarray(start, end);
  }

  string(): string {
    const [start, end] = this.#piece();
    if (end - start < 24) {
      let text = '';
      for (let i = start; i < end; i++) {
        const byte = this.#bytes[i] as number;
        if (byte >= 128) return utf8.decode(this.#bytes.subarray(start, end));
        text += String.fromCharCode(byte);
      }
      return text;
    }
    return utf8.decode(this.#bytes.subarray(start, end));
  }

  message(): WireReader {
    const [start, end] = this.#piece();
    return new WireReader(this.#bytes, start, end);
  }

  #piece(): [start: number, end: number] {
    this.#expect(wireType.bytes);
    const length = this.#varint();
    if (typeof length === 'bigint' || length > this.#end - this.#at) throw badRequest('unexpected EOF');
    const start = this.#at;
    this.#at += length;
    return [start, this.#at];
  }

  skip(): void {
    switch (this.#type) {
      case wireType.varint:
        this.#varint();
        return;
      case wireType.fixed64:
        this.#advance(8);
        return;
      case wireType.fixed32:
        this.#advance(4);
        return;
      case wireType.bytes:
        this.#piece();
        return;
      default:
        throw badRequest(`proto: illegal wireType ${this.#type}`);
    }
  }

  #advance(count: number): void {
    if (this.#end - this.#at < count) throw badRequest('unexpected EOF');
    this.#at += count;
  }

  #expect(type: number): void {
    if (this.#type !== type) throw badRequest(`proto: wrong wireType = ${this.#type}`);
  }
}
