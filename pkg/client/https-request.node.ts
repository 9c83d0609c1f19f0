/**
 * One request over HTTPS (or HTTP), as an ApiResponse: what the HTTPS transport, the kubelet dialer and service
 * proxies stand on. A WebSocket handshake is made when the request asks for one.
 */
import { randomBytes } from 'node:crypto';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { ApiResponse, ByteStream, MessageStream } from '../api/http.ts';
import type { TransportRequest } from './client.ts';
import { byteStreamOfSocket } from './node-streams.node.ts';
import { createBytePipe, joinStreams } from './streams/message-pipe.ts';
import { webSocketOver } from './streams/web-socket.ts';
import { webSocketAccept } from './web-socket-handshake.node.ts';

export interface HttpsTarget {
  readonly scheme?: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** PEM; whom to believe about the server. */
  readonly certificateAuthority?: string;
  /** PEM; who we are. */
  readonly certificate?: string;
  readonly key?: string;
  /** The name in the server's certificate, where it is not `host`. */
  readonly serverName?: string;
  /** Believe any server: for backends behind a proxy only, as Kubernetes does there. */
  readonly insecure?: boolean;
  /** Keeps connections; the owner destroys it. */
  readonly agent?: http.Agent;
}

/** Headers that belong to one connection, not to the message (RFC 9110, 7.6.1). */
const hopByHop = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/** Rejects with the system's error when the server cannot be reached, and with the signal's reason when aborted. */
export function sendHttps(target: HttpsTarget, request: TransportRequest): Promise<ApiResponse> {
  request.signal.throwIfAborted();
  const upgrade = request.headers['upgrade']?.toLowerCase();
  return upgrade === 'websocket' ? openWebSocket(target, request) : sendPlain(target, request, upgrade);
}

function tlsOptions({ certificateAuthority, certificate, key, serverName, insecure }: HttpsTarget) {
  return {
    ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
    ...(certificate === undefined ? {} : { cert: certificate, key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(insecure ? { rejectUnauthorized: false } : {}),
  };
}

function pathOf({ path, query }: TransportRequest): string {
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

function forwarded(headers: Readonly<Record<string, string>>, upgrade?: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (!hopByHop.has(name) && name !== 'host') out[name] = value;
  if (upgrade !== undefined) Object.assign(out, { connection: 'Upgrade', upgrade });
  return out;
}

function sendPlain(target: HttpsTarget, request: TransportRequest, upgrade: string | undefined): Promise<ApiResponse> {
  const { signal } = request;
  return new Promise((resolve, reject) => {
    const outgoing = (target.scheme === 'http' ? http : https).request({
      host: target.host,
      port: target.port,
      method: request.method,
      path: pathOf(request),
      headers: forwarded(request.headers, upgrade),
      ...(target.agent ? { agent: target.agent } : {}),
      ...tlsOptions(target),
    });
    const onAbort = (): void => {
      outgoing.destroy();
      reject(signal.reason);
    };
    const over = (): void => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    outgoing.once('error', (error) => {
      over();
      reject(error);
    });
    outgoing.once('socket', (socket) => socket.setKeepAlive(true, 30_000));
    outgoing.once('response', (response) => {
      response.once('close', over);
      resolve({ status: response.statusCode ?? 0, headers: responseHeaders(response), body: bodyOfResponse(response, signal) });
    });
    outgoing.once('upgrade', (response, socket, head) => {
      socket.once('close', over);
      if (head.length > 0) socket.unshift(head);
      const run = async (stream: Parameters<typeof joinStreams>[0]): Promise<void> =>
        void (await joinStreams(stream, byteStreamOfSocket(socket)));
      const headers = responseHeaders(response);
      resolve({ status: 101, headers, upgrade: { kind: 'raw', protocol: response.headers.upgrade ?? upgrade ?? '', run } });
    });
    if (!request.body) outgoing.end();
    else {
      sendBody(outgoing, request.body).catch((error: unknown) => {
        outgoing.destroy();
        reject(error);
      });
    }
  });
}

async function sendBody(outgoing: http.ClientRequest, body: AsyncIterable<Uint8Array>): Promise<void> {
  const iterator = body[Symbol.asyncIterator]();
  // A body of one chunk is sent with its length, which is what nearly all are.
  const first = await iterator.next();
  if (first.done) {
    outgoing.end();
    return;
  }
  const second = await iterator.next();
  if (second.done) {
    if (!outgoing.hasHeader('content-length')) outgoing.setHeader('content-length', first.value.length);
    outgoing.end(first.value);
    return;
  }
  for (const chunk of [first.value, second.value]) await written(outgoing, chunk);
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) await written(outgoing, next.value);
  outgoing.end();
}

function written(outgoing: http.ClientRequest, chunk: Uint8Array): Promise<void> | undefined {
  if (outgoing.write(chunk)) return undefined;
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.removeListener('drain', done);
      outgoing.removeListener('close', done);
      resolve();
    };
    outgoing.once('drain', done);
    outgoing.once('close', done);
  });
}

function responseHeaders(response: IncomingMessage): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined && !hopByHop.has(name)) out[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return out;
}

/** What comes, until the end, the abort (its reason is thrown) or a broken connection (its error is thrown). */
async function* bodyOfResponse(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

/** The handshake of a WebSocket client; what is not upgraded is an ordinary answer. */
async function openWebSocket(target: HttpsTarget, request: TransportRequest): Promise<ApiResponse> {
  const key = randomBytes(16).toString('base64');
  const handshake = { ...request.headers, 'sec-websocket-key': key, 'sec-websocket-version': '13' };
  const answer = await sendPlain(target, { ...request, headers: handshake }, 'websocket');
  const { upgrade } = answer;
  if (upgrade?.kind !== 'raw') return answer;
  const protocol = answer.headers['sec-websocket-protocol'];
  const run = async (socket: MessageStream): Promise<void> => {
    const [near, far] = createBytePipe();
    await Promise.all([upgrade.run(far), joinSockets(socket, webSocketOver(near, { mask: () => randomBytes(4) }))]);
  };
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const agreed = protocol === undefined || offered.includes(protocol);
  if (answer.headers['sec-websocket-accept'] !== webSocketAccept(key) || !agreed) {
    await upgrade.run(endedStream());
    throw new Error('the server did not answer the WebSocket handshake as it must');
  }
  return { status: 101, headers: {}, upgrade: { kind: 'websocket', protocol, run } };
}

/** A stream that has nothing to say and wants to hear nothing: ends what it is joined with. */
function endedStream(): ByteStream {
  const [near, far] = createBytePipe();
  near.abort();
  return far;
}

/** Passes messages both ways until either side closes; then both are closed. */
async function joinSockets(a: MessageStream, b: MessageStream): Promise<void> {
  const pump = async (from: MessageStream, to: MessageStream): Promise<void> => {
    try {
      for await (const message of from.messages) await to.send(message);
      await to.close(1000);
    } catch (error) {
      await to.close(1011, error instanceof Error ? error.message.slice(0, 100) : undefined);
    }
  };
  await Promise.all([pump(a, b), pump(b, a)]);
}
