/** The cluster at one moment: what one scheduling decision sees. Immutable, and cheap to make from the one before. */
import type { NodeInfo } from './node-info.ts';
import type { NamespaceLabels } from './pod-info.ts';

export interface SnapshotParts {
  /** Nodes that exist, zones taking turns, so that the first hundred are spread over zones. */
  readonly nodes: readonly NodeInfo[];
  /** Name to position in `nodes`. */
  readonly positions: ReadonlyMap<string, number>;
  /** Image name to the number of nodes that have it. */
  readonly imageNodes: ReadonlyMap<string, number>;
  readonly namespaceLabels: NamespaceLabels;
}

export class Snapshot {
  readonly nodes: readonly NodeInfo[];
  readonly imageNodes: ReadonlyMap<string, number>;
  readonly namespaceLabels: NamespaceLabels;
  readonly #positions: ReadonlyMap<string, number>;
  #withAffinity: readonly NodeInfo[] | undefined;
  #withAntiAffinity: readonly NodeInfo[] | undefined;

  constructor(parts: SnapshotParts) {
    this.nodes = parts.nodes;
    this.imageNodes = parts.imageNodes;
    this.namespaceLabels = parts.namespaceLabels;
    this.#positions = parts.positions;
  }

  /** From a plain list of nodes, in its order. */
  static of(nodes: readonly NodeInfo[], namespaceLabels: NamespaceLabels = () => undefined): Snapshot {
    const imageNodes = new Map<string, number>();
    for (const node of nodes) for (const name of node.images.keys()) imageNodes.set(name, (imageNodes.get(name) ?? 0) + 1);
    return new Snapshot({ nodes, positions: new Map(nodes.map((node, at) => [node.name, at])), imageNodes, namespaceLabels });
  }

  get(name: string): NodeInfo | undefined {
    const at = this.#positions.get(name);
    return at === undefined ? undefined : this.nodes[at];
  }

  /** Nodes with a pod that has any (anti-)affinity, required or preferred. */
  get nodesWithAffinity(): readonly NodeInfo[] {
    this.#withAffinity ??= this.nodes.filter((node) => node.podsWithAffinity.length > 0);
    return this.#withAffinity;
  }

  /** Nodes with a pod that requires others to stay away. */
  get nodesWithAntiAffinity(): readonly NodeInfo[] {
    this.#withAntiAffinity ??= this.nodes.filter((node) => node.podsWithAntiAffinity.length > 0);
    return this.#withAntiAffinity;
  }
}
