/**
 * What the scheduler believes about nodes and pods: what the informers said, plus the pods it has just placed and
 * whose binding is still on its way ("assumed"). Without the latter, two decisions in a row would both see the same
 * free CPU.
 *
 * Invariants: a pod counts on at most one node; an assumed pod counts until it is confirmed by an informer, forgotten
 * after a failed binding, or deleted.
 */

import { InvariantError } from '../api/errors.ts';
import type { Node, Pod } from '../api/generated/core-v1.ts';
import { NodeInfo } from './node-info.ts';
import type { NamespaceLabels, PodInfo } from './pod-info.ts';
import { Snapshot } from './snapshot.ts';

interface Placed {
  readonly info: PodInfo;
  readonly node: string;
  readonly assumed: boolean;
}

const zoneLabel = 'topology.kubernetes.io/zone';
const regionLabel = 'topology.kubernetes.io/region';

export class Cache {
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #pods = new Map<string, Placed>();
  readonly #namespaceLabels: NamespaceLabels;
  /** Names whose NodeInfo is newer than the last snapshot's. */
  readonly #changed = new Set<string>();
  /** The set of nodes or their zones changed: the order must be made anew. */
  #reorder = true;
  #positions: ReadonlyMap<string, number> = new Map();
  #imageNodes: ReadonlyMap<string, number> = new Map();
  #snapshot: Snapshot | undefined;

  constructor(namespaceLabels: NamespaceLabels = () => undefined) {
    this.#namespaceLabels = namespaceLabels;
  }

  get nodeCount(): number {
    return this.#positions.size;
  }

  setNode(node: Node): void {
    const name = node.metadata.name;
    const was = this.#nodes.get(name);
    if (!was?.node || zoneOf(was.node) !== zoneOf(node)) this.#reorder = true;
    const now = was ? was.withNode(node) : NodeInfo.of(node);
    this.#countImages(was?.node ? was.images : undefined, now.images);
    this.#put(now);
  }

  removeNode(name: string): void {
    const was = this.#nodes.get(name);
    if (!was?.node) return;
    this.#reorder = true;
    this.#countImages(was.images, undefined);
    this.#put(was.withNode(undefined));
  }

  /** The pod is on its way to the node. Throws InvariantError if it is already counted somewhere. */
  assume(info: PodInfo, node: string): void {
    if (this.#pods.has(info.uid))
      throw new InvariantError(`pod ${info.key} is assumed on node ${JSON.stringify(node)} but already counted`);
    this.#place(info, node, true);
  }

  /** The binding failed. Nothing happens if the pod was confirmed meanwhile. */
  forget(uid: string): void {
    if (this.#pods.get(uid)?.assumed) this.#take(uid);
  }

  isAssumed(uid: string): boolean {
    return this.#pods.get(uid)?.assumed ?? false;
  }

  has(uid: string): boolean {
    return this.#pods.has(uid);
  }

  /** An informer shows the pod on its node: new, changed, or the confirmation of an assumed one. */
  setPod(info: PodInfo): void {
    const node = nodeNameOf(info.pod);
    this.#take(info.uid);
    this.#place(info, node, false);
  }

  removePod(uid: string): void {
    this.#take(uid);
  }

  snapshot(): Snapshot {
    if (this.#snapshot && !this.#reorder && this.#changed.size === 0) return this.#snapshot;
    let nodes: NodeInfo[];
    if (this.#reorder || !this.#snapshot) {
      nodes = zonesTakingTurns([...this.#nodes.values()].filter((info) => info.node !== undefined));
      this.#positions = new Map(nodes.map((info, at) => [info.name, at]));
      this.#reorder = false;
    } else {
      nodes = this.#snapshot.nodes.slice();
      for (const name of this.#changed) {
        const at = this.#positions.get(name);
        const info = this.#nodes.get(name);
        if (at !== undefined && info) nodes[at] = info;
      }
    }
    this.#changed.clear();
    this.#snapshot = new Snapshot({
      nodes,
      positions: this.#positions,
      imageNodes: this.#imageNodes,
      namespaceLabels: this.#namespaceLabels,
    });
    return this.#snapshot;
  }

  #place(info: PodInfo, node: string, assumed: boolean): void {
    this.#pods.set(info.uid, { info, node, assumed });
    this.#put((this.#nodes.get(node) ?? NodeInfo.unknown(node)).withPod(info));
  }

  #take(uid: string): void {
    const placed = this.#pods.get(uid);
    if (!placed) return;
    this.#pods.delete(uid);
    const info = this.#nodes.get(placed.node);
    if (info) this.#put(info.withoutPod(uid));
  }

  #put(info: NodeInfo): void {
    if (info.node === undefined && info.pods.length === 0) this.#nodes.delete(info.name);
    else this.#nodes.set(info.name, info);
    this.#changed.add(info.name);
  }

  /** Copied only when a node's images really change, which heartbeats do not. */
  #countImages(before: ReadonlyMap<string, number> | undefined, after: ReadonlyMap<string, number> | undefined): void {
    const gone = [...(before?.keys() ?? [])].filter((name) => !after?.has(name));
    const fresh = [...(after?.keys() ?? [])].filter((name) => !before?.has(name));
    if (gone.length + fresh.length === 0) return;
    const counts = new Map(this.#imageNodes);
    for (const name of fresh) counts.set(name, (counts.get(name) ?? 0) + 1);
    for (const name of gone) {
      const left = (counts.get(name) ?? 0) - 1;
      if (left > 0) counts.set(name, left);
      else counts.delete(name);
    }
    this.#imageNodes = counts;
  }
}

function nodeNameOf(pod: Pod): string {
  const name = pod.spec.nodeName;
  if (!name) throw new InvariantError(`pod ${pod.metadata.name} is counted on a node but has no spec.nodeName`);
  return name;
}

function zoneOf(node: Node): string {
  const labels = node.metadata.labels;
  return `${labels?.[regionLabel] ?? ''}\0${labels?.[zoneLabel] ?? ''}`;
}

/** One node of each zone in turn; zones and the nodes in them in order of name, so that runs repeat. */
function zonesTakingTurns(nodes: NodeInfo[]): NodeInfo[] {
  const zones = new Map<string, NodeInfo[]>();
  nodes.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const info of nodes) {
    const zone = info.node ? zoneOf(info.node) : '';
    const list = zones.get(zone);
    if (list) list.push(info);
    else zones.set(zone, [info]);
  }
  const lists = [...zones.keys()].sort().map((zone) => zones.get(zone) ?? []);
  const longest = Math.max(0, ...lists.map((list) => list.length));
  const out: NodeInfo[] = [];
  for (let turn = 0; turn < longest; turn++) {
    for (const list of lists) {
      const info = list[turn];
      if (info) out.push(info);
    }
  }
  return out;
}
