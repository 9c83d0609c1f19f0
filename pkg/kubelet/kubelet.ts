/**
 * The kubelet: the one component that turns pods' objects into containers on its node, and what the containers do
 * into pods' statuses. It sees the world through an API client and informers, and the machine through three ports:
 * the container runtime (pkg/cri), the node's network (pkg/network) and the host (`kubelet-host.ts`).
 *
 *   pods' informer ──▶ PodWorker (one a pod) ──▶ PodSync, computePodActions ──▶ RuntimeManager ──▶ runtime
 *                         ▲        │                                        VolumeManager, ImageManager
 *   Pleg, ProbeManager ───┘        └──▶ computePodStatus ──▶ StatusManager ──▶ API server
 *
 * Reading order: `pod-worker.ts` (a pod's life), `pod-sync.ts` (one step of it), `compute-pod-actions.ts` and
 * `pod-status.ts` (the two decisions, both pure), `runtime-manager.ts`, then the parts by need; `node-agent.ts` and
 * `node-lease.ts` for the node itself; `server/` for what others ask of it (logs, exec, ...).
 *
 * Guarantees: all it knows about running pods is in the runtime, so that a restarted kubelet adopts what runs; a pod
 * runs at most once, and is ended when its object goes; a change is told within a second while the server answers.
 */

import type { Pod, Taint } from '../api/generated/core-v1.ts';
import { nodes, pods } from '../api/generated/resources.ts';
import type { ApiRequest, ApiResponse } from '../api/http.ts';
import type { ImageService, RuntimeService } from '../cri/cri.ts';
import type { Environment, EventRecorder, InformerFactory, Runnable } from '../listwatch/contract.ts';
import { createEventRecorder } from '../listwatch/event-recorder.ts';
import type { NodeNetwork } from '../network/network.ts';
import { admissionVerdict } from './admission.ts';
import { qosClassOf } from './container-resources.ts';
import { CrashBackoff } from './crash-backoff.ts';
import { messageOf } from './deadline.ts';
import { defaultThresholds, EvictionManager, type EvictionThresholds } from './eviction.ts';
import { ImageManager } from './image-manager.ts';
import type { ClusterDns, KubeletContext } from './kubelet-context.ts';
import type { KubeletHost } from './kubelet-host.ts';
import { NodeAgent } from './node-agent.ts';
import { defaultLeaseSeconds, renewLease } from './node-lease.ts';
import { NodeObjects } from './node-objects.ts';
import { orphanPod } from './orphan-pod.ts';
import { Pleg } from './pleg.ts';
import { PodPaths } from './pod-paths.ts';
import { isTerminal } from './pod-phase.ts';
import { PodWorker, type Verdict } from './pod-worker.ts';
import type { PodWorkerParts } from './pod-worker-parts.ts';
import { ProbeManager } from './probes/probe-manager.ts';
import { RuntimeManager } from './runtime-manager.ts';
import { KubeletServer } from './server/kubelet-server.ts';
import { StatusManager } from './status-manager.ts';
import { VolumeManager } from './volumes/volume-manager.ts';

export interface KubeletOptions extends Environment {
  readonly nodeName: string;
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  readonly network: NodeNetwork;
  readonly host: KubeletHost;
  readonly informers: InformerFactory;
  /** Default: a recorder of its own, which runs with the kubelet. */
  readonly events?: EventRecorder;
  /** Directory on the node for pods' files and logs. */
  readonly rootDirectory: string;
  /** Directory on a file system in memory, for what must not reach a disk; default: `rootDirectory`. */
  readonly secretDirectory?: string;
  readonly dns?: ClusterDns;
  /** Where the node's HTTPS server listens; told in the node's status. Default 10250. */
  readonly port?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  /** How long the node counts as alive after a heartbeat, whole seconds; default 40. A quarter of it lies between two. */
  readonly leaseSeconds?: number;
  /** Default 110. */
  readonly maxPods?: number;
  /** What is kept back from pods; default 100Mi of memory. */
  readonly reserved?: Readonly<Record<string, string>>;
  /** Instead of what the machine has, for instance where several nodes share one. */
  readonly capacity?: Readonly<Record<string, string>>;
  readonly evictionHard?: Partial<EvictionThresholds>;
}

