/**
 * What an HTTPS server on Node costs that does nothing but answer, with bytes that it was given: the reference. A
 * POST writes bytes that it was given to LMDB, or, once somebody watches, to everyone who does.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import http2, { type ServerHttp2Stream } from 'node:http2';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { open } from 'lmdb';
import { paths } from './requests.ts';

/** Bytes travel as base64. */
export interface BareServerOptions {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  /** The headers of every answer, but for its length. */
  readonly headers: Readonly<Record<string, string>>;
  /** By path: the answers to GET. */
  readonly pages: Readonly<Record<string, string>>;
  /** The answer to a POST, and what is written. */
  readonly created: string;
  readonly stored: string;
  /** What a watch gets for a POST. */
  readonly event: string;
  /** Where LMDB keeps it. */
  readonly directory: string;
}

const options = await new Promise<BareServerOptions>((resolve) => process.once('message', resolve as (message: unknown) => void));
const { headers } = options;
const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64');
const pages = new Map(Object.entries(options.pages).map(([path, text]) => [path, bytesOf(text)]));
const [created, stored, event] = [bytesOf(options.created), bytesOf(options.stored), bytesOf(options.event)];
const database = open<Buffer, string>({ path: options.directory, encoding: 'binary', overlappingSync: false });
const watchers = new Set<ServerResponse>();
let writes = 0;

function answer(response: ServerResponse, status: number, body: Buffer): void {
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.end(body);
}

async function write(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body: Buffer[] = [];
  for await (const chunk of request) body.push(chunk as Buffer);
  Buffer.concat(body);
  if (watchers.size === 0) await database.put(`/registry/configmaps/default/${++writes}`, stored);
  answer(response, 201, created);
  for (const watcher of watchers) watcher.write(event);
}

const credentials = { cert: options.certificate, key: options.key, ca: options.authority, requestCert: true, rejectUnauthorized: false };
const http1 = https.createServer({ ...credentials, noDelay: true, keepAliveTimeout: 180_000 }, (request, response) => {
  if (request.method === 'POST') void write(request, response);
  else if (request.url === paths.watch) {
    response.writeHead(200, headers);
    response.flushHeaders();
    watchers.add(response);
    response.once('close', () => watchers.delete(response));
  } else answer(response, 200, pages.get(request.url ?? '') as Buffer);
});
const h2 = http2.createSecureServer(credentials);
h2.on('stream', (stream: ServerHttp2Stream, { ':path': path }) => {
  const body = pages.get(path ?? '') as Buffer;
  stream.respond({ ':status': 200, ...headers, 'content-length': body.length });
  stream.end(body);
});

const ports: number[] = [];
for (const server of [http1, h2]) {
  server.listen(0, '127.0.0.1', () => {
    ports.push((server.address() as AddressInfo).port);
    if (ports.length === 2) process.send?.({ http1: (http1.address() as AddressInfo).port, h2: (h2.address() as AddressInfo).port });
  });
}
process.once('disconnect', () => process.exit());
