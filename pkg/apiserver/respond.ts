/**
 * Answers: objects and lists in the form that was negotiated. JSON of an object is made once by the registry and
 * shared; a list is a concatenation of it.
 */
import { ApiError } from '../api/errors.ts';
import type { Status } from '../api/generated/meta-v1.ts';
import type { ApiResponse } from '../api/http.ts';
import { apiVersionOf } from '../api/object.ts';
import { concatBytes } from '../client/read-body.ts';
import type { Entry, ListPage } from '../registry/contract.ts';
import { encodeJson } from '../runtime/encode.ts';
import { stringifyJson } from '../runtime/json.ts';
import { encodeProtobuf } from '../runtime/protobuf.ts';
import { formatYaml } from '../runtime/yaml-format.ts';
import type { Exchange } from './exchange.ts';
import type { MediaType, Negotiated } from './negotiate.ts';
import { partialMetadata, partialMetadataList } from './partial-metadata.ts';
import { integer } from './query-options.ts';
import { isTrue } from './request-info.ts';
import { type Compressor, isBuiltIn, kindOf, type ResourceCall } from './resource-call.ts';
import { tableOf } from './table.ts';

const encoder = new TextEncoder();
const newline = encoder.encode('\n');

/** Bodies above this are compressed for those who ask, as in Kubernetes. */
export const compressAbove = 128 * 1024;
/** A list longer than this is sent in batches of about this size, so that it neither stands twice in memory nor holds up others. */
const batchSize = 256 * 1024;

const jsonHeaders = { 'content-type': 'application/json' };

/** One object of a resource. */
export function respondEntry(call: ResourceCall, entry: Entry, status = 200): ApiResponse | Promise<ApiResponse> {
  const { exchange, negotiated } = call;
  if (exchange.request.direct) return { status, headers: {}, object: entry.object };
  switch (negotiated.as) {
    case 'Table':
      return respondObject(call.exchange, tableOf(call, [entry], { resourceVersion: String(entry.revision) }), negotiated, { status });
    case 'PartialObjectMetadata':
      return respondObject(call.exchange, partialMetadata(entry.object, negotiated.metaVersion), negotiated, { status });
    case 'PartialObjectMetadataList':
      throw wrongForm(`${negotiated.as}, but the requested object is not a list (${typeOf(call, '')})`);
    case 'object':
      if (negotiated.mediaType === 'application/json' && !wantsPretty(exchange, negotiated)) {
        return { status, headers: jsonHeaders, body: entry.json() };
      }
      return respondObject(call.exchange, entry.object, negotiated, { status });
  }
}

