import { connect } from 'node:net';

/** Runs inside a sandbox's network namespace: connects to 127.0.0.1 and hands the socket to the runtime helper. */
process.on('message', (message: { id: number; port: number }) => {
  const socket = connect({ host: '127.0.0.1', port: message.port, allowHalfOpen: true });
  socket.once('connect', () => {
    process.send?.({ id: message.id }, socket, { keepOpen: false });
  });
  socket.once('error', (error: NodeJS.ErrnoException) => {
    process.send?.({ id: message.id, error: error.code === 'ECONNREFUSED' ? 'connection refused' : error.message });
  });
});
process.once('disconnect', () => process.exit(0));
