/** IPv4 ranges as numbers: enough arithmetic to hand out addresses and see overlaps. */
export interface Cidr {
  /** First address, as an unsigned 32-bit number. */
  readonly base: number;
  readonly bits: number;
}

export function parseCidr(text: string): Cidr {
  const [address = '', bits = '32'] = text.split('/');
  const length = Number(bits);
  if (!/^\d{1,2}$/.test(bits) || length > 32) throw new Error(`"${text}" is no IPv4 range such as 10.88.0.0/24`);
  return { base: (parseAddress(address) & mask(length)) >>> 0, bits: length };
}

export function formatCidr({ base, bits }: Cidr): string {
  return `${formatAddress(base)}/${bits}`;
}

export function parseAddress(text: string): number {
  const parts = text.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255))
    throw new Error(`"${text}" is no IPv4 address`);
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

/** The address at a place in the range: `nth(10.88.0.0/24, 1)` is 10.88.0.1. */
export function nth({ base }: Cidr, place: number): string {
  return formatAddress(base + place);
}

/** How many addresses it has, the first (network) and last (broadcast) included. */
export function sizeOf({ bits }: Cidr): number {
  return 2 ** (32 - bits);
}

export function overlap(a: Cidr, b: Cidr): boolean {
  const bits = mask(Math.min(a.bits, b.bits));
  return (a.base & bits) >>> 0 === (b.base & bits) >>> 0;
}

/** A hardware address that follows from the IPv4 address, so that a neighbour's cache survives a pod's replacement. */
export function hardwareAddress(address: string): string {
  return `0a:58:${address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join(':')}`;
}

function mask(bits: number): number {
  return bits === 0 ? 0 : (-1 << (32 - bits)) >>> 0;
}
