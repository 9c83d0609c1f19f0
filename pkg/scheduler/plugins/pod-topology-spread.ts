import type { Pod, TopologySpreadConstraint } from '../../api/generated/core-v1.ts';
import { matchesRequiredNodeAffinity } from '../../api/node-affinity.ts';
import type { Selector } from '../../api/selectors.ts';
import { onNode, onPod, type PodEvent } from '../cluster-event.ts';
import { maxScore, type NodeFilter, type NodeScorer, type Plugin, type Rejection } from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import { narrowedSelector, type PodInfo } from '../pod-info.ts';
import type { Snapshot } from '../snapshot.ts';
import { untolerated } from '../taints.ts';

const name = 'PodTopologySpread';
const hostname = 'kubernetes.io/hostname';

/** A constraint, compiled for one pod. */
interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: Selector;
  /** Nodes that the pod's node selector leaves out do not count. */
  readonly honorAffinity: boolean;
  /** Nodes whose taints keep the pod away do not count. */
  readonly honorTaints: boolean;
}

/**
 * What pods get that bring no constraints: spread over nodes and zones when nothing speaks against it. The selector
 * is that of the pod's Services and owner; a pod without any has nobody to be spread from.
 */
const systemDefaults = [
  { topologyKey: hostname, maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5 },
] as const;

export interface PodTopologySpreadOptions {
  /** The selector of the Services and the owner that the pod belongs to. */
  readonly ownersSelector: (pod: Pod) => Selector | undefined;
}

/**
 * Even spread over the values of a node label: DoNotSchedule constraints filter, ScheduleAnyway ones score.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
 */
export function createPodTopologySpread({ ownersSelector }: PodTopologySpreadOptions): Plugin {
  return {
    name,
    events: [
      onPod(['AssignedPodAdd', 'AssignedPodUpdateLabel', 'AssignedPodDelete'], mayEvenOut),
      onNode(['NodeAdd', 'NodeDelete', 'NodeUpdateLabel', 'NodeUpdateTaint'], (pod, after, before) => {
        const keys = constraintsOf(pod, 'DoNotSchedule').map(({ topologyKey }) => topologyKey);
        const has = (labels: Readonly<Record<string, string>> | undefined): boolean => keys.every((key) => labels?.[key] !== undefined);
        return has(after.metadata.labels) || has(before?.metadata.labels);
      }),
      onPod(['PodUpdateLabel']),
    ],
    preFilter(pod, snapshot) {
      const constraints = constraintsOf(pod, 'DoNotSchedule');
      return constraints.length === 0 ? 'skip' : { filter: SpreadFilter.count(pod, constraints, snapshot) };
    },
    preScore(pod, nodes, snapshot) {
      if (pod.pod.spec.topologySpreadConstraints?.length) {
        const constraints = constraintsOf(pod, 'ScheduleAnyway');
        return constraints.length === 0 ? undefined : createScorer({ pod, constraints, nodes, snapshot, everyKey: true });
      }
      const selector = ownersSelector(pod.pod);
      if (!selector || selector.requirements.length === 0) return undefined;
      const constraints = systemDefaults.map((preset) => ({ ...preset, selector, minDomains: 1, honorAffinity: true, honorTaints: false }));
      return createScorer({ pod, constraints, nodes, snapshot, everyKey: false });
    },
  };
}

