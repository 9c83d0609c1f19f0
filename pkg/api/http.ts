/**
 * A request and its answer, free of any platform: what `ApiServer.handle` takes and gives. Node's HTTP servers, the
 * in-process client, tests and browsers are thin adapters to it.
 */
export interface ApiRequest {
  /** Upper case. */
  readonly method: string;
  /** Decoded neither in part nor in whole: `/api/v1/namespaces/default/pods`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case; several values joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody | undefined;
  /**
   * Set by callers in the same process: the body as an object in place of bytes (the server copies what it keeps),
   * and the answer wanted the same way: `object` or `events` in place of bytes.
   */
  readonly direct?: { readonly object?: unknown };
  readonly peer: Peer;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** A request's body, in pieces as they come. */
export interface RequestBody extends AsyncIterable<Uint8Array> {
  /** The whole body, if it is there by now; asked before anything is read of it. Saves waiting for pieces that are none. */
  arrived?(): Promise<Uint8Array | undefined>;
}

/** Who is at the other end, as far as the transport knows. */
export interface Peer {
  readonly address?: string;
  /** The client certificate, verified against the cluster's CA. */
  readonly certificate?: {
    readonly commonName: string;
    readonly organizations: readonly string[];
    /** SHA-256 of the certificate, in lower case hexadecimal digits. */
    readonly fingerprint?: string;
  };
  /** An identity that the process vouches for: in-process components alone. */
  readonly user?: UserInfo;
}

export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes at once, or batches over time. Absent: no body, or a direct answer. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /**
   * The same bytes as `body`, in the many small pieces that they were made of, for an adapter that can put them
   * together in a buffer of its own without making a new one each time. Shared: not to be changed.
   */
  readonly pieces?: readonly Uint8Array[];
  /** Direct answer: a frozen object or list. */
  readonly object?: unknown;
  /** Direct answer of a watch. */
  readonly events?: AsyncIterable<readonly WatchEvent[]>;
  /** The connection becomes a two-way stream (exec, attach, port-forward, WebSocket watches). */
  readonly upgrade?: Upgrade;
}

/** One event of a watch. BOOKMARK carries only kind and metadata.resourceVersion. */
export type WatchEvent<T = unknown> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: T }
  | { readonly type: 'ERROR'; readonly object: unknown };

/**
 * How an upgraded connection goes on. `websocket`: messages, with the subprotocol chosen. `spdy`: SPDY/3.1 on the
 * raw connection, in the manner of kubectl before 1.31. The adapter does the handshake and frames messages.
 */
export type Upgrade =
  | { readonly kind: 'websocket'; readonly protocol: string | undefined; run(socket: MessageStream): Promise<void> }
  | { readonly kind: 'raw'; readonly protocol: string; run(stream: ByteStream): Promise<void> };

/** A WebSocket's messages. */
export interface MessageStream {
  readonly messages: AsyncIterable<Uint8Array | string>;
  /** Resolves when more may be sent. */
  send(message: Uint8Array | string): Promise<void>;
  close(code?: number, reason?: string): Promise<void>;
}

/** Bytes both ways. `write` resolves when more may be written; `end` half-closes. */
export interface ByteStream {
  readonly readable: AsyncIterable<Uint8Array>;
  write(chunk: Uint8Array): Promise<void> | void;
  end(): Promise<void> | void;
  abort(error?: Error): void;
}
