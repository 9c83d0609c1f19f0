import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { RuntimeError } from '../../cri.ts';

/** The plain bytes of what may be compressed: gzip and zstd are known by their first bytes, all else is left as it is. */
export async function decompress(source: AsyncIterable<Uint8Array>): Promise<Readable> {
  const chunks = source[Symbol.asyncIterator]();
  // A source may deliver its first bytes one by one.
  let first = Buffer.alloc(0);
  while (first.length < 6) {
    const next = await chunks.next();
    if (next.done) break;
    first = Buffer.concat([first, next.value]);
  }
  const whole = async function* (): AsyncIterable<Uint8Array> {
    yield first;
    for (;;) {
      const next = await chunks.next();
      if (next.done) return;
      yield next.value;
    }
  };
  const stage = decoderFor(first);
  // A failure of the source ends the stage with it, and is seen by whoever reads.
  pipeline(Readable.from(whole(), { objectMode: false }), stage).catch(() => {});
  return stage;
}

function decoderFor(first: Buffer): zlib.Gunzip | PassThrough {
  const starts = (...bytes: number[]): boolean => bytes.every((byte, at) => first[at] === byte);
  if (starts(0x1f, 0x8b)) return zlib.createGunzip();
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return zlib.createZstdDecompress();
  if (starts(0x42, 0x5a, 0x68)) throw new RuntimeError('InvalidArgument', 'bzip2 is not read; use gzip, zstd or none');
  if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a)) throw new RuntimeError('InvalidArgument', 'xz is not read; use gzip, zstd or none');
  return new PassThrough();
}