export interface Kubelet extends Runnable {
  /** What the node's HTTPS server is asked: logs, exec, health, metrics. */
  handle(request: ApiRequest): Promise<ApiResponse>;
}

const defaultDns: ClusterDns = { servers: [], domain: 'cluster.local' };
const startRetry = 1000;

export function createKubelet(options: KubeletOptions): Kubelet {
  return new NodeKubelet(options);
}

class NodeKubelet implements Kubelet {
  readonly name: string;
  readonly #options: KubeletOptions;
  readonly #context: KubeletContext;
  readonly #parts: PodWorkerParts;
  readonly #agent: NodeAgent;
  readonly #pleg: Pleg;
  readonly #eviction: EvictionManager;
  readonly #server: KubeletServer;
  readonly #backoff = new CrashBackoff();
  readonly #recorder: (EventRecorder & Partial<Runnable>) | undefined;
  readonly #workers = new Map<string, PodWorker>();
  readonly #running = new Set<Promise<void>>();
  #runtimeName = 'unknown';
  #signal: AbortSignal | undefined;

  constructor(options: KubeletOptions) {
    this.#options = options;
    this.name = `kubelet of ${options.nodeName}`;
    const { nodeName, clock, log, metrics, runtime, images, host, network, informers } = options;
    const client = options.client.as('kubelet');
    const random = options.random.fork(`kubelet/${nodeName}`);
    const env: Environment = { client, clock, random, log, metrics };
    const recorder = options.events ? undefined : createEventRecorder(env, { component: 'kubelet', host: nodeName });
    this.#recorder = recorder;
    const events = options.events ?? (recorder as EventRecorder);
    this.#context = {
      ...env,
      nodeName,
      events,
      runtime,
      images,
      host,
      paths: new PodPaths(options.rootDirectory, options.secretDirectory),
      dns: options.dns ?? defaultDns,
      runtimeName: () => this.#runtimeName,
      hostIPs: [network.address],
      node: () => this.#agent.node,
    };
    const objects = new NodeObjects(env, informers, (uid) => {
      this.#parts.volumes.changed(uid);
      this.#workers.get(uid)?.wake();
    });
    const imageManager = new ImageManager(this.#context);
    this.#agent = new NodeAgent({
      context: this.#context,
      network,
      informer: informers.informer(nodes),
      labels: options.labels ?? {},
      taints: options.taints ?? [],
      maxPods: options.maxPods ?? 110,
      reserved: options.reserved ?? { memory: '100Mi' },
      capacity: options.capacity ?? {},
      kubeletPort: options.port ?? 10250,
      pressure: () => this.#eviction.pressure,
      onNetworkChange: () => {
        for (const worker of this.#workers.values()) worker.wake();
      },
    });
    this.#parts = {
      context: this.#context,
      runtime: new RuntimeManager(this.#context, imageManager, objects),
      statuses: new StatusManager({ client, clock, log }),
      probes: new ProbeManager(this.#context, (uid) => this.#notice(uid)),
      volumes: new VolumeManager(this.#context, objects),
      images: imageManager,
      objects,
      networkProblem: () => this.#agent.networkProblem,
      onGone: (uid) => {
        this.#workers.delete(uid);
        this.#count();
      },
    };
    this.#pleg = new Pleg({ runtime, clock, log, metrics, onPod: (uid) => this.#notice(uid), onRelist: (uids) => this.#sweep(uids) });
    this.#eviction = new EvictionManager({
      context: this.#context,
      thresholds: { ...defaultThresholds, ...options.evictionHard },
      workers: () => [...this.#workers.values()],
      onChange: () => this.#agent.refresh(),
    });
    this.#server = new KubeletServer({
      context: this.#context,
      workers: () => [...this.#workers.values()],
      current: ({ pod }) => ({ ...pod, status: this.#parts.statuses.statusOf(pod) }),
      problems: () => this.#problems(),
    });
  }

  handle(request: ApiRequest): Promise<ApiResponse> {
    return this.#server.handle(request);
  }

  /** The runtime must have answered lately: twice the distance of two looks at it, and a little. */
  #problems(): readonly string[] {
    const { lastRelist } = this.#pleg;
    if (lastRelist === undefined) return ['the kubelet has not seen the runtime yet'];
    const age = this.#context.clock.monotonic() - lastRelist;
    return age > 75_000 ? [`the runtime was last seen ${Math.round(age / 1000)}s ago`] : [];
  }

