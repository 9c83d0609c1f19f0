import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';

export interface TarEntry {
  readonly header: Header;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * The entries of a plain tar stream in order. What of a body has not been read when the next entry is asked for is
 * skipped. Rejects when the stream breaks off or is no tar; ends only when all of the stream has been read.
 */
export async function* tarEntries(stream: Readable): AsyncIterable<TarEntry> {
  const entries = extract();
  // It is a Node.js stream in all but its type.
  const feeding = pipeline(stream, entries as unknown as Writable);
  // The loop sees the same failure; without it nobody else would wait for this promise.
  feeding.catch(() => {});
  for await (const entry of entries) {
    yield { header: entry.header, body: whole(entry as unknown as AsyncIterable<Uint8Array>, entry.header) };
    entry.resume();
  }
  await feeding;
}

/** A body that ends early would pass for a shorter file. */
async function* whole(body: AsyncIterable<Uint8Array>, { name, size = 0 }: Header): AsyncIterable<Uint8Array> {
  let left = size;
  for await (const chunk of body) {
    left -= chunk.length;
    yield chunk;
  }
  if (left !== 0) throw new Error(`"${name}" breaks off`);
}
