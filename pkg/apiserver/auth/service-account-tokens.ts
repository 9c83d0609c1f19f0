/**
 * Tokens of service accounts: made for the `token` subresource, and believed for as long as the service account, and
 * the pod they are bound to, exist.
 * https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
 */
import { ApiError, isNotFound } from '../../api/errors.ts';
import type { ApiRequest, UserInfo } from '../../api/http.ts';
import type { KubeObject } from '../../api/object.ts';
import type { Claims, TokenSigner } from '../../client/credentials/credentials.ts';
import type { Clock } from '../../clock/clock.ts';
import { type Random, uuid } from '../../clock/random.ts';
import type { RequestContext, ResourceStorage } from '../../registry/contract.ts';
import { type Authenticator, asAuthenticated } from './authenticator.ts';

export interface ServiceAccountTokensOptions {
  readonly signer: TokenSigner;
  /** `iss`. Default: https://kubernetes.default.svc.cluster.local */
  readonly issuer?: string;
  /** Whom this server's own tokens are for. Default: the issuer. */
  readonly audiences?: readonly string[];
  readonly registry: { storage(group: string, version: string, resource: string): ResourceStorage | undefined };
  readonly clock: Clock;
  readonly random: Random;
}

/** An object that a token lives and dies with. */
export interface BoundObject {
  readonly kind: 'Pod' | 'Secret' | 'Node';
  readonly name: string;
  readonly uid: string;
}

export interface TokenRequested {
  readonly namespace: string;
  readonly serviceAccount: { readonly name: string; readonly uid: string };
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  readonly bound?: BoundObject;
  /** The node that a bound pod runs on. */
  readonly node?: { readonly name: string; readonly uid: string };
}

interface KubernetesClaims {
  readonly namespace: string;
  readonly serviceaccount: { readonly name: string; readonly uid: string };
  readonly pod?: { readonly name: string; readonly uid: string };
  readonly secret?: { readonly name: string; readonly uid: string };
  readonly node?: { readonly name: string; readonly uid: string };
}

/** Clocks differ a little: a token may be used this long before it begins. Milliseconds. */
const leeway = 60_000;
/** Signatures do not change: those checked lately are remembered. */
const remembered = 1000;

export class ServiceAccountTokens implements Authenticator {
  readonly name = 'service-account';
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly #options: ServiceAccountTokensOptions;
  readonly #verified = new Map<string, Claims>();

  constructor(options: ServiceAccountTokensOptions) {
    this.#options = options;
    this.issuer = options.issuer ?? 'https://kubernetes.default.svc.cluster.local';
    this.audiences = options.audiences ?? [this.issuer];
  }

  async issue(
    requested: TokenRequested,
  ): Promise<{ readonly token: string /** Milliseconds since the epoch. */; readonly expires: number }> {
    const { signer, clock, random } = this.#options;
    const { namespace, serviceAccount, audiences, expirationSeconds, bound, node } = requested;
    const now = Math.floor(clock.now() / 1000);
    const identity: KubernetesClaims = {
      namespace,
      ...(node ? { node } : {}),
      ...(bound ? { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } } : {}),
      serviceaccount: serviceAccount,
    };
    const token = await signer.sign({
      aud: audiences.length > 0 ? audiences : this.audiences,
      exp: now + expirationSeconds,
      iat: now,
      iss: this.issuer,
      jti: uuid(random),
      'kubernetes.io': identity,
      nbf: now,
      sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
    });
    return { token, expires: (now + expirationSeconds) * 1000 };
  }

  /** The bearer token of the request. Throws Unauthorized for any bearer token that is not good. */
  async authenticate(request: ApiRequest): Promise<UserInfo | undefined> {
    const token = bearerToken(request);
    if (token === undefined) return undefined;
    const found = await this.review(token, this.audiences);
    if (!found) throw new ApiError('Unauthorized', 'Unauthorized');
    return found.user;
  }

  /** Who a token belongs to, and for which of the audiences it is good; undefined if for none, or not good at all. */
  async review(
    token: string,
    audiences: readonly string[],
  ): Promise<{ readonly user: UserInfo; readonly audiences: readonly string[] } | undefined> {
    const claims = await this.#verify(token);
    if (!claims || claims['iss'] !== this.issuer) return undefined;
    const now = this.#options.clock.now();
    if (!(Number(claims['exp']) * 1000 > now) || Number(claims['nbf']) * 1000 - leeway > now) return undefined;
    const meant = [claims['aud']].flat();
    const good = audiences.filter((audience) => meant.includes(audience));
    const identity = claims['kubernetes.io'] as KubernetesClaims | undefined;
    if (good.length === 0 || !identity || !(await this.#stillTrue(identity))) return undefined;
    return { user: userOf(identity, claims), audiences: good };
  }

  /** The public key, for others who check tokens (/openid/v1/jwks). */
  keySet(): Promise<unknown> {
    return this.#options.signer.keySet();
  }

  async #verify(token: string): Promise<Claims | undefined> {
    const known = this.#verified.get(token);
    if (known) return known;
    const claims = await this.#options.signer.verify(token);
    if (!claims) return undefined;
    if (this.#verified.size >= remembered) this.#verified.clear();
    this.#verified.set(token, claims);
    return claims;
  }

  async #stillTrue({ namespace, serviceaccount, pod, secret, node }: KubernetesClaims): Promise<boolean> {
    const checks = [
      this.#exists('serviceaccounts', namespace, serviceaccount),
      ...(pod ? [this.#exists('pods', namespace, pod)] : []),
      ...(secret ? [this.#exists('secrets', namespace, secret)] : []),
      // A token bound to a pod names its node for information; one bound to a node lives and dies with it.
      ...(node && !pod ? [this.#exists('nodes', '', node)] : []),
    ];
    return (await Promise.all(checks)).every(Boolean);
  }

  async #exists(resource: string, namespace: string, { name, uid }: { readonly name: string; readonly uid: string }): Promise<boolean> {
    const object = await this.lookUp(resource, namespace, name);
    return object?.metadata.uid === uid;
  }

  /** An object of the core group, or undefined. */
  async lookUp(resource: string, namespace: string, name: string): Promise<KubeObject | undefined> {
    const storage = this.#options.registry.storage('', 'v1', resource);
    try {
      return (await storage?.get(internalContext(), { namespace, name }))?.object;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

export function bearerToken(request: Pick<ApiRequest, 'headers'>): string | undefined {
  const match = /^Bearer +(\S+)$/i.exec(request.headers['authorization'] ?? '');
  return match?.[1];
}

function userOf({ namespace, serviceaccount, pod, node }: KubernetesClaims, claims: Claims): UserInfo {
  const prefix = 'authentication.kubernetes.io';
  const extra: Record<string, readonly string[]> = { [`${prefix}/credential-id`]: [`JTI=${String(claims['jti'])}`] };
  if (node) Object.assign(extra, { [`${prefix}/node-name`]: [node.name], [`${prefix}/node-uid`]: [node.uid] });
  if (pod) Object.assign(extra, { [`${prefix}/pod-name`]: [pod.name], [`${prefix}/pod-uid`]: [pod.uid] });
  return asAuthenticated({
    name: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    extra,
  });
}

/** For what the server looks up on its own account. */
export function internalContext(): RequestContext {
  return {
    user: { name: 'system:apiserver', groups: ['system:masters'] },
    agent: 'apiserver',
    requestId: '',
    verb: 'get',
    causes: [],
    dryRun: false,
    fieldManager: 'apiserver',
    fieldValidation: 'Ignore',
    warn() {},
    signal: new AbortController().signal,
  };
}
