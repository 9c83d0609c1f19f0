import type { ReplicaSetCondition } from '../../api/generated/apps-v1.ts';
import type { Pod, PodTemplateSpec } from '../../api/generated/core-v1.ts';
import { type Selector, selectorFromMap } from '../../api/selectors.ts';
import { findCondition, withCondition, withoutCondition } from '../conditions.ts';
import { isPodAvailable, isPodReady, untilAvailable } from '../pod-state.ts';
import { inDeletionOrder } from './deletion-order.ts';

/** A ReplicaSet or a ReplicationController, as far as keeping replicas goes. */
export interface ReplicaSpec {
  readonly replicas: number;
  readonly minReadySeconds: number;
  readonly selector: Selector;
  readonly template: PodTemplateSpec;
}

export interface ReplicaStatus {
  readonly replicas: number;
  readonly fullyLabeledReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly terminatingReplicas?: number;
  readonly observedGeneration?: number;
  readonly conditions?: readonly ReplicaSetCondition[];
}

/** No more pods are created or deleted in one go; the rest follows when these have been seen. */
export const burstReplicas = 500;

export interface ReplicaPlan {
  readonly create: number;
  readonly remove: readonly Pod[];
}

/** How to come from `pods` (active, claimed) to the wanted number. */
export function planReplicas(wanted: number, pods: readonly Pod[], related: () => readonly Pod[], now: number): ReplicaPlan {
  const surplus = pods.length - wanted;
  if (surplus <= 0) return { create: Math.min(-surplus, burstReplicas), remove: [] };
  const count = Math.min(surplus, burstReplicas);
  const remove = count < pods.length ? inDeletionOrder(pods, related(), now).slice(0, count) : pods;
  return { create: 0, remove };
}

/** What went wrong while a plan was carried out. */
export interface ReplicaFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly message: string;
}

/** The status that `pods` (active, claimed) make; `now` in milliseconds, `time` the same as an API time. */
export function replicaStatus(observed: {
  readonly spec: ReplicaSpec;
  readonly previous: ReplicaStatus;
  readonly generation: number;
  readonly pods: readonly Pod[];
  readonly terminating?: number;
  readonly failure: ReplicaFailure | undefined;
  readonly now: number;
  readonly time: string;
}): ReplicaStatus {
  const { spec, previous, generation, pods, terminating, failure, now, time } = observed;
  const templateLabels = selectorFromMap(spec.template.metadata.labels);
  let conditions = previous.conditions ?? [];
  if (!failure) conditions = withoutCondition(conditions, 'ReplicaFailure');
  else if (!findCondition(conditions, 'ReplicaFailure')) {
    conditions = withCondition(conditions, { type: 'ReplicaFailure', status: 'True', lastTransitionTime: time, ...failure });
  }
  const count = (test: (pod: Pod) => boolean): number => pods.filter(test).length;
  return {
    replicas: pods.length,
    ...present(
      'fullyLabeledReplicas',
      count(({ metadata }) => templateLabels.matches(metadata.labels)),
    ),
    ...present('readyReplicas', count(isPodReady)),
    ...present(
      'availableReplicas',
      count((pod) => isPodAvailable(pod, spec.minReadySeconds, now)),
    ),
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    observedGeneration: generation,
    ...(conditions.length > 0 ? { conditions } : {}),
  };
}

/** Zero counts are absent in the API. */
function present<K extends string>(name: K, count: number): Partial<Record<K, number>> {
  return count > 0 ? ({ [name]: count } as Record<K, number>) : {};
}

/** Milliseconds until the next pod becomes available by the passing of time alone; undefined: none will. */
export function nextAvailability(pods: readonly Pod[], minReadySeconds: number, now: number): number | undefined {
  const times = pods.map((pod) => untilAvailable(pod, minReadySeconds, now)).filter((ms) => ms !== undefined);
  return times.length > 0 ? Math.min(...times) : undefined;
}
