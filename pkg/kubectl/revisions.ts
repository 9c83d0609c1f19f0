/** What a Deployment was before: its ReplicaSets, each of them a revision of the pod template. */
import type { Deployment, ReplicaSet } from '../api/generated/apps-v1.ts';
import { controllerOf } from '../api/object.ts';
import { selectorFromLabelSelector } from '../api/selectors.ts';
import { equalValues } from '../runtime/values.ts';
import type { Api } from './api.ts';
import type { ResourceMapper } from './resource-mapper.ts';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
export const changeCauseAnnotation = 'kubernetes.io/change-cause';
const hashLabel = 'pod-template-hash';

/** By falling revision. */
export async function ownedReplicaSets(
  { api, mapper }: { readonly api: Api; readonly mapper: ResourceMapper },
  deployment: Deployment,
): Promise<ReplicaSet[]> {
  const info = await mapper.one('replicasets.apps');
  const labelSelector = selectorFromLabelSelector(deployment.spec.selector).toString();
  const { items } = await api.list(info, deployment.metadata.namespace, { labelSelector });
  return (items as unknown as ReplicaSet[])
    .filter((set) => controllerOf(set)?.uid === deployment.metadata.uid)
    .sort((a, b) => revisionOf(b) - revisionOf(a));
}

export function revisionOf({ metadata }: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } }): number {
  return Number(metadata.annotations?.[revisionAnnotation] ?? 0);
}

/** The one whose template is the Deployment's. */
export function newestOf(sets: readonly ReplicaSet[], deployment: Deployment): ReplicaSet | undefined {
  return sets.find((set) => equalValues(templateOf(set), deployment.spec.template));
}

/** A ReplicaSet's template without the label that the Deployment controller adds. */
export function templateOf({ spec }: ReplicaSet): ReplicaSet['spec']['template'] {
  const { template } = spec;
  const { [hashLabel]: _hash, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels } } as ReplicaSet['spec']['template'];
}
