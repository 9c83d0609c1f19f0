/**
 * kubectl's requests: JSON in and out through `Client.raw`, so that the server's warnings are seen and any resource
 * can be asked for in any form.
 */
import type { WatchEvent } from '../api/http.ts';
import type { KubeList, KubeObject } from '../api/object.ts';
import type { Client } from '../client/client.ts';
import { bodyOf, readBody } from '../client/read-body.ts';
import { resourcePath, type Target } from '../client/resource-path.ts';
import { decodeWatch } from '../client/watch-decoder.ts';
import { parseJson, stringifyJson } from '../runtime/json.ts';
import type { ResourceInfo } from './resource-info.ts';

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface ApiRequestOptions {
  readonly method?: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

export const patchTypes = {
  strategic: 'application/strategic-merge-patch+json',
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** What the server shows as rows and cells. */
export const tableMediaType = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

export class Api {
  readonly client: Client;
  readonly signal: AbortSignal;
  readonly #onWarning: (text: string) => void;

  constructor(client: Client, signal: AbortSignal, onWarning: (text: string) => void) {
    this.client = client;
    this.signal = signal;
    this.#onWarning = onWarning;
  }

  /** The JSON that came back; undefined for an empty body. */
  async json(path: string, options: ApiRequestOptions = {}): Promise<unknown> {
    const response = await this.#send(path, options);
    const bytes = await readBody(response.body);
    return bytes.length === 0 ? undefined : parseJson(new TextDecoder().decode(bytes)).value;
  }

  async text(path: string, options: ApiRequestOptions = {}): Promise<string> {
    const response = await this.#send(path, { accept: '*/*', ...options });
    return new TextDecoder().decode(await readBody(response.body));
  }

  /** Bytes as they come. */
  async stream(path: string, options: ApiRequestOptions = {}): Promise<AsyncIterable<Uint8Array>> {
    const { body } = await this.#send(path, { accept: '*/*', ...options });
    return body === undefined || body instanceof Uint8Array ? bodyOf(body ?? new Uint8Array(0)) : body;
  }

  async get(info: ResourceInfo, target: Target, options: ApiRequestOptions = {}): Promise<KubeObject> {
    return (await this.json(resourcePath(info, target), options)) as KubeObject;
  }

  /** All pages as one list. */
  async list(info: ResourceInfo, namespace: string | undefined, query: Query = {}, limit = 500): Promise<KubeList<KubeObject>> {
    let list = (await this.json(resourcePath(info, { namespace }), {
      query: { ...query, limit: limit || undefined },
    })) as KubeList<KubeObject>;
    const items = [...(list.items ?? [])];
    while (list.metadata.continue) {
      list = (await this.json(resourcePath(info, { namespace }), {
        query: { ...query, limit, continue: list.metadata.continue },
      })) as KubeList<KubeObject>;
      items.push(...list.items);
    }
    // Items of a list do not say what they are.
    const apiVersion = info.group === '' ? info.version : `${info.group}/${info.version}`;
    return { ...list, items: items.map((item) => ({ ...item, apiVersion, kind: info.kind })) };
  }

  create(info: ResourceInfo, namespace: string | undefined, body: unknown, query: Query = {}): Promise<unknown> {
    return this.json(resourcePath(info, { namespace }), { method: 'POST', body, query });
  }

  update(info: ResourceInfo, target: Target, body: unknown, query: Query = {}): Promise<unknown> {
    return this.json(resourcePath(info, target), { method: 'PUT', body, query });
  }

  patch(info: ResourceInfo, target: Target, type: keyof typeof patchTypes, body: unknown, query: Query = {}): Promise<unknown> {
    return this.json(resourcePath(info, target), { method: 'PATCH', body, contentType: patchTypes[type], query });
  }

  delete(info: ResourceInfo, target: Target, body: unknown = undefined, query: Query = {}): Promise<unknown> {
    return this.json(resourcePath(info, target), { method: 'DELETE', body, query });
  }

  /** Events until the server ends the watch or the signal is aborted. */
  async *watch(info: ResourceInfo, namespace: string | undefined, options: ApiRequestOptions): AsyncGenerator<WatchEvent> {
    const path = resourcePath(info, { namespace });
    const stream = await this.stream(path, {
      ...options,
      accept: options.accept ?? 'application/json',
      query: { ...options.query, watch: true },
    });
    for await (const batch of decodeWatch(stream)) yield* batch;
  }

  async #send(path: string, options: ApiRequestOptions) {
    const { method = 'GET', query = {}, body, contentType = 'application/json', accept = 'application/json', signal } = options;
    const response = await this.client.raw({
      method,
      path: withQuery(path, query),
      headers: { accept, ...(body === undefined ? {} : { 'content-type': contentType }) },
      ...(body === undefined ? {} : { body: new TextEncoder().encode(stringifyJson(body)) }),
      signal: signal ?? this.signal,
    });
    for (const warning of parseWarnings(response.headers['warning'])) this.#onWarning(warning);
    return response;
  }
}

function withQuery(path: string, query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue;
    if (Array.isArray(value)) for (const each of value as readonly string[]) search.append(name, each);
    else search.set(name, String(value));
  }
  const text = search.toString();
  return text === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${text}`;
}

/** The texts of `Warning: 299 - "…"` headers (RFC 7234, 5.5), several joined by commas. */
export function parseWarnings(header: string | undefined): string[] {
  const found = header?.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g) ?? [];
  return [...found].map((match) => (match[1] as string).replace(/\\(.)/g, '$1'));
}
