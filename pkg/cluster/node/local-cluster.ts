/**
 * A cluster on this machine, as `gokube up` runs it: a durable store, an API server over HTTPS, nodes with real
 * containers (or simulated ones), service rules on the machine, cluster DNS. In the order in which it starts:
 *
 *   data directory → store → machine (network, runtime) → credentials → control plane → HTTPS → DNS, services → nodes
 *
 * and in the opposite order it stops. Guarantees: whatever fails on the way, what was started is stopped again;
 * after `stop` nothing is left on the machine but the data directory.
 */
import { join } from 'node:path';
import { nodes as nodeResource, pods as podResource } from '../../api/generated/resources.ts';
import { InProcessKubeletDialer } from '../../apiserver/connect/dialers.ts';
import { networkBackendDialer } from '../../apiserver/connect/https-kubelet-dialer.node.ts';
import { startHttpServer } from '../../apiserver/http-server.node.ts';
import type { Client } from '../../client/client.ts';
import { PlatformRandom } from '../../clock/random.ts';
import { RealClock } from '../../clock/real-clock.ts';
import { createClusterView } from '../../dns/cluster-view.ts';
import { createDnsServer, systemNameservers } from '../../dns/node/dns-server.ts';
import { ClusterResolver } from '../../dns/records.ts';
import type { Environment } from '../../listwatch/contract.ts';
import { createInformerFactory } from '../../listwatch/informer-factory.ts';
import { runTogether } from '../../listwatch/run-together.ts';
import type { Logger } from '../../log/log.ts';
import { createPrometheusMetrics } from '../../metrics/prometheus.node.ts';
import { createProxy } from '../../proxy/proxy.ts';
import { Compactor, type HistoryLimits } from '../../storage/compactor.ts';
import type { Store } from '../../storage/store.ts';
import type { ClusterNode } from '../cluster-node.ts';
import { defaultNetworkPlan, firstAddress, leaseSecondsFor, type NetworkPlan, type Patience } from '../cluster-options.ts';
import { components } from '../components.ts';
import { type ControlPlane, createControlPlane } from '../control-plane.ts';
import { publishDnsEndpoint } from '../dns-endpoint.ts';
import type { Machine } from '../machine.ts';
import { NodePool } from '../node-pool.ts';
import { revisionAt } from '../revision-at.ts';
import { createSimulatedMachine } from '../simulated-machine.ts';
import { type ClusterConfig, readClusterConfig, writeClusterConfig } from './cluster-config.ts';
import { saveRunning } from './cluster-snapshot.ts';
import type { ClusterControl, ClusterStatus, ImageStatus, NodeAction, NodeStatus } from './control-protocol.ts';
import { serveControl } from './control-server.ts';
import { type LinuxMachine, startLinuxMachine } from './linux-machine.ts';
import { openPki, type Pki, serverNames } from './pki.ts';

export interface LocalClusterOptions extends Patience {
  readonly name: string;
  readonly directory: string;
  /** The address on which the API server listens, beside the nodes' bridge. */
  readonly host: string;
  readonly port: number;
  /** How many nodes a new cluster gets (default 3), and an older one at least (default: those that it had). */
  readonly nodes?: number;
  readonly runtime: 'embedded' | 'fake';
  /** For messages: `lmdb`, `memory`, `etcd`. */
  readonly storeName: string;
  openStore(directory: string): Promise<Store>;
  readonly history: HistoryLimits;
  readonly log: Logger;
  /** Called as each phase begins; the function it returns, when it has ended. */
  onPhase(name: string): (result: string) => void;
  /** Something that a person should know, and that does not stop the cluster. */
  onNote?(words: string): void;
  /** A component has ended by itself: the cluster is not whole any more. */
  onFailure(error: unknown): void;
}

export interface LocalCluster {
  readonly server: string;
  readonly pki: Pki;
  readonly client: Client;
  readonly control: ClusterControl;
  /** Resolves once every node is Ready; false if they are not after `timeout` ms. */
  whenReady(timeout: number): Promise<boolean>;
  stop(): Promise<void>;
}

