import { onNode, onPod, type PodEvent } from '../cluster-event.ts';
import { maxScore, type NodeFilter, type NodeScorer, type Plugin, type Rejection } from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import { type AffinityTerm, type NamespaceLabels, type PodInfo, termMatches } from '../pod-info.ts';
import type { Snapshot } from '../snapshot.ts';

const name = 'InterPodAffinity';
/** What an existing pod's required affinity is worth as a preference, seen from its side. */
const hardAffinityWeight = 1;

/** How many pods matter in a domain, a domain being a value of a topology key: key → value → count. */
type DomainCounts = Map<string, Map<string, number>>;

/**
 * Pods that want to be near other pods, or far from them, within a topology domain; required terms filter, preferred
 * ones score. Anti-affinity also works backwards: an existing pod's terms keep new ones away.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
 */
export function createInterPodAffinity(namespaceLabels: NamespaceLabels): Plugin {
  return {
    name,
    events: [
      onPod(['AssignedPodAdd', 'AssignedPodUpdateLabel', 'AssignedPodDelete'], (pod, event) => mayHelp(pod, event, namespaceLabels)),
      // With a node go the pods on it, and whom they kept away from its domain may come.
      onNode(['NodeAdd', 'NodeDelete', 'NodeUpdateLabel'], (pod, after, before) => {
        const has = (key: string): boolean => after.metadata.labels?.[key] !== undefined || before?.metadata.labels?.[key] !== undefined;
        return pod.affinity.every(({ topologyKey }) => has(topologyKey));
      }),
      { kinds: ['NamespaceAdd', 'NamespaceUpdateLabel'] },
      onPod(['PodUpdateLabel']),
    ],
    preFilter(pod, snapshot) {
      const filter = AffinityFilter.count(pod, snapshot);
      return filter ? { filter } : 'skip';
    },
    preScore: createScorer,
  };
}

function matchesAll(terms: readonly AffinityTerm[], target: PodInfo, labels: NamespaceLabels): boolean {
  return terms.length > 0 && terms.every((term) => termMatches(term, target, labels));
}

function bump(counts: DomainCounts, node: NodeInfo, key: string, by: number): void {
  const value = node.label(key);
  if (value === undefined) return;
  const values = counts.get(key) ?? new Map<string, number>();
  counts.set(key, values);
  const count = (values.get(value) ?? 0) + by;
  if (count === 0) values.delete(value);
  else values.set(value, count);
  if (values.size === 0) counts.delete(key);
}

function copy(counts: DomainCounts): DomainCounts {
  return new Map([...counts].map(([key, values]) => [key, new Map(values)]));
}

class AffinityFilter implements NodeFilter {
  readonly #pod: PodInfo;
  readonly #labels: NamespaceLabels;
  /** Pods whose anti-affinity keeps this one away. */
  readonly #repelling: DomainCounts;
  /** Pods that match all of this one's affinity terms. */
  readonly #attracting: DomainCounts;
  /** Pods that match one of this one's anti-affinity terms. */
  readonly #avoided: DomainCounts;

