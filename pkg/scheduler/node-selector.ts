/** What a pod asks of a node's labels and name, for explanations; whether it holds is decided in pkg/api. */
import type { Pod } from '../api/generated/core-v1.ts';

/** What the pod asks of a node, for explanations: `disktype=ssd and (zone in [a b])`. */
export function describeRequiredNodeAffinity(pod: Pod): string {
  const parts = Object.entries(pod.spec.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`);
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (terms.length > 0) {
    const texts = terms.map((term) =>
      [...(term.matchExpressions ?? []), ...(term.matchFields ?? [])]
        .map(({ key, operator, values }) => `${key} ${operator}${values?.length ? ` [${values.join(' ')}]` : ''}`)
        .join(' and '),
    );
    parts.push(`(${texts.join(' or ')})`);
  }
  return parts.join(' and ');
}
