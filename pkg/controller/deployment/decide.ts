import type { Deployment, DeploymentStatus, ReplicaSet } from '../../api/generated/apps-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import type { Draft } from '../../api/object.ts';
import { findCondition, withCondition } from '../conditions.ts';
import { isPodTerminal } from '../pod-state.ts';
import {
  currentAnnotations,
  higher,
  isRollingUpdate,
  newReplicaSet,
  nextRevision,
  revisionAnnotation,
  revisionOf,
  scaleAnnotations,
  sizeOf,
  splitReplicaSets,
  wanted,
} from './replica-sets.ts';
import { isScalingEvent, nextSizeOfCurrent, removeOldStep, rollingUpdateStep, type Sizes, scaleStep } from './rollout.ts';
import {
  condition,
  countedStatus,
  deadlineOf,
  deadlineSeconds,
  isComplete,
  type Moment,
  pausedConditions,
  rolloutStatus,
} from './status.ts';

export interface ObservedDeployment {
  readonly deployment: Deployment;
  /** Those that the Deployment controls. */
  readonly replicaSets: readonly ReplicaSet[];
  /** All pods of one of them, also ended ones. */
  podsOf(set: ReplicaSet): readonly Pod[];
  readonly moment: Moment;
}

export interface DeploymentPlan {
  /** The ReplicaSet of the present template, which is not there yet. */
  readonly create: (Draft<ReplicaSet> & { readonly metadata: { readonly name: string } }) | undefined;
  /** ReplicaSets as they should be: other sizes, other annotations. */
  readonly update: readonly { readonly from: ReplicaSet; readonly to: ReplicaSet }[];
  /** Old ones beyond the history that is kept. */
  readonly remove: readonly ReplicaSet[];
  readonly status: DeploymentStatus;
  /** What the Deployment's revision annotation should be; undefined: as it is. */
  readonly revision: string | undefined;
  /** Look again after so many milliseconds, to see whether the rollout is stuck. */
  readonly after: number | undefined;
}

const stay: Sizes = new Map();

/** One step: what to do about the ReplicaSets now, and what to say. */
export function decideDeployment({ deployment: received, replicaSets, podsOf, moment }: ObservedDeployment): DeploymentPlan {
  const deployment: Deployment = { ...received, status: { ...received.status, conditions: pausedConditions(received, moment) } };
  const { current, old } = splitReplicaSets(deployment, replicaSets);
  const all = current ? [...old, current] : old;
  const counted = countedStatus(deployment, current, all, moment);
  const plan = { create: undefined, update: [], remove: [], revision: undefined, after: undefined };
  if (deployment.metadata.deletionTimestamp) return { ...plan, status: counted };

  const revision = higher(nextRevision(old), current ? revisionOf(current) : 0n);
  const paused = deployment.spec.paused === true;
  const scaling = paused || isScalingEvent(deployment, all);
  let sizes: Sizes = stay;
  let create: DeploymentPlan['create'];
  if (scaling) {
    sizes = scaleStep(deployment, current, old);
  } else if (isRollingUpdate(deployment)) {
    if (current) sizes = rollingUpdateStep(deployment, current, old);
    else create = newReplicaSet(deployment, revision, nextSizeOfCurrent(deployment, old, 0));
  } else {
    sizes = removeOldStep(old);
    if (sizes.size === 0 && !oldPodsRun(old, podsOf)) {
      if (current) sizes = sizeOf(current) === wanted(deployment) ? stay : new Map([[current, wanted(deployment)]]);
      else create = newReplicaSet(deployment, revision, wanted(deployment));
    }
  }

  const steps = all.map((set) => ({ from: set, to: next(deployment, set, set === current ? revision : undefined, sizes.get(set)) }));
  const update = steps.filter(({ from, to }) => from !== to);
  const clean = paused || (!scaling && !create && sizes.size === 0 && isComplete(deployment, deployment.status));

  let status = counted;
  if (create && deadlineSeconds(deployment) !== undefined) {
    const found = condition('Progressing', 'True', 'NewReplicaSetCreated', `Created new replica set "${create.metadata.name}"`, moment);
    status = { ...status, conditions: withCondition(status.conditions, found) };
  } else if (!scaling) {
    if (current && deadlineSeconds(deployment) !== undefined && !findCondition(status.conditions, 'Progressing')) {
      const found = condition('Progressing', 'True', 'FoundNewReplicaSet', `Found new replica set "${current.metadata.name}"`, moment);
      status = { ...status, conditions: withCondition(status.conditions, found) };
    }
    status = rolloutStatus(deployment, status, current, old, moment);
  }

  const written = current || create ? String(revision) : undefined;
  const deadline = paused ? undefined : deadlineOf(deployment, findCondition(status.conditions, 'Progressing'));
  return {
    create,
    update,
    remove: clean ? beyondHistory(deployment, old) : [],
    status,
    revision: deployment.metadata.annotations?.[revisionAnnotation] === written ? undefined : written,
    // One second more, since API times have no fractions of one.
    after: deadline === undefined || isComplete(deployment, status) ? undefined : Math.max(0, deadline - moment.now) + 1000,
  };
}

/** The set itself when nothing about it changes. `revision` is given for the one with the present template. */
function next(deployment: Deployment, set: ReplicaSet, revision: bigint | undefined, size: number | undefined): ReplicaSet {
  const annotations = {
    ...(revision === undefined ? set.metadata.annotations : currentAnnotations(deployment, set, revision)),
    ...(size === undefined ? {} : scaleAnnotations(deployment)),
  };
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  const sameAnnotations = Object.entries(annotations).every(([key, value]) => set.metadata.annotations?.[key] === value);
  const sameSpec = (size ?? sizeOf(set)) === sizeOf(set) && (revision === undefined || (set.spec.minReadySeconds ?? 0) === minReadySeconds);
  if (sameAnnotations && sameSpec) return set;
  return {
    ...set,
    metadata: { ...set.metadata, annotations },
    spec: {
      ...set.spec,
      replicas: size ?? sizeOf(set),
      ...(revision === undefined || (set.spec.minReadySeconds ?? 0) === minReadySeconds ? {} : { minReadySeconds }),
    },
  };
}

/** Recreate waits until no pod of another template can still be running. */
function oldPodsRun(old: readonly ReplicaSet[], podsOf: (set: ReplicaSet) => readonly Pod[]): boolean {
  return old.some((set) => set.status.replicas > 0 || podsOf(set).some((pod) => !isPodTerminal(pod)));
}

/** The lowest revisions that nobody uses, beyond `revisionHistoryLimit`. */
function beyondHistory({ spec }: Deployment, old: readonly ReplicaSet[]): readonly ReplicaSet[] {
  const { revisionHistoryLimit } = spec;
  if (revisionHistoryLimit === undefined) return [];
  const kept = old
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .sort((a, b) => (revisionOf(a) < revisionOf(b) ? -1 : revisionOf(a) > revisionOf(b) ? 1 : 0));
  return kept
    .slice(0, Math.max(0, kept.length - revisionHistoryLimit))
    .filter(
      (set) => set.status.replicas === 0 && sizeOf(set) === 0 && (set.metadata.generation ?? 0) <= (set.status.observedGeneration ?? 0),
    );
}
