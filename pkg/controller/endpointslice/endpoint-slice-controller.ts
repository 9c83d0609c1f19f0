/**
 * Keeps the EndpointSlices of every Service with a selector: which pods take its traffic. What should be stands in
 * `desired-slices.ts`. Counterpart: Kubernetes' endpointslice-controller.
 */
import type { EndpointSlice } from '../../api/generated/discovery-v1.ts';
import { endpointslices, pods, services } from '../../api/generated/resources.ts';
import type { Reconciler, Runnable } from '../../listwatch/contract.ts';
import type { Causes } from '../../trace/cause.ts';
import { type ControllerContext, type ControllerDeclaration, controlLoop, controllerQueue } from '../controller.ts';
import { managedByLabel, serviceNameLabel } from './arrange-slices.ts';
import { decideSlices, managerName } from './desired-slices.ts';
import { selectedPods, throttledAdd, watchServicePods } from './service-pods.ts';
import { writeSlices } from './write-slices.ts';

export const endpointSliceController: ControllerDeclaration = {
  name: 'endpointslice-controller',
  alias: 'endpointslice',
  create: createEndpointSliceController,
};

/** Slices that this loop made, under the key of their service. */
const ownSlices = (slice: EndpointSlice): readonly string[] => {
  const { labels, namespace } = slice.metadata;
  return labels?.[managedByLabel] === managerName && labels[serviceNameLabel] ? [`${namespace}/${labels[serviceNameLabel]}`] : [];
};

function createEndpointSliceController(context: ControllerContext): Runnable {
  const { name } = endpointSliceController;
  const queue = controllerQueue(context, name);
  const serviceInformer = context.informers.informer(services);
  const podInformer = context.informers.informer(pods);
  const sliceInformer = context.informers.informer(endpointslices, { indexes: { ownSlices } });
  watchServicePods(serviceInformer, podInformer, throttledAdd(queue, context.clock));
  const touch = (slice: EndpointSlice, causes: Causes): void => {
    for (const key of ownSlices(slice)) queue.add(key, causes);
  };
  sliceInformer.addHandler({
    // A slice that comes late may have been made twice, from a picture without it: a second look puts that right.
    onAdd: touch,
    onUpdate: (slice, _previous, causes) => touch(slice, causes),
    onDelete: touch,
  });

  const reconciler: Reconciler = {
    name,
    async reconcile(key, { client }) {
      const current = sliceInformer.lister.byIndex('ownSlices', key);
      const service = serviceInformer.lister.get(key);
      const selected = service && selectedPods(service, podInformer);
      // A deleted service's slices go with it by garbage collection; one that lost its selector leaves them as they are.
      if (!service || !selected || service.metadata.deletionTimestamp !== undefined) return undefined;
      const namespace = service.metadata.namespace as string;
      await writeSlices(client, namespace, decideSlices(service, selected, current));
      return undefined;
    },
  };
  return controlLoop(context, { reconciler, queue, informers: [serviceInformer, podInformer, sliceInformer] });
}
