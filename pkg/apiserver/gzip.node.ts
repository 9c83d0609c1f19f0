import { promisify } from 'node:util';
import { createGzip, gzip } from 'node:zlib';
import type { Compressor } from './resource-call.ts';

/** Kubernetes' own choice: most of the gain for the least work. */
const level = 1;
const gzipAll = promisify(gzip);

/** gzip through zlib, off the thread. */
export const gzipCompressor: Compressor = {
  async *gzip(body) {
    if (body instanceof Uint8Array) {
      yield await gzipAll(body, { level });
      return;
    }
    const stream = createGzip({ level });
    // The source is written as fast as the stream takes it; what goes wrong in it ends the stream.
    const writing = (async () => {
      try {
        for await (const chunk of body) if (!stream.write(chunk)) await new Promise((resolve) => stream.once('drain', resolve));
        stream.end();
      } catch (error) {
        stream.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    })();
    try {
      yield* stream as AsyncIterable<Uint8Array>;
      await writing;
    } finally {
      stream.destroy();
    }
  },
};
