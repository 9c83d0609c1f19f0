/**
 * Deployments: moves pods from one template to the next by growing one ReplicaSet and shrinking others, keeps a
 * history of templates to go back to, and says how far it has come.
 * https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
 *
 *   replica-sets.ts  which ReplicaSet is the present one; revisions; limits
 *   rollout.ts       how large each should be next (rolling update, recreate, proportional scaling)
 *   status.ts        counts and conditions
 *   decide.ts        one whole step out of these
 */
import { isAlreadyExists } from '../../api/errors.ts';
import type { Deployment, ReplicaSet } from '../../api/generated/apps-v1.ts';
import { deployments, pods as podsRef, replicasets } from '../../api/generated/resources.ts';
import { controllerOf, type Draft, type KubeObject, keyOf, splitKey } from '../../api/object.ts';
import { selectorFromLabelSelector } from '../../api/selectors.ts';
import type { Client } from '../../client/client.ts';
import { timestamp } from '../../clock/clock.ts';
import type { ReconcileResult } from '../../listwatch/contract.ts';
import type { Causes } from '../../trace/cause.ts';
import { candidatesFor, claimObjects } from '../claim.ts';
import { withCondition } from '../conditions.ts';
import { type ControllerContext, type ControllerDeclaration, controlLoop, controllerQueue } from '../controller.ts';
import { equal } from '../equal.ts';
import { controllerIndex, podIndexes } from '../indexes.ts';
import { isPodTerminal } from '../pod-state.ts';
import { unlessGone } from '../unless-gone.ts';
import { decideDeployment } from './decide.ts';
import { hasTemplateOf, isRollingUpdate, revisionAnnotation, sizeOf } from './replica-sets.ts';
import { condition, type Moment } from './status.ts';

const name = 'deployment-controller';