  /** Runs until the signal is aborted; pods go on running. */
  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#context;
    this.#signal = signal;
    const background: Promise<void>[] = [];
    try {
      if (this.#recorder?.run) background.push(this.#recorder.run(signal));
      await this.#whenRuntimeAnswers(signal);
      await this.#agent.register(signal);
      background.push(
        renewLease(
          { ...this.#context, leaseSeconds: this.#options.leaseSeconds ?? defaultLeaseSeconds, onRecovery: () => this.#recover(signal) },
          signal,
        ),
        this.#agent.run(signal),
      );
      this.#parts.statuses.start(signal);
      await this.#watchPods(signal);
      background.push(this.#pleg.run(signal), this.#eviction.run(signal));
      log.info('the kubelet runs', { runtime: this.#runtimeName });
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#parts.probes.stop();
      this.#parts.objects.stop();
      await Promise.all([...background, ...this.#running]);
    }
  }

  async #whenRuntimeAnswers(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        this.#runtimeName = (await this.#context.runtime.version()).name;
        return;
      } catch (error) {
        this.#context.log.warn('the runtime does not answer', { message: messageOf(error) });
      }
      await this.#context.clock.sleep(startRetry, signal);
    }
  }

  /** The server answers again: what it says now counts at once, though the informers may take a while to come back. */
  #recover(signal: AbortSignal): void {
    this.#agent.refresh({ blind: true });
    this.#askForPods(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#context.log.warn('the pods of the node could not be listed', { message: messageOf(error) });
    });
  }