function constraintsOf(pod: PodInfo, whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway'): Constraint[] {
  const wanted = (pod.pod.spec.topologySpreadConstraints ?? []).filter((constraint) => constraint.whenUnsatisfiable === whenUnsatisfiable);
  return wanted.map((constraint: TopologySpreadConstraint) => ({
    topologyKey: constraint.topologyKey,
    maxSkew: constraint.maxSkew,
    minDomains: constraint.minDomains ?? 1,
    selector: narrowedSelector(constraint.labelSelector, pod.labels, constraint.matchLabelKeys),
    honorAffinity: (constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor',
    honorTaints: (constraint.nodeTaintsPolicy ?? 'Ignore') === 'Honor',
  }));
}

function hasEveryKey(node: NodeInfo, constraints: readonly Constraint[]): boolean {
  return constraints.every(({ topologyKey }) => node.label(topologyKey) !== undefined);
}

function counts(constraint: Constraint, pod: PodInfo, node: NodeInfo): boolean {
  if (!node.node) return false;
  if (constraint.honorAffinity && !matchesRequiredNodeAffinity(pod.pod.spec, node.node)) return false;
  return !constraint.honorTaints || untolerated(node.hardTaints, pod.pod.spec.tolerations) === undefined;
}

/** Pods that are on their way out count no more. */
function selects(selector: Selector, namespace: string, other: PodInfo): boolean {
  return other.namespace === namespace && !other.pod.metadata.deletionTimestamp && selector.matches(other.labels);
}

function countMatching(node: NodeInfo, selector: Selector, namespace: string): number {
  let count = 0;
  for (const other of node.pods) if (selects(selector, namespace, other)) count++;
  return count;
}

class SpreadFilter implements NodeFilter {
  readonly #pod: PodInfo;
  readonly #constraints: readonly Constraint[];
  /** Per constraint: value of the topology key → pods there. */
  readonly #domains: readonly Map<string, number>[];
  readonly #fewest: (number | undefined)[];

  private constructor(pod: PodInfo, constraints: readonly Constraint[], domains: readonly Map<string, number>[]) {
    this.#pod = pod;
    this.#constraints = constraints;
    this.#domains = domains;
    this.#fewest = constraints.map(() => undefined);
  }

  static count(pod: PodInfo, constraints: readonly Constraint[], snapshot: Snapshot): SpreadFilter {
    const domains = constraints.map(() => new Map<string, number>());
    for (const node of snapshot.nodes) {
      if (!hasEveryKey(node, constraints)) continue;
      for (const [i, constraint] of constraints.entries()) {
        if (!counts(constraint, pod, node)) continue;
        const value = node.label(constraint.topologyKey) ?? '';
        const domain = domains[i] as Map<string, number>;
        domain.set(value, (domain.get(value) ?? 0) + countMatching(node, constraint.selector, pod.namespace));
      }
    }
    return new SpreadFilter(pod, constraints, domains);
  }

  clone(): SpreadFilter {
    return new SpreadFilter(
      this.#pod,
      this.#constraints,
      this.#domains.map((domain) => new Map(domain)),
    );
  }

  addPod(added: PodInfo, node: NodeInfo): void {
    this.#change(added, node, 1);
  }

  removePod(removed: PodInfo, node: NodeInfo): void {
    this.#change(removed, node, -1);
  }

  filter(node: NodeInfo): Rejection | undefined {
    for (const [i, constraint] of this.#constraints.entries()) {
      const { topologyKey, maxSkew, selector } = constraint;
      const value = node.label(topologyKey);
      if (value === undefined) {
        return {
          plugin: name,
          reasons: ["node(s) didn't match pod topology spread constraints (missing required label)"],
          unresolvable: true,
          change: `give the node the label ${topologyKey}`,
        };
      }
      const here = (this.#domains[i]?.get(value) ?? 0) + (selector.matches(this.#pod.labels) ? 1 : 0);
      const fewest = this.#fewestOf(i);
      if (here - fewest > maxSkew) {
        return {
          plugin: name,
          reasons: ["node(s) didn't match pod topology spread constraints"],
          unresolvable: false,
          change: `${topologyKey}=${value} would have ${here} pods and the emptiest domain has ${fewest}: at most ${maxSkew} apart is allowed; make room elsewhere, or raise maxSkew`,
        };
      }
    }
    return undefined;
  }

  #fewestOf(i: number): number {
    const known = this.#fewest[i];
    if (known !== undefined) return known;
    const domain = this.#domains[i] as Map<string, number>;
    let fewest = Number.POSITIVE_INFINITY;
    for (const count of domain.values()) fewest = Math.min(fewest, count);
    // Fewer domains than asked for: one that does not exist yet counts as empty.
    if (domain.size < (this.#constraints[i]?.minDomains ?? 1)) fewest = 0;
    this.#fewest[i] = fewest;
    return fewest;
  }

  #change(other: PodInfo, node: NodeInfo, by: number): void {
    if (!hasEveryKey(node, this.#constraints)) return;
    for (const [i, constraint] of this.#constraints.entries()) {
      if (!selects(constraint.selector, this.#pod.namespace, other) || !counts(constraint, this.#pod, node)) continue;
      const value = node.label(constraint.topologyKey) ?? '';
      const domain = this.#domains[i] as Map<string, number>;
      domain.set(value, (domain.get(value) ?? 0) + by);
      this.#fewest[i] = undefined;
    }
  }
}

interface ScorerInput {
  readonly pod: PodInfo;
  readonly constraints: readonly Constraint[];
  readonly nodes: readonly NodeInfo[];
  readonly snapshot: Snapshot;
  /** Nodes that lack any of the keys get nothing (the pod's own constraints), or are judged by what they have. */
  readonly everyKey: boolean;
}

/**
 * The cost of a node is, over all constraints, the number of pods in its domain, weighted by the logarithm of the
 * number of domains (with many domains, one pod more in one of them says more). The dearest node gets 0.
 */
function createScorer({ pod, constraints, nodes, snapshot, everyKey }: ScorerInput): NodeScorer {
  const ignored = new Set(everyKey ? nodes.filter((node) => !hasEveryKey(node, constraints)).map((node) => node.name) : []);
  const judged = constraints.map((constraint) => {
    // A node is its own host name: its pods are counted when it is scored.
    if (constraint.topologyKey === hostname) return { constraint, domains: undefined, weight: Math.log(nodes.length - ignored.size + 2) };
    const domains = new Map<string, number>();
    for (const node of nodes) {
      const value = node.label(constraint.topologyKey);
      if (value !== undefined && !ignored.has(node.name)) domains.set(value, 0);
    }
    return { constraint, domains, weight: Math.log(domains.size + 2) };
  });
  for (const { constraint, domains } of judged) {
    if (!domains || domains.size === 0) continue;
    for (const node of snapshot.nodes) {
      if (node.pods.length === 0 || (everyKey && !hasEveryKey(node, constraints)) || !counts(constraint, pod, node)) continue;
      const value = node.label(constraint.topologyKey);
      const count = value === undefined ? undefined : domains.get(value);
      if (value !== undefined && count !== undefined) domains.set(value, count + countMatching(node, constraint.selector, pod.namespace));
    }
  }
  return {
    score(node) {
      if (ignored.has(node.name)) return 0;
      let cost = 0;
      for (const { constraint, domains, weight } of judged) {
        const value = node.label(constraint.topologyKey);
        if (value === undefined) continue;
        const count = domains ? (domains.get(value) ?? 0) : countMatching(node, constraint.selector, pod.namespace);
        cost += count * weight + (constraint.maxSkew - 1);
      }
      return Math.round(cost);
    },
    normalize(scores, scored) {
      let min = Number.POSITIVE_INFINITY;
      let max = 0;
      for (const [i, node] of scored.entries()) {
        if (ignored.has(node.name)) continue;
        min = Math.min(min, scores[i] as number);
        max = Math.max(max, scores[i] as number);
      }
      for (const [i, node] of scored.entries()) {
        if (ignored.has(node.name)) scores[i] = 0;
        else scores[i] = max === 0 ? maxScore : Math.floor((maxScore * (max + min - (scores[i] as number))) / max);
      }
    },
  };
}

/** Only pods that a constraint counts can even out the spread. */
function mayEvenOut(pod: PodInfo, { before, after }: PodEvent): boolean {
  return constraintsOf(pod, 'DoNotSchedule').some(({ selector }) => {
    const was = before !== undefined && before.namespace === pod.namespace && selector.matches(before.labels);
    const is = after !== undefined && after.namespace === pod.namespace && selector.matches(after.labels);
    return was !== is;
  });
}
