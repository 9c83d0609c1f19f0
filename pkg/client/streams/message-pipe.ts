import type { ByteStream, MessageStream } from '../../api/http.ts';
import { ByteQueue, ItemQueue } from './item-queue.ts';

/** Bytes that wait between the two ends of a pipe before its writer has to. */
const pipeLimit = 256 * 1024;

/** Two connected WebSockets without a network between: what one sends, the other reads. Either's close ends both. */
export function createMessagePipe(): readonly [MessageStream, MessageStream] {
  const sizeOf = (message: Uint8Array | string): number => message.length;
  const forth = new ItemQueue<Uint8Array | string>(pipeLimit, sizeOf);
  const back = new ItemQueue<Uint8Array | string>(pipeLimit, sizeOf);
  const end = (incoming: typeof forth, outgoing: typeof forth): MessageStream => ({
    messages: incoming,
    async send(message) {
      if (outgoing.ended) throw new Error('the connection is closed');
      // A copy: bytes sent over a network are the sender's again, too.
      await outgoing.push(typeof message === 'string' ? message : message.slice());
    },
    async close() {
      outgoing.end();
      incoming.end();
    },
  });
  return [end(back, forth), end(forth, back)];
}

/** A stream of bytes through a WebSocket's binary messages: how SPDY is tunnelled for port-forward. */
export function byteStreamOver(socket: MessageStream): ByteStream {
  const encoder = new TextEncoder();
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const message of socket.messages) yield typeof message === 'string' ? encoder.encode(message) : message;
  }
  return {
    readable: chunks(),
    write: (chunk) => socket.send(chunk),
    end: () => socket.close(1000),
    abort: (error) => {
      socket.close(1011, error?.message.slice(0, 100)).catch(() => {}); // it was to end anyhow
    },
  };
}

/**
 * Joins two streams of bytes until both directions have ended. An end is passed on as an end, a failure as an abort.
 * Never rejects; gives the first failure, or undefined when both ended well.
 */
export async function joinStreams(a: ByteStream, b: ByteStream): Promise<Error | undefined> {
  let failure: Error | undefined;
  const pump = async (from: ByteStream, to: ByteStream): Promise<void> => {
    try {
      for await (const chunk of from.readable) await to.write(chunk);
      await to.end();
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      failure ??= reason;
      to.abort(reason);
      from.abort(reason);
    }
  };
  await Promise.all([pump(a, b), pump(b, a)]);
  return failure;
}

/** Two connected streams of bytes without a network between. */
export function createBytePipe(): readonly [ByteStream, ByteStream] {
  const forth = new ByteQueue(pipeLimit);
  const back = new ByteQueue(pipeLimit);
  const end = (incoming: ByteQueue, outgoing: ByteQueue): ByteStream => ({
    readable: incoming,
    write(chunk) {
      if (outgoing.ended) return Promise.reject(new Error('the connection is closed'));
      return outgoing.push(chunk.slice()) ?? Promise.resolve();
    },
    end: () => outgoing.end(),
    abort(error) {
      outgoing.end(error ?? new Error('the connection was aborted'));
      incoming.end();
    },
  });
  return [end(back, forth), end(forth, back)];
}
