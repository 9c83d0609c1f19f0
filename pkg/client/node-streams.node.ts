import type { Duplex } from 'node:stream';
import type { ByteStream } from '../api/http.ts';

/** Node's sockets as the streams of pkg/api/http.ts. */
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