/** Undoes what was done, last first; every step is tried, the first failure is thrown. */
class Undo {
  readonly #steps: (() => Promise<unknown> | unknown)[] = [];

  add(step: () => Promise<unknown> | unknown): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure) throw failure.error;
  }
}

export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const undo = new Undo();
  try {
    return await start(options, undo);
  } catch (error) {
    await undo.run().catch((cause: unknown) => options.log.error('could not clean up after a failed start', { error: cause }));
    throw error;
  }
}

async function start(options: LocalClusterOptions, undo: Undo): Promise<LocalCluster> {
  const { directory, host, port, log } = options;
  const clock = new RealClock();
  const random = new PlatformRandom();
  const metrics = createPrometheusMetrics();

  let done = options.onPhase('opening the store');
  const known = readClusterConfig(directory);
  const store = await options.openStore(join(directory, 'store'));
  undo.add(() => store.close());
  done(`store open (${options.storeName})`);

  done = options.onPhase('preparing the network and the container runtime');
  const machine = await startMachine(options, known, { clock, random });
  undo.add(() => machine.close());
  const linux = isLinuxMachine(machine) ? machine : undefined;
  const network = networkPlan(known, linux);
  const services = await linux?.openServices(network.serviceCIDR);
  done(linux ? `machine ready (embedded containers, network ${linux.nodeNetwork})` : 'machine ready (simulated containers)');
  if (services?.takenBy !== undefined) {
    const where = `${network.serviceCIDR} leads to another cluster on this machine (by ${services.takenBy})`;
    const words = `${where}: from here, services of this one are reached at its nodes' addresses; its pods reach them as usual`;
    options.onNote?.(words);
    log.warn(words);
  }

  done = options.onPhase('opening the credentials');
  const serviceAddress = firstAddress(network.serviceCIDR);
  const addresses = ['127.0.0.1', machine.hostAddress, serviceAddress, ...(/^[\d.]+$/.test(host) && host !== '0.0.0.0' ? [host] : [])];
  const pki = await openPki(join(directory, 'pki'), { clock, server: serverNames(addresses, network.domain) });
  done('credentials ready');

  done = options.onPhase('starting the control plane');
  const stop = new AbortController();
  let nodes: NodePool | undefined;
  const controlPlane = createControlPlane({
    ...options,
    store,
    clock,
    random,
    metrics,
    network,
    rootCA: pki.authority,
    serverEndpoint: { address: linux ? machine.hostAddress : '127.0.0.1', port },
    signer: pki.signer,
    kubelets: new InProcessKubeletDialer((node) => nodes?.kubeletOf(node)),
    // The machine routes to all pods. Simulated ones have addresses and nobody who answers there.
    ...(linux ? { backends: networkBackendDialer } : {}),
    webhooks: networkBackendDialer,
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  });
  undo.add(() => controlPlane.close());
  await controlPlane.start();
  for (const address of linux ? [host, machine.hostAddress] : [host]) {
    const http = await startHttpServer({
      handler: controlPlane.server,
      log: log.child({ component: 'http' }),
      host: address,
      port,
      certificate: pki.server.certificate,
      key: pki.server.key,
      clientAuthority: pki.authority,
    });
    undo.add(() => http.close());
    if (address === '0.0.0.0') break;
  }
  const compactor = new Compactor({
    store,
    clock,
    log: log.child({ component: 'compactor' }),
    limits: options.history,
    // Over the network that would be many reads a look; and an etcd is rarely restarted.
    ...(options.storeName === 'etcd' ? {} : { revisionAt: (time: number) => revisionAt(store, time) }),
  });
  const loops = [(signal: AbortSignal) => controlPlane.run(signal), (signal: AbortSignal) => compactor.run(signal)];
  const running = runTogether(loops, stop.signal).catch(options.onFailure);
  undo.add(() => {
    stop.abort();
    return running;
  });
  const server = `https://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`;
  done(`API server listening at ${server}`);

  if (linux) {
    const services = runServices({ controlPlane, linux, network, environment: { clock, random, log, metrics }, signal: stop.signal });
    const serving = services.running.catch(options.onFailure);
    undo.add(() => {
      stop.abort();
      return serving;
    });
    await services.ready;
  }

  nodes = new NodePool({
    machine,
    controlPlane,
    network,
    clock,
    random,
    log,
    metrics,
    leaseSeconds: leaseSecondsFor(options),
    onFailure: options.onFailure,
  });
  const pool = nodes;
  undo.add(() => pool.killAll());
  const names = [...(known?.nodes ?? [])];
  const wanted = options.nodes ?? (known ? 0 : 3);
  for (let number = 1; names.length < wanted; number++) if (!names.includes(`node-${number}`)) names.push(`node-${number}`);
  const remember = (): void => writeClusterConfig(directory, configOf(options, network, linux, [...pool.all.keys()]));
  await Promise.all(names.map((node) => pool.add(node)));
  remember();

  const client = controlPlane.client(components.admin, 'gokube');
  let state: ClusterStatus['state'] = 'starting';
  const control = createControl({ options, store, client, pool, linux, server, remember, state: () => state });
  let stopping: Promise<void> | undefined;
  const stopOnce = (): Promise<void> => {
    state = 'stopping';
    stopping ??= undo.run();
    return stopping;
  };
  return {
    server,
    pki,
    client,
    control,
    async whenReady(timeout) {
      const end = clock.monotonic() + timeout;
      while (clock.monotonic() < end && !stop.signal.aborted) {
        const { nodes: all } = await control.status();
        if (all.every((node) => node.ready)) {
          state = 'running';
          return true;
        }
        await clock.sleep(20);
      }
      state = 'running';
      return false;
    },
    stop: stopOnce,
  };
}

