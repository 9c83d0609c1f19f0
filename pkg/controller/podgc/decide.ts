import type { Node, Pod } from '../../api/generated/core-v1.ts';
import { readinessOf } from '../nodelifecycle/node-health.ts';
import { isPodTerminal, timeOf } from '../pod-state.ts';

/** https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#non-graceful-node-shutdown */
export const outOfServiceTaint = 'node.kubernetes.io/out-of-service';

export type GarbageReason = 'terminated' | 'orphaned' | 'unscheduled' | 'out-of-service';
export interface GarbagePod {
  readonly pod: Pod;
  readonly reason: GarbageReason;
}

/**
 * Pods that nobody else will ever take away: those over the threshold of ended ones (the oldest first), those of
 * nodes that are gone (`lost`: looked for and not found), those that are to be deleted and were never assigned, and
 * those to be deleted on a node that an operator has declared out of service.
 */
export function findGarbage(
  pods: readonly Pod[],
  nodes: ReadonlyMap<string, Node>,
  lost: ReadonlySet<string>,
  threshold: number,
): GarbagePod[] {
  const garbage: GarbagePod[] = [];
  for (const pod of pods) {
    const { nodeName } = pod.spec;
    const deleting = pod.metadata.deletionTimestamp !== undefined;
    if (nodeName && lost.has(nodeName)) garbage.push({ pod, reason: 'orphaned' });
    else if (!nodeName && deleting) garbage.push({ pod, reason: 'unscheduled' });
    else if (nodeName && deleting && isOutOfService(nodes.get(nodeName))) garbage.push({ pod, reason: 'out-of-service' });
  }
  if (threshold > 0) {
    const taken = new Set(garbage.map(({ pod }) => pod));
    const ended = pods.filter((pod) => isPodTerminal(pod) && !taken.has(pod));
    ended.sort(
      (a, b) =>
        (timeOf(a.metadata.creationTimestamp) ?? 0) - (timeOf(b.metadata.creationTimestamp) ?? 0) ||
        (a.metadata.name < b.metadata.name ? -1 : 1),
    );
    for (const pod of ended.slice(0, Math.max(0, ended.length - threshold))) garbage.push({ pod, reason: 'terminated' });
  }
  return garbage;
}

function isOutOfService(node: Node | undefined): boolean {
  return node !== undefined && readinessOf(node) !== 'True' && node.spec.taints?.some(({ key }) => key === outOfServiceTaint) === true;
}
