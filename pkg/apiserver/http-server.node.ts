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
import { type Duplex, Readable, type Writable } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';
import { ApiError, isApiError } from '../api/errors.ts';
import type { ApiRequest, ApiResponse, Peer } from '../api/http.ts';
import type { Logger } from '../log/log.ts';
import { acceptUpgrade, checkHandshake } from './upgrade.node.ts';

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

/** The certificate of a connection does not change: it is read once. */
const peers = new WeakMap<object, Peer>();

function peerOf(socket: TLSSocket): Peer {
  let peer = peers.get(socket);
  if (!peer) {
    peer = { ...(socket.remoteAddress === undefined ? {} : { address: socket.remoteAddress }), ...certificateOf(socket) };
    peers.set(socket, peer);
  }
  return peer;
}

function certificateOf(socket: TLSSocket): Pick<Peer, 'certificate'> {
  if (!socket.authorized) return {};
  const { subject } = socket.getPeerCertificate();
  // Node gives a name that appears once as a string, several as an array.
  const values = (name: unknown): string[] => (name === undefined ? [] : [name].flat().map(String));
  return { certificate: { commonName: values(subject?.CN)[0] ?? '', organizations: values(subject?.O) } };
}

const noBody = new Set(['GET', 'HEAD']);

function http1Request(request: IncomingMessage, signal: AbortSignal): ApiRequest {
  const url = request.url ?? '/';
  const split = url.indexOf('?');
  const method = request.method ?? 'GET';
  return {
    method,
    path: split < 0 ? url : url.slice(0, split),
    query: new URLSearchParams(split < 0 ? '' : url.slice(split + 1)),
    headers: joinedHeaders(request.headers),
    // A GET has no body unless it says so; then it is read and dropped by the HTTP parser itself.
    body: noBody.has(method) ? undefined : bodyOf(request),
    peer: peerOf(request.socket as TLSSocket),
    signal,
  };
}

/** Whoever stops reading the body still wants to answer: the connection is not destroyed. */
function bodyOf(stream: Readable): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => new BodyReader(stream) };
}

/** A stream's pieces as they come. (The stream's own iterator costs more than all that is done with a body of 1 KB.) */
class BodyReader implements AsyncIterator<Uint8Array> {
  readonly #stream: Readable;
  #waiting: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    for (const event of ['readable', 'end', 'error', 'close']) stream.on(event, this.#wake);
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    this.#waiting = Promise.withResolvers();
    const { promise } = this.#waiting;
    this.#wake();
    return promise;
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#leave();
    return Promise.resolve({ done: true, value: undefined });
  }

  readonly #wake = (): void => {
    const waiting = this.#waiting;
    if (!waiting) return;
    const { readableEnded, errored, destroyed } = this.#stream;
    const value = this.#stream.read() as Uint8Array | null;
    if (value === null && !readableEnded && !destroyed) return;
    this.#waiting = undefined;
    if (value !== null) {
      waiting.resolve({ done: false, value });
      return;
    }
    this.#leave();
    if (readableEnded) waiting.resolve({ done: true, value: undefined });
    else waiting.reject(errored ?? new Error('the client has gone before its request was complete'));
  };

  /** Whoever listens for `readable` keeps the stream from being drained by others; the rest may stay. */
  #leave(): void {
    this.#stream.removeListener('readable', this.#wake);
  }
}

function joinedHeaders(headers: http.IncomingHttpHeaders | IncomingHttpHeaders): Readonly<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && name[0] !== ':') out[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return out;
}

async function serveHttp1(handler: RequestHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { socket } = request;
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client has gone'));
  });
  const answer = await handler.handle(http1Request(request, gone.signal));
  // A body that was not read to its end (refused, too large) cannot be followed by another request.
  const leftover = !request.complete && !noBody.has(request.method ?? 'GET');
  const { body } = answer;
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(body instanceof Uint8Array ? { 'content-length': body.length } : body === undefined ? { 'content-length': 0 } : {}),
    ...(leftover ? { connection: 'close' } : {}),
  });
  if (request.method === 'HEAD' || body === undefined) response.end();
  else if (body instanceof Uint8Array) response.end(body);
  else {
    response.flushHeaders();
    await (answer.pieces ? writePieces(response, answer.pieces, gone.signal) : writeAll(response, body, gone.signal));
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
  const url = headers[':path'] ?? '/';
  const split = url.indexOf('?');
  const method = headers[':method'] ?? 'GET';
  const plain = joinedHeaders(headers);
  const answer = await handler.handle({
    method,
    path: split < 0 ? url : url.slice(0, split),
    query: new URLSearchParams(split < 0 ? '' : url.slice(split + 1)),
    headers: plain['host'] === undefined && headers[':authority'] !== undefined ? { ...plain, host: headers[':authority'] } : plain,
    ...(noBody.has(method) ? {} : { body: bodyOf(stream) }),
    peer: peerOf(stream.session?.socket as TLSSocket),
    signal: gone.signal,
  });
  if (stream.destroyed) return;
  const { body } = answer;
  const length = body instanceof Uint8Array ? { 'content-length': body.length } : {};
  const empty = method === 'HEAD' || body === undefined;
  // A body that was not read to its end (refused, too large) is not waited for.
  if (!noBody.has(method) && !stream.readableEnded) stream.once('finish', () => stream.close(http2.constants.NGHTTP2_NO_ERROR));
  stream.respond({ ':status': answer.status, ...answer.headers, ...length }, { endStream: empty });
  if (empty) return;
  if (body instanceof Uint8Array) stream.end(body);
  else {
    await (answer.pieces ? writePieces(stream, answer.pieces, gone.signal) : writeAll(stream, body, gone.signal));
    stream.end();
  }
}

/** Writes what comes, as fast as the client takes it. Ends early when the client has gone. */
async function writeAll(target: Writable, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  for await (const chunk of body) {
    if (signal.aborted) return;
    if (!target.write(chunk)) await drained(target, signal);
  }
}

/** Buffers that no response is using. New ones cost more (fresh pages) than all that is done with them. */
const buffers: Buffer[] = [];
const bufferSize = 256 * 1024;
const maxBuffers = 16;

/** Gathers the pieces in one buffer, over and over; it is free again when the target says that it was written. */
async function writePieces(target: Writable, pieces: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
  const buffer = buffers.pop() ?? Buffer.allocUnsafeSlow(bufferSize);
  let used = 0;
  for (const piece of pieces) {
    if (used + piece.length > bufferSize) {
      if (used > 0) await written(target, buffer.subarray(0, used), signal);
      used = 0;
      if (signal.aborted) return; // the buffer may still be read from: it is left to the garbage collector
      if (piece.length > bufferSize) {
        await written(target, piece, signal);
        continue;
      }
    }
    buffer.set(piece, used);
    used += piece.length;
  }
  if (used > 0) await written(target, buffer.subarray(0, used), signal);
  if (!signal.aborted && buffers.length < maxBuffers) buffers.push(buffer);
}

/** Resolves when the bytes are no longer needed, or the client has gone. */
function written(target: Writable, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
    else target.write(bytes, done);
  });
}

function drained(target: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      target.removeListener('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    target.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
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
    if (body) await writeAll(response, body, gone.signal);
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