/** Serves the control socket of a started cluster; returns what closes it. */
export function serveClusterControl(directory: string, cluster: LocalCluster, onStop: () => Promise<void>): Promise<() => Promise<void>> {
  return serveControl(directory, cluster.control, onStop);
}

function startMachine(
  options: LocalClusterOptions,
  known: ClusterConfig | undefined,
  source: { readonly clock: RealClock; readonly random: PlatformRandom },
): Promise<Machine> | Machine {
  if (options.runtime === 'fake') return createSimulatedMachine(source);
  return startLinuxMachine({
    cluster: options.name,
    directory: options.directory,
    log: options.log,
    ...(known?.nodeNetwork ? { nodeNetwork: known.nodeNetwork } : {}),
    ...(known?.podNetwork ? { podNetwork: known.podNetwork } : {}),
  });
}

function isLinuxMachine(machine: Machine): machine is LinuxMachine {
  return 'containers' in machine;
}

/** A second cluster on one machine has its pods in another range, and so its services. */
function networkPlan(known: ClusterConfig | undefined, linux: LinuxMachine | undefined): NetworkPlan {
  const clusterCIDR = linux?.podNetwork ?? defaultNetworkPlan.clusterCIDR;
  const place = Number(clusterCIDR.split('.')[1]) - Number(defaultNetworkPlan.clusterCIDR.split('.')[1]);
  const serviceCIDR = known?.serviceCIDR ?? `10.${96 + Math.max(0, place)}.0.0/16`;
  return { ...defaultNetworkPlan, clusterCIDR, serviceCIDR, dnsAddress: serviceCIDR.replace(/\.0\/\d+$/, '.10') };
}

function configOf(
  options: LocalClusterOptions,
  network: NetworkPlan,
  linux: LinuxMachine | undefined,
  nodes: readonly string[],
): ClusterConfig {
  const ranges = linux ? { podNetwork: linux.podNetwork, nodeNetwork: linux.nodeNetwork } : {};
  return { version: 1, name: options.name, runtime: options.runtime, nodes, serviceCIDR: network.serviceCIDR, ...ranges };
}

