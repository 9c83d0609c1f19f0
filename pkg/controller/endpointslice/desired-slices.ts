/**
 * Which EndpointSlices a Service should have, from its selector and the pods: pure. Every pod with an address is an
 * endpoint, with conditions that say whether it takes traffic; pods that lead a named port to different numbers are
 * in different slices; a slice holds at most `maxEndpointsPerSlice`.
 * https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
 */
import type { ContainerPort, Pod, Service, ServicePort } from '../../api/generated/core-v1.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../api/generated/discovery-v1.ts';
import { isPodReady, isPodTerminal } from '../pod-state.ts';
import { arrangeSlices, managedByLabel, type SliceActions, type SliceGroup, serviceNameLabel } from './arrange-slices.ts';

export const managerName = 'endpointslice-controller.k8s.io';
/** kube-controller-manager's `--max-endpoints-per-slice`. */
const maxEndpointsPerSlice = 100;
/** The address family of every pod. */
const addressType = 'IPv4';
const headlessLabel = 'service.kubernetes.io/headless';

/** The number that a service's port leads to on this pod; undefined when the pod has no port of that name. */
export function targetPortOf(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target === 0 ? port.port : target;
  if (/^\d+$/.test(target)) return Number(target);
  const named = (ports: readonly ContainerPort[] | undefined): number | undefined =>
    ports?.find(({ name, protocol = 'TCP' }) => name === target && protocol === (port.protocol ?? 'TCP'))?.containerPort;
  for (const { ports } of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
    const found = named(ports);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A pod belongs to a service from the moment it has an address until it has ended. */
export function isEndpoint(pod: Pod): boolean {
  return Boolean(pod.status.podIP) && !isPodTerminal(pod);
}

export function endpointOf(pod: Pod, service: Service): Endpoint {
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const serving = isPodReady(pod);
  const { hostname, subdomain, nodeName } = pod.spec;
  return {
    addresses: [pod.status.podIP as string],
    conditions: { ready: service.spec.publishNotReadyAddresses === true || (serving && !terminating), serving, terminating },
    ...(hostname && subdomain === service.metadata.name ? { hostname } : {}),
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace as string, name: pod.metadata.name, uid: pod.metadata.uid },
    ...(nodeName ? { nodeName } : {}),
  };
}

/** What to change so that the service's slices are right. `current`: the slices that this controller made for it. */
export function decideSlices(service: Service, pods: readonly Pod[], current: readonly EndpointSlice[]): SliceActions {
  return arrangeSlices(groupByPorts(service, pods.filter(isEndpoint)).values(), current, {
    owner: service,
    labels: sliceLabels(service),
    most: maxEndpointsPerSlice,
  });
}

interface Group extends SliceGroup {
  readonly endpoints: Endpoint[];
}

function groupByPorts(service: Service, pods: readonly Pod[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  const headless = service.spec.clusterIP === 'None';
  for (const pod of pods) {
    const ports: EndpointPort[] = [];
    for (const port of service.spec.ports ?? []) {
      const number = targetPortOf(pod, port);
      if (number === undefined) continue;
      const { name = '', protocol = 'TCP', appProtocol } = port;
      ports.push({ name, port: number, protocol, ...(appProtocol ? { appProtocol } : {}) });
    }
    if (ports.length === 0 && !headless && (service.spec.ports ?? []).length > 0) continue;
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
    group.endpoints.push(endpointOf(pod, service));
    groups.set(key, group);
  }
  // A service without endpoints still has one slice, which says so.
  if (groups.size === 0) groups.set('', { addressType, ports: [], endpoints: [] });
  return groups;
}

/** The service's own labels come along, so that its slices can be selected like it. */
function sliceLabels(service: Service): Record<string, string> {
  const { [headlessLabel]: _headless, ...own } = service.metadata.labels ?? {};
  return {
    ...own,
    [serviceNameLabel]: service.metadata.name,
    [managedByLabel]: managerName,
    ...(service.spec.clusterIP === 'None' ? { [headlessLabel]: '' } : {}),
  };
}