/** A page of a list. */
export async function respondList(call: ResourceCall, page: ListPage): Promise<ApiResponse> {
  const { exchange, negotiated, services } = call;
  const [group, version, kind] = kindOf(call);
  const metadata = {
    resourceVersion: String(page.revision),
    // Lists of custom resources always say it.
    ...(page.continue === undefined
      ? call.declaration.custom && negotiated.as === 'object'
        ? { continue: '' }
        : {}
      : { continue: page.continue }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
  // A list of custom objects has the member whether it goes on or not.
  const listed = isBuiltIn(call.declaration) ? metadata : { continue: '', ...metadata };
  const head = { kind: call.declaration.custom?.listKind ?? `${kind}List`, apiVersion: apiVersionOf({ group, version }), metadata: listed };
  if (exchange.request.direct) {
    const items = Object.freeze(page.entries.map((entry) => entry.object));
    return { status: 200, headers: {}, object: Object.freeze({ ...head, items }) };
  }
  const compressor = services.compressor;
  switch (negotiated.as) {
    case 'Table':
      return respondObject(exchange, tableOf(call, page.entries, metadata), negotiated, { compressor });
    case 'PartialObjectMetadata':
      throw wrongForm(`${negotiated.as}, but the requested object is a list (${typeOf(call, 'List')})`);
    case 'PartialObjectMetadataList':
      return respondObject(exchange, partialMetadataList(page.entries, metadata, negotiated.metaVersion), negotiated, { compressor });
    case 'object':
      if (negotiated.mediaType === 'application/json' && !wantsPretty(exchange, negotiated)) {
        const pieces = piecesOf(encoder.encode(JSON.stringify({ ...head, items: [] })), page.entries, itemHead(call));
        return respondPieces(exchange, pieces, compressor);
      }
      return respondObject(exchange, { ...head, items: page.entries.map((entry) => itemOf(call, entry)) }, negotiated, { compressor });
  }
}

/** As Kubernetes' messages call what it works with: by the Go type. */
function typeOf(call: ResourceCall, suffix: '' | 'List'): string {
  const [group, version, kind] = kindOf(call);
  if (!isBuiltIn(call.declaration)) return kind === 'Scale' ? `*${version}.Scale` : `*unstructured.Unstructured${suffix}`;
  const parts: Readonly<Record<string, string>> = { '': 'core', 'events.k8s.io': 'core', 'internal.apiserver.k8s.io': 'apiserverinternal' };
  return `*${parts[group] ?? group.split('.', 1)[0]}.${kind}${suffix}`;
}

function wrongForm(why: string): ApiError {
  return new ApiError('NotAcceptable', `you requested ${why}`);
}

/** The items of a list do not say what they are, since the list does. Custom resources do, as in Kubernetes. */
function itemOf({ declaration }: ResourceCall, { object }: Entry): unknown {
  if (!isBuiltIn(declaration)) return object;
  const { apiVersion: _apiVersion, kind: _kind, ...item } = object;
  return item;
}

/** What an item's JSON begins with and its list leaves out; empty: nothing. */
function itemHead({ declaration }: ResourceCall): Uint8Array {
  if (!isBuiltIn(declaration)) return new Uint8Array();
  return encoder.encode(`{"apiVersion":${JSON.stringify(apiVersionOf(declaration))},"kind":${JSON.stringify(declaration.kind)},`);
}

const brace = encoder.encode('{');
const comma = encoder.encode(',');
const commaBrace = encoder.encode(',{');

/** `empty` is the list without items, `...,"items":[]}`: the items, without `head`, go before its last two characters. */
function piecesOf(empty: Uint8Array, entries: readonly Entry[], head: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [empty.subarray(0, empty.length - 2)];
  for (const [i, entry] of entries.entries()) {
    const bytes = entry.json();
    if (head.length > 0 && startsWith(bytes, head)) pieces.push(i > 0 ? commaBrace : brace, bytes.subarray(head.length));
    else if (i > 0) pieces.push(comma, bytes);
    else pieces.push(bytes);
  }
  pieces.push(empty.subarray(empty.length - 2), newline);
  return pieces;
}

function startsWith(bytes: Uint8Array, head: Uint8Array): boolean {
  for (let i = 0; i < head.length; i++) if (bytes[i] !== head[i]) return false;
  return true;
}

/** Pieces put together to batches of about `batchSize`, each made when it is asked for. */
async function* batchesOf(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  let batch: Uint8Array[] = [];
  let size = 0;
  for (const piece of pieces) {
    batch.push(piece);
    size += piece.length;
    if (size < batchSize) continue;
    yield concatBytes(batch);
    batch = [];
    size = 0;
  }
  if (size > 0) yield concatBytes(batch);
}

/** A list's JSON: at once while it is short; else in pieces, its length told beforehand so that they need no frames. */
function respondPieces(exchange: Exchange, pieces: readonly Uint8Array[], compressor: Compressor | undefined): ApiResponse {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  if (length <= batchSize) return respondBytes(exchange, 'application/json', concatBytes(pieces), compressor);
  const response = respondBytes(exchange, 'application/json', batchesOf(pieces), compressor);
  if (response.headers['content-encoding'] !== undefined) return response;
  return { ...response, headers: { ...response.headers, 'content-length': String(length) }, pieces };
}

interface ObjectOptions {
  readonly status?: number;
  /** Compress if it is worth it and the client asked. */
  readonly compressor?: Compressor | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Any object that has no bytes yet: tables, discovery, Status. */
export async function respondObject(
  exchange: Exchange,
  object: unknown,
  negotiated: Pick<Negotiated, 'mediaType' | 'pretty'>,
  { status = 200, compressor, headers }: ObjectOptions = {},
): Promise<ApiResponse> {
  if (exchange.request.direct) return { status, headers: {}, object };
  const { mediaType } = negotiated;
  const bytes = await encodeAs(object, mediaType, wantsPretty(exchange, negotiated));
  const response = respondBytes(exchange, mediaType, bytes, compressor);
  return { ...response, status, headers: { ...response.headers, ...headers } };
}

/** A success without an object: what a DELETE that is done answers. */
export function success(details: Status['details']): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', ...(details ? { details } : {}) };
}

/** What comes of a POST to a subresource that makes no object. */
export const accomplished: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

export async function encodeAs(object: unknown, mediaType: MediaType, pretty = false): Promise<Uint8Array> {
  switch (mediaType) {
    case 'application/json':
      return pretty ? encoder.encode(`${stringifyJson(object, 2)}\n`) : concatBytes([encodeJson(object), newline]);
    case 'application/yaml':
      return encoder.encode(formatYaml(object));
    case 'application/vnd.kubernetes.protobuf':
      return encodeProtobuf(object);
  }
}

/** Bytes that are there already; compressed if it is worth it and the client asked. */
export function respondBytes(
  exchange: Exchange,
  contentType: string,
  body: Uint8Array | AsyncIterable<Uint8Array>,
  compressor: Compressor | undefined,
): ApiResponse {
  const large = !(body instanceof Uint8Array) || body.length > compressAbove;
  const headers = { 'content-type': contentType };
  if (!compressor || !large || !acceptsGzip(exchange.request.headers['accept-encoding'])) return { status: 200, headers, body };
  return { status: 200, headers: { ...headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' }, body: compressor.gzip(body) };
}

function acceptsGzip(header: string | undefined): boolean {
  return header !== undefined && /(^|[\s,])gzip\s*(,|$|;(?!\s*q=0(\.0*)?\s*(,|$)))/.test(header);
}

/** Asked for with `?pretty` or `;pretty=1`, and by default for those who read with their own eyes. */
function wantsPretty({ request }: Exchange, negotiated: Pick<Negotiated, 'pretty'>): boolean {
  if (negotiated.pretty) return true;
  const pretty = request.query.get('pretty');
  if (pretty !== null) return isTrue(pretty);
  const agent = request.headers['user-agent'];
  return agent !== undefined && /^(curl|Wget|Mozilla\/5\.0)/.test(agent);
}

/** Seconds as a query parameter, in milliseconds; undefined if absent or not positive. */
export function secondsParameter(query: URLSearchParams, name: string): number | undefined {
  const seconds = integer(query, name);
  return seconds === undefined || seconds <= 0 ? undefined : seconds * 1000;
}
