import type { Pod } from '../../api/generated/core-v1.ts';
import { isPodReady, readySince, timeOf } from '../pod-state.ts';

/** https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#pod-deletion-cost */
export const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

/**
 * Orders pods by how little is lost with them, the first to go first:
 * unassigned, pending, not ready, low deletion cost, doubled up on a node, ready for a short time, often restarted,
 * young. Times are compared on a logarithmic scale (2 and 3 hours are alike, 2 and 20 are not), and where nothing makes
 * a difference the uid decides, which is as good as a draw: so the pods of one moment are not all on one side.
 * Kubernetes: controller.ActivePodsWithRanks, which lets the uid decide already between unequal times of one rank,
 * and so has circles in its order.
 *
 * `related`: the pods that count for doubling up: those of all owners under the same owner, these included.
 */
export function inDeletionOrder(pods: readonly Pod[], related: readonly Pod[], now: number): Pod[] {
  const perNode = new Map<string, number>();
  for (const { spec } of related) if (spec.nodeName) perNode.set(spec.nodeName, (perNode.get(spec.nodeName) ?? 0) + 1);
  const rank = (pod: Pod): number => (pod.spec.nodeName ? (perNode.get(pod.spec.nodeName) ?? 0) : 0);

  return [...pods].sort((a, b) => {
    const ready = isPodReady(a);
    return (
      Number(!!a.spec.nodeName) - Number(!!b.spec.nodeName) ||
      phaseRank(a) - phaseRank(b) ||
      Number(ready) - Number(isPodReady(b)) ||
      deletionCost(a) - deletionCost(b) ||
      rank(b) - rank(a) ||
      (ready ? ageRank(readySince(a), now) - ageRank(readySince(b), now) : 0) ||
      compare(restarts(b), restarts(a)) ||
      ageRank(timeOf(a.metadata.creationTimestamp), now) - ageRank(timeOf(b.metadata.creationTimestamp), now) ||
      (a.metadata.uid < b.metadata.uid ? -1 : 1)
    );
  });
}

function phaseRank({ status }: Pod): number {
  return status.phase === 'Pending' ? 0 : status.phase === 'Unknown' ? 1 : 2;
}

/** A whole number; anything else counts as 0, since the API server refuses it. */
export function deletionCost({ metadata }: Pod): number {
  const text = metadata.annotations?.[deletionCostAnnotation];
  return text !== undefined && /^(-?[1-9]\d*|0)$/.test(text) ? Number(text) : 0;
}

/** The binary logarithm of the age in nanoseconds, as Kubernetes takes it; an unknown age counts as none. */
function ageRank(time: number | undefined, now: number): number {
  return time !== undefined && now > time ? Math.floor(Math.log2((now - time) * 1e6)) : -1;
}

/** The most often restarted container, ordinary ones first, then those that restart on their own (sidecars). */
function restarts({ spec, status }: Pod): readonly [number, number] {
  const most = (counts: readonly number[]): number => Math.max(0, ...counts);
  const sidecars = new Set(spec.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name));
  return [
    most((status.containerStatuses ?? []).map(({ restartCount }) => restartCount)),
    most((status.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)).map(({ restartCount }) => restartCount)),
  ];
}

function compare(a: readonly [number, number], b: readonly [number, number]): number {
  return a[0] - b[0] || a[1] - b[1];
}
