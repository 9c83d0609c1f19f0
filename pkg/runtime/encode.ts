/** Objects to JSON bytes. */
import { stringifyJson } from './json.ts';

const utf8 = new TextEncoder();

/** The JSON of a value, integers beyond 2^53 exact; equal values with keys in equal order give equal bytes. */
export function encodeJson(value: unknown): Uint8Array {
  return utf8.encode(stringifyJson(value));
}
