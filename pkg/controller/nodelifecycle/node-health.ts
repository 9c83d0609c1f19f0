/** Whether a node is alive, and what its conditions and taints should say. Pure. */
import type { Node, NodeCondition, Taint } from '../../api/generated/core-v1.ts';

export type Readiness = 'True' | 'False' | 'Unknown';

export const notReadyTaint = 'node.kubernetes.io/not-ready';
export const unreachableTaint = 'node.kubernetes.io/unreachable';

/** What a silent kubelet can no longer vouch for. */
const vouchedFor = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** Condition and status → the taint that keeps new pods away. */
const conditionTaints: readonly (readonly [type: string, status: Readiness, key: string])[] = [
  ['Ready', 'False', notReadyTaint],
  ['Ready', 'Unknown', unreachableTaint],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
];
const unschedulableTaint = 'node.kubernetes.io/unschedulable';
const scheduleKeys = new Set([...conditionTaints.map(([, , key]) => key), unschedulableTaint]);
const executeKeys = new Set([notReadyTaint, unreachableTaint]);

export function nodeCondition(node: Node, type: string): NodeCondition | undefined {
  return node.status.conditions?.find((condition) => condition.type === type);
}

/** What the node's Ready condition says; a node that never said anything is not known to be ready. */
export function readinessOf(node: Node): Readiness {
  const status = nodeCondition(node, 'Ready')?.status;
  return status === 'True' || status === 'False' ? status : 'Unknown';
}

/** The conditions of a node that has been silent for too long; undefined when they say so already. */
export function silentConditions(node: Node, time: string): readonly NodeCondition[] | undefined {
  const conditions = [...(node.status.conditions ?? [])];
  let changed = false;
  for (const type of vouchedFor) {
    const at = conditions.findIndex((condition) => condition.type === type);
    const present = conditions[at];
    if (present?.status === 'Unknown') continue;
    changed = true;
    const unknown: NodeCondition = present
      ? {
          ...present,
          status: 'Unknown',
          reason: 'NodeStatusUnknown',
          message: 'Kubelet stopped posting node status.',
          lastTransitionTime: time,
        }
      : {
          type,
          status: 'Unknown',
          reason: 'NodeStatusNeverUpdated',
          message: 'Kubelet never posted node status.',
          lastHeartbeatTime: node.metadata.creationTimestamp,
          lastTransitionTime: time,
        };
    if (present) conditions[at] = unknown;
    else conditions.push(unknown);
  }
  return changed ? conditions : undefined;
}

/**
 * The taints the node should have: those that are not this loop's business as they are, NoSchedule ones by its
 * conditions, and the NoExecute one for `evict` (undefined: none). One that is there already keeps its time.
 */
export function taintsFor(node: Node, evict: typeof notReadyTaint | typeof unreachableTaint | undefined, time: string): readonly Taint[] {
  const present = node.spec.taints ?? [];
  const foreign = present.filter(
    ({ key, effect }) => !(effect === 'NoSchedule' && scheduleKeys.has(key)) && !(effect === 'NoExecute' && executeKeys.has(key)),
  );
  const wanted: Taint[] = conditionTaints
    .filter(([type, status]) => nodeCondition(node, type)?.status === status)
    .map(([, , key]) => ({ key, effect: 'NoSchedule', timeAdded: time }));
  if (node.spec.unschedulable) wanted.push({ key: unschedulableTaint, effect: 'NoSchedule', timeAdded: time });
  if (evict) wanted.push({ key: evict, effect: 'NoExecute', timeAdded: time });
  return [...foreign, ...wanted.map((taint) => present.find(({ key, effect }) => key === taint.key && effect === taint.effect) ?? taint)];
}

export function sameTaints(a: readonly Taint[], b: readonly Taint[]): boolean {
  const text = (taints: readonly Taint[]): string =>
    taints
      .map(({ key, value, effect }) => `${key}=${value ?? ''}:${effect}`)
      .sort()
      .join();
  return text(a) === text(b);
}

export function evictionTaint(node: Node): typeof notReadyTaint | typeof unreachableTaint | undefined {
  const found = node.spec.taints?.find(({ key, effect }) => effect === 'NoExecute' && executeKeys.has(key))?.key;
  return found === notReadyTaint || found === unreachableTaint ? found : undefined;
}
