/** A Deployment's status: counts, and the conditions Available, Progressing and ReplicaFailure. Pure. */
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../api/generated/apps-v1.ts';
import { findCondition, withCondition, withoutCondition } from '../conditions.ts';
import { timeOf } from '../pod-state.ts';
import { rolloutLimits, totalAvailable, totalSize, wanted } from './replica-sets.ts';

export interface Moment {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The same as an API time. */
  readonly time: string;
}

const noDeadline = 2 ** 31 - 1;
export function deadlineSeconds({ spec }: Deployment): number | undefined {
  const { progressDeadlineSeconds } = spec;
  return progressDeadlineSeconds === noDeadline ? undefined : progressDeadlineSeconds;
}

export function condition(
  type: string,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
  { time }: Moment,
): DeploymentCondition {
  return { type, status, lastUpdateTime: time, lastTransitionTime: time, reason, message };
}

/** Counts and Available; the other conditions as they are. */
export function countedStatus(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  moment: Moment,
): DeploymentStatus {
  const sum = (count: (status: ReplicaSet['status']) => number | undefined): number =>
    all.reduce((total, { status }) => total + (count(status) ?? 0), 0);
  const available = totalAvailable(all);
  const enough = available >= wanted(deployment) - rolloutLimits(deployment).maxUnavailable;
  const { collisionCount, conditions } = deployment.status;
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...positive(
      'replicas',
      sum(({ replicas }) => replicas),
    ),
    ...positive('updatedReplicas', current?.status.replicas ?? 0),
    ...positive(
      'readyReplicas',
      sum(({ readyReplicas }) => readyReplicas),
    ),
    ...positive('availableReplicas', available),
    ...positive('unavailableReplicas', Math.max(0, totalSize(all) - available)),
    terminatingReplicas: sum(({ terminatingReplicas }) => terminatingReplicas),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: withCondition(
      conditions,
      enough
        ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', moment)
        : condition('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.', moment),
    ),
  };
}

/** All that is wanted is up to date and available, and nothing old is left. */
export function isComplete(
  deployment: Deployment,
  { updatedReplicas = 0, replicas = 0, availableReplicas = 0, observedGeneration = 0 }: DeploymentStatus,
): boolean {
  const count = wanted(deployment);
  return (
    updatedReplicas === count &&
    replicas === count &&
    availableReplicas === count &&
    observedGeneration >= (deployment.metadata.generation ?? 0)
  );
}

/** More pods are new, ready or available than at the last look, or fewer are old. */
function isProgressing(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus): number => replicas - updatedReplicas;
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

/** The moment at which the lack of progress becomes a failure; undefined when there is nothing to wait for. */
export function deadlineOf(deployment: Deployment, progressing: DeploymentCondition | undefined): number | undefined {
  const seconds = deadlineSeconds(deployment);
  if (
    seconds === undefined ||
    !progressing ||
    progressing.reason === 'NewReplicaSetAvailable' ||
    progressing.reason === 'ProgressDeadlineExceeded'
  )
    return undefined;
  const since = timeOf(progressing.lastUpdateTime);
  return since === undefined ? undefined : since + seconds * 1000;
}

/** The status of a rollout: `counted`, with Progressing and ReplicaFailure brought up to date. */
export function rolloutStatus(
  deployment: Deployment,
  counted: DeploymentStatus,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  moment: Moment,
): DeploymentStatus {
  const subject = current ? `ReplicaSet "${current.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  let conditions = counted.conditions ?? [];
  const progressing = findCondition(conditions, 'Progressing');
  const rolledOut = (counted.replicas ?? 0) === (counted.updatedReplicas ?? 0) && progressing?.reason === 'NewReplicaSetAvailable';

  if (deadlineSeconds(deployment) === undefined) {
    conditions = withoutCondition(conditions, 'Progressing');
  } else if (!rolledOut) {
    const deadline = deadlineOf(deployment, progressing);
    if (isComplete(deployment, counted)) {
      conditions = withCondition(
        conditions,
        condition('Progressing', 'True', 'NewReplicaSetAvailable', `${subject} has successfully progressed.`, moment),
      );
    } else if (isProgressing(deployment.status, counted)) {
      // Each step forward counts anew: lastUpdateTime is what the deadline is measured from.
      const next = condition('Progressing', 'True', 'ReplicaSetUpdated', `${subject} is progressing.`, moment);
      const since = progressing?.status === 'True' ? { lastTransitionTime: progressing.lastTransitionTime ?? moment.time } : {};
      conditions = [...withoutCondition(conditions, 'Progressing'), { ...next, ...since }];
    } else if (progressing?.reason === 'ProgressDeadlineExceeded' || (deadline !== undefined && deadline < moment.now)) {
      conditions = withCondition(
        conditions,
        condition('Progressing', 'False', 'ProgressDeadlineExceeded', `${subject} has timed out progressing.`, moment),
      );
    }
  }

  const failure = findCondition(
    (current ? [current, ...old] : old).flatMap(({ status }) => status.conditions ?? []),
    'ReplicaFailure',
  );
  conditions = failure
    ? withCondition(conditions, {
        type: 'ReplicaFailure',
        status: failure.status,
        lastUpdateTime: moment.time,
        lastTransitionTime: failure.lastTransitionTime ?? moment.time,
        ...(failure.reason ? { reason: failure.reason } : {}),
        ...(failure.message ? { message: failure.message } : {}),
      })
    : withoutCondition(conditions, 'ReplicaFailure');
  return { ...counted, conditions };
}

/** Pausing stops the deadline's clock, resuming starts it anew: both show in Progressing. */
export function pausedConditions(deployment: Deployment, moment: Moment): readonly DeploymentCondition[] {
  const conditions = deployment.status.conditions ?? [];
  const progressing = findCondition(conditions, 'Progressing');
  if (deadlineSeconds(deployment) === undefined || progressing?.reason === 'ProgressDeadlineExceeded') return conditions;
  const known = progressing?.reason === 'DeploymentPaused';
  if (deployment.spec.paused && !known)
    return withCondition(conditions, condition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused', moment));
  if (!deployment.spec.paused && known)
    return withCondition(conditions, condition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed', moment));
  return conditions;
}

function positive<K extends string>(name: K, count: number): Partial<Record<K, number>> {
  return count > 0 ? ({ [name]: count } as Record<K, number>) : {};
}
