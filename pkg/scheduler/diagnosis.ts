/** Why no node would do, in the words of kube-scheduler's FitError. */
import type { Rejection } from './framework.ts';

export interface Diagnosis {
  readonly nodeCount: number;
  /** Per node, the first plugin that said no. */
  readonly rejections: ReadonlyMap<string, Rejection>;
  /** Said before any node was looked at. */
  readonly preFilter?: Rejection;
}

/** Names of the plugins that said no: those whose events may wake the pod. */
export function rejectorsOf(diagnosis: Diagnosis): ReadonlySet<string> {
  const names = new Set<string>();
  if (diagnosis.preFilter) names.add(diagnosis.preFilter.plugin);
  for (const rejection of diagnosis.rejections.values()) names.add(rejection.plugin);
  return names;
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.`, and what preemption said behind it. */
export function diagnosisMessage(diagnosis: Diagnosis, postFilter = ''): string {
  if (diagnosis.nodeCount === 0 && !diagnosis.preFilter) return 'no nodes available to schedule pods';
  const because = diagnosis.preFilter ? diagnosis.preFilter.reasons.join(', ') : countReasons(diagnosis.rejections.values());
  return `0/${diagnosis.nodeCount} nodes are available: ${because}.${postFilter ? ` ${postFilter}` : ''}`;
}

function countReasons(rejections: Iterable<Rejection>): string {
  const counts = new Map<string, number>();
  for (const { reasons } of rejections) for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ');
}
