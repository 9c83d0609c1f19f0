import { isApiError, isNotFound } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { pods as podsRef } from '../../api/generated/resources.ts';
import { controllerOf, type KubeObject, keyOf, type ResourceRef, splitKey } from '../../api/object.ts';
import type { Client } from '../../client/client.ts';
import { timestamp } from '../../clock/clock.ts';
import type { ReconcileResult, Runnable } from '../../listwatch/contract.ts';
import type { Causes } from '../../trace/cause.ts';
import { candidatesFor, claimObjects } from '../claim.ts';
import { type ControllerContext, controlLoop, controllerQueue } from '../controller.ts';
import { equal } from '../equal.ts';
import { Expectations } from '../expectations.ts';
import { controllerIndex, podIndexes } from '../indexes.ts';
import { isPodActive, isPodTerminating } from '../pod-state.ts';
import { podFromTemplate } from '../pod-template.ts';
import { slowStart } from '../slow-start.ts';
import { unlessGone } from '../unless-gone.ts';
import {
  nextAvailability,
  planReplicas,
  type ReplicaFailure,
  type ReplicaPlan,
  type ReplicaSpec,
  type ReplicaStatus,
  replicaStatus,
} from './decide.ts';

/** What makes a ReplicaSet different from a ReplicationController. */
export interface ReplicaKind<T extends KubeObject> {
  readonly controller: string;
  readonly ref: ResourceRef<T>;
  specOf(owner: T): ReplicaSpec;
  statusOf(owner: T): ReplicaStatus;
  withStatus(owner: T, status: ReplicaStatus): T;
  /** Whether the status has a count of terminating pods. */
  readonly countsTerminating: boolean;
}

/**
 * Keeps `spec.replicas` pods alive for each owner: claims pods by owner reference and selector, creates what is
 * missing in growing batches, deletes what is too much in the order of least loss, and reports.
 * https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/
 */
