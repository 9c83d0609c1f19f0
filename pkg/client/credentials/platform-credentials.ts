/**
 * Credentials through Web Crypto, which Node.js and browsers share: ECDSA P-256 for certificates and tokens (ES256).
 * Web Crypto works off the thread: not for clusters on virtual time.
 */
import { PlatformRandom, type Random } from '../../clock/random.ts';
import { fromBase64Url, toBase64Url } from './base64.ts';
import {
  type AuthorityRequest,
  type CertificateAuthority,
  type CertificateRequest,
  type CredentialSource,
  type KeyPair,
  parseClaims,
  type TokenSigner,
} from './credentials.ts';
import { fromPem, toPem } from './pem.ts';
import { sha256 } from './sha-256.ts';
import { type CertificateFields, certificate, distinguishedName, ecdsaSignature, readAuthority, toBeSigned } from './x509.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
const signing = { name: 'ECDSA', hash: 'SHA-256' };
const { subtle } = globalThis.crypto;

export const platformCredentials: CredentialSource = {
  random: new PlatformRandom(),

  async createAuthority({ commonName, notBefore, notAfter }: AuthorityRequest): Promise<KeyPair> {
    const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const publicKey = new Uint8Array(await subtle.exportKey('spki', keys.publicKey));
    const name = distinguishedName(commonName);
    const id = keyId(publicKey);
    const fields = { issuer: name, subject: name, notBefore, notAfter, publicKey, subjectKeyId: id, authorityKeyId: id };
    return { certificate: await signed(fields, keys.privateKey, this.random), key: await exportKey(keys.privateKey) };
  },

  async openAuthority(pair: KeyPair): Promise<CertificateAuthority> {
    const { subject: issuer, publicKey: issuerKey } = readAuthority(fromPem('CERTIFICATE', pair.certificate));
    const authorityKeyId = keyId(issuerKey);
    const authorityKey = await importKey(pair.key);
    const { random } = this;
    return {
      certificate: pair.certificate,
      async issue(request: CertificateRequest): Promise<KeyPair> {
        const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify']);
        const publicKey = new Uint8Array(await subtle.exportKey('spki', keys.publicKey));
        const { commonName, organizations, usages, dnsNames = [], ipAddresses = [], notBefore, notAfter } = request;
        const subject = distinguishedName(commonName, organizations);
        const leaf = { usages, dnsNames, ipAddresses };
        const fields = { issuer, subject, notBefore, notAfter, publicKey, leaf, subjectKeyId: keyId(publicKey), authorityKeyId };
        return { certificate: await signed(fields, authorityKey, random), key: await exportKey(keys.privateKey) };
      },
    };
  },

  async createSigningKey(): Promise<string> {
    return exportKey((await subtle.generateKey(algorithm, true, ['sign', 'verify'])).privateKey);
  },

  openSigner: async (key) => createTokenSigner(await importKey(key)),
};

async function signed(fields: Omit<CertificateFields, 'serial'>, key: CryptoKey, random: Random): Promise<string> {
  const content = toBeSigned({ ...fields, serial: random.bytes(16) });
  const signature = new Uint8Array(await subtle.sign(signing, key, content));
  return toPem('CERTIFICATE', certificate(content, ecdsaSignature(signature)));
}

/** Names a key: the beginning of its hash. (RFC 7093, method 1, takes the key without its wrapping; any unique value will do.) */
function keyId(publicKey: Uint8Array): Uint8Array {
  return sha256(publicKey).subarray(0, 20);
}

async function exportKey(key: CryptoKey): Promise<string> {
  return toPem('PRIVATE KEY', new Uint8Array(await subtle.exportKey('pkcs8', key)));
}

function importKey(pem: string): Promise<CryptoKey> {
  return subtle.importKey('pkcs8', fromPem('PRIVATE KEY', pem), algorithm, true, ['sign']);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** 64 bytes in URL-safe base64. */
const es256Signature = /^[\w-]{86}$/;

/** JSON Web Tokens signed with ES256 (RFC 7515, RFC 7518). */
async function createTokenSigner(privateKey: CryptoKey): Promise<TokenSigner> {
  const { kty, crv, x, y } = await subtle.exportKey('jwk', privateKey);
  const publicKey = await subtle.importKey('jwk', { kty, crv, x, y } as JsonWebKey, algorithm, true, ['verify']);
  // RFC 7638: the hash of the required members in this order.
  const kid = toBase64Url(sha256(encoder.encode(JSON.stringify({ crv, kty, x, y }))));
  const header = toBase64Url(encoder.encode(JSON.stringify({ alg: 'ES256', kid })));
  return {
    async sign(claims) {
      const content = `${header}.${toBase64Url(encoder.encode(JSON.stringify(claims)))}`;
      const signature = await subtle.sign(signing, privateKey, encoder.encode(content));
      return `${content}.${toBase64Url(new Uint8Array(signature))}`;
    },
    async verify(token) {
      const [head, payload, signature, ...more] = token.split('.');
      // The header is compared, not read: no other algorithm or key is ever accepted.
      if (head !== header || payload === undefined || signature === undefined || more.length > 0) return undefined;
      if (!es256Signature.test(signature)) return undefined;
      const good = await subtle.verify(signing, publicKey, fromBase64Url(signature), encoder.encode(`${head}.${payload}`));
      return good ? parseClaims(decoder.decode(fromBase64Url(payload))) : undefined;
    },
    keySet: async () => ({ keys: [{ kty, crv, x, y, kid, alg: 'ES256', use: 'sig' }] }),
  };
}
