/**
 * Credentials for clusters on virtual time: computed at once, the same for the same seed. They have the shape of
 * real ones and prove nothing, so no HTTPS server takes them; callers in the process are vouched for anyhow.
 */
import type { Random } from '../../clock/random.ts';
import { fromBase64Url, toBase64Url } from './base64.ts';
import {
  type AuthorityRequest,
  type CertificateRequest,
  type CredentialSource,
  type KeyPair,
  parseClaims,
  type TokenSigner,
} from './credentials.ts';
import { fromPem, toPem } from './pem.ts';
import { hmacSha256, sha256 } from './sha-256.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function simulatedCredentials(random: Random): CredentialSource {
  const describe = (fields: AuthorityRequest | CertificateRequest, issuer: string): KeyPair => {
    const key = random.bytes(32);
    const text = JSON.stringify({ simulated: true, issuer, ...fields, key: toBase64Url(sha256(key)) });
    return { certificate: toPem('CERTIFICATE', encoder.encode(text)), key: toPem('PRIVATE KEY', key) };
  };
  return {
    random,
    createAuthority: async (request) => describe(request, request.commonName),
    openAuthority: async (pair) => {
      const { commonName } = JSON.parse(decoder.decode(fromPem('CERTIFICATE', pair.certificate))) as AuthorityRequest;
      return { certificate: pair.certificate, issue: async (request) => describe(request, commonName) };
    },
    createSigningKey: async () => toPem('PRIVATE KEY', random.bytes(32)),
    openSigner: async (key) => simulatedSigner(fromPem('PRIVATE KEY', key)),
  };
}

/** HS256: real tokens, as strong as a seed that everybody knows. */
function simulatedSigner(key: Uint8Array): TokenSigner {
  const header = toBase64Url(encoder.encode(JSON.stringify({ alg: 'HS256', kid: 'simulated' })));
  const signatureOf = (content: string): string => toBase64Url(hmacSha256(key, encoder.encode(content)));
  return {
    async sign(claims) {
      const content = `${header}.${toBase64Url(encoder.encode(JSON.stringify(claims)))}`;
      return `${content}.${signatureOf(content)}`;
    },
    async verify(token) {
      const [head, payload, signature, ...more] = token.split('.');
      if (more.length > 0 || head !== header || payload === undefined || signature !== signatureOf(`${head}.${payload}`)) return undefined;
      return parseClaims(decoder.decode(fromBase64Url(payload)));
    },
    keySet: async () => ({ keys: [] }),
  };
}
