/**
 * The scheduler gives every pod without a node one. The flow through this folder:
 *
 *   informers → observe-cluster → cache (nodes, placed pods)      ┐
 *                               → queue (pods that wait)          ├→ decide (pure: plugins filter and score)
 *   loop: queue.pop → cache.snapshot ─────────────────────────────┘        │
 *     a node:  cache.assume → Reserve → Bind (beside the loop) ────────────┤→ explanation
 *     none:    PostFilter (preemption) → queue.requeue → condition, event ─┘
 *
 * Guarantees:
 *  - decisions are taken one at a time, each with all earlier ones counted, so that no node is overcommitted by the
 *    scheduler's own doing; bindings run beside the loop;
 *  - a pod is bound at most once, and comes again after a failed binding with back-off;
 *  - a pod that got no node sleeps until something happens that one of the plugins that rejected it names, or for
 *    five minutes at most;
 *  - equal inputs, clock and seed give equal decisions.
 * Counterpart: kube-scheduler (pkg/scheduler); plugins and weights are those of its default profile.
 */
import type { ApiRequest, ApiResponse } from '../api/http.ts';
import { randomInt } from '../clock/random.ts';
import type { Environment, EventRecorder, InformerFactory, Runnable } from '../listwatch/contract.ts';
import { createEventRecorder } from '../listwatch/event-recorder.ts';
import { runTogether } from '../listwatch/run-together.ts';
import { Background } from './background.ts';
import { Cache } from './cache.ts';
import { createLookups } from './cluster-lookups.ts';
import { type Decision, decide, filterNode } from './decide.ts';
import { createDefaultPlugins, type PluginLookups } from './default-plugins.ts';
import { diagnosisMessage, rejectorsOf } from './diagnosis.ts';
import { evictPod } from './evict-pod.ts';
import { createExplainHandler } from './explain-handler.ts';
import { type Explanation, ExplanationLog } from './explanation.ts';
import type { PostFilterResult, WeightedPlugin } from './framework.ts';
import type { NodeInfo } from './node-info.ts';
import { Nominator } from './nominator.ts';
import { observeNamespaces, observeNodes, observePods } from './observe-cluster.ts';
import type { PodInfo } from './pod-info.ts';
import { PodStatusWriter } from './pod-status.ts';
import { noNodes, type QueuedPod, SchedulingQueue } from './queue.ts';
import { createSchedulerMetrics, type SchedulerMetrics } from './scheduler-metrics.ts';
import type { Snapshot } from './snapshot.ts';

export interface SchedulerOptions {
  /** Pods with this spec.schedulerName, or none, are scheduled. */
  readonly schedulerName?: string;
  /** Of all nodes, how many feasible ones are enough to choose from, in per cent; 0: by the size of the cluster. */
  readonly percentageOfNodesToScore?: number;
  /** In place of the default profile. */
  readonly plugins?: (lookups: PluginLookups) => readonly WeightedPlugin[];
  /** First back-off after a failure, doubling up to the second. */
  readonly podInitialBackoffMs?: number;
  readonly podMaxBackoffMs?: number;
  /** How many decisions are kept for `explain`. */
  readonly explanations?: number;
}

export interface Scheduler extends Runnable {
  /** Why the pod (`namespace/name`) is where it is, or nowhere: its newest decision, if still kept. */
  explain(podKey: string): Explanation | undefined;
  /** The same as a request handler; see `createExplainHandler`. */
  readonly handle: (request: Pick<ApiRequest, 'method' | 'path'>) => ApiResponse;
}

export function createScheduler(env: Environment & { readonly informers: InformerFactory }, options: SchedulerOptions = {}): Scheduler {
  return new DefaultScheduler(env, options);
}

/** So many bindings, status writes and evictions may be under way at once. */
const maxBackground = 100;
/** The loop lets others run after so long. On a virtual clock no time passes inside a decision, so it never does. */
const sliceMs = 8;

class DefaultScheduler implements Scheduler {
  readonly name: string;
  readonly handle: Scheduler['handle'];
  readonly #env: Environment;
  readonly #plugins: readonly WeightedPlugin[];
  readonly #percentage: number;
  readonly #cache: Cache;
  readonly #queue: SchedulingQueue;
  readonly #nominator = new Nominator();
  readonly #log: ExplanationLog;
  readonly #recorder: EventRecorder & Runnable;
  readonly #status: PodStatusWriter;
  readonly #background = new Background(maxBackground);
  readonly #metrics: SchedulerMetrics;
  readonly #whenSynced: (signal: AbortSignal) => Promise<unknown>;
  readonly #newest: (pod: PodInfo) => PodInfo['pod'];
  #startAt = 0;

