/**
 * How large each ReplicaSet should be next. Pure: sizes in, sizes out; one careful step at a time, and the next
 * step when the last one has shown its effect.
 */
import type { Deployment, ReplicaSet } from '../../api/generated/apps-v1.ts';
import {
  byAge,
  desiredReplicasAnnotation,
  isRollingUpdate,
  maxReplicasAnnotation,
  rolloutLimits,
  sizeOf,
  totalAvailable,
  totalSize,
  wanted,
} from './replica-sets.ts';

/** New sizes by ReplicaSet. */
export type Sizes = ReadonlyMap<ReplicaSet, number>;

const isActive = (set: ReplicaSet): boolean => sizeOf(set) > 0;

/** As many as the surge allows: the size at which the present ReplicaSet starts or goes on. */
export function nextSizeOfCurrent(deployment: Deployment, all: readonly ReplicaSet[], currentSize: number): number {
  const replicas = wanted(deployment);
  if (!isRollingUpdate(deployment)) return replicas;
  const room = replicas + rolloutLimits(deployment).maxSurge - totalSize(all);
  return room <= 0 ? currentSize : currentSize + Math.min(room, replicas - currentSize);
}

/** One step of a rolling update: grow the present one if there is room, else shrink old ones as far as availability allows. */
export function rollingUpdateStep(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Sizes {
  const replicas = wanted(deployment);
  const size = sizeOf(current);
  const next = size > replicas ? replicas : size < replicas ? nextSizeOfCurrent(deployment, [current, ...old], size) : size;
  if (next !== size) return new Map([[current, next]]);

  if (totalSize(old) === 0) return new Map();
  const minAvailable = replicas - rolloutLimits(deployment).maxUnavailable;
  const currentUnavailable = size - (current.status.availableReplicas ?? 0);
  // Pods of the present one that are not available yet are counted as if they never would be.
  const mayGo = totalSize(old) + size - minAvailable - currentUnavailable;
  if (mayGo <= 0) return new Map();

  const sizes = new Map<ReplicaSet, number>();
  // Pods that serve nobody go first: a rollout of a broken template can be replaced without losing a good pod.
  let cleaned = 0;
  for (const set of byAge(old)) {
    const sick = sizeOf(set) - (set.status.availableReplicas ?? 0);
    const count = Math.min(mayGo - cleaned, sick);
    if (count <= 0) continue;
    sizes.set(set, sizeOf(set) - count);
    cleaned += count;
  }
  let spare = totalAvailable([current, ...old]) - minAvailable;
  for (const set of byAge(old)) {
    const left = sizes.get(set) ?? sizeOf(set);
    const count = Math.min(spare, left);
    if (count <= 0) continue;
    sizes.set(set, left - count);
    spare -= count;
  }
  return sizes;
}

/** Takes all old ones down. Recreate goes on only when none of their pods is left. */
export function removeOldStep(old: readonly ReplicaSet[]): Sizes {
  return new Map(old.filter(isActive).map((set) => [set, 0]));
}

/** Somebody has changed the number of replicas since the ReplicaSets were last scaled. */
export function isScalingEvent(deployment: Deployment, all: readonly ReplicaSet[]): boolean {
  return all.filter(isActive).some(({ metadata }) => {
    const desired = metadata.annotations?.[desiredReplicasAnnotation];
    return desired !== undefined && Number(desired) !== wanted(deployment);
  });
}

/**
 * Scales without rolling anything out, when the number of replicas changes or the Deployment is paused. In the
 * middle of a rollout all ReplicaSets grow or shrink in proportion to their sizes, so that a bad template does not
 * gain ground by a scale-up. https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#proportional-scaling
 */
export function scaleStep(deployment: Deployment, current: ReplicaSet | undefined, old: readonly ReplicaSet[]): Sizes {
  const replicas = wanted(deployment);
  const all = current ? [...old, current] : old;
  const active = all.filter(isActive);
  const only = active.length > 1 ? undefined : (active[0] ?? current ?? byAge(old).at(-1));
  if (only) return new Map([[only, replicas]]);
  if (active.length === 0) return new Map();
  if (current && isSaturated(deployment, current)) return removeOldStep(old);
  if (!isRollingUpdate(deployment)) return new Map();

  const allowed = replicas > 0 ? replicas + rolloutLimits(deployment).maxSurge : 0;
  const toAdd = allowed - totalSize(active);
  // The largest first; of equals, growth goes to the newer and shrinking to the older.
  const sorted = byAge(active);
  if (toAdd > 0) sorted.reverse();
  sorted.sort((a, b) => sizeOf(b) - sizeOf(a));
  const sizes = new Map<ReplicaSet, number>();
  let added = 0;
  for (const set of sorted) {
    const share = proportion(deployment, set, toAdd, added);
    sizes.set(set, sizeOf(set) + share);
    added += share;
  }
  const largest = sorted[0] as ReplicaSet;
  sizes.set(largest, Math.max(0, (sizes.get(largest) as number) + toAdd - added));
  return sizes;
}

/** The present one has all that is wanted, and all of it is available. */
function isSaturated(deployment: Deployment, current: ReplicaSet): boolean {
  const replicas = wanted(deployment);
  return (
    sizeOf(current) === replicas &&
    Number(current.metadata.annotations?.[desiredReplicasAnnotation]) === replicas &&
    current.status.availableReplicas === replicas
  );
}

function proportion(deployment: Deployment, set: ReplicaSet, toAdd: number, added: number): number {
  const left = toAdd - added;
  if (sizeOf(set) === 0 || toAdd === 0 || left === 0) return 0;
  const share = shareOf(deployment, set);
  return toAdd > 0 ? Math.min(share, left) : Math.max(share, left);
}

/** What the ReplicaSet's present part of the whole is of the whole to come, less what it has. */
function shareOf(deployment: Deployment, set: ReplicaSet): number {
  const replicas = wanted(deployment);
  if (replicas === 0) return -sizeOf(set);
  const before = Number(set.metadata.annotations?.[maxReplicasAnnotation]) || deployment.status.replicas || 0;
  if (before === 0) return 0;
  return Math.round((sizeOf(set) * (replicas + rolloutLimits(deployment).maxSurge)) / before) - sizeOf(set);
}
