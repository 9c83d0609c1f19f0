/** Taints against tolerations. https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
import type { Taint, Toleration } from '../api/generated/core-v1.ts';
import { tolerates } from '../api/tolerations.ts';

/** The first of the taints that no toleration covers. */
export function untolerated(taints: readonly Taint[], tolerations: readonly Toleration[] | undefined): Taint | undefined {
  return taints.find((taint) => !tolerations?.some((toleration) => tolerates(toleration, taint)));
}

/** Keeps new pods away; PreferNoSchedule only advises. */
export function isHard(taint: Taint): boolean {
  return taint.effect === 'NoSchedule' || taint.effect === 'NoExecute';
}

/** `key=value:effect`, as kubectl writes a taint. */
export function formatTaint(taint: Taint): string {
  return `${taint.key}${taint.value ? `=${taint.value}` : ''}:${taint.effect}`;
}
