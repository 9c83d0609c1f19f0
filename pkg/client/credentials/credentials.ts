/**
 * Who is who in a cluster: its certificate authority, the certificates and tokens made with it. These are ports; the
 * real adapters are in `platform-credentials.ts` (Web Crypto: Node.js and browsers), and `simulated-credentials.ts` has ones that
 * are computed at once from a seed, for clusters on virtual time. Nothing made by those proves anything.
 */
import type { Random } from '../../clock/random.ts';

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  /** The certificate; for a leaf, itself alone. */
  readonly certificate: string;
  /** PKCS #8. */
  readonly key: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly usages: readonly ('client' | 'server')[];
  /** Names under which a server is reached. */
  readonly dnsNames?: readonly string[];
  /** Addresses, IPv4 or IPv6, under which a server is reached. */
  readonly ipAddresses?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface CertificateAuthority {
  /** PEM: what everybody in the cluster trusts. */
  readonly certificate: string;
  issue(request: CertificateRequest): Promise<KeyPair>;
}

export interface AuthorityRequest {
  readonly commonName: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** The claims of a JSON Web Token (RFC 7519). */
export type Claims = Readonly<Record<string, unknown>>;

/** Makes and checks tokens. What is in them, and whether it is still true, is its user's business. */
export interface TokenSigner {
  sign(claims: Claims): Promise<string>;
  /** The claims of a token that this signer made; undefined for any other text. */
  verify(token: string): Promise<Claims | undefined>;
  /** The public key as a JWK set (RFC 7517), for others who verify. */
  keySet(): Promise<unknown>;
}

/** Where credentials come from. */
export interface CredentialSource {
  /** A new authority; its key is in the pair, to be kept. */
  createAuthority(request: AuthorityRequest): Promise<KeyPair>;
  openAuthority(pair: KeyPair): Promise<CertificateAuthority>;
  /** A new private key for signing tokens, PEM. */
  createSigningKey(): Promise<string>;
  openSigner(key: string): Promise<TokenSigner>;
  readonly random: Random;
}

/** Kubernetes gives its authorities ten years and what they issue one. */
export const authorityLifetime = 10 * 365 * 24 * 3_600_000;
export const certificateLifetime = 365 * 24 * 3_600_000;
/** Clocks differ: what is issued now was valid five minutes ago. */
export const clockSkew = 5 * 60_000;

/** The payload of a token whose signature was good. */
export function parseClaims(text: string): Claims | undefined {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? (value as Claims) : undefined;
}
