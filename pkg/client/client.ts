/**
 * Talking to an API server. A Client is bound to a server, an identity and a set of causes; where the server is
 * (this process, another machine) is the transport's business and cannot be told from here.
 *
 * Guarantees:
 *  - every failure the server answers is an ApiError with the server's reason; a failure to reach it is an
 *    ApiError `ServiceUnavailable` with the reason as its cause;
 *  - objects are deeply frozen and may be shared with other readers: copy before changing (`copyOf`);
 *  - a request whose signal is aborted rejects with the signal's reason.
 */

import type { DeleteOptions } from '../api/generated/meta-v1.ts';
import type { ApiRequest, ApiResponse, WatchEvent } from '../api/http.ts';
import type { Draft, KubeList, KubeObject, ResourceRef } from '../api/object.ts';
import type { Causes } from '../trace/cause.ts';

export interface Client {
  /** The resource's verbs, typed by the reference: `client.resource(pods).get('web', { namespace: 'default' })`. */
  resource<T extends KubeObject>(ref: ResourceRef<T>): ResourceClient<T>;
  /** The same client, whose writes name what they react to. */
  because(causes: Causes): Client;
  /** The same client under another name in `User-Agent` and managedFields. */
  as(agent: string): Client;
  /** Any path, as bytes: discovery, /metrics, /openapi, logs, exec. The caller reads the body or drops it. */
  raw(request: RawRequest): Promise<ApiResponse>;
}

export interface RawRequest {
  readonly method?: string;
  /** With its query: `/api/v1/namespaces/default/pods/web/log?follow=true`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
}

export interface ResourceClient<T extends KubeObject> {
  get(name: string, options?: GetOptions): Promise<T>;
  list(options?: ListOptions): Promise<KubeList<T>>;
  /**
   * Batches of events in the server's order, until the server ends the watch (after its timeout), the signal is
   * aborted (ends without an error), or something fails (throws an ApiError; `isExpired` when `resourceVersion` is
   * no longer kept).
   */
  watch(options: WatchOptions): AsyncIterable<readonly WatchEvent<T>[]>;
  create(draft: Draft<T>, options?: CreateOptions): Promise<T>;
  /** With a resourceVersion in the object: Conflict unless it is still the current one. */
  update(object: Draft<T>, options?: WriteOptions): Promise<T>;
  updateStatus(object: Draft<T>, options?: WriteOptions): Promise<T>;
  patch(name: string, patch: Patch, options?: PatchOptions): Promise<T>;
  /** Resolves with the object when it is going away in time (finalizers, grace), or a Status when it is gone. */
  delete(name: string, options?: DeleteCallOptions): Promise<unknown>;
  deleteCollection(options?: DeleteCallOptions & ListOptions): Promise<unknown>;
  /** POST to a subresource: `binding`, `eviction`, `token`. */
  createSubresource<R = unknown>(name: string, subresource: string, body: unknown, options?: WriteOptions): Promise<R>;
  getSubresource<R = unknown>(name: string, subresource: string, options?: GetOptions): Promise<R>;
  updateSubresource<R = unknown>(name: string, subresource: string, body: unknown, options?: WriteOptions): Promise<R>;
}

export interface CallOptions {
  /** Required for a namespaced resource, except in list and watch, where absence means all namespaces. */
  readonly namespace?: string;
  readonly signal?: AbortSignal;
}
export interface GetOptions extends CallOptions {
  readonly resourceVersion?: string;
}
export interface ListOptions extends CallOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}
export interface WatchOptions extends CallOptions {
  readonly signal: AbortSignal;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly allowWatchBookmarks?: boolean;
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
}
export interface WriteOptions extends CallOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
}
export type CreateOptions = WriteOptions;
export interface PatchOptions extends WriteOptions {
  readonly subresource?: string;
  /** Server-side apply: take fields over from other managers. */
  readonly force?: boolean;
}
export interface DeleteCallOptions extends CallOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly preconditions?: DeleteOptions['preconditions'];
  readonly dryRun?: boolean;
}

/** The kinds of patch that the API knows, by their media types. */
export type Patch =
  | { readonly type: 'merge'; readonly body: unknown }
  | { readonly type: 'strategic'; readonly body: unknown }
  | { readonly type: 'json'; readonly body: readonly JsonPatchOperation[] }
  | { readonly type: 'apply'; readonly body: unknown };

export interface JsonPatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** Carries requests to a server. A transport adds its credentials; `direct` ones pass objects instead of bytes. */
export interface Transport {
  /** True when the server is in this process and takes objects as they are. */
  readonly direct: boolean;
  send(request: TransportRequest): Promise<ApiResponse>;
}
export type TransportRequest = Omit<ApiRequest, 'peer'>;
