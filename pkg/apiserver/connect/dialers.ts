/**
 * What the API server dials itself: kubelets (logs, exec, attach, port-forward) and, for proxies, pods and services.
 * Ports: in one process a kubelet is a function call away, elsewhere it listens on HTTPS.
 */
import { ApiError, isApiError } from '../../api/errors.ts';
import type { ApiRequest, ApiResponse } from '../../api/http.ts';
import type { RequestHandler } from '../../client/in-process-transport.ts';

/** A request without the peer: whom the kubelet talks to is the dialer's to prove. */
export type DialedRequest = Omit<ApiRequest, 'peer' | 'direct'>;

export interface KubeletDialer {
  /** Rejects with the reason when the kubelet cannot be reached. A WebSocket's answer carries `upgrade`. */
  connect(nodeName: string, request: DialedRequest): Promise<ApiResponse>;
}

export interface DialedTarget {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /**
   * Whose certificate it must be, and by whose word (PEM; else the machine's own authorities). Absent: any is believed,
   * as Kubernetes does for proxies.
   */
  readonly verify?: { readonly serverName: string; readonly certificateAuthority?: string };
}

export interface BackendDialer {
  /** For pods and services behind a proxy, and for webhooks. */
  connect(target: DialedTarget, request: DialedRequest): Promise<ApiResponse>;
}

/** Kubelets in this process. `find` gives undefined for one that is down or cut off. */
export class InProcessKubeletDialer implements KubeletDialer {
  readonly #find: (nodeName: string) => RequestHandler | undefined;

  constructor(find: (nodeName: string) => RequestHandler | undefined) {
    this.#find = find;
  }

  async connect(nodeName: string, request: DialedRequest): Promise<ApiResponse> {
    const kubelet = this.#find(nodeName);
    if (!kubelet) throw new Error(`the kubelet of node ${JSON.stringify(nodeName)} cannot be reached`);
    return kubelet.handle({ ...request, peer: { user: { name: 'system:apiserver', groups: ['system:masters'] } } });
  }
}

/** A failure to reach what was dialled, in Kubernetes' words. */
export function dialFailure(error: unknown): ApiError {
  if (isApiError(error)) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new ApiError('ServiceUnavailable', `error dialing backend: ${why}`, { cause: error });
}
