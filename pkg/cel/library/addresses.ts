/** IP addresses and networks: `ip('10.0.0.1')`, `cidr('10.0.0.0/8').containsIP(...)`. */
import { opaque } from '../types/cel-type.ts';
import { type CostRule, traversal } from '../types/cost-rule.ts';
import { type Address, formatAddress, type Network, parseAddress, parseNetwork } from '../values/ip.ts';
import { CelError, OpaqueValue } from '../values/value.ts';
import { f, m, type Overload } from './overload.ts';

class IpValue extends OpaqueValue {
  readonly type = opaque('net.IP');
  readonly address: Address;
  constructor(address: Address) {
    super();
    this.address = address;
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof IpValue && other.address.bits === this.address.bits && other.address.value === this.address.value;
  }
}

class CidrValue extends OpaqueValue {
  readonly type = opaque('net.CIDR');
  readonly network: Network;
  constructor(network: Network) {
    super();
    this.network = network;
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof CidrValue && formatNetwork(other.network) === formatNetwork(this.network);
  }
}

const ip = 'net.IP';
const cidr = 'net.CIDR';
type Ip = readonly [IpValue];
type Cidr = readonly [CidrValue];

/** Bytes of the longer kind are compared up to the prefix, twice. */
const bytesCompared = 4;
const containing = (text: boolean, more = 0): CostRule => ({
  actual: (args) => bytesCompared + more + (text ? traversal(1).actual(args) : 0),
  estimate: (args) => ({ cost: bytesCompared + more + (text ? traversal(1).estimate(args).cost : 0) }),
});

export const addresses: readonly Overload[] = [
  f('ip', `string -> ${ip}`, (args: readonly [string]) => toIp(args[0]), traversal()),
  f('isIP', 'string -> bool', (args: readonly [string]) => typeof parseAddress(args[0]) !== 'string', traversal()),
  f(
    'ip.isCanonical',
    'string -> bool',
    (args: readonly [string]) => formatAddress(toIp(args[0]).address) === args[0],
    traversal(0, { passes: 2 }),
  ),
  f('string', `${ip} -> string`, (args: Ip) => formatAddress(args[0].address)),
  m('family', `(${ip}) -> int`, (args: Ip) => (args[0].address.bits === 32 ? 4n : 6n)),
  m('isUnspecified', `(${ip}) -> bool`, (args: Ip) => args[0].address.value === 0n),
  m('isLoopback', `(${ip}) -> bool`, (args: Ip) => isLoopback(args[0].address)),
  m('isLinkLocalMulticast', `(${ip}) -> bool`, (args: Ip) => isLinkLocalMulticast(args[0].address)),
  m('isLinkLocalUnicast', `(${ip}) -> bool`, (args: Ip) => isLinkLocalUnicast(args[0].address)),
  m('isGlobalUnicast', `(${ip}) -> bool`, (args: Ip) => isGlobalUnicast(args[0].address)),
  f('cidr', `string -> ${cidr}`, (args: readonly [string]) => toCidr(args[0]), traversal()),
  f('isCIDR', 'string -> bool', (args: readonly [string]) => typeof parseNetwork(args[0]) !== 'string', traversal()),
  f('string', `${cidr} -> string`, (args: Cidr) => formatNetwork(args[0].network)),
  m('ip', `(${cidr}) -> ${ip}`, (args: Cidr) => new IpValue(args[0].network.address)),
  m('prefixLength', `(${cidr}) -> int`, (args: Cidr) => BigInt(args[0].network.prefix)),
  m('masked', `(${cidr}) -> ${cidr}`, (args: Cidr) => new CidrValue(masked(args[0].network))),
  m('containsIP', `(${cidr}, string) -> bool`, (args: readonly [CidrValue, string]) => contains(args[0], toIp(args[1])), containing(true)),
  m('containsIP', `(${cidr}, ${ip}) -> bool`, (args: readonly [CidrValue, IpValue]) => contains(args[0], args[1]), containing(false)),
  m(
    'containsCIDR',
    `(${cidr}, string) -> bool`,
    (args: readonly [CidrValue, string]) => containsNetwork(args[0], toCidr(args[1])),
    containing(true, 3),
  ),
  m(
    'containsCIDR',
    `(${cidr}, ${cidr}) -> bool`,
    (args: readonly [CidrValue, CidrValue]) => containsNetwork(args[0], args[1]),
    containing(false, 3),
  ),
];

function toIp(text: string): IpValue {
  const address = parseAddress(text);
  if (typeof address === 'string') throw new CelError(address);
  return new IpValue(address);
}

function toCidr(text: string): CidrValue {
  const network = parseNetwork(text);
  if (typeof network === 'string') throw new CelError(`network address parse error during conversion from string: ${network}`);
  return new CidrValue(network);
}

const formatNetwork = ({ address, prefix }: Network): string => `${formatAddress(address)}/${prefix}`;
/** The first bits, as a number. */
const top = ({ bits, value }: Address, count: number): bigint => value >> BigInt(bits - count);

function masked({ address, prefix }: Network): Network {
  const shift = BigInt(address.bits - prefix);
  return { address: { ...address, value: (address.value >> shift) << shift }, prefix };
}

const contains = ({ network: { address, prefix } }: CidrValue, other: IpValue): boolean =>
  other.address.bits === address.bits && top(other.address, prefix) === top(address, prefix);
const containsNetwork = (outer: CidrValue, { network }: CidrValue): boolean =>
  outer.network.prefix <= network.prefix && contains(outer, new IpValue(network.address));

const isFour = (address: Address): boolean => address.bits === 32;
const isLoopback = (address: Address): boolean => (isFour(address) ? top(address, 8) === 127n : address.value === 1n);
const isLinkLocalUnicast = (address: Address): boolean => (isFour(address) ? top(address, 16) === 0xa9fen : top(address, 10) === 0x3fan);
const isLinkLocalMulticast = (address: Address): boolean =>
  isFour(address) ? top(address, 24) === 0xe00000n : top(address, 16) === 0xff02n;
const isMulticast = (address: Address): boolean => (isFour(address) ? top(address, 4) === 0xen : top(address, 8) === 0xffn);

function isGlobalUnicast(address: Address): boolean {
  const broadcast = isFour(address) && address.value === 0xffffffffn;
  return !broadcast && address.value !== 0n && !isLoopback(address) && !isMulticast(address) && !isLinkLocalUnicast(address);
}
