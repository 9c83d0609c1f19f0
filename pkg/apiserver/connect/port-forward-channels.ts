/**
 * Port-forward for client libraries: a WebSocket on which port i has channel 2i for its bytes and 2i+1 for an error.
 * The first message of each channel is the port's number, low byte first.
 */
import type { MessageStream, Upgrade } from '../../api/http.ts';
import { ByteQueue } from '../../client/streams/item-queue.ts';
import { byteStreamOver, createMessagePipe, joinStreams } from '../../client/streams/message-pipe.ts';
import { PortForwardClient } from '../../client/streams/port-forward.ts';
import { onChannel } from '../../client/streams/remote-command.ts';

const encoder = new TextEncoder();

export async function servePortForwardChannels(
  socket: MessageStream,
  ports: readonly number[],
  kubelet: Upgrade & { readonly kind: 'websocket' },
): Promise<void> {
  const [near, far] = createMessagePipe();
  const client = new PortForwardClient(byteStreamOver(near));
  const fromClient = ports.map(() => new ByteQueue());
  const serve = async (): Promise<void> => {
    for (const [i, port] of ports.entries()) {
      const number = Uint8Array.of(port & 0xff, port >> 8);
      await socket.send(onChannel(2 * i, number));
      await socket.send(onChannel(2 * i + 1, number));
    }
    for (const [i, port] of ports.entries()) void forward(socket, client, port, i, fromClient[i] as ByteQueue);
    for await (const message of socket.messages) {
      const bytes = typeof message === 'string' ? encoder.encode(message) : message;
      const channel = bytes[0] ?? 0;
      if (channel % 2 === 0) await fromClient[channel / 2]?.push(bytes.slice(1));
    }
  };
  const leave = (): Promise<void> => {
    for (const queue of fromClient) queue.end();
    return client.close();
  };
  // A line that breaks is a client that goes.
  await Promise.all([serve().then(leave, leave), kubelet.run(far)]);
}

/** One port. Never rejects: what went wrong goes to the port's error channel. */
async function forward(socket: MessageStream, client: PortForwardClient, port: number, i: number, input: ByteQueue): Promise<void> {
  try {
    const target = await client.open(port);
    await joinStreams(target, {
      readable: input,
      write: (chunk) => socket.send(onChannel(2 * i, chunk)),
      end() {},
      abort(error) {
        input.end(error);
        if (error) socket.send(onChannel(2 * i + 1, encoder.encode(error.message))).catch(() => {}); // the client has gone
      },
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    await socket.send(onChannel(2 * i + 1, encoder.encode(message))).catch(() => {}); // the client has gone
  }
}
