/**
 * What makes a StatefulSet's pods different from each other and lasting: an ordinal, and a name, host name and
 * volume claims by it. Pure. https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#pod-identity
 */
import type { StatefulSet } from '../../api/generated/apps-v1.ts';
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, Volume } from '../../api/generated/core-v1.ts';
import type { OwnerReference } from '../../api/generated/meta-v1.ts';
import { controllerRef, type Draft, type KubeObject } from '../../api/object.ts';
import { revisionHashLabel } from '../controller-history.ts';
import { podFromTemplate } from '../pod-template.ts';

export const podNameLabel = 'statefulset.kubernetes.io/pod-name';
export const podIndexLabel = 'apps.kubernetes.io/pod-index';

export const podName = (set: StatefulSet, ordinal: number): string => `${set.metadata.name}-${ordinal}`;

/** undefined for a pod whose name is not of this set. */
export function ordinalOf(set: StatefulSet, { metadata }: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const digits = metadata.name.startsWith(prefix) ? metadata.name.slice(prefix.length) : '';
  return /^(0|[1-9]\d*)$/.test(digits) ? Number(digits) : undefined;
}

export function ordinals({ spec }: StatefulSet): { readonly start: number; readonly end: number } {
  const start = spec.ordinals?.start ?? 0;
  return { start, end: start + (spec.replicas ?? 1) };
}

/** `hash`: the revision that `template` is of. */
export function statefulPod(set: StatefulSet, ordinal: number, template: PodTemplateSpec, hash: string): Draft<Pod> {
  const name = podName(set, ordinal);
  return podFromTemplate(set, template, {
    name,
    labels: { [podNameLabel]: name, [podIndexLabel]: String(ordinal), [revisionHashLabel]: hash },
    spec: { hostname: name, ...(set.spec.serviceName ? { subdomain: set.spec.serviceName } : {}), volumes: volumesOf(set, name, template) },
  });
}

/** The template's own volumes, but for those whose name a claim template has. */
function volumesOf({ spec }: StatefulSet, pod: string, template: PodTemplateSpec): readonly Volume[] {
  const claims = (spec.volumeClaimTemplates ?? []).map(({ metadata }) => ({
    name: metadata.name,
    persistentVolumeClaim: { claimName: `${metadata.name}-${pod}` },
  }));
  const taken = new Set(claims.map(({ name }) => name));
  return [...claims, ...(template.spec.volumes ?? []).filter(({ name }) => !taken.has(name))];
}

/** The claims of one pod. They carry the set's selector labels, and outlive the pod. */
export function claimsOf(set: StatefulSet, pod: string): Draft<PersistentVolumeClaim>[] {
  return (set.spec.volumeClaimTemplates ?? []).map((claim) => ({
    ...claim,
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      ...(claim.metadata.annotations ? { annotations: claim.metadata.annotations } : {}),
      name: `${claim.metadata.name}-${pod}`,
      namespace: set.metadata.namespace ?? '',
      labels: { ...claim.metadata.labels, ...set.spec.selector.matchLabels },
    },
  }));
}

/**
 * Who should own a claim, by the set's retention policy: the set when claims go with it, the pod when claims go with
 * a scale-down and this pod is on its way out, else nobody. Owners of other kinds are left as they are.
 */
export function claimOwners(set: StatefulSet, claim: KubeObject, pod: Pod | undefined, leaving: boolean): readonly OwnerReference[] {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const foreign = (claim.metadata.ownerReferences ?? []).filter(({ uid, kind }) => uid !== set.metadata.uid && kind !== 'Pod');
  if (whenScaled === 'Delete' && leaving && pod)
    return [...foreign, { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid }];
  return whenDeleted === 'Delete' ? [...foreign, controllerRef(set)] : foreign;
}
