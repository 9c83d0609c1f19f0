/**
 * The API server (or a kubelet) on the network: HTTPS with HTTP/1.1 and HTTP/2 on one port, chosen by ALPN as
 * Kubernetes' clients expect, and client certificates. An adapter: bytes in, `handle`, bytes out.
 *
 *   TLS → ALPN → HTTP/1.1: one function for requests, one for upgrades (WebSocket, SPDY)
 *              → HTTP/2: one function for streams
 */
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2, { type Http2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { type Duplex, Readable } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';
import { ApiError, isApiError } from '../api/errors.ts';
import type { ApiRequest, ApiResponse } from '../api/http.ts';
import type { Logger } from '../log/log.ts';
import { hasBody, http1Request, http2Request } from './incoming-request.node.ts';
import { acceptUpgrade, checkHandshake } from './upgrade.node.ts';
import { writeBody } from './write-body.node.ts';

/** What is served: ApiServer has it, and so has a kubelet. */
export interface RequestHandler {
  handle(request: ApiRequest): Promise<ApiResponse>;
}

export interface HttpServerOptions {
  readonly handler: RequestHandler;
  readonly log: Logger;
  /** 0: any free port. */
  readonly port: number;
  /** Default: 127.0.0.1 alone. */
  readonly host?: string;
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  /** PEM of the authority whose client certificates are believed. */
  readonly clientAuthority?: string;
  /** Milliseconds in which the head of a request must have come, from its first byte on. Default: 32,000, as in Kubernetes. */
  readonly headTimeout?: number;
  /** Milliseconds that a connection is kept without a request. Default: 180,000. */
  readonly idleTimeout?: number;
}

export interface HttpServer {
  readonly port: number;
  readonly host: string;
  /** Takes no more connections, gives those under way `grace` milliseconds (default 0), then cuts them. */
  close(grace?: number): Promise<void>;
}

/** Rejects with the system's error (EADDRINUSE, EACCES) when it cannot listen. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { handler, log } = options;
  const host = options.host ?? '127.0.0.1';
  const { headTimeout = 32_000, idleTimeout = 180_000 } = options;
  const http1 = http.createServer({
    keepAliveTimeout: idleTimeout,
    requestTimeout: 0,
    headersTimeout: headTimeout,
    connectionsCheckingInterval: Math.min(headTimeout, 5_000),
    maxHeaderSize: 64 * 1024,
  });
  // It is handed its connections and never listens, but only then would it look after those that dawdle.
  http1.emit('listening');
  const h2 = http2.createServer({ settings: { maxConcurrentStreams: 1000, initialWindowSize: 1024 * 1024 } });
  const server = tls.createServer({
    cert: options.certificate,
    key: options.key,
    ca: options.clientAuthority,
    requestCert: options.clientAuthority !== undefined,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2', 'http/1.1'],
    minVersion: 'TLSv1.2',
    noDelay: true,
    handshakeTimeout: 10_000,
  });
  const sockets = new Set<TLSSocket>();
  const sessions = new Set<Http2Session>();
  const openStreams = new WeakMap<Http2Session, number>();
  const count = (session: Http2Session, change: number): unknown => openStreams.set(session, (openStreams.get(session) ?? 0) + change);

  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', (error) => log.debug('a connection broke', { error }));
    (socket.alpnProtocol === 'h2' ? h2 : http1).emit('connection', socket);
  });
  // A client that does not speak TLS, or does not believe our certificate: its business, not an error of ours.
  server.on('tlsClientError', (error) => log.debug('a TLS handshake failed', { error }));
  http1.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    log.debug('a request could not be read', { error });
    const status = unreadable[error.code ?? ''] ?? '400 Bad Request';
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`);
    else socket.destroy();
  });
  http1.on('request', (request: IncomingMessage, response: ServerResponse) => {
    serveHttp1(handler, request, response).catch((error: unknown) => {
      log.debug('an answer could not be sent', { error });
      response.destroy();
    });
  });
  http1.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    serveUpgrade(handler, request, socket, head).catch((error: unknown) => {
      log.debug('an upgraded connection failed', { error });
      socket.destroy();
    });
  });
  h2.on('session', (session) => {
    sessions.add(session);
    // A watch may be silent for as long as it likes: only a connection that nobody uses is closed.
    session.setTimeout(idleTimeout, () => void (openStreams.get(session) || session.close()));
    session.once('close', () => sessions.delete(session));
  });
  h2.on('sessionError', (error) => log.debug('an HTTP/2 session failed', { error }));
  h2.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const { session } = stream;
    if (session) {
      count(session, 1);
      stream.once('close', () => count(session, -1));
    }
    stream.on('error', (error) => log.debug('an HTTP/2 stream failed', { error }));
    serveHttp2(handler, stream, headers).catch((error: unknown) => {
      log.debug('an answer could not be sent', { error });
      if (!stream.destroyed) stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
    });
  });

  server.listen(options.port, host);
  await once(server, 'listening');
  server.on('error', (error) => log.error('the HTTPS server failed', { error }));
  const address = server.address();
  return {
    host,
    port: typeof address === 'object' && address ? address.port : options.port,
    async close(grace = 0) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.close();
      http1.close();
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, grace);
      await closed;
      clearTimeout(cut);
    },
  };
}

/** What is answered to a request that could not be read, by the parser's code. */
const unreadable: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

async function serveHttp1(handler: RequestHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { socket } = request;
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client has gone'));
  });
  const answer = await handler.handle(http1Request(request, gone.signal));
  // A body that was not read to its end (refused, too large) cannot be followed by another request.
  const leftover = !request.complete && hasBody(request.method);
  const { body, pieces } = answer;
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(body instanceof Uint8Array ? { 'content-length': body.length } : body === undefined ? { 'content-length': 0 } : {}),
    ...(leftover ? { connection: 'close' } : {}),
  });
  if (request.method === 'HEAD' || body === undefined) response.end();
  else if (body instanceof Uint8Array) response.end(body);
  else {
    response.flushHeaders();
    await writeBody(response, { body, pieces }, gone.signal);
    response.end();
  }
  if (leftover) closeAfter(response, request, socket);
}

