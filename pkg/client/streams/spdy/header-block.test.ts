import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { adler32, headerDictionary } from './dictionary.ts';
import { HeaderReader, HeaderWriter } from './header-block.ts';
import { Inflater } from './inflate.ts';

/** One deflate stream as Go's implementation writes it: every block ends with a sync flush. */
async function deflated(blocks: readonly Uint8Array[], options: zlib.ZlibOptions): Promise<Uint8Array[]> {
  const deflate = zlib.createDeflate(options);
  const out: Uint8Array[] = [];
  for (const block of blocks) {
    const chunks: Buffer[] = [];
    deflate.on('data', (chunk: Buffer) => chunks.push(chunk));
    await new Promise<void>((resolve) => {
      deflate.write(block);
      deflate.flush(zlib.constants.Z_SYNC_FLUSH, () => resolve());
    });
    deflate.removeAllListeners('data');
    out.push(new Uint8Array(Buffer.concat(chunks)));
  }
  deflate.close();
  return out;
}

test('the dictionary is the one that SPDY/3 names', () => {
  assert.equal(headerDictionary.length, 1423);
  assert.equal(adler32(headerDictionary), 0xe3c6a7c2);
});

test('what zlib deflates, block after block, is inflated to the same bytes: stored, fixed and dynamic', async () => {
  const text = fc
    .array(fc.constantFrom('accept', 'streamtype', 'port', '8080', 'x', '\0'), { maxLength: 400 })
    .map((words) => words.join(' '));
  const block = fc.oneof(text, fc.string({ maxLength: 3000 })).map((value) => new TextEncoder().encode(value));
  const level = fc.constantFrom(0, 1, 6, 9);
  const strategy = fc.constantFrom(zlib.constants.Z_DEFAULT_STRATEGY, zlib.constants.Z_FIXED, zlib.constants.Z_HUFFMAN_ONLY);
  await fc.assert(
    fc.asyncProperty(
      fc.array(block, { minLength: 1, maxLength: 12 }),
      level,
      strategy,
      fc.boolean(),
      async (blocks, l, s, withDictionary) => {
        const dictionary = withDictionary ? { dictionary: Buffer.from(headerDictionary) } : {};
        const compressed = await deflated(blocks, { level: l, strategy: s, ...dictionary });
        const inflater = new Inflater(headerDictionary);
        compressed.forEach((bytes, i) => {
          assert.deepEqual(inflater.inflate(bytes), blocks[i]);
        });
      },
    ),
    { numRuns: 60 },
  );
});

test('damaged header blocks throw and never run away', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const reader = new HeaderReader();
      try {
        reader.read(Uint8Array.from([0x78, 0x01, ...bytes]));
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
    { numRuns: 500 },
  );
});

test('headers survive writing and reading, block after block', () => {
  const writer = new HeaderWriter();
  const reader = new HeaderReader();
  const blocks: Record<string, string>[] = [{ streamtype: 'stdin' }, {}, { port: '80', requestid: '1', streamtype: 'data' }];
  for (const headers of blocks) {
    assert.deepEqual(reader.read(writer.write(headers)), headers);
  }
});
