/**
 * Which EndpointSlices mirror an Endpoints object that somebody keeps by hand: pure. Each subset's addresses of one
 * family are a group; those of all subsets with the same ports share slices.
 */
import type { EndpointAddress, EndpointSubset, Endpoints, EndpointPort as LegacyPort, Service } from '../../api/generated/core-v1.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../api/generated/discovery-v1.ts';
import { arrangeSlices, managedByLabel, type SliceActions, type SliceGroup, serviceNameLabel } from '../endpointslice/arrange-slices.ts';

export const mirrorName = 'endpointslicemirroring-controller.k8s.io';
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
/** Endpoints that a leader election of old was held on: nobody's addresses. */
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
/** They speak of the Endpoints object itself. */
const ownAnnotations = new Set(['kubectl.kubernetes.io/last-applied-configuration', 'endpoints.kubernetes.io/last-change-trigger-time']);
/** kube-controller-manager's `--mirroring-max-endpoints-per-subset`, by which its slices are cut too. */
const most = 1000;

/** Only a Service without a selector has endpoints by hand; the others' slices come from their pods. */
export function isMirrored(endpoints: Endpoints | undefined, service: Service | undefined): boolean {
  if (!endpoints || !service || service.spec.selector) return false;
  const { labels, annotations } = endpoints.metadata;
  return labels?.[skipLabel] !== 'true' && annotations?.[leaderAnnotation] === undefined;
}

/** What to change so that the slices mirror the Endpoints. `current`: the slices that this controller made for it. */
export function decideMirror(endpoints: Endpoints, current: readonly EndpointSlice[]): SliceActions {
  const { labels, annotations = {}, name } = endpoints.metadata;
  return arrangeSlices(groupsOf(endpoints.subsets ?? []).values(), current, {
    owner: endpoints,
    labels: { ...labels, [serviceNameLabel]: name, [managedByLabel]: mirrorName },
    annotations: Object.fromEntries(Object.entries(annotations).filter(([key]) => !ownAnnotations.has(key))),
    most,
  });
}

interface Group extends SliceGroup {
  readonly endpoints: Endpoint[];
}

function groupsOf(subsets: readonly EndpointSubset[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const { addresses = [], notReadyAddresses = [], ports: legacy = [] } of subsets) {
    const ports = legacy.map(portOf);
    const add = (address: EndpointAddress, ready: boolean): void => {
      const addressType = address.ip.includes(':') ? 'IPv6' : 'IPv4';
      const key = JSON.stringify([addressType, ports]);
      const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
      groups.set(key, group);
      if (group.endpoints.length < most) group.endpoints.push(endpointOf(address, ready));
    };
    for (const address of addresses) add(address, true);
    for (const address of notReadyAddresses) add(address, false);
  }
  return groups;
}

function portOf({ name = '', port, protocol = 'TCP', appProtocol }: LegacyPort): EndpointPort {
  return { name, port, protocol, ...(appProtocol ? { appProtocol } : {}) };
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(nodeName ? { nodeName } : {}),
    ...(targetRef ? { targetRef } : {}),
  };
}
