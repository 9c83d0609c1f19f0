/**
 * What a service proxy has to do, computed from Services and EndpointSlices alone: a list of service ports, each
 * with the addresses it is reached at and the endpoints that take its traffic. Pure; both backends render it.
 *
 * Endpoint choice (KEP-1669): the ready ones; where none is ready, those that are serving while they terminate.
 * https://kubernetes.io/docs/reference/networking/virtual-ips/
 */
import type { Service } from '../api/generated/core-v1.ts';
import type { Endpoint, EndpointSlice } from '../api/generated/discovery-v1.ts';

export type Protocol = 'TCP' | 'UDP';

export interface ServicePort {
  /** `namespace/name:port`, unique and stable: names chains, and orders everything. */
  readonly id: string;
  readonly protocol: Protocol;
  /** Cluster IP, and external IPs if there are any. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Reached at every address of the node; absent for a ClusterIP service. */
  readonly nodePort?: number;
  /** Seconds for which a client stays with its endpoint; absent: none. */
  readonly affinitySeconds?: number;
  /** Ascending by address. Empty: connections are refused. */
  readonly endpoints: readonly ProxyEndpoint[];
  /** What node ports use where only local endpoints may serve outside traffic (externalTrafficPolicy: Local). */
  readonly nodePortEndpoints: readonly ProxyEndpoint[];
}

export interface ProxyEndpoint {
  readonly address: string;
  readonly port: number;
}

/** Set on a Service whose traffic some other proxy carries. */
const proxyNameLabel = 'service.kubernetes.io/service-proxy-name';
const headlessLabel = 'service.kubernetes.io/headless';
const defaultAffinitySeconds = 10_800;

/** Ports of all services that a proxy on `node` serves, ascending by id. `node` undefined: the machine itself. */
export function computeServicePorts(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  node: string | undefined,
): ServicePort[] {
  const byService = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const name = slice.metadata.labels?.['kubernetes.io/service-name'];
    if (!name || slice.addressType !== 'IPv4') continue;
    const key = `${slice.metadata.namespace}/${name}`;
    byService.set(key, [...(byService.get(key) ?? []), slice]);
  }
  const ports: ServicePort[] = [];
  for (const service of services) {
    const { spec, metadata } = service;
    const clusterIP = spec.clusterIP;
    if (!clusterIP || clusterIP === 'None' || spec.type === 'ExternalName') continue;
    if (metadata.labels?.[proxyNameLabel] !== undefined || metadata.labels?.[headlessLabel] !== undefined) continue;
    const own = byService.get(`${metadata.namespace}/${metadata.name}`) ?? [];
    for (const port of spec.ports ?? []) {
      const protocol = port.protocol ?? 'TCP';
      if (protocol !== 'TCP' && protocol !== 'UDP') continue;
      const candidates = endpointsOf(own, port.name ?? '');
      const local = candidates.filter(({ endpoint }) => endpoint.nodeName === node);
      const inside = spec.internalTrafficPolicy === 'Local' && node !== undefined ? local : candidates;
      const outside = spec.externalTrafficPolicy === 'Local' && node !== undefined ? local : candidates;
      ports.push({
        id: `${metadata.namespace}/${metadata.name}:${port.name ?? ''}`,
        protocol,
        addresses: [clusterIP, ...(spec.externalIPs ?? [])].filter((address) => !address.includes(':')),
        port: port.port,
        ...(port.nodePort ? { nodePort: port.nodePort } : {}),
        ...(spec.sessionAffinity === 'ClientIP'
          ? { affinitySeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds }
          : {}),
        endpoints: usable(inside),
        nodePortEndpoints: usable(outside),
      });
    }
  }
  return ports.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

interface Candidate {
  readonly endpoint: Endpoint;
  readonly port: number;
}

function endpointsOf(slices: readonly EndpointSlice[], portName: string): Candidate[] {
  const found: Candidate[] = [];
  for (const slice of slices) {
    const port = slice.ports?.find((candidate) => (candidate.name ?? '') === portName)?.port;
    if (port === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) found.push({ endpoint, port });
  }
  return found;
}

function usable(candidates: readonly Candidate[]): ProxyEndpoint[] {
  const ready = candidates.filter(({ endpoint }) => endpoint.conditions?.ready !== false);
  const chosen =
    ready.length > 0 ? ready : candidates.filter(({ endpoint }) => endpoint.conditions?.serving && endpoint.conditions.terminating);
  const unique = new Map<string, ProxyEndpoint>();
  for (const { endpoint, port } of chosen) {
    const address = endpoint.addresses[0];
    if (address) unique.set(`${address}:${port}`, { address, port });
  }
  return [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}
