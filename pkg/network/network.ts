/**
 * The network of a machine that carries several nodes: a bridge in the machine's own namespace, a network
 * namespace with an address of its own for each node, a bridge in each node, an address for each pod. Nodes route
 * to each other's pods, the machine routes to all of them, and NAT leads outwards.
 *
 * Ports only; the Linux adapter is in `linux/`. In simulation, `SimulatedNetwork` hands out addresses alone.
 */
export interface MachineNetwork {
  /** The machine's own address on the nodes' bridge: where pods reach the API server and DNS. */
  readonly hostAddress: string;
  /** Creates the node's namespace, uplink and address; idempotent for a node that is still there. */
  addNode(name: string): Promise<NodeNetwork>;
  /** Takes everything of the node away. Idempotent. */
  removeNode(name: string): Promise<void>;
  /** Runs a program in the machine's own namespace. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Removes every node and the bridge. */
  close(): Promise<void>;
}

export interface NodeNetwork {
  readonly node: string;
  /** The node's InternalIP. */
  readonly address: string;
  /** Gives the node its range for pods (`10.244.1.0/24`); the bridge takes its first address. Idempotent. */
  setPodCIDR(cidr: string): Promise<void>;
  /** The routes to other nodes' pods: CIDR to node address; the whole wanted set, applied as a difference. */
  setRoutes(routes: ReadonlyMap<string, string>): Promise<void>;
  /** Gives a pod's namespace (a path such as /run/netns/x or /proc/PID/ns/net) an interface, address and routes. */
  attachPod(sandboxId: string, options: AttachOptions): Promise<readonly string[]>;
  /** Idempotent. */
  detachPod(sandboxId: string): Promise<void>;
  /** Runs a program in the node's network namespace. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Path of the node's network namespace, for `nsenter --net=`. Undefined in simulation. */
  readonly netns: string | undefined;
  /** Cuts the node's uplink: nothing passes between it and the rest. */
  partition(): Promise<void>;
  heal(): Promise<void>;
}

export interface AttachOptions {
  readonly netns: string;
  readonly portMappings?: readonly {
    readonly protocol: 'TCP' | 'UDP' | 'SCTP';
    readonly containerPort: number;
    readonly hostPort: number;
    readonly hostIP?: string;
  }[];
}
export interface RunOptions {
  readonly stdin?: string;
  /** Milliseconds; default 10,000. */
  readonly timeout?: number;
}
export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}
