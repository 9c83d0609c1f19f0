import type { AttachOptions, MachineNetwork, NodeNetwork, RunResult } from './network.ts';

/** What a simulated node's network also lets a simulation see. */
export interface SimulatedNodeNetwork extends NodeNetwork {
  readonly connected: boolean;
}

/**
 * A machine's network without packets: addresses are handed out in order, routes and programs do nothing. For
 * simulations and browsers.
 */
export class SimulatedNetwork implements MachineNetwork {
  readonly hostAddress: string;
  readonly #prefix: string;
  readonly #nodes = new Map<string, SimulatedNodeNetwork>();
  /** Numbers of nodes that were taken away are not used again, as a DHCP server would try. */
  #next = 2;

  /** `nodeCIDR`: the nodes' range, /16 to /24, such as `10.88.0.0/16`. */
  constructor(nodeCIDR = '10.88.0.0/16') {
    this.#prefix = nodeCIDR.split('.').slice(0, 2).join('.');
    this.hostAddress = `${this.#prefix}.0.1`;
  }

  async addNode(name: string): Promise<SimulatedNodeNetwork> {
    const known = this.#nodes.get(name);
    if (known) return known;
    const number = this.#next++;
    const node = simulatedNode(name, `${this.#prefix}.${number >> 8}.${number & 255}`);
    this.#nodes.set(name, node);
    return node;
  }

  async removeNode(name: string): Promise<void> {
    this.#nodes.delete(name);
  }

  run(argv: readonly string[]): Promise<RunResult> {
    return Promise.resolve(nothingToRun(argv));
  }

  async close(): Promise<void> {
    this.#nodes.clear();
  }
}

function simulatedNode(node: string, address: string): SimulatedNodeNetwork {
  const taken = new Map<string, string>();
  let range: { readonly prefix: string; next: number } | undefined;
  let connected = true;
  return {
    node,
    address,
    netns: undefined,
    get connected() {
      return connected;
    },
    async setPodCIDR(cidr) {
      const prefix = cidr.split('.').slice(0, 3).join('.');
      if (range?.prefix !== prefix) range = { prefix, next: 2 };
    },
    async setRoutes() {},
    async attachPod(sandboxId: string, _options: AttachOptions) {
      if (!range) throw new Error(`node ${node} has no range of pod addresses yet`);
      const used = new Set(taken.values());
      for (let tries = 0; tries < 253; tries++) {
        const ip = `${range.prefix}.${range.next}`;
        range.next = range.next === 254 ? 2 : range.next + 1;
        if (used.has(ip)) continue;
        taken.set(sandboxId, ip);
        return [ip];
      }
      throw new Error(`node ${node} has no pod address left in ${range.prefix}.0/24`);
    },
    async detachPod(sandboxId) {
      taken.delete(sandboxId);
    },
    run: (argv) => Promise.resolve(nothingToRun(argv)),
    async partition() {
      connected = false;
    },
    async heal() {
      connected = true;
    },
  };
}

function nothingToRun(argv: readonly string[]): RunResult {
  return { exitCode: 127, stdout: '', stderr: `${argv[0]}: a simulated machine runs no programs` };
}
