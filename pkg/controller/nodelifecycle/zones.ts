/**
 * How bad it looks in each zone, and how fast pods may therefore be taken off its nodes. When most of a zone is gone,
 * it is more likely the network that is broken than the nodes. Pure.
 * https://kubernetes.io/docs/concepts/architecture/nodes/#rate-limits-on-eviction
 */
import type { Node } from '../../api/generated/core-v1.ts';
import { readinessOf } from './node-health.ts';

export type ZoneState = 'Normal' | 'PartialDisruption' | 'FullDisruption';

/** Kubernetes' defaults: `--unhealthy-zone-threshold`, `--large-cluster-size-threshold`, `--[secondary-]node-eviction-rate`. */
const unhealthyThreshold = 0.55;
const largeZone = 50;
const nodesPerSecond = 0.1;
const nodesPerSecondInTrouble = 0.01;

export function zoneOf({ metadata }: Node): string {
  const { 'topology.kubernetes.io/region': region = '', 'topology.kubernetes.io/zone': zone = '' } = metadata.labels ?? {};
  return `${region}:${zone}`;
}

export function zoneState(nodes: readonly Node[]): ZoneState {
  const bad = nodes.filter((node) => readinessOf(node) !== 'True').length;
  if (bad > 0 && bad === nodes.length) return 'FullDisruption';
  return bad > 2 && bad / nodes.length >= unhealthyThreshold ? 'PartialDisruption' : 'Normal';
}

/**
 * Nodes whose pods may be given up per second, by zone. When every zone is gone, the fault is most likely at this
 * end: then none at all.
 */
export function evictionRates(nodes: readonly Node[]): ReadonlyMap<string, number> {
  const zones = Map.groupBy(nodes, zoneOf);
  const states = new Map([...zones].map(([zone, members]) => [zone, zoneState(members)]));
  const allGone = [...states.values()].every((state) => state === 'FullDisruption');
  const rates = new Map<string, number>();
  for (const [zone, members] of zones) {
    const reduced = members.length > largeZone ? nodesPerSecondInTrouble : 0;
    rates.set(zone, allGone ? 0 : states.get(zone) === 'PartialDisruption' ? reduced : nodesPerSecond);
  }
  return rates;
}

/** One token a node, refilled at the zone's rate, at most one in stock. */
export class EvictionBudget {
  #tokens = 1;
  #time = 0;

  /** 0: granted; else the milliseconds to wait before asking again; undefined: none as things stand. */
  take(perSecond: number, now: number): number | undefined {
    if (perSecond <= 0) return undefined;
    this.#tokens = Math.min(1, this.#tokens + ((now - this.#time) / 1000) * perSecond);
    this.#time = now;
    if (this.#tokens >= 1 - 1e-9) {
      this.#tokens = 0;
      return 0;
    }
    return Math.ceil(((1 - this.#tokens) / perSecond) * 1000);
  }
}
