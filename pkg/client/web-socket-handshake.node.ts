import { createHash } from 'node:crypto';

/** What a server answers a client's key with, to show that it means WebSockets (RFC 6455, 4.2.2). */
export function webSocketAccept(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}
