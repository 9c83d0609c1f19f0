import { fromBase64, toBase64 } from './base64.ts';

/** RFC 7468: `-----BEGIN CERTIFICATE-----` and so on, 64 characters a line. */
export function toPem(label: string, der: Uint8Array): string {
  const lines = toBase64(der).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** The first block of that label. Throws when there is none. */
export function fromPem(label: string, pem: string): Uint8Array<ArrayBuffer> {
  const match = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`).exec(pem);
  if (!match) throw new Error(`no PEM block ${JSON.stringify(label)}`);
  return fromBase64((match[1] as string).replace(/\s/g, ''));
}
