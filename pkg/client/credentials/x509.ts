/**
 * X.509 certificates (RFC 5280) with ECDSA P-256 keys: what is written into them. Signing is the caller's, since the
 * key is. Written out here because it is short, and because a library for it took longer to load than a cluster
 * takes to make all its certificates.
 */
import {
  bitString,
  boolean,
  der,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  readDer,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts';

const oid = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  subjectAltName: '2.5.29.17',
  subjectKeyIdentifier: '2.5.29.14',
  authorityKeyIdentifier: '2.5.29.35',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
};

export const signatureAlgorithm = sequence(objectIdentifier(oid.ecdsaWithSha256));

export interface CertificateFields {
  /** 16 random bytes. */
  readonly serial: Uint8Array;
  /** DER names. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** Absent: the certificate is an authority. */
  readonly leaf?: {
    readonly usages: readonly ('client' | 'server')[];
    readonly dnsNames: readonly string[];
    readonly ipAddresses: readonly string[];
  };
  /** 20 bytes each; of the subject's key and of the issuer's. */
  readonly subjectKeyId: Uint8Array;
  readonly authorityKeyId: Uint8Array;
}

/** What is signed. */
export function toBeSigned(fields: CertificateFields): Uint8Array<ArrayBuffer> {
  return sequence(
    explicit(0, integer(Uint8Array.of(2))), // version 3
    integer(positive(fields.serial)),
    signatureAlgorithm,
    fields.issuer,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subject,
    fields.publicKey,
    explicit(3, sequence(...extensions(fields))),
  );
}

/** The certificate: what was signed, how, and the signature (ECDSA-Sig-Value, DER). */
export function certificate(signed: Uint8Array, signature: Uint8Array): Uint8Array<ArrayBuffer> {
  return sequence(signed, signatureAlgorithm, bitString(signature));
}

/** A name: organizations, then the common name, as Kubernetes' own tools order them. */
export function distinguishedName(commonName: string, organizations: readonly string[] = []): Uint8Array<ArrayBuffer> {
  const attribute = (type: string, value: string): Uint8Array => set(sequence(objectIdentifier(type), utf8String(value)));
  return sequence(...organizations.map((name) => attribute(oid.organization, name)), attribute(oid.commonName, commonName));
}

function extensions({ leaf, subjectKeyId, authorityKeyId }: CertificateFields): Uint8Array[] {
  const keyIds = [
    extension(oid.subjectKeyIdentifier, false, octetString(subjectKeyId)),
    extension(oid.authorityKeyIdentifier, false, sequence(implicit(0, authorityKeyId))),
  ];
  if (!leaf) {
    return [
      // digitalSignature, keyEncipherment, keyCertSign: bits 0, 2 and 5; two unused bits at the end.
      extension(oid.keyUsage, true, der(0x03, Uint8Array.of(2, 0b10100100))),
      extension(oid.basicConstraints, true, sequence(boolean(true))),
      ...keyIds,
    ];
  }
  const purposes = leaf.usages.map((usage) => objectIdentifier(usage === 'server' ? oid.serverAuth : oid.clientAuth));
  const names = [
    ...leaf.dnsNames.map((name) => implicit(2, new TextEncoder().encode(name))),
    ...leaf.ipAddresses.map((address) => implicit(7, ipBytes(address))),
  ];
  return [
    // digitalSignature alone: an ECDSA key does not encipher.
    extension(oid.keyUsage, true, der(0x03, Uint8Array.of(7, 0b10000000))),
    extension(oid.extendedKeyUsage, false, sequence(...purposes)),
    extension(oid.basicConstraints, true, sequence()),
    ...keyIds,
    ...(names.length > 0 ? [extension(oid.subjectAltName, false, sequence(...names))] : []),
  ];
}

function extension(id: string, critical: boolean, value: Uint8Array): Uint8Array {
  return sequence(objectIdentifier(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

/** A serial number is positive and at most 20 bytes: the first bit is cleared. */
function positive(serial: Uint8Array): Uint8Array {
  const bytes = serial.slice(0, 16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return bytes;
}

/** An address as 4 or 16 bytes. Throws on what is none. */
export function ipBytes(address: string): Uint8Array {
  if (/^\d+(\.\d+){3}$/.test(address)) return Uint8Array.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const left = groups(head);
  const right = groups(tail ?? '');
  const middle = tail === undefined ? [] : new Array<number>(Math.max(0, 8 - left.length - right.length)).fill(0);
  const all = [...left, ...middle, ...right];
  if (all.length !== 8 || all.some((group) => !(group >= 0 && group <= 0xffff)))
    throw new Error(`not an IP address: ${JSON.stringify(address)}`);
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** Web Crypto's signature (r and s, 32 bytes each) as X.509 writes it. */
export function ecdsaSignature(raw: Uint8Array): Uint8Array<ArrayBuffer> {
  return sequence(integer(raw.subarray(0, 32)), integer(raw.subarray(32, 64)));
}

/** The parts of an authority's certificate that what it issues refers to. */
export function readAuthority(certificateDer: Uint8Array<ArrayBuffer>): {
  readonly subject: Uint8Array<ArrayBuffer>;
  readonly publicKey: Uint8Array<ArrayBuffer>;
} {
  const [outer] = readDer(certificateDer);
  const [signed] = outer ? readDer(outer.content) : [];
  const fields = signed ? readDer(signed.content) : [];
  const subject = fields[5]?.whole;
  const publicKey = fields[6]?.whole;
  if (!subject || !publicKey) throw new Error('not a certificate of version 3');
  return { subject, publicKey };
}
