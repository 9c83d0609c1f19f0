/** Node's sockets and WebSockets as the streams of pkg/api/http.ts. */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { ByteStream, MessageStream } from '../api/http.ts';
import { ItemQueue } from './streams/item-queue.ts';

/** Bytes that may wait for their reader before the socket is told to stop. */
const readAhead = 256 * 1024;

export function messageStreamOf(webSocket: WebSocket): MessageStream {
  const messages = new ItemQueue<Uint8Array | string>(readAhead, (message) => message.length);
  webSocket.on('message', (data: Buffer | ArrayBuffer | Buffer[], binary: boolean) => {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? new Uint8Array(data) : data;
    const full = messages.push(binary ? bytes : Buffer.from(bytes as Uint8Array).toString());
    if (!full) return;
    webSocket.pause();
    void full.then(() => webSocket.resume());
  });
  let failure: Error | undefined;
  webSocket.on('error', (error) => {
    failure = error;
  });
  const closed = new Promise<void>((resolve) => {
    webSocket.once('close', () => {
      messages.end(failure);
      resolve();
    });
  });
  return {
    messages,
    send: (message) =>
      new Promise((resolve, reject) => {
        webSocket.send(message, (error) => (error ? reject(error) : resolve()));
      }),
    close: (code, reason) => {
      webSocket.close(code, reason);
      return closed;
    },
  };
}

export function byteStreamOfSocket(socket: Duplex): ByteStream {
  socket.on('error', () => {}); // the reader is told by the iterator, the writer by its callback
  return {
    readable: socket,
    write: (chunk) =>
      new Promise((resolve, reject) => {
        socket.write(chunk, (error) => (error ? reject(error) : resolve()));
      }),
    end: () => {
      socket.end();
    },
    abort: (error) => {
      socket.destroy(error);
    },
  };
}
