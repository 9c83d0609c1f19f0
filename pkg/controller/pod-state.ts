/** What a pod's status says, in the terms that controllers ask in. Kubernetes: pkg/api/v1/pod. */
import type { Pod, PodCondition } from '../api/generated/core-v1.ts';

export function podCondition(pod: Pod, type: string): PodCondition | undefined {
  return pod.status.conditions?.find((condition) => condition.type === type);
}

export function isPodReady(pod: Pod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True';
}

/** Since when it has been ready, in milliseconds; undefined when it is not. */
export function readySince(pod: Pod): number | undefined {
  const ready = podCondition(pod, 'Ready');
  return ready?.status === 'True' ? timeOf(ready.lastTransitionTime) : undefined;
}

/** Ready for at least `minReadySeconds`. */
export function isPodAvailable(pod: Pod, minReadySeconds: number, now: number): boolean {
  if (!isPodReady(pod)) return false;
  return minReadySeconds === 0 || (readySince(pod) ?? Number.POSITIVE_INFINITY) + minReadySeconds * 1000 <= now;
}

/** Milliseconds until the pod becomes available if it stays ready; undefined when it is not ready or is available. */
export function untilAvailable(pod: Pod, minReadySeconds: number, now: number): number | undefined {
  const since = readySince(pod);
  if (since === undefined || minReadySeconds === 0) return undefined;
  const left = since + minReadySeconds * 1000 - now;
  return left > 0 ? left : undefined;
}

/** Ended, for good: no container of it runs or will run again. */
export function isPodTerminal(pod: Pod): boolean {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
}

/** Neither ended nor being deleted: it counts as a replica. */
export function isPodActive(pod: Pod): boolean {
  return !isPodTerminal(pod) && !pod.metadata.deletionTimestamp;
}

/** Being deleted, and not ended yet. */
export function isPodTerminating(pod: Pod): boolean {
  return !isPodTerminal(pod) && pod.metadata.deletionTimestamp !== undefined;
}

/** Milliseconds since the epoch of an API time; undefined for an absent or impossible one. */
export function timeOf(time: string | undefined): number | undefined {
  if (!time) return undefined;
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? undefined : ms;
}
