/**
 * The extension points of a scheduling decision, in the order in which they are asked:
 *
 *   PreEnqueue → QueueSort → PreFilter → Filter (per node) → [PostFilter, when no node is left]
 *   → PreScore → Score (per node) → NormalizeScore → Reserve → Bind
 *
 * A plugin implements the points it needs. PreFilter looks once at the pod and the whole cluster and gives back the
 * Filter for it; PreScore likewise gives back the Score. What a plugin found out beforehand thereby lives in that
 * object and needs no shared scratchpad. All points but Bind are pure and synchronous: no clock, no I/O.
 * Counterpart: k8s.io/kube-scheduler/framework.
 */
import type { Causes } from '../trace/cause.ts';
import type { EventRegistration } from './cluster-event.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import type { Snapshot } from './snapshot.ts';

/** A plugin's no. */
export interface Rejection {
  readonly plugin: string;
  /** As they appear in the pod's condition, counted over all nodes: `Insufficient cpu`. */
  readonly reasons: readonly string[];
  /** True when evicting pods from the node would not help: the node itself is wrong. */
  readonly unresolvable: boolean;
  /** What would have to change for this plugin to say yes, for a reader. */
  readonly change: string;
}

export interface NodeFilter {
  /** Undefined: this node will do. */
  filter(node: NodeInfo): Rejection | undefined;
  /** For "what if" questions (preemption, nominated pods): the filter as it would be with one pod more or less. */
  clone?(): NodeFilter;
  /** Changes this filter; called on clones alone. `node` is the node as it was before. */
  addPod?(added: PodInfo, node: NodeInfo): void;
  removePod?(removed: PodInfo, node: NodeInfo): void;
}

/** `skip`: nothing to say about this pod. `nodeNames`: no other node can do. */
export type PreFilterResult =
  | 'skip'
  | { readonly reject: Rejection }
  | { readonly filter: NodeFilter; readonly nodeNames?: ReadonlySet<string> };

export const maxScore = 100;

export interface NodeScorer {
  /** Any number if there is a `normalize`, else 0 to `maxScore`. */
  score(node: NodeInfo): number;
  /** Brings the scores of all nodes, in place, to 0 … `maxScore`. `nodes[i]` got `scores[i]`. */
  normalize?(scores: Float64Array, nodes: readonly NodeInfo[]): void;
}

/** What PostFilter is told: why each node said no, and the means to ask "what if". */
export interface PostFilterInput {
  readonly pod: PodInfo;
  readonly snapshot: Snapshot;
  readonly rejections: ReadonlyMap<string, Rejection>;
  /** Where a place was to be made for this pod before. */
  readonly promised: string | undefined;
  /** Filters ready to be cloned, in order. */
  readonly filters: readonly NodeFilter[];
  /** Uniform integer in [0, n). */
  randomInt(n: number): number;
  /** Would the pod fit on this node, given these (adapted) filters? Counts pods nominated for it. */
  fits(node: NodeInfo, filters: readonly NodeFilter[]): Rejection | undefined;
}

export interface PostFilterResult {
  /** Goes behind the message of why it did not fit: `preemption: …`. Empty when a place can be made. */
  readonly message: string;
  readonly nomination?: { readonly node: string; readonly victims: readonly PodInfo[] };
  /** The nomination that the pod has from before leads nowhere: take it back. */
  readonly clearNomination?: boolean;
}

export interface BindContext {
  readonly causes: Causes;
  readonly signal: AbortSignal;
}

export interface Plugin {
  /** kube-scheduler's name for it. */
  readonly name: string;
  /** Which events may take this plugin's rejection away. A plugin that rejects must say, or its pods sleep long. */
  readonly events?: readonly EventRegistration[];
  /** A rejection keeps the pod out of the queue altogether. */
  preEnqueue?(pod: PodInfo): Rejection | undefined;
  /** Queue order: negative when `a` goes first. Exactly one plugin has it. */
  compare?(a: QueueOrder, b: QueueOrder): number;
  preFilter?(pod: PodInfo, snapshot: Snapshot): PreFilterResult;
  postFilter?(input: PostFilterInput): PostFilterResult;
  /** Undefined: all nodes are alike to this plugin. `nodes` are those that passed the filters. */
  preScore?(pod: PodInfo, nodes: readonly NodeInfo[], snapshot: Snapshot): NodeScorer | undefined;
  /** Takes what the pod will need on the node; `unreserve` gives it back, and must be idempotent. */
  reserve?(pod: PodInfo, node: string): Rejection | undefined;
  unreserve?(pod: PodInfo, node: string): void;
  /** Tells the API server. Rejects when that failed. */
  bind?(pod: PodInfo, node: string, context: BindContext): Promise<void>;
}

/** What QueueSort may look at. `since`: when the pod came into the queue, in milliseconds. */
export interface QueueOrder {
  readonly pod: PodInfo;
  readonly since: number;
}

export interface WeightedPlugin {
  readonly plugin: Plugin;
  /** Of its score; 1 if it has none. */
  readonly weight: number;
}

/** The most common normalization: the highest becomes 100 and the rest in proportion; `reverse`: the lowest does. */
export function normalizeByHighest(scores: Float64Array, reverse = false): void {
  let highest = 0;
  for (const score of scores) if (score > highest) highest = score;
  if (highest === 0) {
    if (reverse) scores.fill(maxScore);
    return;
  }
  for (let i = 0; i < scores.length; i++) {
    const scaled = Math.floor((maxScore * (scores[i] as number)) / highest);
    scores[i] = reverse ? maxScore - scaled : scaled;
  }
}
