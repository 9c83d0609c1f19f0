/**
 * A cluster's credentials on disk: its certificate authority, the API server's certificate, the key that signs
 * service accounts' tokens, and the administrator's certificate. Made once; the server's certificate again when the
 * addresses it must be good for have changed, and everything that is about to run out.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UserInfo } from '../../api/http.ts';
import {
  authorityLifetime,
  type CertificateAuthority,
  certificateLifetime,
  clockSkew,
  type KeyPair,
  type TokenSigner,
} from '../../client/credentials/credentials.ts';
import { platformCredentials } from '../../client/credentials/platform-credentials.ts';
import type { Clock } from '../../clock/clock.ts';

export interface Pki {
  /** PEM. */
  readonly authority: string;
  readonly server: KeyPair;
  readonly signer: TokenSigner;
  /** A client certificate for a user, kept under the file name given. */
  clientCertificate(file: string, user: UserInfo): Promise<KeyPair>;
  /** A server certificate for a node's kubelet. */
  serverCertificate(file: string, names: ServerNames): Promise<KeyPair>;
}

export interface ServerNames {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/** A certificate is made anew when less than this is left of it. */
const renewBefore = 30 * 24 * 3_600_000;

export async function openPki(directory: string, options: { readonly clock: Clock; readonly server: ServerNames }): Promise<Pki> {
  const { clock } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const now = clock.now();
  const validity = (lifetime: number): { notBefore: number; notAfter: number } => ({
    notBefore: now - clockSkew,
    notAfter: now + lifetime,
  });

  const authorityPair =
    readPair(directory, 'ca') ??
    writePair(directory, 'ca', await platformCredentials.createAuthority({ commonName: 'gokube-ca', ...validity(authorityLifetime) }));
  const authority: CertificateAuthority = await platformCredentials.openAuthority(authorityPair);

  const keyFile = join(directory, 'sa.key');
  if (!existsSync(keyFile)) writeSecret(keyFile, await platformCredentials.createSigningKey());

  async function serverCertificate(file: string, { dnsNames, ipAddresses }: ServerNames): Promise<KeyPair> {
    const known = readPair(directory, file);
    if (known && isGoodFor(known.certificate, [...dnsNames, ...ipAddresses], now)) return known;
    return writePair(
      directory,
      file,
      await authority.issue({ commonName: file, usages: ['server', 'client'], dnsNames, ipAddresses, ...validity(certificateLifetime) }),
    );
  }

  return {
    authority: authority.certificate,
    server: await serverCertificate('apiserver', options.server),
    signer: await platformCredentials.openSigner(readFileSync(keyFile, 'utf8')),
    serverCertificate,
    async clientCertificate(file, { name, groups }) {
      const known = readPair(directory, file);
      if (known && isGoodFor(known.certificate, [], now)) return known;
      return writePair(
        directory,
        file,
        await authority.issue({ commonName: name, organizations: groups, usages: ['client'], ...validity(certificateLifetime) }),
      );
    },
  };
}

/** Names and addresses under which clients reach the API server. */
export function serverNames(addresses: readonly string[], domain: string): ServerNames {
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${domain}`];
  return { dnsNames: [...service, 'localhost'], ipAddresses: [...new Set(addresses)] };
}

function isGoodFor(pem: string, names: readonly string[], now: number): boolean {
  const certificate = new X509Certificate(pem);
  if (Date.parse(certificate.validTo) - now < renewBefore) return false;
  const listed = new Set((certificate.subjectAltName ?? '').split(', ').map((entry) => entry.replace(/^(DNS|IP Address):/, '')));
  return names.every((name) => listed.has(name));
}

function readPair(directory: string, name: string): KeyPair | undefined {
  const [certificate, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
  if (!existsSync(certificate) || !existsSync(key)) return undefined;
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
}

function writePair(directory: string, name: string, pair: KeyPair): KeyPair {
  // The certificate last: a pair counts only when both are there.
  writeSecret(join(directory, `${name}.key`), pair.key);
  writeSecret(join(directory, `${name}.crt`), pair.certificate);
  return pair;
}

/** Readable by its owner alone, and whole or not there at all. */
function writeSecret(path: string, text: string): void {
  writeFileSync(`${path}.part`, text, { mode: 0o600 });
  renameSync(`${path}.part`, path);
}
