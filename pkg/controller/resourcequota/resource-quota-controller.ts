/**
 * Says in every ResourceQuota's status how much of it is used. Only what some quota speaks of is watched. Kubernetes:
 * pkg/controller/resourcequota. (That nobody takes more is admission's business.)
 */
import { qualifiedResource } from '../../api/errors.ts';
import { pods, resourcequotas } from '../../api/generated/resources.ts';
import { type KubeObject, keyOf, type ResourceRef } from '../../api/object.ts';
import type { Informer, Reconciler, Runnable } from '../../listwatch/contract.ts';
import type { Causes } from '../../trace/cause.ts';
import { type ControllerContext, type ControllerDeclaration, controlLoop, controllerQueue } from '../controller.ts';
import { Discovery } from '../discovery.ts';
import { throttledAdd } from '../endpointslice/service-pods.ts';
import { equal } from '../equal.ts';
import { unlessGone } from '../unless-gone.ts';
import { countedResources, quotaStatus } from './quota-usage.ts';

export const resourceQuotaController: ControllerDeclaration = {
  name: 'resourcequota-controller',
  alias: 'resourcequota',
  create: createResourceQuotaController,
};

/** Kubernetes' `--resource-quota-sync-period`: when a resource that is not served is asked for again. */
const againMs = 300_000;

function createResourceQuotaController(context: ControllerContext): Runnable {
  const { name } = resourceQuotaController;
  const queue = controllerQueue(context, name);
  const touchSoon = throttledAdd(queue, context.clock);
  const quotas = context.informers.informer(resourcequotas);
  const discovery = new Discovery(context.client.as(name));
  /** By resource; made when a quota first asks for it. */
  const counted = new Map<string, Informer<KubeObject>>();

  const touchNamespace = ({ metadata }: KubeObject, causes: Causes): void => {
    for (const quota of quotas.lister.list(metadata.namespace)) touchSoon(keyOf(quota), causes);
  };
  const watched = (resource: string, ref: ResourceRef): Informer<KubeObject> => {
    const informer = context.informers.informer(ref);
    informer.addHandler({
      onAdd: touchNamespace,
      onUpdate: (object, _previous, causes) => touchNamespace(object, causes),
      onDelete: touchNamespace,
    });
    counted.set(resource, informer);
    return informer;
  };
  const touch = (quota: KubeObject, causes: Causes): void => queue.add(keyOf(quota), causes);
  quotas.addHandler({ onAdd: touch, onUpdate: (quota, _previous, causes) => touch(quota, causes), onDelete: touchNamespace });
  watched('pods', pods);

  /** Undefined: nobody serves it, or it has no namespaces. */
  async function informerOf(resource: string, signal: AbortSignal): Promise<Informer<KubeObject> | undefined> {
    let informer = counted.get(resource);
    if (!informer) {
      await discovery.refresh(signal);
      const ref = discovery.resources.find((each) => qualifiedResource(each) === resource);
      if (!ref?.namespaced || !ref.verbs.includes('watch')) return undefined;
      const { group, version, kind } = ref;
      informer = watched(resource, { group, version, resource: ref.resource, kind, namespaced: true });
    }
    await informer.whenSynced(signal);
    return informer;
  }

  const reconciler: Reconciler = {
    name,
    async reconcile(key, { client, signal }) {
      const quota = quotas.lister.get(key);
      if (!quota) return undefined;
      const { namespace = '' } = quota.metadata;
      const objects = new Map<string, readonly KubeObject[]>();
      let missing = false;
      for (const resource of countedResources(quota)) {
        const informer = await informerOf(resource, signal);
        if (informer) objects.set(resource, informer.lister.list(namespace));
        else missing = true;
      }
      const status = quotaStatus(quota, objects);
      if (!equal(status, quota.status)) {
        await unlessGone(client.resource(resourcequotas).updateStatus({ ...quota, status }, { namespace }));
      }
      return missing ? { after: againMs } : undefined;
    },
  };
  return controlLoop(context, { reconciler, queue, informers: [quotas] });
}
