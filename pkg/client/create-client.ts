/**
 * The Client over any Transport: verbs become requests, answers become objects or ApiErrors.
 *
 *   resource(ref).get(name) → path and query → transport.send → status >= 400? throw ApiError : object
 */
import { ApiError, badRequest, isApiError } from '../api/errors.ts';
import type { Status } from '../api/generated/meta-v1.ts';
import type { ApiResponse, WatchEvent } from '../api/http.ts';
import { apiVersionOf, type Draft, deepFreeze, type KubeList, type KubeObject, type ResourceRef } from '../api/object.ts';
import { type Causes, causesHeader, formatCauses } from '../trace/cause.ts';
import type {
  CallOptions,
  Client,
  CreateOptions,
  DeleteCallOptions,
  GetOptions,
  ListOptions,
  Patch,
  PatchOptions,
  RawRequest,
  ResourceClient,
  Transport,
  WatchOptions,
  WriteOptions,
} from './client.ts';
import { bodyOf, readBody } from './read-body.ts';
import { resourcePath, type Target } from './resource-path.ts';
import { decodeWatch } from './watch-decoder.ts';

export interface ClientOptions {
  /** The name in `User-Agent` and, unless a call says otherwise, in managedFields: `replicaset-controller`. */
  readonly agent: string;
  readonly causes?: Causes;
}

export function createClient(transport: Transport, options: ClientOptions): Client {
  return new TransportClient(transport, options);
}

const patchTypes: Record<Patch['type'], string> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Call {
  readonly method: string;
  readonly path: string;
  readonly query?: URLSearchParams;
  readonly object?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

class TransportClient implements Client {
  readonly #transport: Transport;
  readonly #options: ClientOptions;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(transport: Transport, options: ClientOptions) {
    this.#transport = transport;
    this.#options = options;
    const causes = options.causes ?? [];
    this.#headers = {
      'user-agent': options.agent,
      ...(causes.length > 0 ? { [causesHeader]: formatCauses(causes) } : {}),
    };
  }

  resource<T extends KubeObject>(ref: ResourceRef<T>): ResourceClient<T> {
    return new TransportResourceClient<T>(this, ref);
  }

  because(causes: Causes): Client {
    return new TransportClient(this.#transport, { ...this.#options, causes });
  }

  as(agent: string): Client {
    return new TransportClient(this.#transport, { ...this.#options, agent });
  }

  async raw(request: RawRequest): Promise<ApiResponse> {
    const split = request.path.indexOf('?');
    const body = request.body instanceof Uint8Array ? bodyOf(request.body) : request.body;
    const response = await this.#send({
      method: request.method ?? 'GET',
      path: split < 0 ? request.path : request.path.slice(0, split),
      query: new URLSearchParams(split < 0 ? '' : request.path.slice(split + 1)),
      headers: { ...this.#headers, ...request.headers },
      ...(body ? { body } : {}),
      signal: request.signal ?? new AbortController().signal,
    });
    if (response.status >= 400) throw await errorOf(response);
    return response;
  }

  /** A request whose answer is one object, frozen. */
  async call(call: Call): Promise<unknown> {
    const response = await this.open(call);
    if (this.#transport.direct) return response.object;
    const bytes = await readBody(response.body);
    return bytes.length === 0 ? undefined : deepFreeze(JSON.parse(decoder.decode(bytes)));
  }

  /** A request that was answered with success. */
  async open(call: Call): Promise<ApiResponse> {
    const { method, path, query = new URLSearchParams(), object, signal = new AbortController().signal } = call;
    const direct = this.#transport.direct;
    const hasBody = object !== undefined;
    const response = await this.#send({
      method,
      path,
      query,
      headers: {
        ...this.#headers,
        ...(hasBody ? { 'content-type': call.contentType ?? 'application/json' } : {}),
        ...(direct ? {} : { accept: 'application/json' }),
      },
      ...(direct ? { direct: hasBody ? { object } : {} } : hasBody ? { body: bodyOf(encoder.encode(JSON.stringify(object))) } : {}),
      signal,
    });
    if (response.status >= 400) throw await errorOf(response);
    return response;
  }

  async #send(request: Parameters<Transport['send']>[0]): Promise<ApiResponse> {
    request.signal.throwIfAborted();
    try {
      return await this.#transport.send(request);
    } catch (error) {
      if (isApiError(error)) throw error;
      if (request.signal.aborted) throw request.signal.reason;
      throw unreachable(request.method, request.path, error);
    }
  }
}