export const deploymentController: ControllerDeclaration = {
  name,
  alias: 'deployment',
  create(context: ControllerContext) {
    const { clock, informers } = context;
    const owners = informers.informer(deployments);
    const sets = informers.informer(replicasets, { indexes: controllerIndex });
    const pods = informers.informer(podsRef, { indexes: podIndexes });
    const queue = controllerQueue(context, 'deployment');
    const events = context.recorder(name);

    const ownerOf = (set: KubeObject): Deployment | undefined => {
      const controller = controllerOf(set);
      if (controller?.kind !== 'Deployment') return undefined;
      const owner = owners.lister.get(keyOf({ metadata: { ...set.metadata, name: controller.name } }));
      return owner?.metadata.uid === controller.uid ? owner : undefined;
    };
    const addOwner = (set: ReplicaSet, causes: Causes): void => {
      const owner = ownerOf(set);
      if (owner) queue.add(keyOf(owner), causes);
      else if (!controllerOf(set)) {
        for (const candidate of owners.lister.list(set.metadata.namespace)) {
          if (selectorFromLabelSelector(candidate.spec.selector).matches(set.metadata.labels)) queue.add(keyOf(candidate), causes);
        }
      }
    };
    owners.addHandler({
      onAdd: (owner, causes) => queue.add(keyOf(owner), causes),
      onUpdate: (owner, _, causes) => queue.add(keyOf(owner), causes),
    });
    sets.addHandler({
      onAdd: addOwner,
      onUpdate(set, previous, causes) {
        if (controllerOf(previous)?.uid !== controllerOf(set)?.uid) addOwner(previous, causes);
        addOwner(set, causes);
      },
      onDelete: addOwner,
    });
    // Recreate waits for the last old pod to end; nothing else here depends on single pods.
    const podEnded = (pod: KubeObject, causes: Causes): void => {
      const controller = controllerOf(pod);
      const set =
        controller?.kind === 'ReplicaSet' ? sets.lister.get(keyOf({ metadata: { ...pod.metadata, name: controller.name } })) : undefined;
      const owner = set && ownerOf(set);
      if (owner && !isRollingUpdate(owner)) queue.add(keyOf(owner), causes);
    };
    pods.addHandler({
      onUpdate: (pod, previous, causes) => (isPodTerminal(pod) && !isPodTerminal(previous) ? podEnded(pod, causes) : undefined),
      onDelete: podEnded,
    });

    async function reconcile(key: string, { client }: { readonly client: Client }): Promise<ReconcileResult> {
      const deployment = owners.lister.get(key);
      if (!deployment) return undefined;
      const { namespace } = splitKey(key);
      const selector = selectorFromLabelSelector(deployment.spec.selector);
      if (selector.requirements.length === 0) {
        events.event(deployment, 'Warning', 'SelectingAll', 'This deployment is selecting all pods. A non-empty selector is required.');
        return undefined;
      }
      const replicaSets = await claimObjects({
        owner: deployment,
        ownerRef: deployments,
        objects: candidatesFor(deployment, sets.lister),
        ref: replicasets,
        selector,
        client,
      });
      const moment: Moment = { now: clock.now(), time: timestamp(clock) };
      const plan = decideDeployment({
        deployment,
        replicaSets,
        moment,
        podsOf: (set) => pods.lister.byIndex('byController', set.metadata.uid),
      });
      const api = client.resource(replicasets);

      if (plan.create) await createReplicaSet(deployment, plan.create, moment, client);
      for (const { from, to } of plan.update) {
        await api.update(to, { namespace });
        if (sizeOf(from) !== sizeOf(to)) noteScaled(deployment, from.metadata.name, sizeOf(from), sizeOf(to));
      }
      for (const { metadata } of plan.remove) {
        const { name: setName, uid, resourceVersion } = metadata;
        await unlessGone(api.delete(setName, { namespace, preconditions: { uid, resourceVersion } }));
      }
      if (plan.revision !== undefined || !equal(plan.status, deployment.status)) {
        // The revision goes with the status: a write of the object itself would count as a change of what is wanted.
        const annotations = {
          ...deployment.metadata.annotations,
          ...(plan.revision === undefined ? {} : { [revisionAnnotation]: plan.revision }),
        };
        const metadata = { ...deployment.metadata, annotations };
        await unlessGone(client.resource(deployments).updateStatus({ ...deployment, metadata, status: plan.status }, { namespace }));
      }
      return plan.after === undefined ? undefined : { after: plan.after };
    }

    async function createReplicaSet(
      deployment: Deployment,
      draft: Draft<ReplicaSet> & { readonly metadata: { readonly name: string } },
      moment: Moment,
      client: Client,
    ): Promise<void> {
      const { namespace = '' } = deployment.metadata;
      const api = client.resource(replicasets);
      const owned = client.resource(deployments);
      try {
        await api.create(draft, { namespace });
        noteScaled(deployment, draft.metadata.name, 0, draft.spec?.replicas ?? 0);
      } catch (error) {
        if (isAlreadyExists(error)) {
          const present = await api.get(draft.metadata.name, { namespace });
          // Made by an earlier try whose answer was lost, or just not seen here yet.
          if (controllerOf(present)?.uid === deployment.metadata.uid && hasTemplateOf(present, deployment)) return;
          // Another template has this name: the next try will find another one.
          const collisionCount = (deployment.status.collisionCount ?? 0) + 1;
          await owned.updateStatus({ ...deployment, status: { ...deployment.status, collisionCount } }, { namespace });
        } else {
          const message = `Failed to create new replica set "${draft.metadata.name}": ${error instanceof Error ? error.message : String(error)}`;
          events.event(deployment, 'Warning', 'ReplicaSetCreateError', message);
          const conditions = withCondition(
            deployment.status.conditions,
            condition('Progressing', 'False', 'ReplicaSetCreateError', message, moment),
          );
          if (!equal(conditions, deployment.status.conditions))
            await owned.updateStatus({ ...deployment, status: { ...deployment.status, conditions } }, { namespace });
        }
        throw error;
      }
    }

    function noteScaled(deployment: Deployment, set: string, from: number, to: number): void {
      if (from !== to)
        events.event(
          deployment,
          'Normal',
          'ScalingReplicaSet',
          `Scaled ${to > from ? 'up' : 'down'} replica set ${set} from ${from} to ${to}`,
        );
    }

    return controlLoop(context, { reconciler: { name, reconcile }, queue, informers: [owners, sets, pods] });
  },
};
