/**
 * Keeps the status of PodDisruptionBudgets: how many of their pods are healthy, how many must be, and so how many
 * may be evicted. The eviction subresource spends what stands there. Kubernetes: disruption-controller.
 * https://kubernetes.io/docs/tasks/run-application/configure-pdb/
 */
import { ApiError } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import {
  deployments,
  poddisruptionbudgets,
  pods as podsRef,
  replicasets,
  replicationcontrollers,
  statefulsets,
} from '../../api/generated/resources.ts';
import { controllerOf, type KubeObject, keyOf, splitKey } from '../../api/object.ts';
import { selectorFromLabelSelector } from '../../api/selectors.ts';
import type { Client } from '../../client/client.ts';
import { timestamp } from '../../clock/clock.ts';
import type { Informer, ReconcileResult } from '../../listwatch/contract.ts';
import type { Causes } from '../../trace/cause.ts';
import { type ControllerContext, type ControllerDeclaration, controlLoop, controllerQueue } from '../controller.ts';
import { equal } from '../equal.ts';
import { podIndexes } from '../indexes.ts';
import { unlessGone } from '../unless-gone.ts';
import { decideBudget, failedStatus } from './decide.ts';

const name = 'disruption-controller';

interface Scaled extends KubeObject {
  readonly spec: { readonly replicas?: number };
}

export const disruptionController: ControllerDeclaration = {
  name,
  alias: 'disruption',
  create(context: ControllerContext) {
    const { clock, informers } = context;
    const budgets = informers.informer(poddisruptionbudgets);
    const pods = informers.informer(podsRef, { indexes: podIndexes });
    const scaled: Readonly<Record<string, Informer<Scaled>>> = {
      Deployment: informers.informer(deployments),
      ReplicaSet: informers.informer(replicasets),
      ReplicationController: informers.informer(replicationcontrollers),
      StatefulSet: informers.informer(statefulsets),
    };
    const queue = controllerQueue(context, 'disruption');
    const events = context.recorder('controllermanager');

    const addBudgets = (namespace: string | undefined, causes: Causes, labels?: readonly Pod['metadata']['labels'][]): void => {
      for (const budget of budgets.lister.list(namespace)) {
        const selector = selectorFromLabelSelector(budget.spec.selector);
        if (!labels || labels.some((each) => selector.matches(each))) queue.add(keyOf(budget), causes);
      }
    };
    budgets.addHandler({
      onAdd: (budget, causes) => queue.add(keyOf(budget), causes),
      onUpdate: (budget, _, causes) => queue.add(keyOf(budget), causes),
    });
    pods.addHandler({
      onAdd: ({ metadata }, causes) => addBudgets(metadata.namespace, causes, [metadata.labels]),
      onUpdate: ({ metadata }, previous, causes) => addBudgets(metadata.namespace, causes, [metadata.labels, previous.metadata.labels]),
      onDelete: ({ metadata }, causes) => addBudgets(metadata.namespace, causes, [metadata.labels]),
    });
    for (const informer of Object.values(scaled)) {
      informer.addHandler({
        onUpdate({ metadata, spec }, previous, causes) {
          if (spec.replicas !== previous.spec.replicas) addBudgets(metadata.namespace, causes);
        },
      });
    }

    /** What really decides how many there should be: a ReplicaSet's Deployment rather than the ReplicaSet. */
    function scalerOf(object: KubeObject): Scaled {
      const controller = controllerOf(object);
      const owner = controller && scaled[controller.kind]?.lister.get(keyOf({ metadata: { ...object.metadata, name: controller.name } }));
      if (!controller || owner?.metadata.uid !== controller.uid) {
        throw new ApiError('BadRequest', `found no scale for ${controller?.kind} "${controller?.name}" of "${object.metadata.name}"`);
      }
      return controllerOf(owner)?.kind === 'Deployment' ? scalerOf(owner) : owner;
    }
    const scaleOf = (members: readonly Pod[]): number => {
      // Pods that nobody controls have no number that they should be.
      const owners = new Map(members.filter(controllerOf).map((pod) => [scalerOf(pod).metadata.uid, scalerOf(pod)]));
      return [...owners.values()].reduce((sum, { spec }) => sum + (spec.replicas ?? 1), 0);
    };

    async function reconcile(key: string, { client }: { readonly client: Client }): Promise<ReconcileResult> {
      const budget = budgets.lister.get(key);
      if (!budget) return undefined;
      const { namespace } = splitKey(key);
      const selector = selectorFromLabelSelector(budget.spec.selector);
      const members = pods.lister.list(namespace).filter(({ metadata }) => selector.matches(metadata.labels));
      if (members.length === 0) events.event(budget, 'Normal', 'NoPods', 'No matching pods found');
      const api = client.resource(poddisruptionbudgets);
      const time = timestamp(clock);
      try {
        const plan = decideBudget({ budget, pods: members, scale: () => scaleOf(members), now: clock.now(), time });
        if (!equal(plan.status, budget.status)) await unlessGone(api.updateStatus({ ...budget, status: plan.status }, { namespace }));
        return plan.after === undefined ? undefined : { after: plan.after };
      } catch (error) {
        if (!(error instanceof ApiError) || error.reason !== 'BadRequest') throw error;
        // The numbers cannot be told; a change of the pods or their owners will make this look again.
        events.event(
          budget,
          'Warning',
          'CalculateExpectedPodCountFailed',
          `Failed to calculate the number of expected pods: ${error.message}`,
        );
        const status = failedStatus(budget, error.message, time);
        if (!equal(status, budget.status)) await unlessGone(api.updateStatus({ ...budget, status }, { namespace }));
        return undefined;
      }
    }

    return controlLoop(context, { reconciler: { name, reconcile }, queue, informers: [budgets, pods, ...Object.values(scaled)] });
  },
};
