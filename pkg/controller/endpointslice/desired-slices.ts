/**
 * Which EndpointSlices a Service should have, from its selector and the pods: pure. Every pod with an address is an
 * endpoint, with conditions that say whether it takes traffic; pods that lead a named port to different numbers are
 * in different slices; a slice holds at most `maxEndpointsPerSlice`.
 * https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
 */
import type { ContainerPort, Pod, Service, ServicePort } from '../../api/generated/core-v1.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../api/generated/discovery-v1.ts';
import { controllerRef, type Draft } from '../../api/object.ts';
import { equal } from '../equal.ts';
import { isPodReady, isPodTerminal } from '../pod-state.ts';

export const serviceNameLabel = 'kubernetes.io/service-name';
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const managerName = 'endpointslice-controller.k8s.io';
/** kube-controller-manager's `--max-endpoints-per-slice`. */
const maxEndpointsPerSlice = 100;
const headlessLabel = 'service.kubernetes.io/headless';

export interface SliceActions {
  readonly create: readonly Draft<EndpointSlice>[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

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
  const groups = groupByPorts(service, pods.filter(isEndpoint));
  const labels = sliceLabels(service);
  const create: Draft<EndpointSlice>[] = [];
  const update: EndpointSlice[] = [];
  const left = new Set(current.filter(({ metadata }) => metadata.deletionTimestamp === undefined));
  for (const { ports, endpoints } of groups.values()) {
    const same = [...left].filter((slice) => slice.addressType === 'IPv4' && equal(slice.ports ?? [], ports));
    for (const slice of same) left.delete(slice);
    const plan = distribute(endpoints, same);
    same.forEach((slice, at) => {
      const wanted = plan.kept[at] ?? [];
      if (wanted.length === 0 && (same.length > 1 || plan.fresh.length > 0 || endpoints.length > 0)) left.add(slice);
      else if (!equal(slice.endpoints ?? [], wanted) || !equal(slice.metadata.labels, { ...slice.metadata.labels, ...labels })) {
        update.push({
          ...slice,
          metadata: { ...slice.metadata, labels: { ...slice.metadata.labels, ...labels } },
          endpoints: wanted,
          ports,
        });
      }
    });
    for (const chunk of plan.fresh) create.push(newSlice(service, labels, chunk, ports));
    if (same.length === 0 && plan.fresh.length === 0) create.push(newSlice(service, labels, [], ports));
  }
  return { create, update, remove: [...left] };
}

interface Group {
  readonly ports: readonly EndpointPort[];
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
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpointOf(pod, service));
    groups.set(key, group);
  }
  // A service without endpoints still has one slice, which says so.
  if (groups.size === 0) groups.set('', { ports: [], endpoints: [] });
  return groups;
}

const keyOfEndpoint = ({ targetRef, addresses }: Endpoint): string => targetRef?.uid ?? addresses.join();

/** Endpoints stay in the slice they are in; new ones fill gaps; what does not fit makes new slices. */
function distribute(endpoints: readonly Endpoint[], slices: readonly EndpointSlice[]): { kept: Endpoint[][]; fresh: Endpoint[][] } {
  const wanted = new Map(endpoints.map((endpoint) => [keyOfEndpoint(endpoint), endpoint]));
  const kept = slices.map((slice) => {
    const stay: Endpoint[] = [];
    for (const endpoint of slice.endpoints ?? []) {
      const now = wanted.get(keyOfEndpoint(endpoint));
      if (!now) continue;
      wanted.delete(keyOfEndpoint(endpoint));
      stay.push(now);
    }
    return stay;
  });
  const added = [...wanted.values()];
  for (const slice of kept) while (slice.length < maxEndpointsPerSlice && added.length > 0) slice.push(added.shift() as Endpoint);
  const fresh: Endpoint[][] = [];
  while (added.length > 0) fresh.push(added.splice(0, maxEndpointsPerSlice));
  return { kept, fresh };
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

function newSlice(
  service: Service,
  labels: Record<string, string>,
  endpoints: readonly Endpoint[],
  ports: readonly EndpointPort[],
): Draft<EndpointSlice> {
  const { name, namespace } = service.metadata;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { generateName: `${name}-`, namespace: namespace as string, labels, ownerReferences: [controllerRef(service)] },
    addressType: 'IPv4',
    endpoints,
    ports,
  };
}
