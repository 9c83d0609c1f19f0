/**
 * The node's own object: registers it, keeps its status true, and puts into effect what others decide about it (its
 * range of pod addresses, the routes to other nodes). Kubernetes' counterparts: kubelet_node_status.go and the
 * route controller.
 */
import { isAlreadyExists } from '../api/errors.ts';
import type { Node, NodeStatus, Taint } from '../api/generated/core-v1.ts';
import { nodes } from '../api/generated/resources.ts';
import type { Draft } from '../api/object.ts';
import type { Timer } from '../clock/clock.ts';
import type { Informer } from '../listwatch/contract.ts';
import type { NodeNetwork } from '../network/network.ts';
import { messageOf, sleepUnless, withDeadline } from './deadline.ts';
import type { KubeletContext } from './kubelet-context.ts';
import { computeNodeStatus, type Pressure } from './node-status.ts';
import { same } from './status-manager.ts';

/** How often the status is computed, and how often it is told though nothing has changed, in milliseconds. */
const updatePeriod = 10_000;
const reportPeriod = 300_000;
const requestTimeout = 10_000;
const registerRetry = 1000;

export interface NodeAgentOptions {
  readonly context: KubeletContext;
  readonly network: NodeNetwork;
  /** All nodes: this one and those to have routes to. */
  readonly informer: Informer<Node>;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly maxPods: number;
  readonly reserved: Readonly<Record<string, string>>;
  readonly capacity: Readonly<Record<string, string>>;
  readonly kubeletPort: number;
  readonly pressure: () => Pressure;
  /** The network has become usable, or unusable. */
  readonly onNetworkChange: () => void;
}

export class NodeAgent {
  readonly #options: NodeAgentOptions;
  #podCIDR: string | undefined;
  #networkProblem: string | undefined = 'the node has no range of pod addresses yet';
  #toldAt = Number.NEGATIVE_INFINITY;
  #dirty = true;
  #blind = false;
  #wakeUp: (() => void) | undefined;
  #routes: ReadonlyMap<string, string> = new Map();
  #unconfigured = false;
  #configuring = false;

  constructor(options: NodeAgentOptions) {
    this.#options = options;
  }

  /** Why pods cannot get an address; undefined: they can. */
  get networkProblem(): string | undefined {
    return this.#networkProblem;
  }

  /** The node's object, as last seen. */
  get node(): Node | undefined {
    return this.#options.informer.lister.get(this.#options.context.nodeName);
  }

