/**
 * ASN.1 values in DER (X.690): a tag, a length, the content. As much of it as certificates need.
 */
const encoder = new TextEncoder();

export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = contents.reduce((sum, content) => sum + content.length, 0);
  const header = [tag, ...lengthBytes(length)];
  const out = new Uint8Array(header.length + length);
  out.set(header);
  let at = header.length;
  for (const content of contents) {
    out.set(content, at);
    at += content.length;
  }
  return out;
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

export const sequence = (...contents: readonly Uint8Array[]) => der(0x30, ...contents);
export const set = (...contents: readonly Uint8Array[]) => der(0x31, ...contents);
export const octetString = (content: Uint8Array) => der(0x04, content);
/** Bits in whole bytes. */
export const bitString = (content: Uint8Array) => der(0x03, Uint8Array.of(0), content);
export const utf8String = (text: string) => der(0x0c, encoder.encode(text));
export const boolean = (value: boolean) => der(0x01, Uint8Array.of(value ? 0xff : 0));
/** `[n]`, constructed: wraps what is in it. */
export const explicit = (n: number, ...contents: readonly Uint8Array[]) => der(0xa0 | n, ...contents);
/** `[n]`, primitive: stands in place of the content's own tag. */
export const implicit = (n: number, content: Uint8Array) => der(0x80 | n, content);

/** A non-negative integer from its bytes, the highest first. */
export function integer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const magnitude = bytes.subarray(start);
  // The first bit is the sign: a leading zero keeps the number positive.
  return (magnitude[0] as number) & 0x80 ? der(0x02, Uint8Array.of(0), magnitude) : der(0x02, magnitude);
}

/** `1.2.840.10045.2.1`. */
export function objectIdentifier(text: string): Uint8Array<ArrayBuffer> {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift(0x80 | (left % 128));
    bytes.push(...groups);
  }
  return der(0x06, Uint8Array.from(bytes));
}

/** UTCTime until 2049, then GeneralizedTime, as RFC 5280 wants it. `ms` since the epoch; whole seconds. */
export function time(ms: number): Uint8Array<ArrayBuffer> {
  const digits = new Date(ms).toISOString().slice(0, 19).replace(/\D/g, '');
  const year = Number(digits.slice(0, 4));
  return year < 2050 ? der(0x17, encoder.encode(`${digits.slice(2)}Z`)) : der(0x18, encoder.encode(`${digits}Z`));
}

/** One value read: where its content lies, and where the next value begins. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array<ArrayBuffer>;
  /** Tag and length included. */
  readonly whole: Uint8Array<ArrayBuffer>;
}

/** The values that stand one after the other in `bytes`. Throws on a length that reaches beyond the end. */
export function readDer(bytes: Uint8Array<ArrayBuffer>): DerValue[] {
  const values: DerValue[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at;
    const tag = bytes[at++] as number;
    let length = bytes[at++] ?? Number.POSITIVE_INFINITY;
    if (length & 0x80) {
      const count = length & 0x7f;
      if (count > 4) throw new Error('DER: a length of more than four bytes');
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + (bytes[at++] ?? Number.POSITIVE_INFINITY);
    }
    if (!(at + length <= bytes.length)) throw new Error('DER: a value reaches beyond its end');
    values.push({ tag, content: bytes.subarray(at, at + length), whole: bytes.subarray(start, at + length) });
    at += length;
  }
  return values;
}
