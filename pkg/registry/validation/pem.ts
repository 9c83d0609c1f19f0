/**
 * PEM, as Go's decoder reads it, and the outermost form of what it holds. Whether a certificate is well signed takes
 * more than its form, and is for those who trust it to find out.
 */
export interface PemBlock {
  readonly type: string;
  readonly hasHeaders: boolean;
  readonly bytes: Uint8Array;
}

const block = /-----BEGIN ([^-]*)-----\r?\n([\s\S]*?)-----END \1-----/g;

/** The blocks of the text; what stands between them is passed over, and so is a block that holds no base64. */
export function pemBlocks(given: string): PemBlock[] {
  const out: PemBlock[] = [];
  for (const [, type = '', body = ''] of given.matchAll(block)) {
    const hasHeaders = /^[^\s:]+:/.test(body);
    const base64 = hasHeaders ? body.slice(body.search(/\r?\n\r?\n/) + 1) : body;
    const bytes = bytesOf(base64.replace(/\s+/g, ''));
    if (bytes) out.push({ type, hasHeaders, bytes });
  }
  return out;
}

/** undefined: no base64. */
export function bytesOf(base64: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** Whether the bytes are one sequence of DER, from the first to the last: what certificates and requests are. */
export function isSequence(bytes: Uint8Array): boolean {
  const [tag, first = 0] = bytes;
  if (tag !== 0x30 || bytes.length < 2) return false;
  if (first < 0x80) return bytes.length === 2 + first;
  const count = first & 0x7f;
  if (count === 0 || count > 4 || bytes.length < 2 + count) return false;
  let length = 0;
  for (const byte of bytes.subarray(2, 2 + count)) length = length * 256 + byte;
  return bytes.length === 2 + count + length;
}
