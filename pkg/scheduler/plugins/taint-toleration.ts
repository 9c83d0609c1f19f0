import type { Taint } from '../../api/generated/core-v1.ts';
import { tolerates } from '../../api/tolerations.ts';
import { onNode, onPod } from '../cluster-event.ts';
import { normalizeByHighest, type Plugin, type Rejection } from '../framework.ts';
import { formatTaint, isHard, untolerated } from '../taints.ts';

const name = 'TaintToleration';

/** Filters by NoSchedule and NoExecute taints; prefers nodes with fewer untolerated PreferNoSchedule ones. */
export const taintToleration: Plugin = {
  name,
  events: [
    onNode(
      ['NodeAdd', 'NodeUpdateTaint'],
      (pod, after) => untolerated((after.spec.taints ?? []).filter(isHard), pod.pod.spec.tolerations) === undefined,
    ),
    onPod(['PodUpdateTolerations']),
  ],
  preFilter({ pod }) {
    const { tolerations } = pod.spec;
    return {
      filter: {
        filter(node) {
          if (node.hardTaints.length === 0) return undefined;
          const taint = untolerated(node.hardTaints, tolerations);
          return taint && reject(taint);
        },
      },
    };
  },
  preScore({ pod }, nodes) {
    if (nodes.every((node) => node.softTaints.length === 0)) return undefined;
    // A toleration without an effect covers all of them.
    const tolerations = (pod.spec.tolerations ?? []).filter(({ effect }) => !effect || effect === 'PreferNoSchedule');
    return {
      score: (node) => node.softTaints.filter((taint) => !tolerations.some((toleration) => tolerates(toleration, taint))).length,
      normalize: (scores) => normalizeByHighest(scores, true),
    };
  },
};

function reject(taint: Taint): Rejection {
  return {
    plugin: name,
    reasons: [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`],
    unresolvable: true,
    change: `take the taint ${formatTaint(taint)} off the node, or let the pod tolerate it`,
  };
}
