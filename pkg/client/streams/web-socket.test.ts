import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ByteStream } from '../../api/http.ts';
import { createBytePipe } from './message-pipe.ts';
import { webSocketOver } from './web-socket.ts';

const mask = () => Uint8Array.of(1, 2, 250, 4);

/** The same stream, read in pieces of `size` bytes. */
function inPieces(stream: ByteStream, size: number): ByteStream {
  async function* pieces() {
    for await (const chunk of stream.readable) for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size);
  }
  return { ...stream, readable: pieces() };
}

test('messages of every length and kind arrive whole, in order, both ways, however the bytes are cut', async () => {
  const message = fc.oneof(
    fc.string(),
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 120, max: 70_000 }).map((n) => new Uint8Array(n).fill(n)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 8 }), fc.integer({ min: 1, max: 5000 }), async (messages, size) => {
      const [near, far] = createBytePipe();
      const client = webSocketOver(near, { mask });
      const server = webSocketOver(inPieces(far, size));
      const echo = (async () => {
        for await (const each of server.messages) await server.send(each);
      })();
      const sending = (async () => {
        for (const each of messages) await client.send(each);
      })();
      const back: unknown[] = [];
      if (messages.length > 0) {
        for await (const each of client.messages) {
          back.push(each);
          if (back.length === messages.length) break;
        }
      }
      await sending;
      assert.deepEqual(back, messages);
      await client.close();
      await echo;
    }),
    { numRuns: 40 },
  );
});

async function answerTo(...bytes: number[]): Promise<number[]> {
  const [near, far] = createBytePipe();
  const server = webSocketOver(far, { maxMessage: 1000 });
  const reading = (async () => {
    for await (const _ of server.messages);
  })();
  await near.write(Uint8Array.from(bytes));
  await near.end();
  await reading.catch(() => {});
  const out: number[] = [];
  await far.end();
  for await (const chunk of near.readable) out.push(...chunk);
  return out;
}

test('pings are answered; what breaks the protocol is answered with its code', async () => {
  const noMask = [0, 0, 0, 0];
  const close = [0x88, 2, 3, 232]; // 1000, when the line ends without a word
  assert.deepEqual(await answerTo(0x89, 0x81, ...noMask, 65), [0x8a, 1, 65, ...close]);
  const closedWith = async (...bytes: number[]): Promise<number> => {
    const answer = await answerTo(...bytes);
    assert.equal(answer[0], 0x88);
    return ((answer[2] as number) << 8) | (answer[3] as number);
  };
  assert.equal(await closedWith(0x88, 0x82, ...noMask, 3, 232), 1000); // a close
  assert.equal(await closedWith(0x82, 0x01, 65), 1002); // not masked
  assert.equal(await closedWith(0xc2, 0x81, ...noMask, 65), 1002); // a reserved bit
  assert.equal(await closedWith(0x83, 0x81, ...noMask, 65), 1002); // no such opcode
  assert.equal(await closedWith(0x80, 0x81, ...noMask, 65), 1002); // a continuation of nothing
  assert.equal(await closedWith(0x09, 0x81, ...noMask, 65), 1002); // a ping in pieces
  assert.equal(await closedWith(0x81, 0x81, ...noMask, 0xff), 1007); // not UTF-8
  assert.equal(await closedWith(0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, ...noMask), 1009); // 4 GiB announced
  assert.deepEqual(await answerTo(0x01, 0x81, ...noMask, 65, 0x80, 0x81, ...noMask, 66, 0x82), close);
});
