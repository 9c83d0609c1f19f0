/**
 * A running cluster: a control plane and nodes on a machine, in one process. This class is the library's face
 * (`import { Cluster } from 'gokube'`); `gokube up` builds the same parts around a real machine.
 *
 * On a virtual clock nothing moves by itself: `start`, `eventually` and `run` pump time, everything else sees the
 * cluster as it stands. The same seed then gives the same sequence of writes, byte for byte.
 */
import type { Pod } from '../api/generated/core-v1.ts';
import { nodes, pods } from '../api/generated/resources.ts';
import type { KubeObject, ResourceRef } from '../api/object.ts';
import { InProcessKubeletDialer } from '../apiserver/connect/dialers.ts';
import type { Client } from '../client/client.ts';
import { authorityLifetime, type TokenSigner } from '../client/credentials/credentials.ts';
import { simulatedCredentials } from '../client/credentials/simulated-credentials.ts';
import { type ReadHistoryOptions, readHistory } from '../client/read-history.ts';
import type { Clock } from '../clock/clock.ts';
import { PlatformRandom, type Random, SeededRandom } from '../clock/random.ts';
import { RealClock } from '../clock/real-clock.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { runTogether } from '../listwatch/run-together.ts';
import { silentLogger } from '../log/log.ts';
import { MemoryMetrics } from '../metrics/memory-metrics.ts';
import { Compactor } from '../storage/compactor.ts';
import { MemoryStore } from '../storage/memory-store.ts';
import type { Store } from '../storage/store.ts';
import type { ObjectHistory } from '../trace/object-history.ts';
import { applyObject } from './apply-object.ts';
import type { ClusterNode } from './cluster-node.ts';
import { type ClusterOptions, defaultNetworkPlan, leaseSecondsFor, type NetworkPlan } from './cluster-options.ts';
import { components } from './components.ts';
import { type ControlPlane, createControlPlane } from './control-plane.ts';
import { parseTime } from './duration.ts';
import type { Machine } from './machine.ts';
import { NodePool } from './node-pool.ts';
import { createSimulatedMachine } from './simulated-machine.ts';

/** What a cluster draws on, made before its parts are. */
interface Sources {
  readonly clock: Clock;
  readonly random: Random;
  readonly rootCA: string;
  readonly signer: TokenSigner;
}

async function sourcesOf({ clock = 'real', seed }: ClusterOptions): Promise<Sources> {
  const time = clock === 'real' ? new RealClock() : clock === 'virtual' ? new VirtualClock() : clock;
  const chosen = seed ?? (time instanceof VirtualClock ? 0 : undefined);
  const random = chosen === undefined ? new PlatformRandom() : new SeededRandom(chosen);
  const credentials = simulatedCredentials(random.fork('credentials'));
  const now = time.now();
  const authority = await credentials.createAuthority({ commonName: 'gokube-ca', notBefore: now, notAfter: now + authorityLifetime });
  const signer = await credentials.openSigner(await credentials.createSigningKey());
  return { clock: time, random, rootCA: authority.certificate, signer };
}