export function createReplicaController<T extends KubeObject>(context: ControllerContext, kind: ReplicaKind<T>): Runnable {
  const { clock, informers } = context;
  const owners = informers.informer(kind.ref, { indexes: controllerIndex });
  const pods = informers.informer(podsRef, { indexes: podIndexes });
  const queue = controllerQueue(context, kind.ref.resource);
  const expectations = new Expectations(clock);
  const events = context.recorder(kind.controller);

  /** The owner that a pod's controller reference really means: same kind, name and uid. */
  const ownerOf = (pod: Pod): T | undefined => {
    const controller = controllerOf(pod);
    if (controller?.kind !== kind.ref.kind) return undefined;
    const owner = owners.lister.get(keyOf({ metadata: { ...pod.metadata, name: controller.name } }));
    return owner?.metadata.uid === controller.uid ? owner : undefined;
  };
  /** An orphan concerns all owners that would adopt it. */
  const addAdopters = (pod: Pod, causes: Causes): void => {
    for (const owner of owners.lister.list(pod.metadata.namespace)) {
      if (kind.specOf(owner).selector.matches(pod.metadata.labels)) queue.add(keyOf(owner), causes);
    }
  };
  const podGoing = (pod: Pod, causes: Causes): void => {
    const controller = controllerOf(pod);
    if (!controller) return;
    expectations.deleted(controller.uid, pod.metadata.uid);
    const owner = ownerOf(pod);
    if (owner) queue.add(keyOf(owner), causes);
  };

  owners.addHandler({
    onAdd: (owner, causes) => queue.add(keyOf(owner), causes),
    onUpdate: (owner, _, causes) => queue.add(keyOf(owner), causes),
    onDelete: (owner) => expectations.forget(owner.metadata.uid),
  });
  pods.addHandler({
    onAdd(pod, causes) {
      if (pod.metadata.deletionTimestamp) {
        podGoing(pod, causes);
        return;
      }
      const controller = controllerOf(pod);
      if (!controller) {
        addAdopters(pod, causes);
        return;
      }
      expectations.created(controller.uid);
      const owner = ownerOf(pod);
      if (owner) queue.add(keyOf(owner), causes);
    },
    onUpdate(pod, previous, causes) {
      if (pod.metadata.deletionTimestamp) podGoing(pod, causes);
      const before = controllerOf(previous);
      const controller = controllerOf(pod);
      if (before && before.uid !== controller?.uid) {
        const owner = ownerOf(previous);
        if (owner) queue.add(keyOf(owner), causes);
      }
      if (controller) {
        const owner = ownerOf(pod);
        if (owner) queue.add(keyOf(owner), causes);
      } else if (before || !equal(pod.metadata.labels, previous.metadata.labels)) {
        addAdopters(pod, causes);
      }
    },
    onDelete: podGoing,
  });

  /** Pods of all owners under the same owner (the ReplicaSets of one Deployment): for spreading deletions. */
  const relatedPods = (owner: T): readonly Pod[] => {
    const parent = controllerOf(owner);
    const siblings = parent ? owners.lister.byIndex('byController', parent.uid) : [owner];
    return siblings.flatMap(({ metadata }) => pods.lister.byIndex('byController', metadata.uid)).filter(isPodActive);
  };

  async function carryOut(plan: ReplicaPlan, owner: T, client: Client): Promise<unknown> {
    const { uid, namespace = '' } = owner.metadata;
    const api = client.resource(podsRef);
    if (plan.create > 0) {
      expectations.expect(uid, { creations: plan.create });
      const { successes, failure } = await slowStart(plan.create, async () => {
        try {
          const pod = await api.create(podFromTemplate(owner, kind.specOf(owner).template), { namespace });
          events.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
        } catch (error) {
          if (!isNamespaceTerminating(error)) events.event(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
          throw error;
        }
      });
      expectations.created(uid, plan.create - successes);
      return failure;
    }
    if (plan.remove.length === 0) return undefined;
    expectations.expect(uid, { deletions: plan.remove.map(({ metadata }) => metadata.uid) });
    const results = await Promise.allSettled(
      plan.remove.map(async ({ metadata }) => {
        try {
          await api.delete(metadata.name, { namespace, preconditions: { uid: metadata.uid } });
          events.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${metadata.name}`);
        } catch (error) {
          // It is not there: nobody will see it go.
          expectations.deleted(uid, metadata.uid);
          if (isNotFound(error)) return;
          events.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`);
          throw error;
        }
      }),
    );
    return results.find((result) => result.status === 'rejected')?.reason;
  }

  async function reconcile(key: string, { client }: { readonly client: Client }): Promise<ReconcileResult> {
    const owner = owners.lister.get(key);
    if (!owner) return undefined;
    const spec = kind.specOf(owner);
    const { namespace } = splitKey(key);
    // Asked before the pods are looked at: what arrives in between is then seen by one of the two.
    const settled = expectations.satisfied(owner.metadata.uid);
    const candidates = candidatesFor(owner, pods.lister);
    const active = await claimObjects({
      owner,
      ownerRef: kind.ref,
      objects: candidates.filter(isPodActive),
      ref: podsRef,
      selector: spec.selector,
      client,
    });

    const now = clock.now();
    let failure: unknown;
    let plan: ReplicaPlan = { create: 0, remove: [] };
    if (settled && !owner.metadata.deletionTimestamp) {
      plan = planReplicas(spec.replicas, active, () => relatedPods(owner), now);
      failure = await carryOut(plan, owner, client);
      // A namespace that is going away takes no pods, and its owners with it soon.
      if (isNamespaceTerminating(failure)) return undefined;
    }

    const reported: ReplicaFailure | undefined =
      failure === undefined ? undefined : { reason: plan.create > 0 ? 'FailedCreate' : 'FailedDelete', message: messageOf(failure) };
    const previous = kind.statusOf(owner);
    const status = replicaStatus({
      spec,
      previous,
      generation: owner.metadata.generation ?? 0,
      pods: active,
      ...(kind.countsTerminating
        ? { terminating: candidates.filter((pod) => isPodTerminating(pod) && controllerOf(pod)?.uid === owner.metadata.uid).length }
        : {}),
      failure: reported,
      now,
      time: timestamp(clock),
    });
    if (!equal(status, previous))
      await unlessGone(client.resource(kind.ref).updateStatus(kind.withStatus(owner, status) as never, { namespace }));
    if (failure !== undefined) throw failure;

    const wait = nextAvailability(active, spec.minReadySeconds, now);
    return wait === undefined ? undefined : { after: wait };
  }

  return controlLoop(context, { reconciler: { name: kind.controller, reconcile }, queue, informers: [owners, pods] });
}

/** The server refuses to create anything in a namespace that is being deleted, and says so in a cause. */
function isNamespaceTerminating(error: unknown): boolean {
  return isApiError(error) && error.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') === true;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
