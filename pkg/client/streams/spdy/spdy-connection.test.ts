import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ByteStream } from '../../../api/http.ts';
import { createBytePipe } from '../message-pipe.ts';
import { SpdyConnection, type SpdyStream } from './spdy-connection.ts';

async function text(stream: ByteStream): Promise<string> {
  let out = '';
  for await (const chunk of stream.readable) out += new TextDecoder().decode(chunk);
  return out;
}

function connect() {
  const [near, far] = createBytePipe();
  const client = new SpdyConnection(near, 'client');
  const server = new SpdyConnection(far, 'server');
  return { client, server, running: Promise.all([client.run(), server.run()]), far, near };
}

test('streams carry headers and bytes both ways, half-closed apart, side by side', async () => {
  const { client, server, running } = connect();
  const echo = (async () => {
    const all: Promise<void>[] = [];
    for await (const stream of server.incoming) {
      all.push(
        (async () => {
          const name = stream.headers['name'];
          for await (const chunk of stream.readable) await stream.write(chunk);
          await stream.write(new TextEncoder().encode(`/${name}`));
          await stream.end();
        })(),
      );
    }
    await Promise.all(all);
  })();
  const big = 'x'.repeat(500_000);
  const answers = await Promise.all(
    ['a', 'b', big].map(async (body, i) => {
      const stream = await client.open({ name: String(i) });
      const answer = text(stream);
      await stream.write(new TextEncoder().encode(body));
      await stream.end();
      return answer;
    }),
  );
  assert.deepEqual(answers, ['a/0', 'b/1', `${big}/2`]);
  await client.close();
  await Promise.all([echo, running]);
});

test('a reset ends one stream with an error and leaves the others alone', async () => {
  const { client, server } = connect();
  const one = await client.open({ name: 'one' });
  const two = await client.open({ name: 'two' });
  const accepted: SpdyStream[] = [];
  for await (const stream of server.incoming) {
    accepted.push(stream);
    if (accepted.length === 2) break;
  }
  accepted[0]?.abort();
  await assert.rejects(text(one), /reset/);
  await accepted[1]?.write(new TextEncoder().encode('still here'));
  await accepted[1]?.end();
  assert.equal(await text(two), 'still here');
});

test('bytes that are no SPDY end every stream with an error, and the connection', async () => {
  const { client, far, running } = connect();
  const stream = await client.open({ name: 'x' });
  await far.write(new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n\r\n\xff\xff\xff'));
  far.abort();
  await assert.rejects(text(stream));
  await running;
});
