import { invalid } from '../../api/errors.ts';
import { formatTime } from '../../clock/clock.ts';
import { uuid } from '../../clock/random.ts';
import { invalidField } from '../../runtime/field-errors.ts';
import type { Operation } from '../../storage/store.ts';
import { type Cidr, cidrContains, formatIp, parseIp } from '../ip-address.ts';
import { child, metadataOf, objectAt, type Raw, raw, strings } from '../raw.ts';
import type { Resource, StrategyContext } from '../resource.ts';

function addresses({ environment }: StrategyContext): Resource {
  return environment.resource('networking.k8s.io', 'ipaddresses');
}

/** Addresses that the service holds: none when it is headless or an ExternalName. */
function addressesOf(service: Raw | undefined): string[] {
  const spec = objectAt(service?.['spec']);
  return spec['type'] === 'ExternalName' ? [] : strings(spec['clusterIPs']).filter((ip) => ip !== 'None' && ip !== '');
}

/** Gives the service an address of each of its families, writes them into it, and says what reserves them. */
export async function allocateAddresses(service: Raw, old: Raw | undefined, context: StrategyContext): Promise<Operation[]> {
  const spec = child(service, 'spec');
  if (spec['type'] === 'ExternalName') return [];
  if (spec['clusterIP'] === 'None') {
    spec['clusterIPs'] = ['None'];
    return [];
  }
  const resource = addresses(context);
  await resource.cache.ready(true);
  const held = new Set(addressesOf(old));
  const ips = strings(spec['clusterIPs']);
  const operations: Operation[] = [];
  for (const [i, family] of strings(spec['ipFamilies']).entries()) {
    const cidr = context.environment.services.cidrs.find((block) => block.family === family);
    const asked = ips[i];
    if (asked !== undefined && held.has(asked)) continue;
    if (!cidr) continue;
    const ip = asked === undefined || asked === '' ? freeAddress(resource, cidr, context) : checkAddress(resource, cidr, asked, context);
    if (ip === undefined) continue;
    ips[i] = ip;
    operations.push(reservation(resource, ip, cidr, context));
  }
  if (ips.length > 0) {
    spec['clusterIPs'] = ips;
    spec['clusterIP'] = ips[0];
  }
  return operations;
}

/** What the service held and `next` does not. */
export async function releaseAddresses(service: Raw, next: Raw | undefined, context: StrategyContext): Promise<Operation[]> {
  const kept = new Set(addressesOf(next));
  const gone = addressesOf(service).filter((ip) => !kept.has(ip));
  if (gone.length === 0) return [];
  const resource = addresses(context);
  await resource.cache.ready(true);
  return gone.flatMap((ip) => {
    const key = resource.cache.keyOf('', nameOf(ip));
    const entry = resource.cache.get(key);
    const parent = objectAt(objectAt(entry && raw(entry.peek())['spec'])['parentRef']);
    const ours = entry && parent['name'] === context.key.name && parent['namespace'] === context.key.namespace;
    return ours ? [{ key, value: undefined, expect: entry.revision }] : [];
  });
}

/** An IPAddress is named by the address in its canonical form. */
function nameOf(ip: string): string {
  const parsed = parseIp(ip);
  return parsed ? formatIp(parsed) : ip;
}

/** Addresses at the beginning of the block that are left to those who ask for one: 16 to 256, a sixteenth between. */
function reservedBand({ size }: Cidr): bigint {
  if (size <= 32n) return 1n;
  const sixteenth = size / 16n;
  return sixteenth < 16n ? 16n : sixteenth > 256n ? 256n : sixteenth;
}

/** At random from the upper part of the block; from the whole once that is full. */
function freeAddress(resource: Resource, cidr: Cidr, context: StrategyContext): string {
  const { random } = context.environment;
  const bounded = cidr.size > 1n << 32n ? 1n << 32n : cidr.size;
  const band = reservedBand(cidr);
  // The first address names the block; the last one is IPv4's broadcast.
  const last = cidr.family === 'IPv4' ? bounded - 1n : bounded;
  const free = (offset: bigint): string | undefined => {
    const ip = formatIp({ family: cidr.family, value: cidr.base + offset });
    return resource.cache.get(resource.cache.keyOf('', ip)) ? undefined : ip;
  };
  for (const [from, to] of [
    [band, last],
    [1n, band],
  ] as const) {
    const span = to - from;
    if (span <= 0n) continue;
    const start = BigInt(Math.floor(random.next() * Number(span)));
    for (let i = 0n; i < span; i++) {
      const ip = free(from + ((start + i) % span));
      if (ip !== undefined) return ip;
    }
  }
  throw invalid({ group: '', kind: 'Service' }, context.key.name, [
    { reason: 'InternalError', field: 'spec.clusterIPs', message: 'Internal error: failed to allocate a serviceIP: range is full' },
  ]);
}

/** The address asked for, in its canonical form; undefined when it is none, which validation says. */
function checkAddress(resource: Resource, cidr: Cidr, asked: string, context: StrategyContext): string | undefined {
  const ip = parseIp(asked);
  if (!ip || ip.family !== cidr.family) return undefined;
  const refuse = (why: string): Error =>
    invalid({ group: '', kind: 'Service' }, context.key.name, [
      invalidField('spec.clusterIPs', [asked], `failed to allocate IP ${asked}: ${why}`),
    ]);
  const isEdge = ip.value === cidr.base || (cidr.family === 'IPv4' && cidr.bits < 31 && ip.value === cidr.base + cidr.size - 1n);
  if (isEdge || !cidrContains(cidr, ip)) {
    const range = `${formatIp({ family: cidr.family, value: cidr.base })}/${cidr.bits}`;
    throw refuse(`the provided IP (${asked}) is not in the valid range. The range of valid IPs is ${range}`);
  }
  const name = formatIp(ip);
  if (resource.cache.get(resource.cache.keyOf('', name))) throw refuse('provided IP is already allocated');
  return name;
}

function reservation(resource: Resource, ip: string, cidr: Cidr, context: StrategyContext): Operation {
  const { key, environment, now } = context;
  const object: Raw = {};
  Object.assign(metadataOf(object), {
    name: ip,
    uid: uuid(environment.random),
    creationTimestamp: formatTime(now),
    labels: { 'ipaddress.kubernetes.io/ip-family': cidr.family, 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' },
  });
  object['spec'] = { parentRef: { group: '', resource: 'services', namespace: key.namespace, name: key.name } };
  return { key: resource.cache.keyOf('', ip), value: resource.format.encode(resource.format.shape(object)), expect: 0 };
}
