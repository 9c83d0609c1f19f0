import type { ApiRequest, UserInfo } from '../api/http.ts';
import type { ResourceStorage } from '../registry/contract.ts';
import type { RequestInfo } from './request-info.ts';

/** One request on its way through the server: what the filters have found out about it so far. */
export interface Exchange {
  readonly request: ApiRequest;
  readonly info: RequestInfo;
  /** The resource that the path names, once it was looked for and found. */
  storage: ResourceStorage | undefined;
  /** Unique per request; given back as Audit-ID and kept with what the request writes. */
  requestId: string;
  /** Who asks, after authentication and impersonation. */
  user: UserInfo;
  /** Aborted when the client has gone, and when the request's time is over. */
  readonly signal: AbortSignal;
  /** Texts for `Warning` headers; a Set, since a text is said once. */
  readonly warnings: Set<string>;
  /** Called once the request has been answered (a stream: once it has ended). */
  readonly atEnd: (() => void)[];
}

/**
 * A step that every request passes, in the order of the server's array. Answering or throwing an ApiError ends the
 * request there.
 */
export interface Filter {
  readonly name: string;
  apply(exchange: Exchange): undefined | Promise<undefined>;
}
