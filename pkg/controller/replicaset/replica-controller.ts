import type { Pod } from '../../api/generated/core-v1.ts';
import { pods as podsRef } from '../../api/generated/resources.ts';
import { controllerOf, type KubeObject, keyOf, type ResourceRef, splitKey } from '../../api/object.ts';
import type { Client } from '../../client/client.ts';
import { timestamp } from '../../clock/clock.ts';
import type { ReconcileResult, Runnable } from '../../listwatch/contract.ts';
import { candidatesFor, claimObjects } from '../claim.ts';
import { type ControllerContext, controlLoop, controllerQueue } from '../controller.ts';
import { equal } from '../equal.ts';
import { Expectations } from '../expectations.ts';
import { controllerIndex, podIndexes } from '../indexes.ts';
import { watchOwnedPods } from '../owned-pods.ts';
import { isNamespaceTerminating, messageOf, PodControl } from '../pod-control.ts';
import { isPodActive, isPodTerminating } from '../pod-state.ts';
import { podFromTemplate } from '../pod-template.ts';
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
  /** Who its events are from, where Kubernetes calls it otherwise. */
  readonly source?: string;
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
  const events = context.recorder(kind.source ?? kind.controller);

  owners.addHandler({
    onAdd: (owner, causes) => queue.add(keyOf(owner), causes),
    onUpdate: (owner, _, causes) => queue.add(keyOf(owner), causes),
    onDelete: (owner) => expectations.forget(owner.metadata.uid),
  });
  watchOwnedPods({ pods, owners, kind: kind.ref.kind, selectorOf: (owner) => kind.specOf(owner).selector, expectations, queue });

  /** Pods of all owners under the same owner (the ReplicaSets of one Deployment): for spreading deletions. */
  const relatedPods = (owner: T): readonly Pod[] => {
    const parent = controllerOf(owner);
    const siblings = parent ? owners.lister.byIndex('byController', parent.uid) : [owner];
    return siblings.flatMap(({ metadata }) => pods.lister.byIndex('byController', metadata.uid)).filter(isPodActive);
  };

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
      const control = new PodControl({ client, owner, events, expectations });
      const create = Array.from({ length: plan.create }, () => () => podFromTemplate(owner, spec.template));
      failure = await control.apply({ create, remove: plan.remove });
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
