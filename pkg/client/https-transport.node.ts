import { Agent } from 'node:https';
import type { ApiResponse } from '../api/http.ts';
import type { Transport, TransportRequest } from './client.ts';
import { type HttpsTarget, sendHttps } from './https-request.node.ts';

export interface HttpsTransportOptions
  extends Pick<HttpsTarget, 'certificateAuthority' | 'certificate' | 'key' | 'serverName' | 'insecure'> {
  /** `https://127.0.0.1:6443`, with a path where a proxy wants one. */
  readonly server: string;
  /** A bearer token; a function is asked before every request, since tokens in pods are renewed. */
  readonly token?: string | (() => string | Promise<string>);
}

/** A server somewhere else, over HTTPS with connections that are kept. */
export class HttpsTransport implements Transport {
  readonly direct = false;
  readonly #options: HttpsTransportOptions;
  readonly #target: HttpsTarget;
  readonly #base: string;
  readonly #agent: Agent;

  constructor(options: HttpsTransportOptions) {
    const url = new URL(options.server);
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
    this.#base = url.pathname.replace(/\/$/, '');
    const { certificateAuthority, certificate, key, serverName, insecure } = options;
    this.#target = {
      scheme: url.protocol === 'http:' ? 'http' : 'https',
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port) || (url.protocol === 'http:' ? 80 : 443),
      ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
      ...(certificate === undefined ? {} : { certificate }),
      ...(key === undefined ? {} : { key }),
      ...(serverName === undefined ? {} : { serverName }),
      ...(insecure === undefined ? {} : { insecure }),
      ...(url.protocol === 'http:' ? {} : { agent: this.#agent }),
    };
  }

  /** As it was given: `https://127.0.0.1:6443`. */
  get server(): string {
    return this.#options.server;
  }

  async send(request: TransportRequest): Promise<ApiResponse> {
    const { token } = this.#options;
    const bearer = typeof token === 'function' ? await token() : token;
    const headers = bearer === undefined ? request.headers : { ...request.headers, authorization: `Bearer ${bearer}` };
    return sendHttps(this.#target, { ...request, headers, path: this.#base + request.path });
  }

  /** Cuts all connections, those with requests under way too. */
  close(): void {
    this.#agent.destroy();
  }
}
