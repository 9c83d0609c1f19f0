/**
 * Why a pod is where it is, or nowhere: for each decision, per node, which plugin said no and what would have to
 * change, or what every plugin gave it. Kept in a ring that is bounded in decisions and in memory; kept as the
 * decision left it (numbers in typed arrays, shared rejections), and put into words when somebody asks.
 */
import { formatMicroTime } from '../clock/clock.ts';
import type { Decision } from './decide.ts';
import type { Rejection } from './framework.ts';
import type { PodInfo } from './pod-info.ts';

export interface Explanation {
  /** `namespace/name`. */
  readonly pod: string;
  readonly uid: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  /** 1 for the first try. */
  readonly attempt: number;
  readonly outcome: Outcome;
  /** Where it went, or where preemption makes room for it. */
  readonly node?: string;
  readonly message: string;
  /** How many nodes there were, and how many of them were looked at. */
  readonly nodeCount: number;
  readonly evaluated: number;
  /** What was said before any node was looked at. */
  readonly preFilter?: NodeRejection;
  /** By falling total. */
  readonly scored: readonly NodeScore[];
  /** In order of names. */
  readonly rejected: readonly ({ readonly node: string } & NodeRejection)[];
}
export type Outcome = 'scheduled' | 'unschedulable' | 'nominated' | 'gated' | 'error';

export interface NodeRejection {
  readonly plugin: string;
  readonly reasons: readonly string[];
  /** What would have to change for this plugin to say yes. */
  readonly change: string;
  /** Whether evicting pods could help. */
  readonly preemptionMayHelp: boolean;
}

export interface NodeScore {
  readonly node: string;
  readonly total: number;
  /** `score` × `weight` went into the total; `raw` is what the plugin said before normalization. */
  readonly plugins: readonly { readonly plugin: string; readonly raw: number; readonly score: number; readonly weight: number }[];
}

/** What a decision leaves behind. */
export interface DecisionRecord {
  readonly pod: PodInfo;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly attempt: number;
  readonly outcome: Outcome;
  readonly node?: string;
  readonly message: string;
  readonly decision?: Decision;
  /** For gated pods. */
  readonly gate?: Rejection;
}

/** A name, a reference or a number per node and plugin: this many of them are about 8 MB. */
const maxCells = 1_000_000;

export class ExplanationLog {
  readonly #maxDecisions: number;
  /** Oldest first. */
  readonly #records: DecisionRecord[] = [];
  /** Records before this position are gone; the array is cut now and then. */
  #first = 0;
  #cells = 0;

  constructor(maxDecisions = 1000) {
    this.#maxDecisions = maxDecisions;
  }

  get size(): number {
    return this.#records.length - this.#first;
  }

  record(record: DecisionRecord): void {
    this.#records.push(record);
    this.#cells += cellsOf(record);
    while (this.size > this.#maxDecisions || (this.#cells > maxCells && this.size > 1)) {
      this.#cells -= cellsOf(this.#records[this.#first] as DecisionRecord);
      delete this.#records[this.#first];
      this.#first++;
    }
    if (this.#first > this.#maxDecisions) {
      this.#records.splice(0, this.#first);
      this.#first = 0;
    }
  }

  /** All that is still known about a pod (`namespace/name`), newest first. */
  of(podKey: string): Explanation[] {
    return this.#newestFirst((record) => record.pod.key === podKey).map(explain);
  }

  /** The newest decision about a pod. */
  latest(podKey: string): Explanation | undefined {
    const record = this.#newestFirst((other) => other.pod.key === podKey)[0];
    return record && explain(record);
  }

  /** One line a decision, newest first. */
  summaries(): Pick<Explanation, 'pod' | 'time' | 'attempt' | 'outcome' | 'message'>[] {
    return this.#newestFirst(() => true).map((record) => ({
      pod: record.pod.key,
      time: formatMicroTime(record.time),
      attempt: record.attempt,
      outcome: record.outcome,
      message: record.message,
    }));
  }

  #newestFirst(wanted: (record: DecisionRecord) => boolean): DecisionRecord[] {
    return this.#records.slice(this.#first).filter(wanted).reverse();
  }
}

function cellsOf({ decision }: DecisionRecord): number {
  if (!decision) return 1;
  const scores = decision.node === undefined ? 0 : decision.feasible.length * (2 * decision.scores.length + 2);
  return 1 + 2 * decision.diagnosis.rejections.size + scores;
}

function explain(record: DecisionRecord): Explanation {
  const { pod, decision, gate } = record;
  const preFilter = gate ?? decision?.diagnosis.preFilter;
  return {
    pod: pod.key,
    uid: pod.uid,
    time: formatMicroTime(record.time),
    attempt: record.attempt,
    outcome: record.outcome,
    ...(record.node === undefined ? {} : { node: record.node }),
    message: record.message,
    nodeCount: decision?.diagnosis.nodeCount ?? 0,
    evaluated: decision?.evaluated ?? 0,
    ...(preFilter ? { preFilter: inWords(preFilter) } : {}),
    scored: decision ? scoresOf(decision) : [],
    rejected: [...(decision?.diagnosis.rejections ?? [])]
      .map(([node, rejection]) => ({ node, ...inWords(rejection) }))
      .sort((a, b) => (a.node < b.node ? -1 : 1)),
  };
}

function inWords({ plugin, reasons, change, unresolvable }: Rejection): NodeRejection {
  return { plugin, reasons, change, preemptionMayHelp: !unresolvable };
}

function scoresOf(decision: Decision): NodeScore[] {
  if (decision.node === undefined) return [];
  const { feasible, totals, scores } = decision;
  return feasible
    .map((node, i) => ({
      node: node.name,
      total: totals[i] as number,
      plugins: scores.map(({ plugin, weight, raw, normalized }) => ({
        plugin,
        raw: raw[i] as number,
        score: normalized[i] as number,
        weight,
      })),
    }))
    .sort((a, b) => b.total - a.total || (a.node < b.node ? -1 : 1));
}
