import type { StatefulSet, StatefulSetStatus } from '../../api/generated/apps-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { revisionHashLabel } from '../controller-history.ts';
import { resolveIntOrPercent } from '../int-or-percent.ts';
import { isPodAvailable, isPodReady, isPodTerminal } from '../pod-state.ts';
import { ordinalOf, ordinals } from './identity.ts';

export interface ObservedReplicas {
  readonly set: StatefulSet;
  /** Those that the set controls. */
  readonly pods: readonly Pod[];
  /** Hashes of the revision that pods come from and of the one they are to come to. */
  readonly currentRevision: string;
  readonly updateRevision: string;
  readonly now: number;
}

export interface StatefulPlan {
  /** Pods to make, each of one of the two revisions. */
  readonly create: readonly { readonly ordinal: number; readonly revision: string }[];
  readonly remove: readonly Pod[];
}

const revisionOf = ({ metadata }: Pod): string | undefined => metadata.labels?.[revisionHashLabel];
const isGoing = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;
const isHealthy = (pod: Pod): boolean => pod.status.phase === 'Running' && isPodReady(pod) && !isGoing(pod);

interface Slots {
  /** By ordinal, ascending; undefined where no pod is. */
  readonly wanted: readonly { readonly ordinal: number; readonly pod: Pod | undefined }[];
  /** Beyond the wanted ordinals, the highest first. */
  readonly condemned: readonly Pod[];
}

export function slotsOf(set: StatefulSet, pods: readonly Pod[]): Slots {
  const { start, end } = ordinals(set);
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
  const wanted = Array.from({ length: end - start }, (_, i) => ({ ordinal: start + i, pod: byOrdinal.get(start + i) }));
  const condemned = pods.filter((pod) => {
    const ordinal = ordinalOf(set, pod);
    return ordinal !== undefined && (ordinal < start || ordinal >= end);
  });
  return { wanted, condemned: condemned.sort((a, b) => (ordinalOf(set, b) as number) - (ordinalOf(set, a) as number)) };
}

/**
 * The next step. With OrderedReady, one pod at a time: up in order, each only when all before it are available; down
 * in reverse, each only when the rest is healthy. With Parallel, all at once. Updates go from the highest ordinal
 * down to the partition, with as many unavailable as maxUnavailable allows.
 */
export function decideStateful(observed: ObservedReplicas): StatefulPlan {
  const { set, pods, updateRevision, now } = observed;
  const { wanted, condemned } = slotsOf(set, pods);
  const ordered = set.spec.podManagementPolicy !== 'Parallel';
  const minReady = set.spec.minReadySeconds ?? 0;
  const create: StatefulPlan['create'][number][] = [];
  const remove: Pod[] = [];

  for (const { ordinal, pod } of wanted) {
    if (!pod) {
      create.push({ ordinal, revision: revisionFor(observed, ordinal) });
    } else if (isPodTerminal(pod)) {
      // Its successor has the same name: it can only come when this one is gone.
      if (!isGoing(pod)) remove.push(pod);
    } else if (isHealthy(pod) && isPodAvailable(pod, minReady, now)) {
      continue;
    }
    if (ordered) return { create, remove };
  }
  if (create.length + remove.length > 0) return { create, remove };

  const firstUnhealthy = [...wanted.flatMap(({ pod }) => pod ?? []), ...[...condemned].reverse()].find((pod) => !isHealthy(pod));
  for (const pod of condemned) {
    if (isGoing(pod)) {
      if (ordered) return { create, remove };
      continue;
    }
    if (ordered && !isHealthy(pod) && pod !== firstUnhealthy) return { create, remove };
    remove.push(pod);
    if (ordered) return { create, remove };
  }
  if (remove.length > 0 || set.spec.updateStrategy.type === 'OnDelete') return { create, remove };

  const { partition = 0, maxUnavailable = 1 } = set.spec.updateStrategy.rollingUpdate ?? {};
  const limit = Math.max(1, resolveIntOrPercent(maxUnavailable, wanted.length, 'up'));
  const { start } = ordinals(set);
  let unavailable = wanted.filter(({ pod }) => pod && !(isHealthy(pod) && isPodAvailable(pod, minReady, now))).length;
  for (const { ordinal, pod } of [...wanted].reverse()) {
    if (!pod || ordinal < start + partition) continue;
    const healthy = isHealthy(pod) && isPodAvailable(pod, minReady, now);
    if (revisionOf(pod) !== updateRevision && !isGoing(pod)) {
      // One that is unavailable anyway costs nothing.
      if (healthy && unavailable >= limit) break;
      remove.push(pod);
      if (healthy) unavailable++;
      if (limit === 1) break;
    } else if (!healthy && limit === 1) {
      break;
    }
  }
  return { create, remove };
}

/** Below the partition, and in a rollout below what is still of the old one, a lost pod comes back as it was. */
function revisionFor({ set, currentRevision, updateRevision }: ObservedReplicas, ordinal: number): string {
  const { type, rollingUpdate } = set.spec.updateStrategy;
  if (type === 'OnDelete') return updateRevision;
  const kept = rollingUpdate?.partition ?? set.status.currentReplicas ?? 0;
  return ordinal < ordinals(set).start + kept ? currentRevision : updateRevision;
}

export function statefulStatus({ set, pods, currentRevision, updateRevision, now }: ObservedReplicas): StatefulSetStatus {
  const members = pods.filter((pod) => ordinalOf(set, pod) !== undefined);
  const count = (test: (pod: Pod) => boolean): number => members.filter(test).length;
  const minReady = set.spec.minReadySeconds ?? 0;
  const ready = count((pod) => pod.status.phase === 'Running' && isPodReady(pod));
  const current = count((pod) => !isGoing(pod) && revisionOf(pod) === currentRevision);
  const updated = count((pod) => !isGoing(pod) && revisionOf(pod) === updateRevision);
  const { collisionCount, conditions } = set.status;
  // Everything is of the new revision and ready: it is the current one from now on.
  const rolling = set.spec.updateStrategy.type !== 'OnDelete';
  const complete = rolling && updated === members.length && ready === members.length && updated === (set.spec.replicas ?? 1);
  return {
    replicas: members.length,
    readyReplicas: ready,
    availableReplicas: count((pod) => pod.status.phase === 'Running' && isPodAvailable(pod, minReady, now)),
    currentReplicas: complete ? updated : current,
    updatedReplicas: updated,
    currentRevision: complete ? updateRevision : currentRevision,
    updateRevision,
    observedGeneration: set.metadata.generation ?? 0,
    collisionCount: collisionCount ?? 0,
    ...(conditions ? { conditions } : {}),
  };
}
