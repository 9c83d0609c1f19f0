import type { Kubelet } from '../kubelet/kubelet.ts';
import { ClusterNode, type ClusterNodeOptions } from './cluster-node.ts';
import type { Machine } from './machine.ts';

export interface NodePoolOptions extends Omit<ClusterNodeOptions, 'machine'> {
  readonly machine: Machine;
}

/** The nodes of a cluster in one process, by name; and the API server's way to their kubelets. */
export class NodePool {
  readonly #options: NodePoolOptions;
  readonly #nodes = new Map<string, ClusterNode>();

  constructor(options: NodePoolOptions) {
    this.#options = options;
  }

  get all(): ReadonlyMap<string, ClusterNode> {
    return this.#nodes;
  }

  /** Throws an Error that names those that are there. */
  get(name: string): ClusterNode {
    const node = this.#nodes.get(name);
    if (!node) throw new Error(`there is no node "${name}"; there are ${[...this.#nodes.keys()].join(', ') || 'none'}`);
    return node;
  }

  /** Prepares a node and switches it on. */
  async add(name: string): Promise<ClusterNode> {
    if (this.#nodes.has(name)) throw new Error(`there is a node "${name}" already`);
    const node = new ClusterNode({ ...this.#options, machine: await this.#options.machine.addNode(name) });
    this.#nodes.set(name, node);
    await node.start();
    return node;
  }

  async remove(name: string): Promise<void> {
    await this.get(name).remove();
    this.#nodes.delete(name);
  }

  /** The lowest `node-N` that is free. */
  freeName(): string {
    let number = 1;
    while (this.#nodes.has(`node-${number}`)) number++;
    return `node-${number}`;
  }

  /** The server of a node's kubelet; undefined while the node is off or cut off. */
  kubeletOf(name: string): Kubelet | undefined {
    return this.#nodes.get(name)?.kubelet;
  }

  async killAll(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node.kill()));
  }
}
