/** A DaemonSet's pods: which nodes want one, and what is special about them. Pure. */
import type { DaemonSet } from '../../api/generated/apps-v1.ts';
import type { Affinity, Node, Pod, PodSpec, Toleration } from '../../api/generated/core-v1.ts';
import { matchesRequiredNodeAffinity } from '../../api/node-affinity.ts';
import type { Draft } from '../../api/object.ts';
import { tolerates } from '../../api/tolerations.ts';
import { revisionHashLabel } from '../controller-history.ts';
import { timeOf } from '../pod-state.ts';
import { podFromTemplate } from '../pod-template.ts';

/** https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#taints-and-tolerations */
export function daemonTolerations(spec: PodSpec): readonly Toleration[] {
  const node = (name: string, effect: string): Toleration => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists', effect });
  return [
    ...(spec.tolerations ?? []),
    node('not-ready', 'NoExecute'),
    node('unreachable', 'NoExecute'),
    node('disk-pressure', 'NoSchedule'),
    node('memory-pressure', 'NoSchedule'),
    node('pid-pressure', 'NoSchedule'),
    node('unschedulable', 'NoSchedule'),
    ...(spec.hostNetwork ? [node('network-unavailable', 'NoSchedule')] : []),
  ];
}

/** `run`: the node should get a pod; `stay`: one that is there may go on (a NoSchedule taint does not drive it away). */
export function fit({ spec }: DaemonSet, node: Node): { readonly run: boolean; readonly stay: boolean } {
  const pod = spec.template.spec;
  if ((pod.nodeName && pod.nodeName !== node.metadata.name) || !matchesRequiredNodeAffinity(pod, node)) return { run: false, stay: false };
  const tolerations = daemonTolerations(pod);
  const untolerated = (node.spec.taints ?? []).filter(
    (taint) =>
      (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
  return { run: untolerated.length === 0, stay: !untolerated.some(({ effect }) => effect === 'NoExecute') };
}

/** The scheduler binds it like any other pod; its affinity leaves the one node. */
export function daemonPod(set: DaemonSet, node: string, hash: string): Draft<Pod> {
  const { spec } = set.spec.template;
  const affinity: Affinity = {
    ...spec.affinity,
    nodeAffinity: {
      ...spec.affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
      },
    },
  };
  return podFromTemplate(set, set.spec.template, {
    labels: { [revisionHashLabel]: hash, 'pod-template-generation': String(set.metadata.generation ?? 1) },
    spec: { affinity, tolerations: daemonTolerations(spec) },
  });
}

/** The node a pod is on, or was made for. */
export function nodeOf({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const { matchFields = [] } of terms) {
    const named = matchFields.find(({ key, operator, values }) => key === 'metadata.name' && operator === 'In' && values?.length === 1);
    if (named) return named.values?.[0];
  }
  return undefined;
}

/** Assigned ones first, then the oldest. */
export function inOrder(pods: readonly Pod[]): Pod[] {
  return [...pods].sort(
    (a, b) =>
      Number(!a.spec.nodeName) - Number(!b.spec.nodeName) ||
      (timeOf(a.metadata.creationTimestamp) ?? 0) - (timeOf(b.metadata.creationTimestamp) ?? 0) ||
      (a.metadata.name < b.metadata.name ? -1 : 1),
  );
}
