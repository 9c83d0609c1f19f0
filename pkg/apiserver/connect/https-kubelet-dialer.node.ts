import { Agent } from 'node:https';
import type { ApiResponse } from '../../api/http.ts';
import { sendHttps } from '../../client/https-request.node.ts';
import type { BackendDialer, DialedRequest, KubeletDialer } from './dialers.ts';

export interface KubeletAddress {
  readonly host: string;
  /** 10250, unless the Node says otherwise (`status.daemonEndpoints.kubeletEndpoint.Port`). */
  readonly port: number;
}

export interface HttpsKubeletDialerOptions {
  /** Where the node's kubelet listens. Rejects when that is not known. */
  lookup(nodeName: string): Promise<KubeletAddress>;
  /** PEM: the authority of kubelets' certificates, and the API server's own client certificate. */
  readonly certificateAuthority: string;
  readonly certificate: string;
  readonly key: string;
}

/** Kubelets on other machines, or in other processes. */
export class HttpsKubeletDialer implements KubeletDialer {
  readonly #options: HttpsKubeletDialerOptions;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(options: HttpsKubeletDialerOptions) {
    this.#options = options;
  }

  async connect(nodeName: string, request: DialedRequest): Promise<ApiResponse> {
    const { lookup, certificateAuthority, certificate, key } = this.#options;
    const { host, port } = await lookup(nodeName);
    return sendHttps({ host, port, certificateAuthority, certificate, key, agent: this.#agent }, request);
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Pods, services and webhooks, by address. */
export const networkBackendDialer: BackendDialer = {
  connect: ({ verify, ...target }, request) => sendHttps({ ...target, ...(verify ?? { insecure: true }) }, request),
};
