/**
 * One scheduling decision: a pod and a snapshot in, a node or the reasons against every node out. Pure: all that
 * varies (where to start, which of equal nodes) comes in with the options.
 */
import type { Diagnosis } from './diagnosis.ts';
import type { NodeFilter, NodeScorer, Rejection, WeightedPlugin } from './framework.ts';
import { maxScore } from './framework.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import type { Snapshot } from './snapshot.ts';

export interface DecideOptions {
  readonly plugins: readonly WeightedPlugin[];
  /** Where in the snapshot to start looking, so that all nodes get their turn. */
  readonly startAt: number;
  /** 0: as many as kube-scheduler would look at in a cluster of this size. */
  readonly percentageOfNodesToScore: number;
  /** Pods that were promised a place on this node by preemption, and do not count there yet. */
  readonly nominated: (node: string) => readonly PodInfo[];
  /** The node that this pod itself was promised, if any: tried first. */
  readonly promised: string | undefined;
  /** Uniform integer in [0, n): picks among equals. */
  readonly randomInt: (n: number) => number;
}

/** What a plugin thought of the feasible nodes: `normalized` times `weight` went into the total. */
export interface PluginScores {
  readonly plugin: string;
  readonly weight: number;
  readonly raw: Float64Array;
  readonly normalized: Float64Array;
}

interface Looked {
  readonly diagnosis: Diagnosis;
  /** How many nodes were looked at. */
  readonly evaluated: number;
  readonly filters: readonly NodeFilter[];
}
export type Decision = Looked &
  (
    | {
        readonly node: string;
        readonly feasible: readonly NodeInfo[];
        readonly totals: Float64Array;
        readonly scores: readonly PluginScores[];
      }
    | { readonly node: undefined }
  );

/** Below this many nodes all are looked at. */
const minFeasibleNodes = 100;
const minPercentage = 5;

/** In a small cluster all; then 50 % less one for each 125 nodes, but at least 5 % and 100 nodes. */
export function feasibleNodesWanted(nodeCount: number, percentage: number): number {
  if (nodeCount < minFeasibleNodes || percentage >= 100) return nodeCount;
  const share = percentage > 0 ? percentage : Math.max(minPercentage, 50 - Math.floor(nodeCount / 125));
  return Math.max(minFeasibleNodes, Math.floor((nodeCount * share) / 100));
}

export function decide(pod: PodInfo, snapshot: Snapshot, options: DecideOptions): Decision {
  const nodeCount = snapshot.nodes.length;
  const refused = (diagnosis: Diagnosis, evaluated = 0, filters: readonly NodeFilter[] = []): Decision => ({
    node: undefined,
    diagnosis,
    evaluated,
    filters,
  });
  if (nodeCount === 0) return refused({ nodeCount, rejections: new Map() });

  const prepared = runPreFilters(pod, snapshot, options.plugins);
  if ('reject' in prepared) return refused({ nodeCount, rejections: new Map(), preFilter: prepared.reject });

  const { filters, excluded } = prepared;
  const found = findFeasible(pod, snapshot, prepared, options);
  const { feasible, evaluated } = found;
  const rejections = found.rejections;
  if (feasible.length === 0) {
    if (prepared.allowed && excluded) {
      for (const { name } of snapshot.nodes) if (!prepared.allowed.has(name)) rejections.set(name, excluded);
    }
    return refused({ nodeCount, rejections }, evaluated, filters);
  }
  const scores = feasible.length === 1 ? [] : runScores(pod, feasible, snapshot, options.plugins);
  const totals = new Float64Array(feasible.length);
  for (const { normalized, weight } of scores) {
    for (let i = 0; i < totals.length; i++) totals[i] = (totals[i] as number) + (normalized[i] as number) * weight;
  }
  const node = (feasible[pickHighest(totals, options.randomInt)] as NodeInfo).name;
  return { node, feasible, totals, scores, diagnosis: { nodeCount, rejections }, evaluated, filters };
}

interface Prepared {
  readonly filters: readonly NodeFilter[];
  /** If set, only these nodes can do. */
  readonly allowed: ReadonlySet<string> | undefined;
  /** What to say of the others. */
  readonly excluded: Rejection | undefined;
}

