/**
 * Mirrors Endpoints objects that people or programs keep by hand into EndpointSlices, which is where proxies and DNS
 * look. What should be stands in `mirrored-slices.ts`. Counterpart: Kubernetes' endpointslicemirroring-controller.
 */
import type { EndpointSlice } from '../../api/generated/discovery-v1.ts';
import { endpointslices, endpoints as endpointsRef, services } from '../../api/generated/resources.ts';
import { type KubeObject, keyOf } from '../../api/object.ts';
import type { Reconciler, Runnable } from '../../listwatch/contract.ts';
import type { Causes } from '../../trace/cause.ts';
import { type ControllerContext, type ControllerDeclaration, controlLoop, controllerQueue } from '../controller.ts';
import { managedByLabel, serviceNameLabel } from '../endpointslice/arrange-slices.ts';
import { writeSlices } from '../endpointslice/write-slices.ts';
import { decideMirror, isMirrored, mirrorName } from './mirrored-slices.ts';

export const endpointSliceMirroringController: ControllerDeclaration = {
  name: 'endpointslice-mirroring-controller',
  alias: 'endpointslicemirroring',
  create: createEndpointSliceMirroringController,
};

/** Slices that this loop made, under the key of their service, which is that of the Endpoints. */
const mirrorSlices = (slice: EndpointSlice): readonly string[] => {
  const { labels, namespace } = slice.metadata;
  return labels?.[managedByLabel] === mirrorName && labels[serviceNameLabel] ? [`${namespace}/${labels[serviceNameLabel]}`] : [];
};

function createEndpointSliceMirroringController(context: ControllerContext): Runnable {
  const { name } = endpointSliceMirroringController;
  const queue = controllerQueue(context, name);
  const serviceInformer = context.informers.informer(services);
  const endpointsInformer = context.informers.informer(endpointsRef);
  const sliceInformer = context.informers.informer(endpointslices, { indexes: { mirrorSlices } });
  const touch = (object: KubeObject, causes: Causes): void => queue.add(keyOf(object), causes);
  for (const informer of [serviceInformer, endpointsInformer]) {
    informer.addHandler({ onAdd: touch, onUpdate: (object, _previous, causes) => touch(object, causes), onDelete: touch });
  }
  const touchOwner = (slice: EndpointSlice, causes: Causes): void => {
    for (const key of mirrorSlices(slice)) queue.add(key, causes);
  };
  // A slice that comes late may have been made twice, from a picture without it: a second look puts that right.
  sliceInformer.addHandler({ onAdd: touchOwner, onUpdate: (slice, _previous, causes) => touchOwner(slice, causes), onDelete: touchOwner });

  const reconciler: Reconciler = {
    name,
    async reconcile(key, { client }) {
      const current = sliceInformer.lister.byIndex('mirrorSlices', key);
      const endpoints = endpointsInformer.lister.get(key);
      const mirrored = endpoints && isMirrored(endpoints, serviceInformer.lister.get(key));
      const namespace = key.split('/')[0] as string;
      const nothing = { create: [], update: [], remove: current };
      await writeSlices(client, namespace, mirrored ? decideMirror(endpoints, current) : nothing);
      return undefined;
    },
  };
  return controlLoop(context, { reconciler, queue, informers: [serviceInformer, endpointsInformer, sliceInformer] });
}
