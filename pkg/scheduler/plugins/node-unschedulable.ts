import type { Node, Taint } from '../../api/generated/core-v1.ts';
import { onNode, onPod } from '../cluster-event.ts';
import type { Plugin, Rejection } from '../framework.ts';
import type { PodInfo } from '../pod-info.ts';
import { untolerated } from '../taints.ts';

const name = 'NodeUnschedulable';
/** spec.unschedulable counts as this taint, so that a DaemonSet's pods may tolerate it. */
const taint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
const rejection: Rejection = {
  plugin: name,
  reasons: ['node(s) were unschedulable'],
  unresolvable: true,
  change: 'uncordon the node, or let the pod tolerate node.kubernetes.io/unschedulable:NoSchedule',
};

const allows = (pod: PodInfo, node: Node | undefined): boolean =>
  !node?.spec.unschedulable || untolerated([taint], pod.pod.spec.tolerations) === undefined;

/** Keeps pods off cordoned nodes. */
export const nodeUnschedulable: Plugin = {
  name,
  events: [onNode(['NodeAdd', 'NodeUpdateTaint'], (pod, after) => allows(pod, after)), onPod(['PodUpdateTolerations'])],
  preFilter(pod) {
    const tolerated = untolerated([taint], pod.pod.spec.tolerations) === undefined;
    if (tolerated) return 'skip';
    return { filter: { filter: (node) => (node.node?.spec.unschedulable ? rejection : undefined) } };
  },
};
