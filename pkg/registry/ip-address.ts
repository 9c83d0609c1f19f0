/** IP addresses and blocks of them, as numbers: https://www.rfc-editor.org/rfc/rfc5952 for how IPv6 is written. */

export interface IpAddress {
  readonly family: 'IPv4' | 'IPv6';
  readonly value: bigint;
}

export interface Cidr {
  readonly family: 'IPv4' | 'IPv6';
  /** The first address, with the bits beyond the prefix as they were written. */
  readonly address: bigint;
  readonly base: bigint;
  readonly bits: number;
  /** Number of addresses. */
  readonly size: bigint;
}

const octet = /^(0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])$/;

/** undefined: not an address. Octets with leading zeros are none, since their readers disagree on what they mean. */
export function parseIp(text: string): IpAddress | undefined {
  const value = text.includes(':') ? parseV6(text) : parseV4(text);
  if (value === undefined) return undefined;
  // An IPv4 address in IPv6 clothes is an IPv4 address.
  if (text.includes(':') && value >> 32n === 0xffffn) return { family: 'IPv4', value: value & 0xffff_ffffn };
  return { family: text.includes(':') ? 'IPv6' : 'IPv4', value };
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => octet.test(part))) return undefined;
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':'))) as [string[], string[] | undefined];
  const groups: bigint[] = [];
  const read = (parts: string[], last: boolean): bigint[] | undefined => {
    const out: bigint[] = [];
    for (const [i, part] of parts.entries()) {
      if (last && i === parts.length - 1 && part.includes('.')) {
        const v4 = parseV4(part);
        if (v4 === undefined) return undefined;
        out.push(v4 >> 16n, v4 & 0xffffn);
      } else {
        if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
        out.push(BigInt(`0x${part}`));
      }
    }
    return out;
  };
  const first = read(head, tail === undefined);
  const second = tail === undefined ? [] : read(tail, true);
  if (!first || !second) return undefined;
  const missing = 8 - first.length - second.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  groups.push(...first, ...Array<bigint>(missing).fill(0n), ...second);
  return groups.reduce((value, group) => (value << 16n) | group, 0n);
}

export function formatIp({ family, value }: IpAddress): string {
  if (family === 'IPv4') return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (best.start < 0) return hex(groups);
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}

/** undefined: not a block. */
export function parseCidr(text: string): Cidr | undefined {
  const [ip, prefix, ...rest] = text.split('/');
  if (rest.length > 0 || prefix === undefined || !/^(0|[1-9]\d{0,2})$/.test(prefix)) return undefined;
  const address = parseIp(ip as string);
  const width = address?.family === 'IPv4' ? 32 : 128;
  const bits = Number(prefix);
  if (!address || bits > width) return undefined;
  const size = 1n << BigInt(width - bits);
  return { family: address.family, address: address.value, base: address.value - (address.value % size), bits, size };
}

export function cidrContains(cidr: Cidr, ip: IpAddress): boolean {
  return ip.family === cidr.family && ip.value >= cidr.base && ip.value < cidr.base + cidr.size;
}

/** As it is written by one who knows it: the first address of the block. */
export function formatCidr({ family, base, bits }: Cidr): string {
  return `${formatIp({ family, value: base })}/${bits}`;
}
