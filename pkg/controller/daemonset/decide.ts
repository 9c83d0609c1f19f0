import type { DaemonSet, DaemonSetStatus } from '../../api/generated/apps-v1.ts';
import type { Node, Pod } from '../../api/generated/core-v1.ts';
import { revisionHashLabel } from '../controller-history.ts';
import { resolveIntOrPercent } from '../int-or-percent.ts';
import { isPodAvailable, isPodReady } from '../pod-state.ts';
import { fit, inOrder, nodeOf } from './daemon-pods.ts';

export interface ObservedDaemons {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  /** Those that the set controls, also ended ones. */
  readonly pods: readonly Pod[];
  /** The present template's. */
  readonly hash: string;
  readonly now: number;
  /** Milliseconds until a failed pod of this node may be replaced; 0: now. */
  backoff(node: string): number;
}

export interface DaemonPlan {
  /** Names of nodes that get a pod. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  /** Ended pods among `remove`: worth an event, and a failed one a longer wait next time. */
  readonly ended: readonly { readonly pod: Pod; readonly node: string }[];
  /** Look again after so many milliseconds. */
  readonly after: number | undefined;
}

/** One pod on each node that wants one; then, with RollingUpdate, as many steps to the present template as allowed. */
export function decideDaemons(observed: ObservedDaemons): DaemonPlan {
  const { set, nodes, backoff } = observed;
  const byNode = groupByNode(observed.pods);
  const limits = rolloutLimits(set, nodes.filter((node) => fit(set, node).run).length);
  const create: string[] = [];
  const remove: Pod[] = [];
  const ended: { pod: Pod; node: string }[] = [];
  let after: number | undefined;
  for (const node of nodes) {
    const { name } = node.metadata;
    const pods = byNode.get(name) ?? [];
    const { run, stay } = fit(set, node);
    if (!stay) {
      remove.push(...pods.filter(isStanding));
      continue;
    }
    const running: Pod[] = [];
    for (const pod of pods.filter(isStanding)) {
      const over = pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded';
      const wait = pod.status.phase === 'Failed' ? backoff(name) : 0;
      if (!over) running.push(pod);
      else if (wait > 0) after = Math.min(after ?? Number.POSITIVE_INFINITY, wait);
      else {
        remove.push(pod);
        ended.push({ pod, node: name });
      }
    }
    remove.push(...superfluous(running, observed.hash, limits.maxSurge > 0));
    if (run && pods.length === 0) create.push(name);
  }
  // Pods of nodes that are gone are the pod garbage collector's.
  if (create.length === 0 && remove.length === 0 && set.spec.updateStrategy.type !== 'OnDelete') {
    const step = limits.maxSurge > 0 ? surgeStep(observed, byNode, limits.maxSurge) : replaceStep(observed, byNode, limits.maxUnavailable);
    create.push(...step.create);
    remove.push(...step.remove);
  }
  return { create, remove, ended, after };
}

const isStanding = ({ metadata }: Pod): boolean => metadata.deletionTimestamp === undefined;
const isCurrent = ({ metadata }: Pod, hash: string): boolean => metadata.labels?.[revisionHashLabel] === hash;

export function groupByNode(pods: readonly Pod[]): ReadonlyMap<string, readonly Pod[]> {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const node = nodeOf(pod);
    if (node === undefined) continue;
    byNode.set(node, [...(byNode.get(node) ?? []), pod]);
  }
  return byNode;
}

/** More than one on a node: the first one stays; with a surge, the first of the present template and the first other. */
function superfluous(running: readonly Pod[], hash: string, surge: boolean): readonly Pod[] {
  const sorted = inOrder(running);
  if (!surge) return sorted.slice(1);
  const current = sorted.filter((pod) => isCurrent(pod, hash));
  const old = sorted.filter((pod) => !isCurrent(pod, hash));
  return [...current.slice(1), ...old.slice(1)];
}

export function rolloutLimits({ spec }: DaemonSet, wanted: number): { readonly maxSurge: number; readonly maxUnavailable: number } {
  const { maxSurge = 0, maxUnavailable = 1 } = spec.updateStrategy.rollingUpdate ?? {};
  const surge = resolveIntOrPercent(maxSurge, wanted, 'up');
  const unavailable = resolveIntOrPercent(maxUnavailable, wanted, 'up');
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

interface Step {
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
}

/** Old pods go before new ones come: those that serve nobody at once, others as far as maxUnavailable allows. */
function replaceStep(
  { set, nodes, hash, now }: ObservedDaemons,
  byNode: ReadonlyMap<string, readonly Pod[]>,
  maxUnavailable: number,
): Step {
  const minReady = set.spec.minReadySeconds ?? 0;
  const sick: Pod[] = [];
  const candidates: Pod[] = [];
  let unavailable = 0;
  for (const node of nodes) {
    if (!fit(set, node).run) continue;
    const [pod, ...more] = (byNode.get(node.metadata.name) ?? []).filter(isStanding);
    const available = pod !== undefined && more.length === 0 && isPodAvailable(pod, minReady, now);
    if (!available) unavailable++;
    if (!pod || more.length > 0 || isCurrent(pod, hash)) continue;
    (available ? candidates : sick).push(pod);
  }
  return { create: [], remove: [...sick, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))] };
}

/** New pods come beside old ones, as far as maxSurge allows; an old one goes when the new one is available. */
function surgeStep({ set, nodes, hash, now }: ObservedDaemons, byNode: ReadonlyMap<string, readonly Pod[]>, maxSurge: number): Step {
  const minReady = set.spec.minReadySeconds ?? 0;
  const remove: Pod[] = [];
  const sick: string[] = [];
  const candidates: string[] = [];
  let surging = 0;
  for (const node of nodes) {
    if (!fit(set, node).run) continue;
    const pods = (byNode.get(node.metadata.name) ?? []).filter(isStanding);
    const old = pods.find((pod) => !isCurrent(pod, hash));
    const current = pods.find((pod) => isCurrent(pod, hash));
    if (!old) continue;
    if (!current) (isPodAvailable(old, minReady, now) ? candidates : sick).push(node.metadata.name);
    else if (isPodAvailable(current, minReady, now)) remove.push(old);
    else surging++;
  }
  return { create: [...sick, ...candidates.slice(0, Math.max(0, maxSurge - surging))], remove };
}

export function daemonStatus({ set, nodes, pods, hash, now }: Omit<ObservedDaemons, 'backoff'>): DaemonSetStatus {
  const byNode = groupByNode(pods);
  const counts = { desired: 0, scheduled: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 };
  for (const node of nodes) {
    const [pod] = inOrder(byNode.get(node.metadata.name) ?? []);
    if (!fit(set, node).run) {
      if (pod) counts.misscheduled++;
      continue;
    }
    counts.desired++;
    if (!pod) continue;
    counts.scheduled++;
    if (isPodReady(pod)) counts.ready++;
    if (isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now)) counts.available++;
    if (isCurrent(pod, hash)) counts.updated++;
  }
  const { collisionCount, conditions } = set.status;
  const unavailable = counts.desired - counts.available;
  return {
    currentNumberScheduled: counts.scheduled,
    desiredNumberScheduled: counts.desired,
    numberMisscheduled: counts.misscheduled,
    numberReady: counts.ready,
    ...(counts.available > 0 ? { numberAvailable: counts.available } : {}),
    ...(unavailable > 0 ? { numberUnavailable: unavailable } : {}),
    ...(counts.updated > 0 ? { updatedNumberScheduled: counts.updated } : {}),
    observedGeneration: set.metadata.generation ?? 0,
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(conditions ? { conditions } : {}),
  };
}
