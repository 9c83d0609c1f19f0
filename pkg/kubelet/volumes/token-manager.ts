import type { TokenRequest } from '../../api/generated/authentication-v1.ts';
import type { Pod, ServiceAccountTokenProjection } from '../../api/generated/core-v1.ts';
import { serviceaccounts } from '../../api/generated/resources.ts';
import { withDeadline } from '../deadline.ts';
import type { KubeletContext } from '../kubelet-context.ts';

const requestTimeout = 10_000;
/** A token is replaced when 80 % of its life, or a day, has passed. */
const share = 0.8;
const longestUse = 24 * 3_600_000;
const defaultLifetime = 3600;

/**
 * Service account tokens for pods: asked of the API server, bound to the pod, and renewed in good time. While the
 * server does not answer, a token is used as long as it lives.
 */
export class TokenManager {
  readonly #context: Pick<KubeletContext, 'client' | 'clock' | 'log'>;
  readonly #tokens = new Map<string, { readonly token: string; readonly expires: number; readonly renew: number }>();

  constructor(context: Pick<KubeletContext, 'client' | 'clock' | 'log'>) {
    this.#context = context;
  }

  async token(pod: Pod, { audience, expirationSeconds = defaultLifetime }: ServiceAccountTokenProjection): Promise<string> {
    const { client, clock, log } = this.#context;
    const { name, namespace = '', uid } = pod.metadata;
    const key = `${uid}/${audience ?? ''}/${expirationSeconds}`;
    const kept = this.#tokens.get(key);
    const now = clock.now();
    if (kept && now < kept.renew) return kept.token;
    const account = pod.spec.serviceAccountName ?? 'default';
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: audience ? [audience] : [], expirationSeconds, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } },
    };
    try {
      const answer = await withDeadline(clock, requestTimeout, undefined, (signal) =>
        client.resource(serviceaccounts).createSubresource<TokenRequest>(account, 'token', body, { namespace, signal }),
      );
      const { token = '', expirationTimestamp } = answer.status;
      const expires = expirationTimestamp ? Date.parse(expirationTimestamp) : now + expirationSeconds * 1000;
      this.#tokens.set(key, { token, expires, renew: now + Math.min((expires - now) * share, longestUse) });
      return token;
    } catch (error) {
      if (!kept || now >= kept.expires)
        throw new Error(`failed to fetch token: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      log.warn('a token could not be renewed', { pod: name, namespace, error });
      return kept.token;
    }
  }

  /** When the first of the pod's tokens is to be renewed, in milliseconds since the epoch; without any: never. */
  renewal(uid: string): number {
    let first = Number.POSITIVE_INFINITY;
    for (const [key, { renew }] of this.#tokens) if (key.startsWith(`${uid}/`)) first = Math.min(first, renew);
    return first;
  }

  forget(uid: string): void {
    for (const key of this.#tokens.keys()) if (key.startsWith(`${uid}/`)) this.#tokens.delete(key);
  }
}
