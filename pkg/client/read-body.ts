import { ApiError } from '../api/errors.ts';
import type { RequestBody } from '../api/http.ts';

/** What a body may be: nothing, bytes at once, or batches over time. */
export type Body = Uint8Array | RequestBody | undefined;

const empty = new Uint8Array(0);

/** The whole body. Throws RequestEntityTooLarge as soon as more than `limit` bytes have come. */
export async function readBody(body: Body, limit = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
  if (body === undefined) return empty;
  if (body instanceof Uint8Array) return withinLimit(body.length, limit) ? body : empty;
  const arrived = await body.arrived?.();
  if (arrived) return withinLimit(arrived.length, limit) ? arrived : empty;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    withinLimit(length, limit);
    chunks.push(chunk);
  }
  return concatBytes(chunks);
}

function withinLimit(length: number, limit: number): true {
  if (length > limit) throw new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${limit}`);
  return true;
}

/** One array of all chunks; a single chunk is given back as it is. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** A body of one chunk. */
export async function* bodyOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
