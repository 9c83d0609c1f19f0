import type { WatchEvent } from '../api/http.ts';
import { deepFreeze } from '../api/object.ts';
import { concatBytes } from './read-body.ts';

const newline = 0x0a;

/**
 * A watch's body (one JSON object a line) as batches of events: one batch for each chunk that completes a line, so
 * that what came together is handed on together. An unfinished last line is dropped: the connection was cut in it.
 */
export async function* decodeWatch<T>(body: AsyncIterable<Uint8Array>): AsyncGenerator<readonly WatchEvent<T>[]> {
  const decoder = new TextDecoder();
  let rest: Uint8Array[] = [];
  for await (const chunk of body) {
    const end = chunk.lastIndexOf(newline);
    if (end < 0) {
      rest.push(chunk);
      continue;
    }
    const text = decoder.decode(concatBytes([...rest, chunk.subarray(0, end)]));
    rest = end + 1 < chunk.length ? [chunk.subarray(end + 1)] : [];
    const batch: WatchEvent<T>[] = [];
    for (const line of text.split('\n')) {
      if (line !== '') batch.push(deepFreeze(JSON.parse(line) as WatchEvent<T>));
    }
    if (batch.length > 0) yield batch;
  }
}
