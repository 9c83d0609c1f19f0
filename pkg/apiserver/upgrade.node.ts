/**
 * Upgraded connections: the server's side of the handshake, then Node's socket as a stream.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { badRequest } from '../api/errors.ts';
import type { ApiResponse, Upgrade } from '../api/http.ts';
import { byteStreamOfSocket } from '../client/node-streams.node.ts';
import { webSocketOver } from '../client/streams/web-socket.ts';
import { webSocketAccept } from '../client/web-socket-handshake.node.ts';

/** A client that does not end the connection after us is cut off after so many milliseconds. */
const lingering = 5000;

/** Throws BadRequest, before anything is done, for a request to upgrade that no handshake can answer. */
export function checkHandshake({ headers, method }: IncomingMessage): void {
  if (headers.upgrade?.toLowerCase() !== 'websocket') return;
  if (method !== 'GET') throw badRequest('a WebSocket is opened with GET');
  if (headers['sec-websocket-version'] !== '13') throw badRequest('only version 13 of WebSocket is spoken here');
  if (!/^[A-Za-z0-9+/]{22}==$/.test(headers['sec-websocket-key'] ?? '')) throw badRequest('Sec-WebSocket-Key is missing or wrong');
}

/** Resolves when the connection has ended. */
export async function acceptUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  answer: ApiResponse,
  upgrade: Upgrade,
): Promise<void> {
  const webSocket = upgrade.kind === 'websocket';
  const headers: Record<string, string> = {
    connection: 'Upgrade',
    upgrade: webSocket ? 'websocket' : upgrade.protocol,
    ...(webSocket ? { 'sec-websocket-accept': webSocketAccept(request.headers['sec-websocket-key'] ?? '') } : {}),
    ...(webSocket && upgrade.protocol !== undefined ? { 'sec-websocket-protocol': upgrade.protocol } : {}),
    ...answer.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
  if (head.length > 0) socket.unshift(head);
  const stream = byteStreamOfSocket(socket);
  await (upgrade.kind === 'websocket' ? upgrade.run(webSocketOver(stream)) : upgrade.run(stream));
  if (socket.destroyed) return;
  socket.end();
  const cut = setTimeout(() => socket.destroy(), lingering);
  socket.once('close', () => clearTimeout(cut));
}
