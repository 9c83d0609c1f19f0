/** What the statuses of workloads count: nothing is below zero, and no part is more than the whole. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { invalidField } from '../../runtime/field-errors.ts';
import { objectAt, type Raw } from '../raw.ts';
import { notNegative } from './rules.ts';

interface Counts {
  readonly fields: readonly string[];
  /** `[part, whole, how the whole is called]`: the part is at most the whole. */
  readonly atMost?: readonly (readonly [part: string, whole: string, named: string])[];
}

/** For the `status` subresource of one kind. */
export function validateCounts({ fields, atMost = [] }: Counts): (next: Raw) => StatusCause[] {
  return (next) => {
    const causes: StatusCause[] = [];
    const report = Object.assign((cause: StatusCause) => void causes.push(cause), { root: next });
    const status = objectAt(next['status']);
    for (const field of fields) notNegative(status[field], `status.${field}`, report);
    for (const [part, whole, named] of atMost) {
      const count = Number(status[part] ?? 0);
      if (count > Number(status[whole] ?? 0)) report(invalidField(`status.${part}`, count, `cannot be greater than ${named}`));
    }
    return causes;
  };
}

const whole = 'status.replicas';

export const deploymentCounts = validateCounts({
  fields: [
    'observedGeneration',
    'replicas',
    'updatedReplicas',
    'readyReplicas',
    'availableReplicas',
    'unavailableReplicas',
    'collisionCount',
  ],
  atMost: [
    ['updatedReplicas', 'replicas', whole],
    ['readyReplicas', 'replicas', whole],
    ['availableReplicas', 'replicas', whole],
    ['availableReplicas', 'readyReplicas', 'readyReplicas'],
  ],
});

export const replicaSetCounts = validateCounts({
  fields: ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration'],
  atMost: [
    ['fullyLabeledReplicas', 'replicas', whole],
    ['readyReplicas', 'replicas', whole],
    ['availableReplicas', 'replicas', whole],
    ['availableReplicas', 'readyReplicas', 'readyReplicas'],
  ],
});

export const statefulSetCounts = validateCounts({
  fields: ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas', 'observedGeneration', 'collisionCount'],
  atMost: [
    ['readyReplicas', 'replicas', whole],
    ['currentReplicas', 'replicas', whole],
    ['updatedReplicas', 'replicas', whole],
    ['availableReplicas', 'replicas', whole],
    ['availableReplicas', 'readyReplicas', 'status.readyReplicas'],
  ],
});

export const daemonSetCounts = validateCounts({
  fields: [
    'currentNumberScheduled',
    'numberMisscheduled',
    'desiredNumberScheduled',
    'numberReady',
    'observedGeneration',
    'updatedNumberScheduled',
    'numberAvailable',
    'numberUnavailable',
    'collisionCount',
  ],
});

export const budgetCounts = validateCounts({ fields: ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] });
export const autoscalerCounts = validateCounts({ fields: ['currentReplicas', 'desiredReplicas'] });
