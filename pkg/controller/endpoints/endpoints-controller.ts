/**
 * Keeps the older Endpoints object of every Service with a selector, for clients that have not moved on to
 * EndpointSlices. Counterpart: Kubernetes' endpoints-controller.
 */
import { isNotFound } from '../../api/errors.ts';
import type { EndpointAddress, EndpointSubset, Endpoints, Pod, Service } from '../../api/generated/core-v1.ts';
import { endpoints, pods, services } from '../../api/generated/resources.ts';
import { keyOf, splitKey } from '../../api/object.ts';
import type { Reconciler, Runnable } from '../../listwatch/contract.ts';
import { type ControllerContext, type ControllerDeclaration, controlLoop, controllerQueue } from '../controller.ts';
import { endpointOf, isEndpoint, targetPortOf } from '../endpointslice/desired-slices.ts';
import { selectedPods, throttledAdd, watchServicePods } from '../endpointslice/service-pods.ts';
import { equal } from '../equal.ts';

export const endpointsController: ControllerDeclaration = {
  name: 'endpoints-controller',
  alias: 'endpoints',
  create: createEndpointsController,
};

const managedByLabel = 'endpoints.kubernetes.io/managed-by';
const headlessLabel = 'service.kubernetes.io/headless';
/** More addresses than this are cut off, and the object says so (as in Kubernetes). */
const maxAddresses = 1000;
const overCapacity = 'endpoints.kubernetes.io/over-capacity';

/** Subsets of pods with the same ports, ready and not ready apart, in a stable order. */
export function desiredSubsets(service: Service, selected: readonly Pod[]): EndpointSubset[] {
  const groups = new Map<string, { ports: NonNullable<EndpointSubset['ports']>; ready: EndpointAddress[]; notReady: EndpointAddress[] }>();
  for (const pod of selected.filter(isEndpoint).slice(0, maxAddresses)) {
    const { addresses, conditions, hostname, nodeName, targetRef } = endpointOf(pod, service);
    if (conditions?.terminating && !service.spec.publishNotReadyAddresses) continue;
    const ports = (service.spec.ports ?? []).flatMap((port) => {
      const number = targetPortOf(pod, port);
      return number === undefined ? [] : [{ ...(port.name ? { name: port.name } : {}), port: number, protocol: port.protocol ?? 'TCP' }];
    });
    if (ports.length === 0 && (service.spec.ports ?? []).length > 0) continue;
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, ready: [], notReady: [] };
    groups.set(key, group);
    const address = {
      ip: addresses[0] as string,
      ...(hostname ? { hostname } : {}),
      ...(nodeName ? { nodeName } : {}),
      ...(targetRef ? { targetRef } : {}),
    };
    (conditions?.ready ? group.ready : group.notReady).push(address);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { ports, ready, notReady }]) => ({
      ...(ready.length > 0 ? { addresses: ready } : {}),
      ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
      ...(ports.length > 0 ? { ports } : {}),
    }));
}

function createEndpointsController(context: ControllerContext): Runnable {
  const { name } = endpointsController;
  const queue = controllerQueue(context, name);
  const serviceInformer = context.informers.informer(services);
  const podInformer = context.informers.informer(pods);
  const endpointsInformer = context.informers.informer(endpoints);
  watchServicePods(serviceInformer, podInformer, throttledAdd(queue, context.clock));
  endpointsInformer.addHandler({ onDelete: (object, causes) => queue.add(keyOf(object), causes) });

  const reconciler: Reconciler = {
    name,
    async reconcile(key, { client }) {
      const resource = client.resource(endpoints);
      const current = endpointsInformer.lister.get(key);
      const service = serviceInformer.lister.get(key);
      const { namespace, name: serviceName } = splitKey(key);
      if (!service) {
        // Only what this loop made: others may keep Endpoints without a service.
        if (!current || current.metadata.labels?.[managedByLabel] !== name) return undefined;
        try {
          await resource.delete(serviceName, { namespace, preconditions: { uid: current.metadata.uid } });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      }
      const selected = selectedPods(service, podInformer);
      if (!selected || service.metadata.deletionTimestamp !== undefined) return undefined;
      const subsets = desiredSubsets(service, selected);
      const labels = {
        ...service.metadata.labels,
        [managedByLabel]: name,
        ...(service.spec.clusterIP === 'None' ? { [headlessLabel]: '' } : {}),
      };
      const annotations = selected.length > maxAddresses ? { [overCapacity]: 'truncated' } : undefined;
      if (!current) {
        const metadata = { name: serviceName, namespace, labels, ...(annotations ? { annotations } : {}) };
        await resource.create({ apiVersion: 'v1', kind: 'Endpoints', metadata, subsets }, { namespace });
      } else if (!equal(current.subsets ?? [], subsets) || !equal(current.metadata.labels ?? {}, labels)) {
        const next: Endpoints = { ...current, metadata: { ...current.metadata, labels, ...(annotations ? { annotations } : {}) }, subsets };
        await resource.update(next, { namespace });
      }
      return undefined;
    },
  };
  return controlLoop(context, { reconciler, queue, informers: [serviceInformer, podInformer, endpointsInformer] });
}
