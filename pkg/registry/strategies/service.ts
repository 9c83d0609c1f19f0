/**
 * Services. Their addresses and node ports are taken in the very commit that writes them: each address is an
 * IPAddress object, each node port a key of its own, created with the expectation that it is not there yet. Two API
 * servers over one store can therefore never give out the same one, and nothing leaks when a process dies.
 * https://kubernetes.io/docs/reference/networking/virtual-ips/
 */
import { invalid } from '../../api/errors.ts';
import { equalValues } from '../../runtime/values.ts';
import type { Operation } from '../../storage/store.ts';
import { assign, child, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import type { Strategy, StrategyContext } from '../resource.ts';
import { onWrite } from '../validation/immutability.ts';
import { validateLoadBalancer } from '../validation/network.ts';
import { validateServiceFamilies, validateServiceUpdate } from '../validation/service.ts';
import { allocateAddresses, releaseAddresses } from './service-addresses.ts';
import { settleFamilies } from './service-families.ts';
import { allocateNodePorts, nodePortsOf, releaseNodePorts, usesNodePorts } from './service-node-ports.ts';

export function needsClusterIp(spec: Raw): boolean {
  return spec['type'] !== 'ExternalName';
}

/** What an update leaves out but the service keeps: its addresses and ports. */
function carryOver(next: Raw, old: Raw): void {
  if (needsClusterIp(next) && needsClusterIp(old)) {
    for (const field of ['ipFamilies', 'ipFamilyPolicy']) if (next[field] === undefined) assign(next, field, old[field]);
    if (text(next['clusterIP']) === '') {
      assign(next, 'clusterIP', old['clusterIP']);
      if (strings(next['clusterIPs']).length === 0) assign(next, 'clusterIPs', old['clusterIPs']);
    } else if (strings(next['clusterIPs']).length === 0 && next['clusterIP'] === old['clusterIP']) {
      assign(next, 'clusterIPs', old['clusterIPs']);
    }
  }
  if (usesNodePorts(next) && usesNodePorts(old)) {
    const before = new Map(objects(old['ports']).map((port) => [`${text(port['protocol'])}/${String(port['port'])}`, port['nodePort']]));
    const taken = new Set(nodePortsOf(next));
    for (const port of objects(next['ports'])) {
      const known = before.get(`${text(port['protocol'])}/${String(port['port'])}`);
      if (port['nodePort'] === undefined && typeof known === 'number' && !taken.has(known)) port['nodePort'] = known;
    }
    if (next['healthCheckNodePort'] === undefined && needsHealthPort(next)) assign(next, 'healthCheckNodePort', old['healthCheckNodePort']);
  }
}

export function needsHealthPort(spec: Raw): boolean {
  return spec['type'] === 'LoadBalancer' && spec['externalTrafficPolicy'] === 'Local';
}

/** What belonged to the old type and was not touched goes with it. */
function dropWhatTypeNeededBefore(next: Raw, old: Raw): void {
  if (needsClusterIp(old) && !needsClusterIp(next)) {
    if (next['clusterIP'] === old['clusterIP'] && equalValues(next['clusterIPs'], old['clusterIPs'])) {
      delete next['clusterIP'];
      delete next['clusterIPs'];
    }
    for (const field of ['ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy'])
      if (equalValues(next[field], old[field])) delete next[field];
  }
  if (usesNodePorts(old) && !usesNodePorts(next)) {
    const before = new Set(nodePortsOf(old));
    for (const port of objects(next['ports'])) if (before.has(port['nodePort'] as number)) delete port['nodePort'];
  }
  if (needsHealthPort(old) && !needsHealthPort(next) && next['healthCheckNodePort'] === old['healthCheckNodePort'])
    delete next['healthCheckNodePort'];
  if (old['type'] === 'LoadBalancer' && next['type'] !== 'LoadBalancer') {
    for (const field of ['allocateLoadBalancerNodePorts', 'loadBalancerClass'])
      if (equalValues(next[field], old[field])) delete next[field];
  }
  const external = ['NodePort', 'LoadBalancer'];
  const exposed = (spec: Raw): boolean => external.includes(text(spec['type'])) || strings(spec['externalIPs']).length > 0;
  if (exposed(old) && !exposed(next) && next['externalTrafficPolicy'] === old['externalTrafficPolicy'])
    delete next['externalTrafficPolicy'];
}

/** `clusterIP` and the first of `clusterIPs` are one; whoever writes only the older field means both. */
function joinClusterIps(next: Raw, old: Raw | undefined): void {
  const ip = text(next['clusterIP']);
  const ips = strings(next['clusterIPs']);
  if (!old) {
    if (ip !== '' && ips.length === 0) next['clusterIPs'] = [ip];
    return;
  }
  const sameIps = equalValues(next['clusterIPs'], old['clusterIPs']);
  if (next['clusterIP'] !== old['clusterIP'] && sameIps) {
    if (ip === '') delete next['clusterIPs'];
    else next['clusterIPs'] = [ip];
  }
}

async function companions(object: Raw | undefined, old: Raw | undefined, context: StrategyContext): Promise<Operation[]> {
  if (!object) return [...(await releaseAddresses(old as Raw, undefined, context)), ...releaseNodePorts(old as Raw, undefined, context)];
  const spec = child(object, 'spec');
  const before = old && objectAt(old['spec']);
  const { cidrs } = context.environment.services;
  settleFamilies(spec, before, cidrs);
  const causes = validateServiceFamilies(
    object,
    cidrs.map((cidr) => cidr.family),
  );
  if (causes.length > 0) throw invalid(context.declaration, context.key.name, causes);
  const taken = [...(await allocateAddresses(object, old, context)), ...(await allocateNodePorts(object, old, context))];
  if (!old) return taken;
  return [...taken, ...(await releaseAddresses(old, object, context)), ...releaseNodePorts(old, object, context)];
}

export const serviceStrategy: Strategy = {
  createOnUpdate: true,
  prepareCreate: (object) => joinClusterIps(child(object, 'spec'), undefined),
  prepareUpdate(object, old) {
    const next = child(object, 'spec');
    const before = objectAt(old['spec']);
    joinClusterIps(next, before);
    carryOver(next, before);
    dropWhatTypeNeededBefore(next, before);
  },
  companions,
  validateUpdate: onWrite({ object: validateServiceUpdate, status: validateLoadBalancer }),
};
