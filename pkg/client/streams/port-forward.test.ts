import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ByteStream } from '../../api/http.ts';
import { byteStreamOver, createBytePipe, createMessagePipe } from './message-pipe.ts';
import { PortForwardClient, servePortForward } from './port-forward.ts';

/** A server inside the pod that answers in capitals on port 80, and is not there on others. */
async function dial(port: number): Promise<ByteStream> {
  if (port === 82) {
    const [near, far] = createBytePipe();
    far.abort(new Error('nobody listens there after all'));
    return near;
  }
  if (port !== 80) throw new Error(`dial tcp 127.0.0.1:${port}: connect: connection refused`);
  const [near, far] = createBytePipe();
  void (async () => {
    for await (const chunk of far.readable) await far.write(new TextEncoder().encode(new TextDecoder().decode(chunk).toUpperCase()));
    await far.end();
  })();
  return near;
}

async function text(stream: ByteStream): Promise<string> {
  let out = '';
  for await (const chunk of stream.readable) out += new TextDecoder().decode(chunk);
  return out;
}

test('connections are forwarded side by side through one tunnel, and a refused one says why', async () => {
  const [near, far] = createMessagePipe();
  const serving = servePortForward(byteStreamOver(far), dial);
  const client = new PortForwardClient(byteStreamOver(near));
  const answers = await Promise.all(
    ['one', 'two', 'z'.repeat(200_000)].map(async (body) => {
      const stream = await client.open(80);
      const answer = text(stream);
      await stream.write(new TextEncoder().encode(body));
      await stream.end();
      return answer;
    }),
  );
  assert.deepEqual(answers, ['ONE', 'TWO', 'Z'.repeat(200_000)]);
  await assert.rejects(text(await client.open(81)), /error forwarding port 81: dial tcp 127.0.0.1:81: connect: connection refused/);
  await assert.rejects(text(await client.open(82)), /error forwarding port 82: nobody listens there after all/);
  await client.close();
  await serving;
});