/** Reads on for a moment what the client still sends, so that it gets to see our answer before the line is cut. */
function closeAfter(response: ServerResponse, request: IncomingMessage, socket: Duplex): void {
  request.resume();
  response.once('finish', () => {
    const timer = setTimeout(() => socket.destroy(), 1000);
    socket.once('close', () => clearTimeout(timer));
  });
}

async function serveHttp2(handler: RequestHandler, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
  const gone = new AbortController();
  stream.once('close', () => {
    if (!stream.writableFinished || stream.rstCode !== 0) gone.abort(new Error('the client has gone'));
  });
  const request = http2Request(stream, headers, gone.signal);
  const answer = await handler.handle(request);
  if (stream.destroyed) return;
  const { body, pieces } = answer;
  const length = body instanceof Uint8Array ? { 'content-length': body.length } : {};
  const empty = request.method === 'HEAD' || body === undefined;
  // A body that was not read to its end (refused, too large) is not waited for.
  if (request.body && !stream.readableEnded) stream.once('finish', () => stream.close(http2.constants.NGHTTP2_NO_ERROR));
  stream.respond({ ':status': answer.status, ...answer.headers, ...length }, { endStream: empty });
  if (empty) return;
  if (body instanceof Uint8Array) stream.end(body);
  else {
    await writeBody(stream, { body, pieces }, gone.signal);
    stream.end();
  }
}

async function serveUpgrade(handler: RequestHandler, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const gone = new AbortController();
  socket.once('close', () => gone.abort(new Error('the client has gone')));
  const apiRequest = http1Request(request, gone.signal);
  const answer = await answerUpgrade(handler, request, { ...apiRequest, body: Readable.from([]) });
  if (answer.upgrade) {
    await acceptUpgrade(request, socket, head, answer, answer.upgrade);
    return;
  }
  // Not upgraded after all: an ordinary answer on the connection, which then ends.
  const response = new http.ServerResponse(request);
  response.assignSocket(socket as unknown as import('node:net').Socket);
  const { body } = answer;
  response.writeHead(answer.status, { ...answer.headers, connection: 'close' });
  if (body instanceof Uint8Array) response.end(body);
  else {
    if (body) await writeBody(response, { body }, gone.signal);
    response.end();
  }
  response.once('finish', () => socket.end());
}

async function answerUpgrade(handler: RequestHandler, request: IncomingMessage, apiRequest: ApiRequest): Promise<ApiResponse> {
  try {
    checkHandshake(request);
  } catch (error) {
    if (!isApiError(error)) throw error;
    const body = new TextEncoder().encode(JSON.stringify(error.toStatus()));
    return { status: error.code, headers: { 'content-type': 'application/json' }, body };
  }
  return handler.handle(apiRequest);
}

/** A failure to listen, in one line that names what to change. */
export function listenError(error: unknown, host: string, port: number): ApiError {
  const code = (error as NodeJS.ErrnoException).code;
  const why =
    code === 'EADDRINUSE'
      ? `port ${port} on ${host} is in use; choose another with --port or PORT`
      : code === 'EACCES'
        ? `port ${port} on ${host} may not be used; choose one above 1023 with --port or PORT`
        : code === 'EADDRNOTAVAIL'
          ? `${host} is no address of this machine; choose another with --host or HOST`
          : `${host}:${port}: ${error instanceof Error ? error.message : String(error)}`;
  return new ApiError('ServiceUnavailable', why, { cause: error });
}