function runPreFilters(pod: PodInfo, snapshot: Snapshot, plugins: readonly WeightedPlugin[]): Prepared | { readonly reject: Rejection } {
  const filters: NodeFilter[] = [];
  const narrowing: string[] = [];
  let allowed: ReadonlySet<string> | undefined;
  for (const { plugin } of plugins) {
    const result = plugin.preFilter?.(pod, snapshot) ?? 'skip';
    if (result === 'skip') continue;
    if ('reject' in result) return result;
    filters.push(result.filter);
    if (result.nodeNames) {
      narrowing.push(plugin.name);
      allowed = allowed ? allowed.intersection(result.nodeNames) : result.nodeNames;
    }
  }
  const excluded: Rejection | undefined = allowed && {
    plugin: narrowing[0] ?? '',
    reasons: [`node(s) didn't satisfy plugin(s) [${narrowing.join(' ')}]`],
    unresolvable: true,
    change: `be one of the nodes that the pod names: ${[...allowed].join(', ')}`,
  };
  return { filters, allowed, excluded };
}

interface Found {
  readonly feasible: NodeInfo[];
  readonly rejections: Map<string, Rejection>;
  readonly evaluated: number;
}

function findFeasible(pod: PodInfo, snapshot: Snapshot, prepared: Prepared, options: DecideOptions): Found {
  const rejections = new Map<string, Rejection>();
  const look = (node: NodeInfo): boolean => {
    const rejection = filterNode(pod, node, prepared.filters, options.nominated(node.name));
    if (rejection) rejections.set(node.name, rejection);
    return rejection === undefined;
  };
  // A place was made for this pod before: if it is still there, look no further.
  const promised = snapshot.get(options.promised ?? '');
  if (promised && (prepared.allowed?.has(promised.name) ?? true) && look(promised)) {
    return { feasible: [promised], rejections, evaluated: 1 };
  }

  const candidates = prepared.allowed ? [...prepared.allowed].sort().flatMap((name) => snapshot.get(name) ?? []) : snapshot.nodes;
  const wanted = feasibleNodesWanted(candidates.length, options.percentageOfNodesToScore);
  const feasible: NodeInfo[] = [];
  let evaluated = 0;
  for (; evaluated < candidates.length && feasible.length < wanted; evaluated++) {
    const node = candidates[(options.startAt + evaluated) % candidates.length] as NodeInfo;
    if (look(node)) feasible.push(node);
  }
  return { feasible, rejections, evaluated };
}

/**
 * The first no, if any. Where pods of the same or higher priority were promised a place, the pod must fit with them
 * there and without them: with, because they will come; without, because they may not.
 */
export function filterNode(
  pod: PodInfo,
  node: NodeInfo,
  filters: readonly NodeFilter[],
  nominated: readonly PodInfo[],
): Rejection | undefined {
  const coming = nominated.filter((other) => other.priority >= pod.priority && other.uid !== pod.uid);
  if (coming.length > 0) {
    const adapted = filters.map((filter) => filter.clone?.() ?? filter);
    let crowded = node;
    for (const other of coming) {
      for (const filter of adapted) filter.addPod?.(other, crowded);
      crowded = crowded.withPod(other);
    }
    const rejection = firstRejection(crowded, adapted);
    if (rejection) return rejection;
  }
  return firstRejection(node, filters);
}

function firstRejection(node: NodeInfo, filters: readonly NodeFilter[]): Rejection | undefined {
  for (const filter of filters) {
    const rejection = filter.filter(node);
    if (rejection) return rejection;
  }
  return undefined;
}

function runScores(pod: PodInfo, nodes: readonly NodeInfo[], snapshot: Snapshot, plugins: readonly WeightedPlugin[]): PluginScores[] {
  const all: PluginScores[] = [];
  for (const { plugin, weight } of plugins) {
    const scorer = plugin.preScore?.(pod, nodes, snapshot);
    if (scorer) all.push({ plugin: plugin.name, weight, ...scoreNodes(scorer, nodes) });
  }
  return all;
}

function scoreNodes(scorer: NodeScorer, nodes: readonly NodeInfo[]): { raw: Float64Array; normalized: Float64Array } {
  const raw = new Float64Array(nodes.length);
  for (let i = 0; i < nodes.length; i++) raw[i] = scorer.score(nodes[i] as NodeInfo);
  if (!scorer.normalize) return { raw, normalized: raw };
  const normalized = raw.slice();
  scorer.normalize(normalized, nodes);
  for (let i = 0; i < normalized.length; i++) normalized[i] = Math.min(maxScore, Math.max(0, normalized[i] as number));
  return { raw, normalized };
}

function pickHighest(totals: Float64Array, randomInt: (n: number) => number): number {
  let best: number[] = [];
  for (let i = 0; i < totals.length; i++) {
    const first = best[0];
    if (first === undefined || (totals[i] as number) > (totals[first] as number)) best = [i];
    else if (totals[i] === totals[first]) best.push(i);
  }
  return best.length === 1 ? (best[0] as number) : (best[randomInt(best.length)] as number);
}
