/** What Node's HTTP servers hand over, as the requests that `ApiServer.handle` takes. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { IncomingHttpHeaders as IncomingHttp2Headers, ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { ApiRequest, Peer } from '../api/http.ts';
import { IncomingBody } from './incoming-body.node.ts';

const noBody = new Set(['GET', 'HEAD']);

/** Whether a request of this method has one; a GET's is read and dropped by the HTTP parser itself. */
export function hasBody(method: string | undefined): boolean {
  return !noBody.has(method ?? 'GET');
}

export function http1Request(request: IncomingMessage, signal: AbortSignal): ApiRequest {
  const { method = 'GET', url = '/', headers } = request;
  const split = url.indexOf('?');
  return {
    method,
    path: split < 0 ? url : url.slice(0, split),
    query: new URLSearchParams(split < 0 ? '' : url.slice(split + 1)),
    // Node joins what comes several times, but for this one.
    headers: headers['set-cookie'] ? joined(headers) : (headers as Readonly<Record<string, string>>),
    body: hasBody(method) ? new IncomingBody(request) : undefined,
    peer: peerOf(request.socket as TLSSocket),
    signal,
  };
}

export function http2Request(stream: ServerHttp2Stream, headers: IncomingHttp2Headers, signal: AbortSignal): ApiRequest {
  const { ':method': method = 'GET', ':path': url = '/', ':authority': authority } = headers;
  const split = url.indexOf('?');
  const plain = joined(headers);
  return {
    method,
    path: split < 0 ? url : url.slice(0, split),
    query: new URLSearchParams(split < 0 ? '' : url.slice(split + 1)),
    headers: plain['host'] === undefined && authority !== undefined ? { ...plain, host: authority } : plain,
    body: hasBody(method) ? new IncomingBody(stream) : undefined,
    peer: peerOf(stream.session?.socket as TLSSocket),
    signal,
  };
}

function joined(headers: IncomingHttpHeaders | IncomingHttp2Headers): Readonly<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && name[0] !== ':') out[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return out;
}

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
  const { subject, fingerprint256 } = socket.getPeerCertificate();
  // Node gives a name that appears once as a string, several as an array.
  const values = (name: unknown): string[] => (name === undefined ? [] : [name].flat().map(String));
  const fingerprint = fingerprint256?.replaceAll(':', '').toLowerCase();
  return {
    certificate: { commonName: values(subject?.CN)[0] ?? '', organizations: values(subject?.O), ...(fingerprint ? { fingerprint } : {}) },
  };
}
