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
import { validateServiceUpdate } from '../validation/service-addresses.ts';
import { allocateAddresses, releaseAddresses } from './service-addresses.ts';
import { settleFamilies } from './service-families.ts';
import { allocateNodePorts, nodePortsOf, releaseNodePorts, usesNodePorts } from './service-node-ports.ts';

export function needsClusterIp(spec: Raw): boolean {
  return spec['type'] !== 'ExternalName';
}

/** What an update leaves out but the service keeps: its addresses and ports. */
function carryOver(next: Raw, old: Raw): void {
  if (needsClusterIp(next) && needsClusterIp(old)) {
    if (text(next['clusterIP']) === '') assign(next, 'clusterIP', old['clusterIP']);
    if (strings(next['clusterIPs']).length === 0) assign(next, 'clusterIPs', old['clusterIPs']);
  }
  if (usesNodePorts(next) && usesNodePorts(old)) {
    const before = new Map(objects(old['ports']).map((port) => [text(port['name']), port['nodePort']]));
    const held = new Set(nodePortsOf(old));
    const used = new Set(
      objects(next['ports'])
        .map((port) => port['nodePort'])
        .filter((port) => held.has(port as number)),
    );
    for (const port of objects(next['ports'])) {
      const known = before.get(text(port['name']));
      if (port['nodePort'] === undefined && typeof known === 'number' && !used.has(known)) port['nodePort'] = known;
    }
  }
  if (needsHealthPort(next) && needsHealthPort(old) && next['healthCheckNodePort'] === undefined)
    assign(next, 'healthCheckNodePort', old['healthCheckNodePort']);
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
  const [ip, ips] = [text(next['clusterIP']), strings(next['clusterIPs'])];
  if (!old) {
    if (ip !== '' && ips.length === 0) next['clusterIPs'] = [ip];
    return;
  }
  const [before, allBefore] = [text(old['clusterIP']), strings(old['clusterIPs'])];
  if (ip === before) {
    if (ips.length === 0 && allBefore.length > 0) next['clusterIPs'] = allBefore;
  } else if (equalValues(ips, allBefore)) {
    if (ip === '') delete next['clusterIPs'];
    else next['clusterIPs'] = [ip];
  }
}

async function companions(object: Raw | undefined, old: Raw | undefined, context: StrategyContext): Promise<Operation[]> {
  if (!object) return [...(await releaseAddresses(old as Raw, undefined, context)), ...releaseNodePorts(old as Raw, undefined, context)];
  const { cidrs } = context.environment.services;
  const causes = settleFamilies(object, { old, cidrs });
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
  changesFirst: true,
  validateUpdate: onWrite({ object: validateServiceUpdate, status: validateLoadBalancer }),
};
