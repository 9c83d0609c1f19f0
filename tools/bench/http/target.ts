import tls, { type TLSSocket } from 'node:tls';

/** A server under load, and who is asking. All PEM. */
export interface Target {
  readonly port: number;
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** A TLS connection that speaks the protocol. */
export async function connectTo({ port, authority, certificate, key }: Target, protocol: 'http/1.1' | 'h2'): Promise<TLSSocket> {
  const socket = tls.connect({ host: '127.0.0.1', port, ca: authority, cert: certificate, key, ALPNProtocols: [protocol] });
  socket.setNoDelay(true);
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  if (socket.alpnProtocol !== protocol) throw new Error(`the server at port ${port} does not speak ${protocol}`);
  return socket;
}
