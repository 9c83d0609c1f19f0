/** Addresses and networks as numbers. What cannot be read is answered with the reason, a string. */

export interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

export interface Network {
  /** As written: bits beyond the prefix may be set. */
  readonly address: Address;
  readonly prefix: number;
}

/** Without zones, and no IPv4 in the guise of IPv6. */
export function parseAddress(text: string): Address | string {
  const found = text.includes(':') ? parseSix(text.replace(/%.*$/s, '')) : parseFour(text);
  if (found === undefined || text.endsWith('%'))
    return `IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): unable to parse IP`;
  if (text.includes('%')) return `IP address ${JSON.stringify(text)} with zone value is not allowed`;
  if (found.bits === 128 && found.value >> 32n === 0xffffn) return `IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`;
  return found;
}

export function parseNetwork(text: string): Network | string {
  const found = /^([^/%]*)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = found ? parseAddress(found[1] ?? '') : undefined;
  if (typeof address === 'string' && address.startsWith('IPv4-mapped'))
    return `IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`;
  const prefix = Number(found?.[2]);
  if (address === undefined || typeof address === 'string' || prefix > address.bits) {
    const why = text.includes('/') ? 'unable to parse prefix' : "no '/'";
    return `network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): ${why}`;
  }
  return { address, prefix };
}

function parseFour(text: string): Address | undefined {
  if (!/^(\d{1,3}\.){3}\d{1,3}$/.test(text)) return undefined;
  let value = 0n;
  for (const part of text.split('.')) {
    // A leading zero means octal to some.
    if (Number(part) > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    value = value * 256n + BigInt(part);
  }
  return { bits: 32, value };
}

function parseSix(text: string): Address | undefined {
  const halves = text.split('::');
  if (text.length > 45 || halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':').flatMap(groupsOf)));
  const count = groups.reduce((sum, half) => sum + half.length, 0);
  if (halves.length === 2 ? count > 7 : count !== 8) return undefined;
  const [head = [], tail = []] = groups;
  const all = [...head, ...Array.from({ length: halves.length === 2 ? 8 - count : 0 }, () => 0), ...tail];
  // An IPv4 tail ends the address.
  if (all.some(Number.isNaN) || /\..*:/.test(text)) return undefined;
  return { bits: 128, value: all.reduce((value, group) => (value << 16n) | BigInt(group), 0n) };
}

/** Sixteen bits each; NaN: not a group. */
function groupsOf(part: string): number[] {
  if (part.includes('.')) {
    const four = parseFour(part);
    return four ? [Number(four.value >> 16n), Number(four.value & 0xffffn)] : [Number.NaN];
  }
  return [/^[0-9a-fA-F]{1,4}$/.test(part) ? Number.parseInt(part, 16) : Number.NaN];
}

export function formatAddress({ bits, value }: Address): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - index * 16)) & 0xffffn).toString(16));
  // The longest run of zeros, of two at least and the first of its length, becomes ::.
  let [start, length] = [-1, 1];
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (end < 8 && groups[end] === '0') end++;
    if (end - at > length) [start, length] = [at, end - at];
  }
  if (start < 0) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}