  private constructor(
    pod: PodInfo,
    labels: NamespaceLabels,
    counted: readonly [repelling: DomainCounts, attracting: DomainCounts, avoided: DomainCounts],
  ) {
    this.#pod = pod;
    this.#labels = labels;
    [this.#repelling, this.#attracting, this.#avoided] = counted;
  }

  /** Undefined when no term on either side speaks of the other. */
  static count(pod: PodInfo, snapshot: Snapshot): AffinityFilter | undefined {
    const filter = new AffinityFilter(pod, snapshot.namespaceLabels, [new Map(), new Map(), new Map()]);
    for (const node of snapshot.nodesWithAntiAffinity)
      for (const other of node.podsWithAntiAffinity) filter.#countRepelling(other, node, 1);
    if (pod.affinity.length + pod.antiAffinity.length > 0) {
      for (const node of snapshot.nodes) for (const other of node.pods) filter.#countOwn(other, node, 1);
      return filter;
    }
    return filter.#repelling.size === 0 ? undefined : filter;
  }

  clone(): AffinityFilter {
    return new AffinityFilter(this.#pod, this.#labels, [copy(this.#repelling), copy(this.#attracting), copy(this.#avoided)]);
  }

  addPod(added: PodInfo, node: NodeInfo): void {
    this.#countRepelling(added, node, 1);
    this.#countOwn(added, node, 1);
  }

  removePod(removed: PodInfo, node: NodeInfo): void {
    this.#countRepelling(removed, node, -1);
    this.#countOwn(removed, node, -1);
  }

  filter(node: NodeInfo): Rejection | undefined {
    const missing = this.#pod.affinity.find(({ topologyKey }) => !has(this.#attracting, node, topologyKey));
    if (missing && !this.#isFirstOfItsKind(node)) {
      const where = `${missing.topologyKey}=${node.label(missing.topologyKey) ?? '(no such label)'}`;
      return {
        plugin: name,
        reasons: ["node(s) didn't match pod affinity rules"],
        unresolvable: true,
        change: `have a pod that matches "${missing.selector.toString()}" in ${where}`,
      };
    }
    const avoided = this.#pod.antiAffinity.find(({ topologyKey }) => has(this.#avoided, node, topologyKey));
    if (avoided) {
      return {
        plugin: name,
        reasons: ["node(s) didn't match pod anti-affinity rules"],
        unresolvable: false,
        change: `have no pod that matches "${avoided.selector.toString()}" in ${avoided.topologyKey}=${node.label(avoided.topologyKey)}`,
      };
    }
    for (const key of this.#repelling.keys()) {
      if (has(this.#repelling, node, key)) {
        return {
          plugin: name,
          reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"],
          unresolvable: false,
          change: `have no pod in ${key}=${node.label(key)} whose anti-affinity selects this pod`,
        };
      }
    }
    return undefined;
  }

  /** The first pod of a group that wants to be near its own kind has nobody to be near yet. */
  #isFirstOfItsKind(node: NodeInfo): boolean {
    const { affinity } = this.#pod;
    return (
      this.#attracting.size === 0 &&
      affinity.every(({ topologyKey }) => node.label(topologyKey) !== undefined) &&
      matchesAll(affinity, this.#pod, this.#labels)
    );
  }

  #countRepelling(other: PodInfo, node: NodeInfo, by: number): void {
    for (const term of other.antiAffinity)
      if (termMatches(term, this.#pod, this.#labels)) bump(this.#repelling, node, term.topologyKey, by);
  }

  #countOwn(other: PodInfo, node: NodeInfo, by: number): void {
    const { affinity, antiAffinity } = this.#pod;
    if (matchesAll(affinity, other, this.#labels)) for (const { topologyKey } of affinity) bump(this.#attracting, node, topologyKey, by);
    for (const term of antiAffinity) if (termMatches(term, other, this.#labels)) bump(this.#avoided, node, term.topologyKey, by);
  }
}

function has(counts: DomainCounts, node: NodeInfo, key: string): boolean {
  const value = node.label(key);
  return value !== undefined && (counts.get(key)?.get(value) ?? 0) > 0;
}

function createScorer(pod: PodInfo, _nodes: readonly NodeInfo[], snapshot: Snapshot): NodeScorer | undefined {
  const labels = snapshot.namespaceLabels;
  const worth: DomainCounts = new Map();
  const wants = pod.preferredAffinity.length + pod.preferredAntiAffinity.length > 0;
  for (const node of wants ? snapshot.nodes : snapshot.nodesWithAffinity) {
    for (const other of wants ? node.pods : node.podsWithAffinity) {
      for (const term of pod.preferredAffinity) if (termMatches(term, other, labels)) bump(worth, node, term.topologyKey, term.weight);
      for (const term of pod.preferredAntiAffinity) if (termMatches(term, other, labels)) bump(worth, node, term.topologyKey, -term.weight);
      for (const term of other.affinity) if (termMatches(term, pod, labels)) bump(worth, node, term.topologyKey, hardAffinityWeight);
      for (const term of other.preferredAffinity) if (termMatches(term, pod, labels)) bump(worth, node, term.topologyKey, term.weight);
      for (const term of other.preferredAntiAffinity) if (termMatches(term, pod, labels)) bump(worth, node, term.topologyKey, -term.weight);
    }
  }
  if (worth.size === 0) return undefined;
  return {
    score(node) {
      let sum = 0;
      for (const [key, values] of worth) sum += values.get(node.label(key) ?? '') ?? 0;
      return sum;
    },
    normalize(scores) {
      const min = Math.min(...scores);
      const range = Math.max(...scores) - min;
      for (let i = 0; i < scores.length; i++) scores[i] = range === 0 ? 0 : Math.floor((maxScore * ((scores[i] as number) - min)) / range);
    },
  };
}

function mayHelp(pod: PodInfo, { before, after }: PodEvent, labels: NamespaceLabels): boolean {
  const attracts = (other: PodInfo | undefined): boolean => other !== undefined && matchesAll(pod.affinity, other, labels);
  const repels = (other: PodInfo | undefined): boolean =>
    other !== undefined &&
    (pod.antiAffinity.some((term) => termMatches(term, other, labels)) ||
      other.antiAffinity.some((term) => termMatches(term, pod, labels)));
  if (attracts(after) && !attracts(before)) return true;
  // The last pod to attract is gone: the group may begin anew elsewhere.
  if (attracts(before) && !attracts(after)) return true;
  return repels(before) && !repels(after);
}