  /** Creates the node's object, or brings the labels of the one that is there up to date. Retries until it is done. */
  async register(signal: AbortSignal): Promise<void> {
    const { context } = this.#options;
    for (;;) {
      try {
        await withDeadline(context.clock, requestTimeout, signal, (inner) => this.#registerOnce(inner));
        return;
      } catch (error) {
        if (signal.aborted) throw error;
        context.log.warn('the node was not registered', { node: context.nodeName, message: messageOf(error) });
      }
      await context.clock.sleep(registerRetry, signal);
    }
  }

  /** The status must be told anew, now. `blind`: others may have changed it without our hearing of it. */
  refresh(options: { readonly blind?: boolean } = {}): void {
    this.#blind ||= options.blind ?? false;
    this.#dirty = true;
    this.#wakeUp?.();
  }

  /** Keeps the status true until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { context } = this.#options;
    const stop = (): void => this.#wakeUp?.();
    signal.addEventListener('abort', stop, { once: true });
    const configure = (): void => this.#configureSoon(signal);
    this.#options.informer.addHandler({ onAdd: configure, onUpdate: configure, onDelete: configure });
    while (!signal.aborted) {
      this.#dirty = false;
      try {
        await withDeadline(context.clock, requestTimeout, signal, (inner) => this.#tell(inner));
      } catch (error) {
        if (signal.aborted) break;
        context.log.warn('the status of the node was not taken', { node: context.nodeName, message: messageOf(error) });
      }
      if (signal.aborted) break;
      if (!this.#dirty) {
        let timer: Timer | undefined;
        await new Promise<void>((resolve) => {
          this.#wakeUp = resolve;
          timer = context.clock.setTimer(updatePeriod, resolve);
        });
        timer?.cancel();
        this.#wakeUp = undefined;
      }
    }
    signal.removeEventListener('abort', stop);
  }

  async #registerOnce(signal: AbortSignal): Promise<void> {
    const { context, taints } = this.#options;
    const resource = context.client.resource(nodes);
    const machine = await context.host.machine();
    const labels = {
      'beta.kubernetes.io/arch': machine.architecture,
      'beta.kubernetes.io/os': machine.operatingSystem,
      'kubernetes.io/arch': machine.architecture,
      'kubernetes.io/hostname': context.nodeName,
      'kubernetes.io/os': machine.operatingSystem,
      ...this.#options.labels,
    };
    const status = await this.#compute(undefined);
    const draft: Draft<Node> = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: context.nodeName, labels, annotations: { 'node.alpha.kubernetes.io/ttl': '0' } },
      spec: taints.length > 0 ? { taints } : {},
      status,
    };
    try {
      await resource.create(draft, { signal });
      context.log.info('registered the node', { node: context.nodeName });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      await resource.patch(context.nodeName, { type: 'merge', body: { metadata: { labels } } }, { signal });
    }
  }

  async #compute(previous: NodeStatus | undefined): Promise<NodeStatus> {
    const { context, maxPods, reserved, capacity, kubeletPort, pressure } = this.#options;
    const problems: string[] = [];
    const [machine, runtime, images] = await Promise.all([
      context.host.machine(),
      context.runtime.status().catch((error: unknown) => ({ runtimeReady: false, networkReady: true, message: messageOf(error) })),
      context.images.listImages().catch(() => []),
    ]);
    if (!runtime.runtimeReady) problems.push(`container runtime is down${runtime.message ? `: ${runtime.message}` : ''}`);
    if (this.#networkProblem !== undefined) problems.push(`container runtime network not ready: ${this.#networkProblem}`);
    else if (!runtime.networkReady) problems.push(`container runtime network not ready: ${runtime.message ?? ''}`);
    const version = await context.runtime.version().catch(() => ({ name: context.runtimeName(), version: 'unknown' }));
    return computeNodeStatus({
      nodeName: context.nodeName,
      addresses: context.hostIPs,
      machine,
      runtime: version,
      images,
      maxPods,
      reserved,
      capacity,
      kubeletPort,
      pressure: pressure(),
      problems,
      previous,
      now: context.clock.now(),
    });
  }

  async #tell(signal: AbortSignal): Promise<void> {
    const { context } = this.#options;
    const node = this.#blind ? await context.client.resource(nodes).get(context.nodeName, { signal }) : this.node;
    this.#blind = false;
    // Not seen yet; or deleted by somebody, and then it stays so until the kubelet starts anew, as in Kubernetes.
    if (!node) return;
    const status = await this.#compute(node.status);
    const now = context.clock.now();
    if (sameButHeartbeats(status, node.status) && now - this.#toldAt < reportPeriod) return;
    const patch = Object.fromEntries(Object.entries(status).filter(([key, value]) => !same(value, node.status[key as keyof NodeStatus])));
    await context.client
      .resource(nodes)
      .patch(context.nodeName, { type: 'strategic', body: { status: patch } }, { subresource: 'status', signal });
    this.#toldAt = now;
  }

  #configureSoon(signal: AbortSignal): void {
    this.#unconfigured = true;
    if (this.#configuring || signal.aborted) return;
    this.#configuring = true;
    void this.#configure(signal);
  }

  /** Brings the node's range and routes in line with what the nodes' objects say. Retries what fails. Never rejects. */
  async #configure(signal: AbortSignal): Promise<void> {
    const { context } = this.#options;
    while (this.#unconfigured && !signal.aborted) {
      this.#unconfigured = false;
      try {
        await this.#configureRange();
        await this.#configureRoutes();
      } catch (error) {
        context.log.warn('the network of the node was not configured', { node: context.nodeName, error });
        if (this.#podCIDR === undefined) this.#networkProblem = messageOf(error);
        this.refresh();
        this.#unconfigured = await sleepUnless(context.clock, registerRetry, signal);
      }
    }
    this.#configuring = false;
  }

  async #configureRange(): Promise<void> {
    const cidr = this.node?.spec.podCIDR;
    if (cidr === undefined || cidr === this.#podCIDR) return;
    await this.#options.network.setPodCIDR(cidr);
    this.#podCIDR = cidr;
    this.#networkProblem = undefined;
    this.#options.onNetworkChange();
    this.refresh();
  }

  async #configureRoutes(): Promise<void> {
    const routes = new Map<string, string>();
    for (const { metadata, spec, status } of this.#options.informer.lister.list()) {
      const address = status.addresses?.find(({ type }) => type === 'InternalIP')?.address;
      if (metadata.name === this.#options.context.nodeName || address === undefined) continue;
      for (const range of spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : [])) routes.set(range, address);
    }
    if (sameRoutes(routes, this.#routes)) return;
    await this.#options.network.setRoutes(routes);
    this.#routes = routes;
  }
}

/** Equal, but for the times of heartbeats. */
function sameButHeartbeats(a: NodeStatus, b: NodeStatus): boolean {
  const strip = (status: NodeStatus): unknown => ({
    ...status,
    conditions: (status.conditions ?? []).map(({ lastHeartbeatTime: _, ...rest }) => rest),
  });
  return same(strip(a), strip(b));
}

function sameRoutes(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([cidr, address]) => b.get(cidr) === address);
}
