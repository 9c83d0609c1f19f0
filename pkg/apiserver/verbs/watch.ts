/**
 * GET with `watch`: a stream of events, one JSON object a line (protobuf: one length-prefixed frame each), until the
 * client goes, the timeout comes, or the client has fallen too far behind.
 *
 * What is made of an event is made once for all watchers: frames are kept by the identity of the registry's batches
 * and events, which are shared. One promise a batch, none an event.
 */
import { ApiError, badRequest, isApiError } from '../../api/errors.ts';
import type { ApiResponse, MessageStream, WatchEvent } from '../../api/http.ts';
import { apiVersionOf, type KubeObject } from '../../api/object.ts';
import type { FieldTerm } from '../../api/selectors.ts';
import { concatBytes } from '../../client/read-body.ts';
import type { Entry, RegistryEvent } from '../../registry/contract.ts';
import { encodeJson } from '../../runtime/encode.ts';
import { protobufMediaType, protobufWatchFrame } from '../../runtime/protobuf.ts';
import { offeredProtocols } from '../auth/web-socket-token.ts';
import { type Negotiated, notAcceptable, watchedTypes } from '../negotiate.ts';
import { type MetaVersion, partialMetadata } from '../partial-metadata.ts';
import { listParameters } from '../query-options.ts';
import { kindOf, type ResourceCall, readContext } from '../resource-call.ts';
import { includeObject, tableOf } from '../table.ts';

/** A watch that does not say how long it may last ends after half an hour to an hour, spread so that not all come back at once. */
const minTimeout = 1_800_000;

export function watch(call: ResourceCall): ApiResponse {
  const { exchange, negotiated } = call;
  const { query, direct, headers } = exchange.request;
  if (negotiated.as === 'Table') includeObject(query);
  const parameters = listParameters(query, 'watch');
  const ended = new AbortController();
  const timeout = parameters.timeoutSeconds ? parameters.timeoutSeconds * 1000 : minTimeout * (1 + call.services.random.next());
  const onAbort = (): void => end();
  const timer = call.services.clock.setTimer(timeout, onAbort);
  const end = (): void => {
    timer.cancel();
    exchange.signal.removeEventListener('abort', onAbort);
    ended.abort();
  };
  exchange.signal.addEventListener('abort', onAbort, { once: true });
  if (exchange.signal.aborted) end();

  const { labels, resourceVersion, resourceVersionMatch, sendInitialEvents, continue: token, bookmarks } = parameters;
  const fields = withName(parameters.fields, call.key.name);
  const batches = checkedAtOnce(end, () =>
    call.storage.watch(readContext(call, ended.signal), {
      namespace: call.key.namespace,
      ...(labels ? { labels } : {}),
      ...(fields ? { fields } : {}),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(resourceVersionMatch === undefined ? {} : { resourceVersionMatch }),
      ...(sendInitialEvents === undefined ? {} : { sendInitialEvents }),
      ...(token === undefined ? {} : { continue: token }),
      bookmarks,
      timeout,
      signal: ended.signal,
    }),
  );
  const encode = direct ? undefined : checkedAtOnce(end, () => batchEncoder(call));
  if (!encode) return { status: 200, headers: {}, events: mapped(batches, directBatch(call), errorEvent, end) };
  if (isWebSocket(headers)) {
    const run = (socket: MessageStream): Promise<void> =>
      toSocket(socket, mapped(batches, encode, errorFrame(negotiated), end), end, negotiated);
    return { status: 101, headers: {}, upgrade: { kind: 'websocket', protocol: offeredProtocols(headers)[0], run } };
  }
  const suffix = negotiated.mediaType === protobufMediaType ? ';stream=watch' : '';
  return {
    status: 200,
    headers: { 'content-type': `${negotiated.mediaType}${suffix}` },
    body: mapped(batches, encode, errorFrame(negotiated), end),
  };
}

/** A watch that is refused leaves no timer behind. */
function checkedAtOnce<T>(end: () => void, start: () => T): T {
  try {
    return start();
  } catch (error) {
    end();
    throw error;
  }
}

