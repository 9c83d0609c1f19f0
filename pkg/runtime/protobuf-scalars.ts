/** The types that are a text or a number in JSON and a message of their own in protobuf. */
import { badRequest } from '../api/errors.ts';
import { canonicalQuantity } from '../api/quantity.ts';
import type { WireReader, WireWriter } from './protobuf-wire.ts';
import type { ScalarType } from './schema.ts';

/** One field with a value of that type. Undefined stands for Go's zero value. */
export function writeScalar(writer: WireWriter, number: number, type: ScalarType, value: unknown): void {
  switch (type) {
    case 'string':
      writer.string(number, typeof value === 'string' ? value : '');
      return;
    case 'bool':
      writer.varint(number, value === true ? 1 : 0);
      return;
    case 'int32':
    case 'int64':
      writer.varint(number, typeof value === 'number' || typeof value === 'bigint' ? value : 0);
      return;
    case 'double':
      writer.double(number, Number(value ?? 0));
      return;
    case 'byte':
      writer.bytes(number, fromBase64(typeof value === 'string' ? value : ''));
      return;
    case 'quantity': {
      const start = writer.length;
      writer.string(1, typeof value === 'string' ? value : '0');
      writer.message(number, start);
      return;
    }
    case 'int-or-string': {
      const start = writer.length;
      writer.string(3, typeof value === 'string' ? value : '');
      writer.varint(2, typeof value === 'number' ? value : 0);
      writer.varint(1, typeof value === 'string' ? 1 : 0);
      writer.message(number, start);
      return;
    }
    case 'time':
    case 'micro-time': {
      const start = writer.length;
      if (typeof value === 'string') writeTimestamp(writer, value);
      writer.message(number, start);
      return;
    }
  }
}

function writeTimestamp(writer: WireWriter, text: string): void {
  const millis = Date.parse(text);
  if (Number.isNaN(millis)) throw badRequest(`parsing time ${JSON.stringify(text)}`);
  const fraction = /\.(\d{1,9})/.exec(text)?.[1] ?? '';
  writer.varint(2, Number(fraction.padEnd(9, '0')));
  writer.varint(1, Math.floor(millis / 1000));
}

/** The value of the field that was just met; undefined for a time that is not set. */
export function readScalar(reader: WireReader, type: ScalarType): unknown {
  switch (type) {
    case 'string':
      return reader.string();
    case 'bool':
      return Number(reader.int64()) !== 0;
    case 'int32':
      return reader.int32();
    case 'int64':
      return reader.int64();
    case 'double':
      return reader.double();
    case 'byte':
      return toBase64(reader.bytes());
    case 'quantity': {
      let text = '0';
      eachField(reader.message(), (inner, number) => {
        if (number === 1) text = inner.string();
        return number === 1;
      });
      return canonicalQuantity(text === '' ? '0' : text);
    }
    case 'int-or-string': {
      let kind = 0;
      let integer = 0;
      let text = '';
      eachField(reader.message(), (inner, number) => {
        if (number === 1) kind = inner.int32();
        else if (number === 2) integer = inner.int32();
        else if (number === 3) text = inner.string();
        return number <= 3;
      });
      return kind === 1 ? text : integer;
    }
    case 'time':
    case 'micro-time':
      return readTimestamp(reader.message(), type === 'micro-time');
  }
}

/** The last moment of the year 9999, which is the last that RFC 3339 can write. */
const latest = 253402300799;
const earliest = -62167219200;

function readTimestamp(reader: WireReader, withMicros: boolean): string | undefined {
  let seconds: number | bigint = 0;
  let nanos = 0;
  let set = false;
  eachField(reader, (inner, number) => {
    set = true;
    if (number === 1) seconds = inner.int64();
    else if (number === 2) nanos = inner.int32();
    return number <= 2;
  });
  if (!set) return undefined;
  const at = Number(seconds);
  if (at < earliest || at > latest) throw badRequest(`a time of ${seconds} seconds since 1970 lies outside the years 0 to 9999`);
  const whole = new Date(at * 1000).toISOString().slice(0, 19);
  const micros = Math.floor(Math.min(Math.max(nanos, 0), 999_999_999) / 1000);
  return withMicros ? `${whole}.${String(micros).padStart(6, '0')}Z` : `${whole}Z`;
}

/** Calls back for each field; one that `read` answers with false is skipped. */
export function eachField(reader: WireReader, read: (reader: WireReader, number: number) => boolean): void {
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    if (!read(reader, number)) reader.skip();
  }
}

export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  // Spreading all of it at once would overflow the stack.
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(text);
}
