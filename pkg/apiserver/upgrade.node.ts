/**
 * Upgraded connections: the handshake, and Node's streams as the streams of pkg/api/http.ts.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { ApiResponse, Upgrade } from '../api/http.ts';
import { byteStreamOfSocket, messageStreamOf } from '../client/node-streams.node.ts';

/** One frame carries at most this; kubectl sends far less. */
const maxMessage = 16 * 1024 * 1024;

/** `ws` asks for the subprotocol while it shakes hands: the handler has chosen it before. */
const chosen = new WeakMap<IncomingMessage, string>();
const webSockets = new WebSocketServer({
  noServer: true,
  maxPayload: maxMessage,
  perMessageDeflate: false,
  handleProtocols: (_offered, request) => chosen.get(request) ?? false,
});

/** Resolves when the connection has ended. */
export async function acceptUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  answer: ApiResponse,
  upgrade: Upgrade,
): Promise<void> {
  if (upgrade.kind === 'websocket') {
    if (upgrade.protocol !== undefined) chosen.set(request, upgrade.protocol);
    await new Promise<void>((resolve, reject) => {
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        upgrade.run(messageStreamOf(webSocket)).then(resolve, reject);
      });
      // A handshake that fails is answered by `ws` itself, which then closes the socket.
      socket.once('close', resolve);
    });
    return;
  }
  const headers = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${upgrade.protocol}\r\n${headers.join('')}\r\n`);
  if (head.length > 0) socket.unshift(head);
  await upgrade.run(byteStreamOfSocket(socket));
}