export class Cluster {
  readonly name: string;
  readonly clock: Clock;
  readonly store: Store;
  readonly controlPlane: ControlPlane;
  /** As the cluster's administrator. */
  readonly client: Client;
  readonly #options: ClusterOptions;
  readonly #random: Random;
  readonly #machine: Machine;
  readonly #nodes: NodePool;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  private constructor(options: ClusterOptions, source: Sources) {
    this.#options = options;
    this.name = options.name ?? 'default';
    this.clock = source.clock;
    this.#random = source.random;
    const network: NetworkPlan = { ...defaultNetworkPlan, ...options.network };
    const log = options.log ?? silentLogger;
    const metrics = options.metrics ?? new MemoryMetrics();
    this.store = options.store ?? new MemoryStore();
    const { clock: time } = this;
    this.#machine = createSimulatedMachine({ clock: time, random: this.#random.fork('machine') });
    this.controlPlane = createControlPlane({
      ...options,
      store: this.store,
      clock: time,
      random: this.#random.fork('control-plane'),
      log,
      metrics,
      network,
      rootCA: source.rootCA,
      signer: source.signer,
      serverEndpoint: { address: this.#machine.hostAddress, port: 6443 },
      kubelets: new InProcessKubeletDialer((node) => this.#nodes.kubeletOf(node)),
    });
    this.#nodes = new NodePool({
      machine: this.#machine,
      controlPlane: this.controlPlane,
      network,
      clock: time,
      random: this.#random,
      log,
      metrics,
      leaseSeconds: leaseSecondsFor(options),
      onFailure: (error) => this.#fail(error),
    });
    this.client = this.controlPlane.client(components.admin, 'gokube');
  }

  /** Resolves when all nodes are Ready. */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = new Cluster(options, await sourcesOf(options));
    try {
      await cluster.#start();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  async #start(): Promise<void> {
    await this.controlPlane.start();
    this.#running = runTogether(this.#loops(), this.#stop.signal).catch((error: unknown) => this.#fail(error));
    const { nodes: wanted = 3, wait = 60_000 } = this.#options;
    const names = typeof wanted === 'number' ? Array.from({ length: wanted }, (_, at) => `node-${at + 1}`) : wanted;
    for (const name of names) await this.addNode(name);
    if (wait > 0) await this.eventually(() => this.#allReady(names), { timeout: wait, what: `${names.length} Ready nodes` });
  }

  #loops(): ((signal: AbortSignal) => Promise<void>)[] {
    const { history, log = silentLogger } = this.#options;
    const loops = [(signal: AbortSignal) => this.controlPlane.run(signal)];
    if (history === undefined) return loops;
    const compactor = new Compactor({ store: this.store, clock: this.clock, log, limits: { age: parseTime(history) } });
    return [...loops, (signal) => compactor.run(signal)];
  }

  /** The nodes by name, those that are switched off too. */
  get nodes(): ReadonlyMap<string, ClusterNode> {
    return this.#nodes.all;
  }

  node(name: string): ClusterNode {
    return this.#nodes.get(name);
  }

  addNode(name: string = this.#nodes.freeName()): Promise<ClusterNode> {
    return this.#nodes.add(name);
  }

  killNode(name: string): Promise<void> {
    return this.node(name).kill();
  }
  startNode(name: string): Promise<void> {
    return this.node(name).start();
  }
  stopNode(name: string): Promise<void> {
    return this.#pumped(this.node(name).stop());
  }
  partitionNode(name: string): Promise<void> {
    return this.node(name).partition();
  }
  healNode(name: string): Promise<void> {
    return this.node(name).heal();
  }
  removeNode(name: string): Promise<void> {
    return this.#nodes.remove(name);
  }

  /** Creates the object, or changes it to what is given (server-side apply). `namespace` defaults to `default`. */
  apply<T extends KubeObject>(object: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly metadata: Partial<T['metadata']>;
  }): Promise<T> {
    return applyObject<T>(this.controlPlane.registry.declarations(), this.client, object);
  }

  pod(name: string, namespace = 'default'): Promise<Pod> {
    return this.client.resource(pods).get(name, { namespace });
  }

  /**
   * Every kept revision of an object, oldest first, with who wrote it and because of what; of one that is gone, too:
   * `cluster.history(resources.deployments, 'web', { namespace: 'default' })`.
   */
  history(ref: ResourceRef, name: string, options: ReadHistoryOptions = {}): Promise<ObjectHistory> {
    return readHistory(this.client, ref, name, { ...(ref.namespaced ? { namespace: 'default' } : {}), ...options });
  }

  /**
   * Another cluster that begins with everything this one holds, history included, and goes its own way from here; what
   * either does the other does not see. The objects are branched in constant time, whatever their number; nodes and
   * control loops start anew over them, and containers with them. It begins at this one's present time, with this one's
   * options and node names unless told otherwise: `{ nodes: 0, controllers: [] }` is an API server alone, at hand in
   * a moment. On a virtual clock, the same branch of the same cluster does the same, byte for byte.
   */
  async fork(options: ClusterOptions = {}): Promise<Cluster> {
    if (!(this.store instanceof MemoryStore)) throw new Error('only a cluster over a MemoryStore can be forked');
    const { seed, store: _given, ...own } = this.#options;
    // Names and uids that this one has drawn must not be drawn again.
    const branch = `${seed ?? 0}/fork at ${await this.store.revision()}`;
    const clock = this.clock instanceof VirtualClock ? new VirtualClock({ start: this.clock.now() }) : this.clock;
    const seeded = seed !== undefined || this.clock instanceof VirtualClock ? { seed: branch } : {};
    return Cluster.start({ ...own, nodes: [...this.nodes.keys()], clock, ...seeded, ...options, store: this.store.fork() });
  }

  /** Lets time pass: `'1h'`, `'30s'`, or milliseconds. On a virtual clock it takes only as long as the work in it. */
  async run(time: number | string): Promise<void> {
    const ms = parseTime(time);
    if (this.clock instanceof VirtualClock) await this.clock.advance(ms);
    else await this.clock.sleep(ms);
    this.#throwFailure();
  }

  /** Waits, and lets time pass, until the condition holds (an error in it counts as "not yet"). Rejects after `timeout` ms. */
  async eventually(condition: () => boolean | Promise<boolean>, options: { timeout?: number | string; what?: string } = {}): Promise<void> {
    const timeout = parseTime(options.timeout ?? 60_000);
    let last: unknown;
    const holds = async (): Promise<boolean> => {
      this.#throwFailure();
      try {
        last = undefined;
        return await condition();
      } catch (error) {
        last = error;
        return false;
      }
    };
    const { clock } = this;
    if (clock instanceof VirtualClock) {
      if (await clock.advanceUntil(holds, timeout)) return;
    } else {
      const end = clock.monotonic() + timeout;
      while (clock.monotonic() < end) {
        if (await holds()) return;
        await clock.sleep(10);
      }
    }
    throw new Error(`waited ${timeout / 1000} s in vain for ${options.what ?? 'the condition to hold'}`, { cause: last });
  }

  /** Ends everything. Idempotent. */
  async stop(): Promise<void> {
    await this.#nodes.killAll();
    this.#stop.abort();
    await this.#running;
    await this.controlPlane.close();
    await this.store.close();
    await this.#machine.close();
  }

  async #allReady(names: readonly string[]): Promise<boolean> {
    const { items } = await this.client.resource(nodes).list();
    return names.every((name) =>
      items.some(
        ({ metadata, status }) =>
          metadata.name === name && status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
      ),
    );
  }

  /** Moves virtual time until the promise has settled. */
  async #pumped<T>(promise: Promise<T>): Promise<T> {
    if (!(this.clock instanceof VirtualClock)) return promise;
    let settled = false;
    const watched = promise.finally(() => {
      settled = true;
    });
    watched.catch(() => {});
    await this.clock.advanceUntil(() => settled, 3_600_000);
    return watched;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#options.log?.error('a component has failed', { error });
  }

  #throwFailure(): void {
    if (this.#failure) throw new Error('a component of the cluster has failed', { cause: this.#failure.error });
  }
}
