/**
 * Empties namespaces that are to be deleted, and then lets them go: the finalizer `kubernetes` in their spec holds
 * them until everything of every kind is gone. Pods go first, so that nothing runs without the policies and secrets
 * that it was to run with. Kubernetes: namespace-controller.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
 */
import { isApiError, isNotFound } from '../../api/errors.ts';
import type { Namespace, Pod } from '../../api/generated/core-v1.ts';
import { namespaces as namespacesRef, pods as podsRef } from '../../api/generated/resources.ts';
import type { KubeObject } from '../../api/object.ts';
import type { Client } from '../../client/client.ts';
import { timestamp } from '../../clock/clock.ts';
import type { ReconcileResult } from '../../listwatch/contract.ts';
import type { Causes } from '../../trace/cause.ts';
import { type ControllerContext, type ControllerDeclaration, controlLoop, controllerQueue } from '../controller.ts';
import { type DiscoveredResource, Discovery } from '../discovery.ts';
import { equal } from '../equal.ts';
import { podIndexes } from '../indexes.ts';
import { type Attempt, deletionConditions, isEmptied, type RemainingContent } from './namespace-content.ts';

const name = 'namespace-controller';
const finalizer = 'kubernetes';
/** Between two looks while something holds out; pods that end make it look at once. */
const recheckMs = 5_000;

export const namespaceController: ControllerDeclaration = {
  name,
  alias: 'namespace',
  create(context: ControllerContext) {
    const { clock, informers } = context;
    const namespaces = informers.informer(namespacesRef);
    const pods = informers.informer(podsRef, { indexes: podIndexes });
    const queue = controllerQueue(context, 'namespace');
    const discovery = new Discovery(context.client.as(name));

    const addTerminating = (namespace: Namespace, causes: Causes): void => {
      if (isTerminating(namespace)) queue.add(namespace.metadata.name, causes);
    };
    namespaces.addHandler({ onAdd: addTerminating, onUpdate: (namespace, _, causes) => addTerminating(namespace, causes) });
    pods.addHandler({
      onDelete(pod: Pod, causes) {
        const namespace = namespaces.lister.get(pod.metadata.namespace ?? '');
        if (namespace) addTerminating(namespace, causes);
      },
    });

    async function reconcile(
      key: string,
      { client, signal }: { readonly client: Client; readonly signal: AbortSignal },
    ): Promise<ReconcileResult> {
      const namespace = namespaces.lister.get(key);
      if (!namespace || !isTerminating(namespace)) return undefined;
      const api = client.resource(namespacesRef);
      const attempt = await removeContent(key, client, signal);
      const status = {
        ...namespace.status,
        phase: 'Terminating',
        conditions: deletionConditions(namespace.status.conditions, attempt, timestamp(clock)),
      };
      let latest: Namespace = namespace;
      try {
        if (!equal(status, namespace.status)) latest = await api.updateStatus({ ...namespace, status });
        if (!isEmptied(attempt)) return { after: recheckMs };
        const finalizers = (latest.spec.finalizers ?? []).filter((each) => each !== finalizer);
        await api.updateSubresource(key, 'finalize', { ...latest, spec: { ...latest.spec, finalizers } });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return undefined;
    }

    async function removeContent(namespace: string, client: Client, signal: AbortSignal): Promise<Attempt> {
      let discoveryFailure: string | undefined;
      try {
        await discovery.refresh(signal);
      } catch (error) {
        discoveryFailure = messageOf(error);
      }
      const failures: string[] = [];
      const remaining: RemainingContent[] = [];
      const inNamespace = discovery.resources.filter(
        ({ namespaced, verbs }) => namespaced && verbs.includes('list') && verbs.includes('delete'),
      );
      const first = inNamespace.filter(({ group, resource }) => group === '' && resource === 'pods');
      for (const resources of [first, inNamespace.filter((each) => !first.includes(each))]) {
        for (const resource of resources) {
          const left = await removeAll(resource, namespace, client).catch((error: unknown) => {
            signal.throwIfAborted();
            // A resource that went away since discovery, or one that cannot be deleted like this, holds nothing up.
            if (isNotFound(error) || isApiError(error, 'MethodNotAllowed')) return [];
            failures.push(`${textOf(resource)}: ${messageOf(error)}`);
            return [];
          });
          if (left.length > 0) remaining.push({ resource: textOf(resource), count: left.length, finalizers: countFinalizers(left) });
        }
        if (remaining.length > 0) break;
      }
      return { discoveryFailure, failures, remaining };
    }

    return controlLoop(context, { reconciler: { name, reconcile }, queue, informers: [namespaces, pods] });
  },
};

function isTerminating({ metadata, spec }: Namespace): boolean {
  return metadata.deletionTimestamp !== undefined && spec.finalizers?.includes(finalizer) === true;
}

/** Asks for the deletion of everything there; returns what is there afterwards. */
async function removeAll(resource: DiscoveredResource, namespace: string, client: Client): Promise<readonly KubeObject[]> {
  const api = client.resource(resource);
  const { items } = await api.list({ namespace });
  if (items.length === 0) return [];
  const propagationPolicy = 'Background';
  if (resource.verbs.includes('deletecollection')) {
    await api.deleteCollection({ namespace, propagationPolicy });
  } else {
    for (const { metadata } of items) {
      try {
        await api.delete(metadata.name, { namespace, propagationPolicy });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }
  return (await api.list({ namespace })).items;
}

function countFinalizers(objects: readonly KubeObject[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { metadata } of objects) for (const each of metadata.finalizers ?? []) counts.set(each, (counts.get(each) ?? 0) + 1);
  return counts;
}

const textOf = ({ resource, group }: DiscoveredResource): string => `${resource}.${group}`;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
