/** Taints against tolerations. https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
import type { Taint, Toleration } from './generated/core-v1.ts';

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key, operator = 'Equal', effect } = toleration;
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  const value = taint.value ?? '';
  switch (operator || 'Equal') {
    case 'Exists':
      return true;
    case 'Equal':
      return Boolean(key) && (toleration.value ?? '') === value;
    case 'Gt':
      return ordered(value, toleration.value, (a, b) => a > b);
    case 'Lt':
      return ordered(value, toleration.value, (a, b) => a < b);
    default:
      return false;
  }
}

/** Both must be whole numbers. */
function ordered(a: string, b: string | undefined, holds: (a: bigint, b: bigint) => boolean): boolean {
  const integer = /^-?\d+$/;
  return b !== undefined && integer.test(a) && integer.test(b) && holds(BigInt(a), BigInt(b));
}
