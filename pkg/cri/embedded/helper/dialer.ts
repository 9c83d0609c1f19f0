import { connect } from 'node:net';

/** Runs inside a sandbox's network namespace: connects to 127.0.0.1 and hands the socket to the runtime helper. */
process.on('message', (message: { id: number; port: number }) => {
  const socket = connect({ host: '127.0.0.1', port: message.port, allowHalfOpen: true });
  socket.once('connect', () => {
    process.send?.({ id: message.id }, socket, { keepOpen: false });
  });
  socket.once('error', (error) => {
    process.send?.({ id: message.id, error: error.message });
  });
});
process.once('disconnect', () => process.exit(0));
