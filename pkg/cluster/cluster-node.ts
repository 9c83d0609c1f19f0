import { isNotFound } from '../api/errors.ts';
import { leases, nodes, pods } from '../api/generated/resources.ts';
import { createClient } from '../client/create-client.ts';
import type { InProcessTransport } from '../client/in-process-transport.ts';
import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import { createKubelet, type Kubelet } from '../kubelet/kubelet.ts';
import type { Environment } from '../listwatch/contract.ts';
import { createInformerFactory } from '../listwatch/informer-factory.ts';
import { runTogether } from '../listwatch/run-together.ts';
import type { Logger } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { createProxy } from '../proxy/proxy.ts';
import type { NetworkPlan } from './cluster-options.ts';
import { components, nodeUser } from './components.ts';
import type { ControlPlane } from './control-plane.ts';
import type { NodeMachine } from './machine.ts';

export interface ClusterNodeOptions {
  readonly machine: NodeMachine;
  readonly controlPlane: ControlPlane;
  readonly network: NetworkPlan;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** See KubeletOptions. */
  readonly leaseSeconds?: number;
  /** Told when the node's components end with a failure. */
  onFailure(error: unknown): void;
}

/** What containers get to end by themselves when their node is shut down; Kubernetes' default grace period. */
const shutdownGraceSeconds = 30;

/** One node: a kubelet and a service proxy on a machine, and what can happen to them. */
export class ClusterNode {
  readonly name: string;
  readonly machine: NodeMachine;
  readonly #options: ClusterNodeOptions;
  #state: 'running' | 'stopped' = 'stopped';
  #partitioned = false;
  #kubelet: Kubelet | undefined;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #lines: InProcessTransport[] = [];

  constructor(options: ClusterNodeOptions) {
    this.#options = options;
    this.machine = options.machine;
    this.name = options.machine.name;
  }

  get state(): 'running' | 'stopped' | 'partitioned' {
    return this.#state === 'running' && this.#partitioned ? 'partitioned' : this.#state;
  }

  /** The kubelet's server; undefined while the node is off or cut off. */
  get kubelet(): Kubelet | undefined {
    return this.state === 'running' ? this.#kubelet : undefined;
  }

  /** Switches the node on. Does nothing when it runs. */
  async start(): Promise<void> {
    if (this.#state === 'running') return;
    this.#state = 'running';
    await this.machine.powerOn();
    this.#stop = new AbortController();
    const { network } = this.#options;
    const kubeletEnvironment = this.#environment(nodeUser(this.name), 'kubelet');
    const kubeletInformers = createInformerFactory(kubeletEnvironment);
    const kubelet = createKubelet({
      ...kubeletEnvironment,
      nodeName: this.name,
      runtime: this.machine.runtime,
      images: this.machine.images,
      network: this.machine.network,
      host: this.machine.host,
      informers: kubeletInformers,
      rootDirectory: this.machine.directory,
      ...(this.#options.leaseSeconds === undefined ? {} : { leaseSeconds: this.#options.leaseSeconds }),
      dns: { servers: [network.dnsAddress], domain: network.domain },
    });
    this.#kubelet = kubelet;
    const parts = [(stop: AbortSignal) => kubelet.run(stop), (stop: AbortSignal) => kubeletInformers.run(stop)];
    const backend = this.machine.proxyBackend();
    if (backend) {
      const environment = this.#environment(components.proxy, 'kube-proxy');
      const informers = createInformerFactory(environment);
      const proxy = createProxy(environment, { node: this.name, backend, informers });
      parts.push(
        (stop) => informers.run(stop),
        (stop) => proxy.run(stop),
      );
    }
    this.#running = runTogether(parts, this.#stop.signal).catch((error: unknown) => this.#options.onFailure(error));
  }

  /** Shuts down in good order: the kubelet first, so that it starts nothing again, then containers with their grace. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    await this.#end();
    const { runtime } = this.machine;
    const running = await runtime.listContainers({ state: 'running' });
    await Promise.all(running.map(({ id }) => runtime.stopContainer(id, shutdownGraceSeconds)));
    await this.machine.powerOff();
  }

  /** The power fails: everything ends at once, and nobody is told. */
  async kill(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#cutLines();
    const off = this.machine.powerOff();
    await this.#end();
    await off;
  }

  /** Nothing passes between the node and the rest, neither packets nor requests. Its containers go on. */
  async partition(): Promise<void> {
    this.#partitioned = true;
    this.#cutLines();
    await this.machine.network.partition();
  }

  async heal(): Promise<void> {
    this.#partitioned = false;
    await this.machine.network.heal();
    for (const line of this.#lines) line.connected = true;
  }

  /** Off the cluster and off the machine. */
  async remove(): Promise<void> {
    await this.kill();
    const admin = this.#options.controlPlane.client(components.admin, 'gokube');
    const bound = await admin.resource(pods).list({ fieldSelector: `spec.nodeName=${this.name}` });
    await ignoreNotFound(admin.resource(nodes).delete(this.name));
    await ignoreNotFound(admin.resource(leases).delete(this.name, { namespace: 'kube-node-lease' }));
    for (const { metadata } of bound.items) {
      // The machine is gone, so nobody is left to wait for.
      await ignoreNotFound(
        admin
          .resource(pods)
          .delete(metadata.name, { namespace: metadata.namespace as string, gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } }),
      );
    }
    await this.machine.remove();
  }

  /** Ends the components without touching the containers more than the machine's own end will. */
  async #end(): Promise<void> {
    this.#state = 'stopped';
    this.#stop.abort();
    await this.#running;
    this.#lines = [];
    this.#kubelet = undefined;
  }

  #cutLines(): void {
    for (const line of this.#lines) line.connected = false;
  }

  #environment(user: ReturnType<typeof nodeUser>, component: string): Environment {
    const { controlPlane, clock, random, log, metrics } = this.#options;
    const line = controlPlane.line(user);
    line.connected = !this.#partitioned;
    this.#lines.push(line);
    return {
      client: createClient(line, { agent: component }),
      clock,
      random: random.fork(`${component}/${this.name}`),
      log: log.child({ component, node: this.name }),
      metrics,
    };
  }
}

async function ignoreNotFound(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
