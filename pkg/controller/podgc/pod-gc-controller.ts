/**
 * Every 20 seconds, deletes pods that nobody else will: what they are stands in decide.ts. The node of an orphan is
 * looked for at the server before its pods go, and must have been missing for 40 seconds, since a node's object may
 * be made anew. Kubernetes: pod-garbage-collector-controller.
 */
import { isNotFound } from '../../api/errors.ts';
import type { Node } from '../../api/generated/core-v1.ts';
import { nodes as nodesRef, pods as podsRef } from '../../api/generated/resources.ts';
import type { Client } from '../../client/client.ts';
import type { ReconcileResult } from '../../listwatch/contract.ts';
import { type ControllerContext, type ControllerDeclaration, controlLoop, controllerQueue } from '../controller.ts';
import { disrupted } from '../disruption-target.ts';
import { podIndexes } from '../indexes.ts';
import { isPodTerminal } from '../pod-state.ts';
import { findGarbage, type GarbagePod } from './decide.ts';

const name = 'pod-garbage-collector-controller';
const periodMs = 20_000;
const quarantineMs = 40_000;
const defaultThreshold = 12_500;

const explanations: Readonly<Record<GarbagePod['reason'], string>> = {
  orphaned: 'PodGC: node no longer exists',
  unscheduled: 'PodGC: unscheduled pod is being deleted',
  terminated: 'PodGC: too many ended pods',
  'out-of-service': 'PodGC: node is out of service',
};

export const podGCController: ControllerDeclaration = {
  name,
  alias: 'podgc',
  create(context: ControllerContext) {
    const { clock, informers, options } = context;
    const nodes = informers.informer(nodesRef);
    const pods = informers.informer(podsRef, { indexes: podIndexes });
    const queue = controllerQueue(context, 'pod_gc');
    /** Nodes that pods name and that are not there: since when. */
    const missing = new Map<string, number>();
    queue.add('all');

    async function reconcile(_: string, { client }: { readonly client: Client }): Promise<ReconcileResult> {
      const present = new Map<string, Node>(nodes.lister.list().map((node) => [node.metadata.name, node]));
      const lost = await findLost(present, client);
      for (const garbage of findGarbage(pods.lister.list(), present, lost, options.terminatedPodGCThreshold ?? defaultThreshold))
        await remove(garbage, client);
      return { after: periodMs };
    }

    async function findLost(present: ReadonlyMap<string, Node>, client: Client): Promise<ReadonlySet<string>> {
      const named = new Set(
        pods.lister.list().flatMap(({ spec }) => (spec.nodeName && !present.has(spec.nodeName) ? [spec.nodeName] : [])),
      );
      for (const node of missing.keys()) if (!named.has(node)) missing.delete(node);
      const lost = new Set<string>();
      for (const node of [...named].sort()) {
        const since = missing.get(node) ?? clock.monotonic();
        missing.set(node, since);
        if (clock.monotonic() - since < quarantineMs) continue;
        try {
          await client.resource(nodesRef).get(node);
          missing.delete(node);
        } catch (error) {
          if (!isNotFound(error)) throw error;
          lost.add(node);
        }
      }
      return lost;
    }

    async function remove({ pod, reason }: GarbagePod, client: Client): Promise<void> {
      const { namespace = '', uid, name: podName } = pod.metadata;
      context.log.info('deleting a pod', { pod: `${namespace}/${podName}`, reason });
      try {
        // A pod that has not ended is declared so first: its owner must not wait for an end that nobody will report.
        if (!isPodTerminal(pod)) {
          await (reason === 'orphaned' || reason === 'out-of-service'
            ? disrupted(client, pod, 'DeletionByPodGC', explanations[reason], clock, 'Failed')
            : client.resource(podsRef).updateStatus({ ...pod, status: { ...pod.status, phase: 'Failed' } }, { namespace }));
        }
        await client.resource(podsRef).delete(podName, { namespace, gracePeriodSeconds: 0, preconditions: { uid } });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }

    return controlLoop(context, { reconciler: { name, reconcile }, queue, informers: [nodes, pods], workers: 1 });
  },
};
