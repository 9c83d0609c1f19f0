/**
 * What happens in the cluster, in terms of what it may mean to a waiting pod. Each plugin registers for the kinds of
 * event that may take its rejection away, with a hint that looks closer; everything else leaves the pod asleep.
 * KEP-4247 (per-plugin callback functions for efficient requeueing).
 */
import type { Node, Pod } from '../api/generated/core-v1.ts';
import type { PodInfo } from './pod-info.ts';

export type EventKind =
  | 'NodeAdd'
  | 'NodeDelete'
  | 'NodeUpdateAllocatable'
  | 'NodeUpdateLabel'
  | 'NodeUpdateTaint'
  | 'NodeUpdateCondition'
  /** A pod with a node: bound, changed in its labels, freed some of its resources, or gone. */
  | 'AssignedPodAdd'
  | 'AssignedPodUpdateLabel'
  | 'AssignedPodScaleDown'
  | 'AssignedPodDelete'
  /** The waiting pod itself was changed. */
  | 'PodUpdateLabel'
  | 'PodUpdateScaleDown'
  | 'PodUpdateTolerations'
  | 'PodUpdateSchedulingGates'
  | 'NamespaceAdd'
  | 'NamespaceUpdateLabel'
  | 'WorkloadSelectorChange'
  /** Nothing happened, but the pod has been asleep for too long. */
  | 'UnschedulableTimeout'
  | 'ForceActivate';

/** `after` is undefined for deletions, `before` for additions. */
export interface ClusterEvent {
  readonly kind: EventKind;
  readonly before?: Node | PodInfo;
  readonly after?: Node | PodInfo;
}

export interface NodeEvent {
  readonly before: Node | undefined;
  readonly after: Node | undefined;
}
export interface PodEvent {
  readonly before: PodInfo | undefined;
  readonly after: PodInfo | undefined;
}

/** Could this event make `pod`, rejected by this plugin, schedulable? When in doubt: true. */
export interface EventRegistration {
  readonly kinds: readonly EventKind[];
  readonly hint?: (pod: PodInfo, event: ClusterEvent) => boolean;
}

/** A registration for events of nodes, whose hint looks at the node before and after. */
export function onNode(
  kinds: readonly EventKind[],
  hint?: (pod: PodInfo, after: Node, before: Node | undefined) => boolean,
): EventRegistration {
  if (!hint) return { kinds };
  return { kinds, hint: (pod, event) => (event.after ? hint(pod, event.after as Node, event.before as Node | undefined) : true) };
}

/** A registration for events of other pods, or of the waiting pod itself. */
export function onPod(kinds: readonly EventKind[], hint?: (pod: PodInfo, event: PodEvent) => boolean): EventRegistration {
  if (!hint) return { kinds };
  return {
    kinds,
    hint: (pod, event) => hint(pod, { before: event.before as PodInfo | undefined, after: event.after as PodInfo | undefined }),
  };
}

/** What of a node's change matters to scheduling; heartbeats give nothing. */
export function nodeEvents(before: Node, after: Node): ClusterEvent[] {
  const kinds: EventKind[] = [];
  if (!same(before.status.allocatable, after.status.allocatable)) kinds.push('NodeUpdateAllocatable');
  if (!same(before.metadata.labels, after.metadata.labels)) kinds.push('NodeUpdateLabel');
  if (!same(before.spec.taints, after.spec.taints) || !!before.spec.unschedulable !== !!after.spec.unschedulable)
    kinds.push('NodeUpdateTaint');
  if (!same(conditionsOf(before), conditionsOf(after))) kinds.push('NodeUpdateCondition');
  return kinds.map((kind) => ({ kind, before, after }));
}

export function assignedPodEvents(before: PodInfo, after: PodInfo): ClusterEvent[] {
  const kinds: EventKind[] = [];
  if (!same(before.labels, after.labels)) kinds.push('AssignedPodUpdateLabel');
  if (asksForLess(before, after)) kinds.push('AssignedPodScaleDown');
  return kinds.map((kind) => ({ kind, before, after }));
}

export function waitingPodEvents(before: PodInfo, after: PodInfo): ClusterEvent[] {
  const kinds: EventKind[] = [];
  if (!same(before.labels, after.labels)) kinds.push('PodUpdateLabel');
  if (asksForLess(before, after)) kinds.push('PodUpdateScaleDown');
  if (!same(before.pod.spec.tolerations, after.pod.spec.tolerations)) kinds.push('PodUpdateTolerations');
  if ((before.pod.spec.schedulingGates?.length ?? 0) > 0 && (after.pod.spec.schedulingGates?.length ?? 0) === 0) {
    kinds.push('PodUpdateSchedulingGates');
  }
  return kinds.map((kind) => ({ kind, before, after }));
}

/** Anything that the scheduler reads of a waiting pod, which its status is not. */
export function schedulingChanged(before: Pod, after: Pod): boolean {
  return !same(before.spec, after.spec) || !same(before.metadata.labels, after.metadata.labels);
}

function asksForLess(before: PodInfo, after: PodInfo): boolean {
  const a = before.requests;
  const b = after.requests;
  if (a === b) return false;
  if (b.milliCpu < a.milliCpu || b.memory < a.memory || b.ephemeralStorage < a.ephemeralStorage) return true;
  return Object.keys(a.scalars).some((name) => (b.scalars[name] ?? 0) < (a.scalars[name] ?? 0));
}

function conditionsOf(node: Node): Record<string, string> {
  return Object.fromEntries((node.status.conditions ?? []).map(({ type, status }) => [type, status]));
}

/** Equality of JSON values, whatever the order of keys. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return isEmpty(a) && isEmpty(b);
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => same(item, b[i]));
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key in left) if (!same(left[key], right[key])) return false;
  for (const key in right) if (!(key in left) && !isEmpty(right[key])) return false;
  return true;
}

/** Absent and empty mean the same in the API. */
function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}
