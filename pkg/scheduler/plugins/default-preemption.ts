import type { PodDisruptionBudget } from '../../api/generated/policy-v1.ts';
import { selectorFromLabelSelector } from '../../api/selectors.ts';
import { diagnosisMessage } from '../diagnosis.ts';
import type { NodeFilter, Plugin, PostFilterInput, PostFilterResult, Rejection } from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';

const name = 'DefaultPreemption';
/** How many nodes are tried: a tenth, but at least a hundred. */
const candidateShare = 0.1;
const minCandidates = 100;

export interface DefaultPreemptionOptions {
  readonly budgets: (namespace: string) => readonly PodDisruptionBudget[];
}

/** What preempting on one node would cost. */
interface Candidate {
  readonly node: string;
  /** Most important first. */
  readonly victims: readonly PodInfo[];
  /** Victims that a PodDisruptionBudget would have kept. */
  readonly violations: number;
}

/**
 * Makes room by evicting pods of lower priority: on each node that this could help, as few and as unimportant ones as
 * will do; of the nodes, the one where it hurts least. Budgets are honoured where there is a choice.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
 */
export function createDefaultPreemption({ budgets }: DefaultPreemptionOptions): Plugin {
  return {
    name,
    postFilter(input): PostFilterResult {
      const unfit = ineligible(input);
      if (unfit) return { message: `preemption: ${unfit}` };
      const { snapshot, rejections } = input;
      const hopeful = snapshot.nodes.filter((node) => rejections.get(node.name)?.unresolvable === false);
      const outcomes = new Map<string, Rejection>();
      for (const node of snapshot.nodes) outcomes.set(node.name, notHelpful);

      const wanted = Math.max(minCandidates, Math.floor(snapshot.nodes.length * candidateShare));
      const candidates: Candidate[] = [];
      const startAt = hopeful.length > 0 ? input.randomInt(hopeful.length) : 0;
      for (let i = 0; i < hopeful.length && candidates.length < wanted; i++) {
        const node = hopeful[(startAt + i) % hopeful.length] as NodeInfo;
        const result = victimsOn(node, input, budgets);
        if ('victims' in result) candidates.push(result);
        else outcomes.set(node.name, result);
      }
      const best = cheapest(candidates);
      if (best) return { message: '', nomination: { node: best.node, victims: best.victims } };
      const message = diagnosisMessage({ nodeCount: snapshot.nodes.length, rejections: outcomes });
      return { message: `preemption: ${message}`, clearNomination: true };
    },
  };
}

const notHelpful: Rejection = {
  plugin: name,
  reasons: ['Preemption is not helpful for scheduling'],
  unresolvable: true,
  change: '',
};
const noVictims: Rejection = {
  plugin: name,
  reasons: ['No preemption victims found for incoming pod'],
  unresolvable: true,
  change: '',
};

function ineligible({ pod, snapshot, rejections, promised }: PostFilterInput): string | undefined {
  if (pod.pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  if (!promised || rejections.get(promised)?.unresolvable) return undefined;
  const leaving = snapshot.get(promised)?.pods.some((other) => other.priority < pod.priority && other.pod.metadata.deletionTimestamp);
  return leaving ? 'not eligible due to a terminating pod on the nominated node.' : undefined;
}

/** The fewest victims on this node: all of lower priority go in thought, then as many as possible come back. */
function victimsOn(node: NodeInfo, input: PostFilterInput, budgets: DefaultPreemptionOptions['budgets']): Candidate | Rejection {
  const { pod } = input;
  const lower = node.pods.filter((other) => other.priority < pod.priority);
  if (lower.length === 0) return noVictims;

  const filters = input.filters.map((filter) => filter.clone?.() ?? filter);
  let left = node;
  for (const other of lower) {
    for (const filter of filters) filter.removePod?.(other, left);
    left = left.withoutPod(other.uid);
  }
  const rejection = input.fits(left, filters);
  if (rejection) return rejection;

  const { protectedPods, others } = splitByBudget([...lower].sort(moreImportantFirst), budgets);
  const victims: PodInfo[] = [];
  let violations = 0;
  const comesBack = (other: PodInfo): boolean => {
    const back = left.withPod(other);
    apply(filters, 'addPod', other, left);
    if (input.fits(back, filters) === undefined) {
      left = back;
      return true;
    }
    apply(filters, 'removePod', other, back);
    victims.push(other);
    return false;
  };
  for (const other of protectedPods) if (!comesBack(other)) violations++;
  for (const other of others) comesBack(other);
  return { node: node.name, victims: victims.sort(moreImportantFirst), violations };
}

function apply(filters: readonly NodeFilter[], change: 'addPod' | 'removePod', pod: PodInfo, node: NodeInfo): void {
  for (const filter of filters) filter[change]?.(pod, node);
}

/** Which of the pods could not be disrupted any more, if they went one after the other in this order. */
function splitByBudget(
  ordered: readonly PodInfo[],
  budgets: DefaultPreemptionOptions['budgets'],
): { protectedPods: PodInfo[]; others: PodInfo[] } {
  const protectedPods: PodInfo[] = [];
  const others: PodInfo[] = [];
  const left = new Map<string, number>();
  for (const pod of ordered) {
    let violates = false;
    for (const budget of budgets(pod.namespace)) {
      if (!selectorFromLabelSelector(budget.spec.selector).matches(pod.labels) || Object.keys(pod.labels).length === 0) continue;
      // Already on its way: the budget has counted it.
      if (budget.status.disruptedPods && pod.pod.metadata.name in budget.status.disruptedPods) continue;
      const allowed = (left.get(budget.metadata.uid) ?? budget.status.disruptionsAllowed ?? 0) - 1;
      left.set(budget.metadata.uid, allowed);
      if (allowed < 0) violates = true;
    }
    (violates ? protectedPods : others).push(pod);
  }
  return { protectedPods, others };
}

/** Higher priority first, then who has been running for longer. */
function moreImportantFirst(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || compare(startOf(a), startOf(b)) || compare(a.key, b.key);
}

function startOf(pod: PodInfo): string {
  return pod.pod.status.startTime ?? pod.pod.metadata.creationTimestamp;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * In this order: fewest violated budgets, lowest top priority among the victims, smallest sum of priorities, fewest
 * victims, the latest start of the most important victims; then the first.
 */
function cheapest(candidates: readonly Candidate[]): Candidate | undefined {
  const rank = ({ victims, violations }: Candidate): readonly (number | string)[] => {
    const top = victims[0]?.priority ?? 0;
    // Priorities may be negative; shifted, another victim always makes the sum larger.
    const sum = victims.reduce((total, victim) => total + victim.priority + 2 ** 31, 0);
    const earliest =
      victims
        .filter((victim) => victim.priority === top)
        .map(startOf)
        .sort()[0] ?? '';
    return [violations, top, sum, victims.length, earliest];
  };
  let best: { candidate: Candidate; rank: readonly (number | string)[] } | undefined;
  for (const candidate of candidates) {
    const ranked = rank(candidate);
    if (!best || isBetter(ranked, best.rank)) best = { candidate, rank: ranked };
  }
  return best?.candidate;
}

/** All but the last number: less is better; the start time: later is better. */
function isBetter(a: readonly (number | string)[], b: readonly (number | string)[]): boolean {
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as number | string;
    const y = b[i] as number | string;
    if (x === y) continue;
    return typeof x === 'string' || typeof y === 'string' ? x > y : x < y;
  }
  return false;
}