  async #askForPods(signal: AbortSignal): Promise<void> {
    const { client, nodeName } = this.#context;
    const { items, metadata } = await client.resource(pods).list({ fieldSelector: `spec.nodeName=${nodeName}`, signal });
    for (const pod of items) this.#add(pod);
    const present = new Set(items.map((pod) => pod.metadata.uid));
    for (const [uid, worker] of this.#workers) {
      // One that is newer than the list is not missing from it.
      if (!present.has(uid) && Number(worker.pod.metadata.resourceVersion) <= Number(metadata.resourceVersion)) worker.vanish();
    }
  }

  /** Takes up this node's pods, oldest first as they were admitted before, and follows them from then on. */
  async #watchPods(signal: AbortSignal): Promise<void> {
    const { informers, nodeName } = this.#options;
    const informer = informers.informer(pods, { fieldSelector: `spec.nodeName=${nodeName}` });
    await informers.whenSynced(signal);
    const present = [...informer.lister.list()].sort((a, b) =>
      a.metadata.creationTimestamp < b.metadata.creationTimestamp
        ? -1
        : a.metadata.creationTimestamp > b.metadata.creationTimestamp
          ? 1
          : 0,
    );
    for (const pod of present) this.#add(pod);
    informer.addHandler({
      onAdd: (pod) => this.#add(pod),
      onUpdate: (pod) => this.#update(pod),
      onDelete: (pod) => this.#delete(pod),
    });
  }

  #add(pod: Pod): void {
    if (this.#signal?.aborted) return;
    if (this.#workers.has(pod.metadata.uid)) {
      this.#update(pod);
      return;
    }
    this.#parts.statuses.see(pod);
    const verdict = this.#admit(pod);
    if (verdict) this.#context.events.event(pod, 'Warning', verdict.reason, verdict.message.replace('Pod was rejected: ', ''));
    this.#start(pod, verdict ? { verdict } : {});
  }

  #admit(pod: Pod): Verdict | undefined {
    const node = this.#agent.node;
    if (!node || isTerminal(pod.status.phase) || pod.metadata.deletionTimestamp !== undefined) return undefined;
    const verdict = this.#underPressure(pod);
    if (verdict) return verdict;
    const others = [...this.#workers.values()].filter(({ active }) => active).map((worker) => worker.pod);
    return admissionVerdict(pod, others, node);
  }

  /** While the node is short of something, what would only make it worse is not let in. */
  #underPressure(pod: Pod): Verdict | undefined {
    const { memory, disk } = this.#eviction.pressure;
    const critical = (pod.spec.priority ?? 0) >= 2_000_000_000;
    const refused = disk ? 'DiskPressure' : memory && qosClassOf(pod) === 'BestEffort' ? 'MemoryPressure' : undefined;
    if (critical || !refused) return undefined;
    return { reason: 'Evicted', message: `Pod was rejected: The node had condition: [${refused}]. ` };
  }

  #update(pod: Pod): void {
    const worker = this.#workers.get(pod.metadata.uid);
    if (this.#signal?.aborted || Number(pod.metadata.resourceVersion) < Number(worker?.pod.metadata.resourceVersion)) return;
    this.#parts.statuses.see(pod);
    worker?.update(pod);
  }

  #delete(pod: Pod): void {
    if (this.#signal?.aborted) return;
    this.#workers.get(pod.metadata.uid)?.vanish(pod);
  }

  #start(pod: Pod, options: { readonly verdict?: Verdict; readonly vanished?: boolean }): void {
    const signal = this.#signal;
    if (!signal || signal.aborted) return;
    const worker = new PodWorker(pod, this.#parts, { ...options, backoff: this.#backoff });
    this.#workers.set(pod.metadata.uid, worker);
    this.#count();
    const running = worker.run(signal).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** The runtime, or a probe, has news of a pod. */
  #notice(uid: string): void {
    const worker = this.#workers.get(uid);
    if (!worker) return;
    worker.notice().catch((error: unknown) => {
      this.#context.log.warn('a pod could not be looked at', { uid, error });
      worker.wake();
    });
  }

  /** Ends what the runtime has of pods that are no longer this node's, and removes the files of those that are gone. */
  #sweep(inRuntime: ReadonlySet<string>): void {
    const sweep = async (): Promise<void> => {
      for (const uid of inRuntime) {
        if (this.#workers.has(uid)) continue;
        const observed = await this.#parts.runtime.observe(uid);
        if (this.#workers.has(uid) || observed.sandboxes.length + observed.containers.length === 0) continue;
        this.#context.log.info('a pod is no longer wanted here', { uid });
        this.#start(orphanPod(uid, observed), { vanished: true });
      }
      await this.#sweepFiles();
    };
    sweep().catch((error: unknown) => this.#context.log.warn('what is left of old pods was not removed', { error }));
  }

  async #sweepFiles(): Promise<void> {
    const { host, paths } = this.#context;
    for (const directory of (await host.files.list(paths.logs)) ?? []) {
      if (!this.#workers.has(paths.uidOfLogs(directory))) await host.files.remove(`${paths.logs}/${directory}`);
    }
    for (const root of new Set([paths.root, paths.secretRoot])) {
      for (const uid of (await host.files.list(`${root}/pods`)) ?? []) {
        if (this.#workers.has(uid)) continue;
        await this.#parts.volumes.unmount(uid);
        await host.files.remove(`${root}/pods/${uid}`);
      }
    }
  }

  #count(): void {
    const { metrics, nodeName } = this.#context;
    // By node: several kubelets may share a process, and its metrics.
    metrics
      .gauge({ name: 'kubelet_working_pods', help: 'Number of pods the kubelet is working on.', labels: ['node'] })
      .set(this.#workers.size, { node: nodeName });
  }
}