/** The old paths name one object, which a field selector says today. Throws BadRequest when the two differ. */
function withName(fields: readonly FieldTerm[] | undefined, name: string): readonly FieldTerm[] | undefined {
  if (name === '') return fields;
  const term = fields?.find(({ field, equal }) => equal && field === 'metadata.name');
  if (fields && term?.value !== name) throw badRequest("fieldSelector metadata.name doesn't match requested name");
  return fields ?? [{ field: 'metadata.name', equal: true, value: name }];
}

export function isWebSocket(headers: Readonly<Record<string, string>>): boolean {
  return headers['upgrade']?.toLowerCase() === 'websocket';
}

/**
 * Each batch turned into `T`; a failure of the source becomes one last `T`. Written by hand rather than as an async
 * generator: a watch is idle most of its life, and this holds one promise for it, not a stack of them.
 */
function mapped<B, T>(source: AsyncIterable<B>, map: (batch: B) => T, onError: (error: ApiError) => T, end: () => void): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator](): AsyncIterator<T> {
      const iterator = source[Symbol.asyncIterator]();
      let over = false;
      const finish = (): IteratorResult<T> => {
        over = true;
        end();
        return { done: true, value: undefined };
      };
      return {
        next: () =>
          over
            ? Promise.resolve<IteratorResult<T>>({ done: true, value: undefined })
            : iterator.next().then(
                (result): IteratorResult<T> => (result.done ? finish() : { done: false, value: map(result.value) }),
                (error: unknown): IteratorResult<T> => {
                  finish();
                  return { done: false, value: onError(toApiError(error)) };
                },
              ),
        return: async () => {
          finish();
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

function toApiError(error: unknown): ApiError {
  if (isApiError(error)) return error;
  return new ApiError('InternalError', `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}

const errorEvent = (error: ApiError): readonly WatchEvent[] => [{ type: 'ERROR', object: error.toStatus() }];

type Batch = readonly RegistryEvent[];

const directBatches = new WeakMap<Batch, readonly WatchEvent[]>();

/** The events as objects, for callers in this process: the same array for all who see the same batch. */
function directBatch(call: ResourceCall): (batch: Batch) => readonly WatchEvent[] {
  return (batch) => {
    let events = directBatches.get(batch);
    if (!events) {
      events = batch.map(
        (event): WatchEvent =>
          event.type === 'BOOKMARK'
            ? { type: 'BOOKMARK', object: bookmark(call, event) }
            : { type: event.type, object: event.entry.object },
      );
      directBatches.set(batch, events);
    }
    return events;
  };
}

/** What a bookmark carries: kind and revision. */
function bookmark(call: ResourceCall, event: RegistryEvent & { readonly type: 'BOOKMARK' }): unknown {
  const [group, version, kind] = kindOf(call);
  return { kind, apiVersion: apiVersionOf({ group, version }), metadata: bookmarkMetadata(event) };
}

function bookmarkMetadata(event: RegistryEvent & { readonly type: 'BOOKMARK' }): Readonly<Record<string, unknown>> {
  return {
    resourceVersion: String(event.revision),
    creationTimestamp: null,
    ...(event.initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
  };
}

const jsonBatches = new WeakMap<Batch, Uint8Array>();
const jsonFrames = new WeakMap<RegistryEvent, Uint8Array>();
const metadataFrames = { v1: new WeakMap<RegistryEvent, Uint8Array>(), v1beta1: new WeakMap<RegistryEvent, Uint8Array>() };
const protobufFrames = new WeakMap<RegistryEvent, Uint8Array>();

function batchEncoder(call: ResourceCall): (batch: Batch) => Uint8Array {
  const { mediaType, as, metaVersion } = call.negotiated;
  if (mediaType === 'application/yaml') throw notAcceptable(watchedTypes);
  if (as === 'Table') return tableEncoder(call);
  if (mediaType === protobufMediaType) {
    const object = (event: RegistryEvent): unknown => watchObject(call, event, as, metaVersion);
    return (batch) =>
      concatBytes(
        batch.map((event) =>
          cached(as === 'object' ? protobufFrames : undefined, event, () => protobufWatchFrame(event.type, object(event))),
        ),
      );
  }
  if (as !== 'object') {
    const frame = (event: RegistryEvent) => () => jsonFrame(event.type, encodeJson(watchObject(call, event, as, metaVersion)));
    return (batch) => concatBytes(batch.map((event) => cached(metadataFrames[metaVersion], event, frame(event))));
  }
  const frame = (event: RegistryEvent) => () =>
    jsonFrame(event.type, event.type === 'BOOKMARK' ? encodeJson(bookmark(call, event)) : event.entry.json());
  return (batch) => {
    let bytes = jsonBatches.get(batch);
    if (!bytes) {
      bytes = concatBytes(batch.map((event) => cached(jsonFrames, event, frame(event))));
      jsonBatches.set(batch, bytes);
    }
    return bytes;
  };
}

function cached(cache: WeakMap<RegistryEvent, Uint8Array> | undefined, event: RegistryEvent, make: () => Uint8Array): Uint8Array {
  let bytes = cache?.get(event);
  if (!bytes) {
    bytes = make();
    cache?.set(event, bytes);
  }
  return bytes;
}

function watchObject(call: ResourceCall, event: RegistryEvent, as: Negotiated['as'], metaVersion: MetaVersion): unknown {
  if (as === 'object') return event.type === 'BOOKMARK' ? bookmark(call, event) : event.entry.object;
  if (event.type !== 'BOOKMARK') return partialMetadata(event.entry.object, metaVersion);
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${metaVersion}`, metadata: bookmarkMetadata(event) };
}

/** Each event a Table of one row, a bookmark too; cells show ages, so they are made anew for each watcher. */
function tableEncoder(call: ResourceCall): (batch: Batch) => Uint8Array {
  let withColumns = true;
  return (batch) => {
    const frames: Uint8Array[] = [];
    for (const event of batch) {
      const entry = event.type === 'BOOKMARK' ? bookmarkEntry(call, event) : event.entry;
      const table = tableOf(call, [entry], { resourceVersion: String(entry.revision) }, { withColumns });
      withColumns = false;
      frames.push(jsonFrame(event.type, encodeJson(table)));
    }
    return concatBytes(frames);
  };
}

function bookmarkEntry(call: ResourceCall, event: RegistryEvent & { readonly type: 'BOOKMARK' }): Entry {
  const object = bookmark(call, event) as KubeObject;
  return { object, revision: event.revision, json: () => encodeJson(object) };
}

const encoder = new TextEncoder();
const frameEnd = encoder.encode('}\n');
const frameStarts: Readonly<Record<WatchEvent['type'], Uint8Array>> = {
  ADDED: encoder.encode('{"type":"ADDED","object":'),
  MODIFIED: encoder.encode('{"type":"MODIFIED","object":'),
  DELETED: encoder.encode('{"type":"DELETED","object":'),
  BOOKMARK: encoder.encode('{"type":"BOOKMARK","object":'),
  ERROR: encoder.encode('{"type":"ERROR","object":'),
};

function jsonFrame(type: WatchEvent['type'], object: Uint8Array): Uint8Array {
  return concatBytes([frameStarts[type], object, frameEnd]);
}

function errorFrame({ mediaType }: Negotiated): (error: ApiError) => Uint8Array {
  return (error) =>
    mediaType === protobufMediaType ? protobufWatchFrame('ERROR', error.toStatus()) : jsonFrame('ERROR', encodeJson(error.toStatus()));
}

/** A WebSocket gets one message an event. What the client says is not listened to; its going ends the watch. */
async function toSocket(
  socket: MessageStream,
  batches: AsyncIterable<Uint8Array>,
  end: () => void,
  { mediaType }: Negotiated,
): Promise<void> {
  const listen = async (): Promise<void> => {
    for await (const _ignored of socket.messages);
  };
  const gone = listen().then(end, end); // a line that breaks is a client that goes
  const messages = mediaType === 'application/json' ? lines : lengthPrefixed;
  for await (const batch of batches) for (const message of messages(batch)) await socket.send(message);
  await socket.close(1000);
  await gone;
}

const newline = 0x0a;
const decoder = new TextDecoder();

function* lines(batch: Uint8Array): Generator<string> {
  let start = 0;
  for (let at = batch.indexOf(newline); at >= 0; at = batch.indexOf(newline, start)) {
    yield decoder.decode(batch.subarray(start, at));
    start = at + 1;
  }
}

/** Messages have a length of their own: the four bytes before each event are left out. */
function* lengthPrefixed(batch: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  for (let at = 0; at < batch.length; ) {
    const length = view.getUint32(at);
    yield batch.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
}
