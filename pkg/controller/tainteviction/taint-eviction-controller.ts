/**
 * Takes pods off nodes that have a NoExecute taint, when their tolerations for it have run out; a pod whose node
 * loses the taint in time stays. Kubernetes: taint-eviction-controller.
 */
import { isNotFound } from '../../api/errors.ts';
import type { Node, Pod, Taint } from '../../api/generated/core-v1.ts';
import { nodes as nodesRef, pods as podsRef } from '../../api/generated/resources.ts';
import { keyOf, splitKey } from '../../api/object.ts';
import type { Client } from '../../client/client.ts';
import type { ReconcileResult } from '../../listwatch/contract.ts';
import type { Causes } from '../../trace/cause.ts';
import { type ControllerContext, type ControllerDeclaration, controlLoop, controllerQueue } from '../controller.ts';
import { disrupted } from '../disruption-target.ts';
import { podIndexes } from '../indexes.ts';
import { timeOf } from '../pod-state.ts';
import { evictionTime, type TimedTaint } from './decide.ts';

const name = 'taint-eviction-controller';

export const taintEvictionController: ControllerDeclaration = {
  name,
  alias: 'tainteviction',
  create(context: ControllerContext) {
    const { clock, informers } = context;
    const nodes = informers.informer(nodesRef);
    const pods = informers.informer(podsRef, { indexes: podIndexes });
    const queue = controllerQueue(context, 'taint_eviction');
    const events = context.recorder('taint-eviction-controller');
    /** By node and taint: when it was seen first. API times have whole seconds, and not every taint has one. */
    const since = new Map<string, Map<string, number>>();

    const noteTaints = (node: Node, previous: Node | undefined): void => {
      const known = since.get(node.metadata.name);
      const noted = new Map<string, number>();
      for (const taint of executing(node)) {
        const found = known?.get(textOf(taint));
        // Seen for the first time: just now if it came while we watched, else when it says that it was added.
        noted.set(textOf(taint), found ?? (previous ? clock.now() : (timeOf(taint.timeAdded) ?? clock.now())));
      }
      if (noted.size > 0) since.set(node.metadata.name, noted);
      else since.delete(node.metadata.name);
    };
    const addPodsOf = (node: Node, causes: Causes): void => {
      for (const pod of pods.lister.byIndex('byNode', node.metadata.name)) queue.add(keyOf(pod), causes);
    };
    nodes.addHandler({
      onAdd(node, causes) {
        noteTaints(node, undefined);
        if (executing(node).length > 0) addPodsOf(node, causes);
      },
      onUpdate(node, previous, causes) {
        noteTaints(node, previous);
        if (executing(node).map(textOf).join() !== executing(previous).map(textOf).join()) addPodsOf(node, causes);
      },
      onDelete: ({ metadata }) => {
        since.delete(metadata.name);
      },
    });
    const addPod = (pod: Pod, causes: Causes): void => {
      if (pod.spec.nodeName && since.has(pod.spec.nodeName)) queue.add(keyOf(pod), causes);
    };
    pods.addHandler({ onAdd: addPod, onUpdate: (pod, _, causes) => addPod(pod, causes) });

    async function reconcile(key: string, { client }: { readonly client: Client }): Promise<ReconcileResult> {
      const pod = pods.lister.get(key);
      if (!pod?.spec.nodeName || pod.metadata.deletionTimestamp) return undefined;
      const node = nodes.lister.get(pod.spec.nodeName);
      if (!node) return undefined;
      const noted = since.get(node.metadata.name);
      const taints: TimedTaint[] = executing(node).map((taint) => ({ taint, since: noted?.get(textOf(taint)) ?? clock.now() }));
      const time = evictionTime(taints, pod.spec.tolerations);
      if (time === undefined) return undefined;
      if (time > clock.now()) return { after: time - clock.now() };

      events.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
      const { namespace } = splitKey(key);
      try {
        await disrupted(client, pod, 'DeletionByTaintManager', 'Taint manager: deleting due to NoExecute taint', clock);
        await client.resource(podsRef).delete(pod.metadata.name, { namespace, preconditions: { uid: pod.metadata.uid } });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return undefined;
    }

    return controlLoop(context, { reconciler: { name, reconcile }, queue, informers: [nodes, pods] });
  },
};

function executing({ spec }: Node): readonly Taint[] {
  return spec.taints?.filter(({ effect }) => effect === 'NoExecute') ?? [];
}

const textOf = ({ key, value = '' }: Taint): string => `${key}=${value}`;