  constructor(env: Environment & { readonly informers: InformerFactory }, options: SchedulerOptions) {
    this.name = options.schedulerName ?? 'default-scheduler';
    const client = env.client.as('kube-scheduler');
    this.#env = { ...env, client, random: env.random.fork(`scheduler/${this.name}`), log: env.log.child({ component: 'scheduler' }) };
    this.#recorder = createEventRecorder(this.#env, { component: this.name });
    this.#status = new PodStatusWriter(client, env.clock);
    this.#metrics = createSchedulerMetrics(env.metrics);
    this.#log = new ExplanationLog(options.explanations);
    this.#percentage = options.percentageOfNodesToScore ?? 0;
    this.handle = createExplainHandler(this.#log);

    const { lookups, pods: podInformer, nodes: nodeInformer, namespaces: namespaceInformer, all } = createLookups(env.informers);
    this.#plugins = options.plugins?.(lookups) ?? createDefaultPlugins(client, lookups);
    this.#cache = new Cache(lookups.namespaceLabels);
    this.#queue = new SchedulingQueue({
      clock: env.clock,
      plugins: this.#plugins.map(({ plugin }) => plugin),
      pending: this.#metrics.pending,
      ...(options.podInitialBackoffMs === undefined ? {} : { initialBackoffMs: options.podInitialBackoffMs }),
      ...(options.podMaxBackoffMs === undefined ? {} : { maxBackoffMs: options.podMaxBackoffMs }),
    });
    const observe = {
      cache: this.#cache,
      queue: this.#queue,
      nominator: this.#nominator,
      schedulerName: this.name,
      onGated: (pod: PodInfo) => this.#explainGate(pod),
    };
    observeNamespaces(namespaceInformer, observe);
    observeNodes(nodeInformer, observe);
    observePods(podInformer, observe);
    this.#newest = ({ key, uid, pod }) => {
      const shown = podInformer.lister.get(key);
      return shown?.metadata.uid === uid ? shown : pod;
    };
    this.#whenSynced = (signal) => Promise.all(all.map((informer) => informer.whenSynced(signal)));
  }

  explain(podKey: string): Explanation | undefined {
    return this.#log.latest(podKey);
  }

  async run(signal: AbortSignal): Promise<void> {
    await runTogether([(inner) => this.#recorder.run(inner), (inner) => this.#loop(inner)], signal);
  }

  async #loop(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#env;
    try {
      await this.#whenSynced(signal);
      log.info('scheduling', { nodes: this.#cache.snapshot().nodes.length });
      let busyMs = 0;
      for (;;) {
        const queued = await this.#queue.pop(signal);
        if (!queued) break;
        const started = clock.monotonic();
        this.#scheduleOne(queued, signal);
        busyMs += clock.monotonic() - started;
        await this.#background.room();
        if (busyMs >= sliceMs) {
          await clock.sleep(0, signal);
          busyMs = 0;
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await this.#background.drained();
    }
  }

  #scheduleOne(queued: QueuedPod, signal: AbortSignal): void {
    const { pod } = queued;
    if (pod.pod.metadata.deletionTimestamp || this.#cache.has(pod.uid)) {
      this.#queue.done(pod.uid);
      return;
    }
    const started = this.#env.clock.monotonic();
    if (pod.problem) {
      this.#failed(queued, { outcome: 'error', message: pod.problem, rejectors: new Set(), started }, signal);
      return;
    }
    const snapshot = this.#cache.snapshot();
    const decision = decide(pod, snapshot, {
      plugins: this.#plugins,
      startAt: this.#startAt,
      percentageOfNodesToScore: this.#percentage,
      nominated: (node) => this.#nominator.on(node),
      promised: this.#nominator.nodeOf(pod.uid),
      randomInt: (n) => randomInt(this.#env.random, n),
    });
    if (snapshot.nodes.length > 0) this.#startAt = (this.#startAt + decision.evaluated) % snapshot.nodes.length;
    if (decision.node === undefined) this.#noNode(queued, { decision, snapshot, started }, signal);
    else this.#place(queued, { decision, node: decision.node, started }, signal);
  }

  #place(queued: QueuedPod, placed: Placed, signal: AbortSignal): void {
    const { pod } = queued;
    const { node } = placed;
    this.#cache.assume(pod, node);
    this.#nominator.delete(pod.uid);
    for (const { plugin } of this.#plugins) {
      const rejection = plugin.reserve?.(pod, node);
      if (!rejection) continue;
      this.#unplace(pod, node);
      const message = diagnosisMessage({ nodeCount: 1, rejections: new Map([[node, rejection]]) });
      this.#failed(queued, { outcome: 'unschedulable', message, rejectors: new Set([rejection.plugin]), ...placed }, signal);
      return;
    }
    this.#background.start(() => this.#bind(queued, placed, signal));
  }

  #unplace(pod: PodInfo, node: string): void {
    for (const { plugin } of [...this.#plugins].reverse()) plugin.unreserve?.(pod, node);
    if (!this.#cache.isAssumed(pod.uid)) return;
    this.#cache.forget(pod.uid);
    this.#queue.move({ kind: 'AssignedPodDelete', before: pod });
  }

  async #bind(queued: QueuedPod, { decision, node, started }: Placed, signal: AbortSignal): Promise<void> {
    const { pod, causes } = queued;
    try {
      await this.#binder()(pod, node, { causes, signal });
    } catch (error) {
      if (signal.aborted) return;
      this.#unplace(pod, node);
      const message = `binding rejected: ${error instanceof Error ? error.message : String(error)}`;
      this.#failed(queued, { outcome: 'error', message, rejectors: new Set(), decision, node, started }, signal);
      return;
    }
    this.#queue.done(pod.uid);
    const message = `Successfully assigned ${pod.key} to ${node}`;
    this.#recorder.event(this.#newest(pod), 'Normal', 'Scheduled', message);
    this.#record(queued, { outcome: 'scheduled', node, message, decision });
    this.#measure('scheduled', queued, started);
  }

  #binder(): NonNullable<WeightedPlugin['plugin']['bind']> {
    const binder = this.#plugins.find(({ plugin }) => plugin.bind)?.plugin;
    if (!binder?.bind) throw new Error(`scheduler ${this.name}: no plugin of its profile can bind`);
    return binder.bind.bind(binder);
  }

  #noNode(queued: QueuedPod, refused: { decision: Decision; snapshot: Snapshot; started: number }, signal: AbortSignal): void {
    const { decision, snapshot, started } = refused;
    const { diagnosis } = decision;
    const rejectors = diagnosis.nodeCount === 0 ? new Set([noNodes]) : rejectorsOf(diagnosis);
    const post = diagnosis.nodeCount === 0 || diagnosis.preFilter ? undefined : this.#postFilter(queued.pod, decision, snapshot);
    const message = diagnosisMessage(diagnosis, post?.message);
    const nomination = post?.nomination;
    this.#failed(
      queued,
      {
        outcome: nomination ? 'nominated' : 'unschedulable',
        message,
        rejectors,
        decision,
        started,
        ...(nomination ? { node: nomination.node } : {}),
        ...(post?.clearNomination ? { clearNomination: true } : {}),
      },
      signal,
    );
    if (nomination) this.#evict(queued, nomination, signal);
  }

  #postFilter(pod: PodInfo, decision: Decision, snapshot: Snapshot): PostFilterResult | undefined {
    for (const { plugin } of this.#plugins) {
      const result = plugin.postFilter?.({
        pod,
        snapshot,
        rejections: decision.diagnosis.rejections,
        promised: this.#nominator.nodeOf(pod.uid),
        filters: decision.filters,
        randomInt: (n) => randomInt(this.#env.random, n),
        fits: (node: NodeInfo, filters) => filterNode(pod, node, filters, this.#nominator.on(node.name)),
      });
      if (result) return result;
    }
    return undefined;
  }

  /** Room is made on a node: its victims go, and others that were promised it and are less important look elsewhere. */
  #evict(queued: QueuedPod, nomination: NonNullable<PostFilterResult['nomination']>, signal: AbortSignal): void {
    const { node, victims } = nomination;
    const { pod, causes } = queued;
    this.#nominator.set(pod, node);
    this.#metrics.preemptions.inc();
    this.#metrics.victims.inc({}, victims.length);
    for (const other of this.#nominator.on(node)) {
      if (other.priority >= pod.priority) continue;
      this.#nominator.delete(other.uid);
      this.#inBackground(
        'taking back a nomination',
        () => this.#status.write(this.#newest(other), { nominatedNodeName: '' }, { causes, signal }),
        signal,
      );
    }
    for (const victim of victims) {
      if (victim.pod.metadata.deletionTimestamp) continue;
      this.#inBackground(`evicting pod ${victim.key}`, () => this.#evictOne(victim, { by: pod, node, causes }, signal), signal);
    }
  }

  async #evictOne(victim: PodInfo, why: { by: PodInfo; node: string; causes: QueuedPod['causes'] }, signal: AbortSignal): Promise<void> {
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: `${this.name}: preempting to accommodate a higher priority pod`,
    };
    const options = { causes: why.causes, signal };
    await this.#status.write(this.#newest(victim), { condition }, options);
    if (await evictPod(this.#env.client, victim, options)) {
      this.#recorder.event(victim.pod, 'Normal', 'Preempted', `Preempted by pod ${why.by.uid} on node ${why.node}`);
    }
  }

  #failed(queued: QueuedPod, failure: Failure, signal: AbortSignal): void {
    const { outcome, message, rejectors, started, node, decision, clearNomination } = failure;
    const { pod, causes } = queued;
    this.#queue.requeue(pod.uid, rejectors);
    if (clearNomination) this.#nominator.delete(pod.uid);
    this.#record(queued, { outcome, message, ...(decision ? { decision } : {}), ...(node === undefined ? {} : { node }) });
    this.#measure(outcome === 'error' ? 'error' : 'unschedulable', queued, started);
    const shown = this.#newest(pod);
    this.#recorder.event(shown, 'Warning', 'FailedScheduling', message);
    const reason = outcome === 'error' ? 'SchedulerError' : 'Unschedulable';
    const change = {
      condition: { type: 'PodScheduled', status: 'False', reason, message },
      ...(outcome === 'nominated' && node !== undefined ? { nominatedNodeName: node } : clearNomination ? { nominatedNodeName: '' } : {}),
    };
    this.#inBackground(`writing the status of pod ${pod.key}`, () => this.#status.write(shown, change, { causes, signal }), signal);
  }

  /** What fails here only informs, or is tried again with the pod's next attempt. */
  #inBackground(what: string, work: () => Promise<void>, signal: AbortSignal): void {
    this.#background.start(async () => {
      try {
        await work();
      } catch (error) {
        if (!signal.aborted) this.#env.log.warn(`${what} failed`, { error });
      }
    });
  }

  #record(queued: QueuedPod, record: Pick<Failure, 'outcome' | 'message' | 'decision' | 'node'> | Recorded): void {
    this.#log.record({ pod: queued.pod, time: this.#env.clock.now(), attempt: queued.attempts, ...record });
  }

  #explainGate(pod: PodInfo): void {
    const gate = this.#queue.gateOf(pod.uid);
    if (!gate) return;
    const message = `Scheduling is blocked due to non-empty scheduling gates: ${gate.reasons.join(', ')}`;
    this.#log.record({ pod, time: this.#env.clock.now(), attempt: 0, outcome: 'gated', message, gate });
  }

  #measure(result: 'scheduled' | 'unschedulable' | 'error', queued: QueuedPod, started: number): void {
    const now = this.#env.clock.monotonic();
    const labels = { result, profile: this.name };
    this.#metrics.attempts.inc(labels);
    this.#metrics.attemptDuration.observe((now - started) / 1000, labels);
    if (result === 'scheduled') this.#metrics.podDuration.observe((now - queued.firstSeen) / 1000, { attempts: String(queued.attempts) });
  }
}

interface Placed {
  readonly decision: Decision;
  readonly node: string;
  readonly started: number;
}
interface Recorded {
  readonly outcome: Explanation['outcome'];
  readonly node: string;
  readonly message: string;
  readonly decision: Decision;
}
interface Failure {
  readonly outcome: Explanation['outcome'];
  readonly message: string;
  readonly rejectors: ReadonlySet<string>;
  readonly started: number;
  readonly decision?: Decision;
  readonly node?: string;
  readonly clearNomination?: boolean;
}