/** The machine's own service rules, and cluster DNS. */
function runServices(parts: {
  readonly controlPlane: ControlPlane;
  readonly linux: LinuxMachine;
  readonly network: NetworkPlan;
  readonly environment: Omit<Environment, 'client'>;
  readonly signal: AbortSignal;
}): { readonly running: Promise<void>; readonly ready: Promise<void> } {
  const { controlPlane, linux, network, environment, signal } = parts;
  const proxyEnvironment: Environment = { ...environment, client: controlPlane.client(components.proxy, 'kube-proxy') };
  const dnsClient = controlPlane.client(components.dns, 'kube-dns');
  const informers = createInformerFactory(proxyEnvironment);
  const backend = linux.hostProxyBackend();
  const proxy = backend ? createProxy(proxyEnvironment, { backend, informers }) : undefined;
  const dns = createDnsServer({
    resolver: new ClusterResolver(createClusterView(informers), network.domain),
    address: linux.hostAddress,
    port: 0,
    upstream: systemNameservers(),
    log: environment.log.child({ component: 'dns' }),
  });
  const loops = [(stop: AbortSignal) => informers.run(stop), (stop: AbortSignal) => dns.run(stop)];
  if (proxy) loops.push((stop) => proxy.run(stop));
  const running = runTogether(loops, signal);
  return { running, ready: dns.listening.then((endpoint) => publishDnsEndpoint(dnsClient, endpoint)) };
}

function createControl(parts: {
  readonly options: LocalClusterOptions;
  readonly store: Store;
  readonly client: Client;
  readonly pool: NodePool;
  readonly linux: LinuxMachine | undefined;
  readonly server: string;
  remember(): void;
  state(): ClusterStatus['state'];
}): ClusterControl {
  const { options, client, pool, linux, server, remember } = parts;

  async function nodeStatuses(): Promise<NodeStatus[]> {
    const [listed, bound] = await Promise.all([client.resource(nodeResource).list(), client.resource(podResource).list()]);
    return [...pool.all.values()].map((node) => statusOf(node, listed.items, bound.items));
  }

  function withLinux(): LinuxMachine {
    if (!linux) throw new Error('simulated containers need no images: any name will do');
    return linux;
  }

  const actions: Record<NodeAction, (name: string) => Promise<void>> = {
    stop: (name) => pool.get(name).stop(),
    start: (name) => pool.get(name).start(),
    kill: (name) => pool.get(name).kill(),
    partition: (name) => pool.get(name).partition(),
    heal: (name) => pool.get(name).heal(),
    delete: async (name) => {
      await pool.remove(name);
      remember();
    },
  };
  return {
    async status() {
      return {
        name: options.name,
        state: parts.state(),
        pid: process.pid,
        server,
        store: options.storeName,
        runtime: options.runtime,
        nodes: await nodeStatuses(),
      };
    },
    async addNode(wanted) {
      const name = wanted ?? pool.freeName();
      if (!/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/.test(name)) {
        throw new Error(`"${name}" cannot be a node's name: lower-case letters, digits, "-" and "." are allowed, 63 of them at most`);
      }
      const node = await pool.add(name);
      remember();
      return statusOf(node, [], []);
    },
    async nodeAction(name, action) {
      if (!pool.all.has(name)) return false;
      await actions[action](name);
      return true;
    },
    async loadImage(path) {
      const loaded = await withLinux().containers.images.load(path);
      return loaded.flatMap(({ tags, id }) => (tags.length > 0 ? tags : [id]));
    },
    async listImages(): Promise<readonly ImageStatus[]> {
      if (!linux) return [];
      return (await linux.containers.images.listImages()).map(({ id, tags, sizeBytes }) => ({ id, tags, sizeBytes }));
    },
    async removeImage(reference) {
      const { images } = withLinux().containers;
      if (!(await images.imageStatus(reference))) return false;
      await images.removeImage(reference);
      return true;
    },
    saveSnapshot: (file) => saveRunning({ ...options, store: parts.store }, file),
  };
}

function statusOf(
  node: ClusterNode,
  listed: readonly {
    readonly metadata: { readonly name: string };
    readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  }[],
  bound: readonly { readonly spec: { readonly nodeName?: string } }[],
): NodeStatus {
  const object = listed.find(({ metadata }) => metadata.name === node.name);
  return {
    name: node.name,
    state: node.state,
    ready: object?.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
    pods: bound.filter(({ spec }) => spec.nodeName === node.name).length,
    address: node.machine.network.address,
  };
}
