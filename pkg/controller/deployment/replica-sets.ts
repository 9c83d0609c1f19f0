/**
 * A Deployment's ReplicaSets: which one has its present template, how they are numbered, how many pods they hold,
 * and what the rollout's limits are. Pure. Kubernetes: pkg/controller/deployment/util.
 */
import type { Deployment, ReplicaSet } from '../../api/generated/apps-v1.ts';
import { controllerRef, type Draft } from '../../api/object.ts';
import { equal } from '../equal.ts';
import { resolveIntOrPercent } from '../int-or-percent.ts';
import { templateHash, templateHashLabel, withoutTemplateHash } from '../template-hash.ts';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
export const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';
/** What the Deployment wanted, and the most it could have had, when this ReplicaSet was last scaled. */
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';

/** Annotations of a Deployment that are not its ReplicaSets'. */
const ownAnnotations = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
]);

export interface RolloutLimits {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

export const isRollingUpdate = ({ spec }: Deployment): boolean => spec.strategy.type !== 'Recreate';
export const wanted = ({ spec }: Deployment): number => spec.replicas ?? 1;
export const sizeOf = ({ spec }: ReplicaSet): number => spec.replicas ?? 1;
export const totalSize = (sets: readonly ReplicaSet[]): number => sets.reduce((sum, set) => sum + sizeOf(set), 0);
export const totalAvailable = (sets: readonly ReplicaSet[]): number =>
  sets.reduce((sum, { status }) => sum + (status.availableReplicas ?? 0), 0);

/** Surge rounds up and unavailable down; both at 0 would never move, so that then one may be unavailable. */
export function rolloutLimits(deployment: Deployment): RolloutLimits {
  if (!isRollingUpdate(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy.rollingUpdate ?? {};
  const replicas = wanted(deployment);
  const surge = resolveIntOrPercent(maxSurge, replicas, 'up');
  const unavailable = resolveIntOrPercent(maxUnavailable, replicas, 'down');
  if (surge === 0 && unavailable === 0) return { maxSurge: 0, maxUnavailable: 1 };
  return { maxSurge: surge, maxUnavailable: Math.min(unavailable, replicas) };
}

/** Oldest first; those of one second by name. */
export function byAge(sets: readonly ReplicaSet[]): ReplicaSet[] {
  const key = ({ metadata }: ReplicaSet): string => `${metadata.creationTimestamp} ${metadata.name}`;
  return [...sets].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** The oldest ReplicaSet with the Deployment's present template, and all the others, oldest first. */
export function splitReplicaSets(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
): { current: ReplicaSet | undefined; old: readonly ReplicaSet[] } {
  const sorted = byAge(sets);
  const current = sorted.find((set) => hasTemplateOf(set, deployment));
  return { current, old: sorted.filter((set) => set !== current) };
}

export function hasTemplateOf(set: ReplicaSet, deployment: Deployment): boolean {
  return equal(withoutTemplateHash(set.spec.template), withoutTemplateHash(deployment.spec.template));
}

/** Anybody may have written it, so that it may be any integer of 64 bits; 0 where it is none. */
export function revisionOf({ metadata }: ReplicaSet): bigint {
  const text = metadata.annotations?.[revisionAnnotation] ?? '';
  return /^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')) : 0n;
}

/** The revision that the present template has, or will have: one more than all before it. */
export function nextRevision(old: readonly ReplicaSet[]): bigint {
  return old.map(revisionOf).reduce(higher, 0n) + 1n;
}

export const higher = (a: bigint, b: bigint): bigint => (a > b ? a : b);

export function scaleAnnotations(deployment: Deployment): Readonly<Record<string, string>> {
  const replicas = wanted(deployment);
  return { [desiredReplicasAnnotation]: String(replicas), [maxReplicasAnnotation]: String(replicas + rolloutLimits(deployment).maxSurge) };
}

/** The present ReplicaSet's annotations as they should be: the Deployment's own, and the newest revision. */
export function currentAnnotations(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  revision: bigint,
): Readonly<Record<string, string>> {
  const annotations: Record<string, string> = { ...current?.metadata.annotations };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) if (!ownAnnotations.has(key)) annotations[key] = value;
  const before = current ? revisionOf(current) : 0n;
  if (before < revision) {
    annotations[revisionAnnotation] = String(revision);
    // An old template has become the newest again: which revisions it had before is remembered.
    if (before > 0n)
      annotations[revisionHistoryAnnotation] = [annotations[revisionHistoryAnnotation], String(before)].filter(Boolean).join(',');
  }
  return annotations;
}

export function newReplicaSet(
  deployment: Deployment,
  revision: bigint,
  replicas: number,
): Draft<ReplicaSet> & { readonly metadata: { readonly name: string } } {
  const { metadata, spec, status } = deployment;
  const hash = templateHash(spec.template, status.collisionCount);
  const labels = { ...spec.template.metadata.labels, [templateHashLabel]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${metadata.name}-${hash}`,
      namespace: metadata.namespace ?? '',
      labels,
      annotations: { ...currentAnnotations(deployment, undefined, revision), ...scaleAnnotations(deployment) },
      ownerReferences: [controllerRef(deployment)],
    },
    spec: {
      replicas,
      ...(spec.minReadySeconds ? { minReadySeconds: spec.minReadySeconds } : {}),
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [templateHashLabel]: hash } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
}