class TransportResourceClient<T extends KubeObject> implements ResourceClient<T> {
  readonly #client: TransportClient;
  readonly #ref: ResourceRef<T>;

  constructor(client: TransportClient, ref: ResourceRef<T>) {
    this.#client = client;
    this.#ref = ref;
  }

  get(name: string, options: GetOptions = {}): Promise<T> {
    return this.#call<T>('GET', this.#one(name, options), { query: queryOf({ resourceVersion: options.resourceVersion }), options });
  }

  async list(options: ListOptions = {}): Promise<KubeList<T>> {
    const list: KubeList<T> = await this.#call('GET', { namespace: options.namespace }, { query: listQuery(options), options });
    if (list.items[0]?.kind !== undefined || list.items.length === 0) return list;
    // Over the wire the items of a list do not say what they are.
    const what = { apiVersion: apiVersionOf(this.#ref), kind: this.#ref.kind };
    return Object.freeze({ ...list, items: Object.freeze(list.items.map((item) => Object.freeze({ ...what, ...item }))) });
  }

  async *watch(options: WatchOptions): AsyncGenerator<readonly WatchEvent<T>[]> {
    const { signal } = options;
    if (signal.aborted) return;
    const path = resourcePath(this.#ref, { namespace: options.namespace });
    const query = queryOf({
      watch: true,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      resourceVersion: options.resourceVersion,
      allowWatchBookmarks: options.allowWatchBookmarks,
      sendInitialEvents: options.sendInitialEvents,
      // Required with sendInitialEvents: the initial events are those of a state not older than resourceVersion.
      resourceVersionMatch: options.sendInitialEvents === undefined ? undefined : 'NotOlderThan',
      timeoutSeconds: options.timeoutSeconds,
    });
    try {
      const response = await this.#client.open({ method: 'GET', path, query, signal });
      const events =
        (response.events as AsyncIterable<readonly WatchEvent<T>[]> | undefined) ??
        decodeWatch<T>(response.body instanceof Uint8Array ? bodyOf(response.body) : (response.body ?? bodyOf(new Uint8Array(0))));
      for await (const batch of events) {
        if (signal.aborted) return;
        const last = batch.at(-1);
        if (last?.type !== 'ERROR') {
          yield batch;
          continue;
        }
        if (batch.length > 1) yield batch.slice(0, -1);
        throw ApiError.fromStatus(last.object as Partial<Status>, 500);
      }
    } catch (error) {
      if (signal.aborted) return;
      throw isApiError(error) ? error : unreachable('GET', path, error);
    }
  }

  create(draft: Draft<T>, options: CreateOptions = {}): Promise<T> {
    const namespace = options.namespace ?? (draft as KubeObject).metadata.namespace;
    return this.#call<T>('POST', this.#collection({ ...options, namespace }), { object: draft, query: writeQuery(options), options });
  }

  update(object: Draft<T>, options: WriteOptions = {}): Promise<T> {
    return this.#put(object, '', options);
  }

  updateStatus(object: Draft<T>, options: WriteOptions = {}): Promise<T> {
    return this.#put(object, 'status', options);
  }

  patch(name: string, patch: Patch, options: PatchOptions = {}): Promise<T> {
    const query = writeQuery(options);
    if (options.force !== undefined) query.set('force', String(options.force));
    return this.#call<T>('PATCH', this.#one(name, options, options.subresource), {
      object: patch.body,
      contentType: patchTypes[patch.type],
      query,
      options,
    });
  }

  delete(name: string, options: DeleteCallOptions = {}): Promise<unknown> {
    return this.#call('DELETE', this.#one(name, options), { object: deleteOptions(options), options });
  }

  deleteCollection(options: DeleteCallOptions & ListOptions = {}): Promise<unknown> {
    return this.#call('DELETE', this.#collection(options), { object: deleteOptions(options), query: listQuery(options), options });
  }

  createSubresource<R>(name: string, subresource: string, body: unknown, options: WriteOptions = {}): Promise<R> {
    return this.#call<R>('POST', this.#one(name, options, subresource), { object: body, query: writeQuery(options), options });
  }

  getSubresource<R>(name: string, subresource: string, options: GetOptions = {}): Promise<R> {
    const query = queryOf({ resourceVersion: options.resourceVersion });
    return this.#call<R>('GET', this.#one(name, options, subresource), { query, options });
  }

  updateSubresource<R>(name: string, subresource: string, body: unknown, options: WriteOptions = {}): Promise<R> {
    return this.#call<R>('PUT', this.#one(name, options, subresource), { object: body, query: writeQuery(options), options });
  }

  #put(object: Draft<T>, subresource: string, options: WriteOptions): Promise<T> {
    const { metadata } = object as KubeObject;
    const target = this.#one(metadata.name, { ...options, namespace: options.namespace ?? metadata.namespace }, subresource);
    return this.#call<T>('PUT', target, { object, query: writeQuery(options), options });
  }

