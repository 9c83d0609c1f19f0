/** Taints against tolerations. https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
import type { Taint, Toleration } from '../api/generated/core-v1.ts';

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  const value = taint.value ?? '';
  switch (toleration.operator ?? '') {
    case '':
    case 'Equal':
      return !!toleration.key && (toleration.value ?? '') === value;
    case 'Exists':
      return true;
    case 'Gt':
      return compareIntegers(value, toleration.value) > 0;
    case 'Lt':
      return compareIntegers(value, toleration.value) < 0;
    default:
      return false;
  }
}

/** NaN, which is neither above nor below 0, when either is no integer. */
function compareIntegers(a: string, b: string | undefined): number {
  const integer = /^-?\d+$/;
  return b !== undefined && integer.test(a) && integer.test(b) ? Number(BigInt(a) - BigInt(b)) : Number.NaN;
}

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
