/** How many pods of a PodDisruptionBudget may be taken away just now. Pure. */
import type { Pod } from '../../api/generated/core-v1.ts';
import type { Condition } from '../../api/generated/meta-v1.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../api/generated/policy-v1.ts';
import { withCondition } from '../conditions.ts';
import { resolveIntOrPercent } from '../int-or-percent.ts';
import { isPodActive, isPodReady, timeOf } from '../pod-state.ts';

/** An eviction that was granted must show as a deletion within this time; else it is taken to have failed. */
const deletionTimeoutMs = 2 * 60_000;

export interface ObservedBudget {
  readonly budget: PodDisruptionBudget;
  /** Those that the selector matches. */
  readonly pods: readonly Pod[];
  /** How many pods their controllers want together; throws when that cannot be told. */
  scale(): number;
  /** Milliseconds since the epoch, and the same as an API time. */
  readonly now: number;
  readonly time: string;
}

export interface BudgetPlan {
  readonly status: PodDisruptionBudgetStatus;
  /** Milliseconds until a granted eviction that has not happened is given up. */
  readonly after: number | undefined;
}

/** A percentage, or maxUnavailable, is of what the controllers want; a plain minAvailable is of what is there. */
export function expectedPods({ spec }: PodDisruptionBudget, count: number, scale: () => number): { expected: number; desired: number } {
  if (spec.maxUnavailable !== undefined) {
    const expected = scale();
    return { expected, desired: Math.max(0, expected - resolveIntOrPercent(spec.maxUnavailable, expected, 'up')) };
  }
  const { minAvailable = 1 } = spec;
  if (typeof minAvailable === 'number') return { expected: count, desired: minAvailable };
  const expected = scale();
  return { expected, desired: resolveIntOrPercent(minAvailable, expected, 'up') };
}

export function decideBudget({ budget, pods, scale, now, time }: ObservedBudget): BudgetPlan {
  const active = pods.filter(isPodActive);
  const { expected, desired } = expectedPods(budget, active.length, scale);
  const disrupted: Record<string, string> = {};
  let after: number | undefined;
  for (const pod of active) {
    const granted = timeOf(budget.status.disruptedPods?.[pod.metadata.name]);
    if (granted === undefined || granted + deletionTimeoutMs <= now) continue;
    disrupted[pod.metadata.name] = budget.status.disruptedPods?.[pod.metadata.name] as string;
    after = Math.min(after ?? Number.POSITIVE_INFINITY, granted + deletionTimeoutMs - now);
  }
  const healthy = active.filter((pod) => isPodReady(pod) && disrupted[pod.metadata.name] === undefined).length;
  const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
  return {
    after,
    status: {
      ...(Object.keys(disrupted).length > 0 ? { disruptedPods: disrupted } : {}),
      currentHealthy: healthy,
      desiredHealthy: desired,
      expectedPods: expected,
      disruptionsAllowed: allowed,
      observedGeneration: budget.metadata.generation ?? 0,
      conditions: withAllowed(budget, allowed > 0 ? 'SufficientPods' : 'InsufficientPods', '', time),
    },
  };
}

/** Nothing may be disrupted while the numbers cannot be told. */
export function failedStatus(budget: PodDisruptionBudget, message: string, time: string): PodDisruptionBudgetStatus {
  return {
    ...budget.status,
    disruptionsAllowed: 0,
    observedGeneration: budget.metadata.generation ?? 0,
    conditions: withAllowed(budget, 'SyncFailed', message, time),
  };
}

function withAllowed({ status, metadata }: PodDisruptionBudget, reason: string, message: string, time: string): readonly Condition[] {
  return withCondition<Condition>(status.conditions, {
    type: 'DisruptionAllowed',
    status: reason === 'SufficientPods' ? 'True' : 'False',
    reason,
    message,
    observedGeneration: metadata.generation ?? 0,
    lastTransitionTime: time,
  });
}