  async #call<R>(
    method: string,
    target: Target | ApiError,
    { object, query, contentType, options }: { object?: unknown; query?: URLSearchParams; contentType?: string; options: CallOptions },
  ): Promise<R> {
    if (target instanceof ApiError) throw target;
    const answer = await this.#client.call({
      method,
      path: resourcePath(this.#ref, target),
      object,
      signal: options.signal,
      ...(query ? { query } : {}),
      ...(contentType ? { contentType } : {}),
    });
    return answer as R;
  }

  /** An empty name or namespace would address the collection: refused before anything is sent. */
  #one(name: string | undefined, options: { readonly namespace?: string | undefined }, subresource?: string): Target | ApiError {
    if (!name) return badRequest(`${this.#ref.resource}: resource name may not be empty`);
    const target = this.#collection(options);
    return target instanceof ApiError ? target : { ...target, name, subresource };
  }

  #collection({ namespace }: { readonly namespace?: string | undefined }): Target | ApiError {
    if (this.#ref.namespaced && !namespace) return badRequest(`${this.#ref.resource}: a namespace is needed`);
    return { namespace };
  }
}

function queryOf(fields: Readonly<Record<string, string | number | boolean | undefined>>): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, String(value));
  return query;
}

function listQuery(options: ListOptions): URLSearchParams {
  const { labelSelector, fieldSelector, limit, continue: token, resourceVersion, resourceVersionMatch } = options;
  return queryOf({ labelSelector, fieldSelector, limit, continue: token, resourceVersion, resourceVersionMatch });
}

function writeQuery({ dryRun, fieldManager, fieldValidation }: WriteOptions): URLSearchParams {
  return queryOf({ dryRun: dryRun ? 'All' : undefined, fieldManager, fieldValidation });
}

function deleteOptions(options: DeleteCallOptions): unknown {
  const { gracePeriodSeconds, propagationPolicy, preconditions, dryRun } = options;
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(preconditions === undefined ? {} : { preconditions }),
    ...(dryRun ? { dryRun: ['All'] } : {}),
  };
}

/** The ApiError in a refusal; a body that is no Status becomes its message. */
async function errorOf(response: ApiResponse): Promise<ApiError> {
  if (response.object !== undefined) return ApiError.fromStatus(response.object as Partial<Status>, response.status);
  const text = decoder.decode(await readBody(response.body));
  try {
    const status: unknown = JSON.parse(text);
    if (typeof status === 'object' && status !== null) return ApiError.fromStatus(status as Partial<Status>, response.status);
  } catch {
    // Not JSON: a proxy's page, or a health check's lines.
  }
  return ApiError.fromStatus(text === '' ? {} : { message: text.trim() }, response.status);
}

function unreachable(method: string, path: string, cause: unknown): ApiError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ApiError('ServiceUnavailable', `${method} ${path}: ${why}`, { cause });
}
