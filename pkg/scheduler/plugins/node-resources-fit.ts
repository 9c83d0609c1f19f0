import type { Node } from '../../api/generated/core-v1.ts';
import { onNode, onPod } from '../cluster-event.ts';
import { maxScore, type Plugin, type Rejection } from '../framework.ts';
import { NodeInfo } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';
import type { Resources } from '../resources.ts';

const name = 'NodeResourcesFit';

/** Filters by what is left of CPU, memory, storage and every other resource; prefers the least allocated node. */
export const nodeResourcesFit: Plugin = {
  name,
  events: [
    onPod(['AssignedPodDelete', 'AssignedPodScaleDown'], (pod, { before, after }) => !before || freesWhatIsNeeded(pod, before, after)),
    onNode(['NodeAdd', 'NodeUpdateAllocatable'], (pod, after, before) => roomFor(pod, after) && !(before && sameRoom(before, after))),
    onPod(['PodUpdateScaleDown']),
  ],
  preFilter(pod) {
    return { filter: { filter: (node) => reject(shortages(pod.requests, node)) } };
  },
  preScore(pod) {
    const { milliCpu, memory } = pod.assumedRequests;
    return {
      score({ allocatable, assumedRequested }) {
        const cpu = leastAllocated(assumedRequested.milliCpu + milliCpu, allocatable.milliCpu);
        const mem = leastAllocated(assumedRequested.memory + memory, allocatable.memory);
        // A resource that the node does not have says nothing.
        const counted = (allocatable.milliCpu > 0 ? 1 : 0) + (allocatable.memory > 0 ? 1 : 0);
        return counted === 0 ? 0 : Math.floor((cpu + mem) / counted);
      },
    };
  },
};

export interface Shortage {
  readonly resource: string;
  readonly wanted: number;
  readonly free: number;
  readonly allocatable: number;
}

/** Every resource of which the node has less left than is wanted. Units: pods, milli-CPUs, bytes, whole units. */
export function shortages(wanted: Resources, node: NodeInfo): Shortage[] {
  const short: Shortage[] = [];
  if (node.pods.length + 1 > node.allowedPods) {
    short.push({ resource: 'pods', wanted: 1, free: node.allowedPods - node.pods.length, allocatable: node.allowedPods });
  }
  const { allocatable, requested } = node;
  const check = (resource: string, want: number, has: number, used: number): void => {
    if (want > 0 && want > has - used) short.push({ resource, wanted: want, free: has - used, allocatable: has });
  };
  check('cpu', wanted.milliCpu, allocatable.milliCpu, requested.milliCpu);
  check('memory', wanted.memory, allocatable.memory, requested.memory);
  check('ephemeral-storage', wanted.ephemeralStorage, allocatable.ephemeralStorage, requested.ephemeralStorage);
  for (const resource in wanted.scalars) {
    check(resource, wanted.scalars[resource] ?? 0, allocatable.scalars[resource] ?? 0, requested.scalars[resource] ?? 0);
  }
  return short;
}

function reject(short: readonly Shortage[]): Rejection | undefined {
  if (short.length === 0) return undefined;
  return {
    plugin: name,
    reasons: short.map(({ resource }) => (resource === 'pods' ? 'Too many pods' : `Insufficient ${resource}`)),
    // What even the empty node would not have, no eviction can free.
    unresolvable: short.some(({ wanted, allocatable }) => wanted > allocatable),
    change: short.map(describe).join('; '),
  };
}

function describe({ resource, wanted, free, allocatable }: Shortage): string {
  if (resource === 'pods') return `the node takes ${allocatable} pods and has no room for one more: move one away`;
  const unit = resource === 'cpu' ? 'm' : '';
  if (wanted > allocatable)
    return `the pod asks for ${wanted}${unit} of ${resource}, the whole node has ${allocatable}${unit}: ask for less, or use a larger node`;
  return `the pod asks for ${wanted}${unit} of ${resource}, ${free}${unit} of ${allocatable}${unit} are free: free ${wanted - free}${unit}, or ask for less`;
}

function leastAllocated(used: number, allocatable: number): number {
  return allocatable === 0 || used > allocatable ? 0 : Math.floor(((allocatable - used) * maxScore) / allocatable);
}

/** Did the other pod give back any of what this one asks for? A place among the node's pods counts too. */
function freesWhatIsNeeded(pod: PodInfo, before: PodInfo, after: PodInfo | undefined): boolean {
  if (!after) return true;
  const want = pod.requests;
  const was = before.requests;
  const is = after.requests;
  return (
    (want.milliCpu > 0 && is.milliCpu < was.milliCpu) ||
    (want.memory > 0 && is.memory < was.memory) ||
    (want.ephemeralStorage > 0 && is.ephemeralStorage < was.ephemeralStorage) ||
    Object.keys(want.scalars).some((resource) => (is.scalars[resource] ?? 0) < (was.scalars[resource] ?? 0))
  );
}

function roomFor(pod: PodInfo, node: Node): boolean {
  return shortages(pod.requests, NodeInfo.of(node)).length === 0;
}

function sameRoom(before: Node, after: Node): boolean {
  const a = before.status.allocatable ?? {};
  const b = after.status.allocatable ?? {};
  return Object.keys({ ...a, ...b }).every((resource) => a[resource] === b[resource]);
}
