/** What the statuses of workloads count: nothing is below zero, and no part is more than the whole. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { invalidField } from '../../runtime/field-errors.ts';
import { objectAt, type Raw } from '../raw.ts';
import { conditions } from './conditions.ts';
import { notNegative } from './rules.ts';
import { collect } from './validator.ts';

interface Counts {
  readonly fields: readonly string[];
  /** `[part, whole, how the whole is called]`: the part is at most the whole. */
  readonly atMost?: readonly (readonly [part: string, whole: string, named: string])[];
}

/** Of the names that were already taken; it only grows. */
const collided = 'collisionCount';

/** For the `status` subresource of one kind. */
export function validateCounts({ fields, atMost = [] }: Counts): (next: Raw, old: Raw) => StatusCause[] {
  return (next, old) => {
    const causes: StatusCause[] = [];
    const report = Object.assign((cause: StatusCause) => void causes.push(cause), { root: next });
    const status = objectAt(next['status']);
    for (const field of fields) notNegative(status[field], `status.${field}`, report);
    for (const [part, whole, named] of atMost) {
      const count = Number(status[part] ?? 0);
      if (count > Number(status[whole] ?? 0)) report(invalidField(`status.${part}`, count, `cannot be greater than ${named}`));
    }
    const [collisions, before] = [Number(status[collided] ?? 0), objectAt(old['status'])[collided]];
    if (fields.includes(collided) && before !== undefined && (status[collided] === undefined || collisions < Number(before)))
      report(invalidField(`status.${collided}`, collisions, 'cannot be decremented'));
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
    'terminatingReplicas',
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
  fields: ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'terminatingReplicas', 'observedGeneration'],
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

const budgets = validateCounts({ fields: ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] });
export const budgetStatus = (next: Raw, old: Raw): StatusCause[] => [
  ...collect(next, (report) => conditions(objectAt(next['status'])['conditions'], 'status.conditions', report)),
  ...budgets(next, old),
];
export const autoscalerCounts = validateCounts({ fields: ['currentReplicas', 'desiredReplicas'] });
