/**
 * A stage for stories about control loops: the fake server, the loops under test, and stand-ins for scheduler and
 * kubelets, all on one virtual clock.
 */
import assert from 'node:assert/strict';
import { isNotFound } from '../api/errors.ts';
import type { Container, Pod } from '../api/generated/core-v1.ts';
import * as resources from '../api/generated/resources.ts';
import { copyOf, type Draft, type KubeObject, keyOf, type Mutable, type ResourceRef } from '../api/object.ts';
import { formatMicroTime, timestamp } from '../clock/clock.ts';
import { createInformer } from '../listwatch/informer.ts';
import { runTogether } from '../listwatch/run-together.ts';
import { createTestEnvironment, type TestEnvironment } from '../listwatch/testing.ts';
import { createLogger } from '../log/log.ts';
import { type ControllerManagerOptions, createControllerManager } from './controller-manager.ts';
import { nodeOf } from './daemonset/daemon-pods.ts';

const { leases, nodes: nodesRef, pods } = resources;

/** How the stand-in kubelets treat a pod. */
export interface PodBehaviour {
  /** Milliseconds from the assignment to Running and ready; undefined: never ready. Default 1000. */
  readonly readyAfter?: number | undefined;
  /** Milliseconds from the wish to delete to the end. Default 500. */
  readonly stopAfter?: number;
  /** Ends by itself with this phase, so many milliseconds after it was ready. */
  readonly ends?: { readonly phase: 'Succeeded' | 'Failed'; readonly after: number; readonly exitCode?: number };
}

export interface StageOptions extends ControllerManagerOptions {
  /** Pods are assigned to these in turn. Default: node-1, node-2, node-3. Empty: they stay pending. */
  readonly nodes?: readonly string[];
  readonly behaviour?: (pod: Pod) => PodBehaviour;
  readonly seed?: number;
}

export class Stage {
  readonly env: TestEnvironment;
  readonly lines: string[] = [];
  behaviour: (pod: Pod) => PodBehaviour;
  /** Nodes whose kubelet does nothing at all. */
  readonly dead = new Set<string>();
  readonly #stop = new AbortController();
  readonly #options: StageOptions;
  #ended: Promise<void> = Promise.resolve();
  readonly #beats: Promise<void>[] = [];

  constructor(options: StageOptions) {
    this.#options = options;
    this.behaviour = options.behaviour ?? (() => ({}));
    const log = createLogger((level, message, fields) => {
      const error = fields['error'] instanceof Error ? fields['error'].message : '';
      this.lines.push(`${level} ${message} ${String(fields['key'] ?? '')} ${error}`);
    });
    this.env = createTestEnvironment({ seed: options.seed ?? 7, log });
    for (const ref of Object.values(resources) as ResourceRef[]) this.server.table(ref);
  }

  /** Starts loops and stand-ins; objects that exist already are found as after a restart. */
  start(): void {
    const manager = createControllerManager(this.env, this.#options);
    this.#ended = runTogether([(signal) => manager.run(signal), (signal) => this.#kubelets(signal)], this.#stop.signal);
  }

  get server() {
    return this.env.server;
  }

  advance(ms: number): Promise<void> {
    return this.env.clock.advance(ms);
  }

  /** A node that is ready and renews its lease every 10 seconds (or as told) for as long as it lives. */
  async addNode(name: string, more: { readonly labels?: Readonly<Record<string, string>>; readonly beatMs?: number } = {}): Promise<void> {
    await this.create(nodesRef, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, ...(more.labels ? { labels: more.labels } : {}) },
      spec: {},
    });
    await this.create(leases, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace: 'kube-node-lease' },
      spec: { holderIdentity: name },
    });
    await this.report(name, 'True');
    const beat = async (): Promise<void> => {
      while (!this.#stop.signal.aborted) {
        await this.env.clock.sleep(more.beatMs ?? 10_000, this.#stop.signal);
        if (this.dead.has(name) || !this.server.find(nodesRef, name)) continue;
        await this.patch(leases, name, { spec: { renewTime: formatMicroTime(this.env.clock.now()) } }, 'kube-node-lease');
      }
    };
    this.#beats.push(
      beat().catch((error: unknown) => {
        if (!this.#stop.signal.aborted) throw error;
      }),
    );
  }

  /** The node's own word on its readiness. */
  report(node: string, status: 'True' | 'False'): Promise<unknown> {
    const time = timestamp(this.env.clock);
    const types = ['MemoryPressure', 'DiskPressure', 'PIDPressure'];
    const conditions = [
      ...types.map((type) => ({ type, status: 'False', lastHeartbeatTime: time, lastTransitionTime: time })),
      { type: 'Ready', status, lastHeartbeatTime: time, lastTransitionTime: time },
    ];
    return this.patchStatus(nodesRef, node, { conditions });
  }

  /** It is gone from one moment to the next; its pods with it, but nobody is told. */
  kill(node: string): void {
    this.dead.add(node);
  }

  /** It is back: reports itself ready, ends what is to be deleted, and says of its other pods that they run. */
  async revive(node: string): Promise<void> {
    this.dead.delete(node);
    await this.patch(leases, node, { spec: { renewTime: formatMicroTime(this.env.clock.now()) } }, 'kube-node-lease');
    await this.report(node, 'True');
    for (const { metadata, spec } of this.all(pods)) {
      if (spec.nodeName !== node) continue;
      const { name, namespace = '' } = metadata;
      if (metadata.deletionTimestamp) await this.delete(pods, name, { namespace, gracePeriodSeconds: 0 });
      else
        await this.patchStatus(
          pods,
          name,
          { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: timestamp(this.env.clock) }] },
          namespace,
        );
    }
  }

  /** Lets time pass until `condition` holds; fails after `ms` (default one minute of cluster time). */
  async eventually(what: string, condition: () => boolean, ms = 60_000): Promise<void> {
    const held = await this.env.clock.advanceUntil(condition, ms);
    assert.ok(held, `not within ${ms} ms: ${what}\n${this.lines.slice(-10).join('\n')}`);
  }

  async end(): Promise<void> {
    this.#stop.abort(new Error('the story is over'));
    await this.env.clock.advance(10_000);
    await Promise.all([this.#ended, ...this.#beats]);
    assert.equal(this.env.clock.pendingTimers, 0, 'a timer was left behind');
  }

  all<T extends KubeObject>(ref: ResourceRef<T>, namespace?: string): T[] {
    return this.server.all(ref, namespace);
  }

  get<T extends KubeObject>(ref: ResourceRef<T>, name: string, namespace = 'default'): T {
    const found = this.server.find(ref, ref.namespaced ? `${namespace}/${name}` : name);
    assert.ok(found, `${ref.resource} ${name} is not there`);
    return found;
  }

  create<T extends KubeObject>(ref: ResourceRef<T>, draft: Draft<T>): Promise<T> {
    const { namespace } = draft.metadata;
    return this.env.client.resource(ref).create(draft, ref.namespaced ? { namespace: namespace ?? 'default' } : {});
  }

  /** A merge patch; `null` takes a field away. */
  patch<T extends KubeObject>(ref: ResourceRef<T>, name: string, body: unknown, namespace = 'default'): Promise<T> {
    return this.env.client.resource(ref).patch(name, { type: 'merge', body }, ref.namespaced ? { namespace } : {});
  }

  patchStatus<T extends KubeObject>(ref: ResourceRef<T>, name: string, status: unknown, namespace = 'default'): Promise<T> {
    const options = { subresource: 'status', ...(ref.namespaced ? { namespace } : {}) };
    return this.env.client.resource(ref).patch(name, { type: 'merge', body: { status } }, options);
  }

  delete(
    ref: ResourceRef,
    name: string,
    options: { propagationPolicy?: 'Orphan' | 'Background' | 'Foreground'; namespace?: string; gracePeriodSeconds?: number } = {},
  ): Promise<unknown> {
    return this.env.client.resource(ref).delete(name, { ...(ref.namespaced ? { namespace: 'default' } : {}), ...options });
  }

  /** Pods that are neither ended nor being deleted, in order of their names. */
  activePods(namespace = 'default'): Pod[] {
    return this.all(pods, namespace).filter(
      ({ metadata, status }) => !metadata.deletionTimestamp && status.phase !== 'Succeeded' && status.phase !== 'Failed',
    );
  }

  /** Runs the whole story and cleans up, also when it fails. */
  static async play(options: StageOptions, story: (stage: Stage) => Promise<void>): Promise<void> {
    const stage = new Stage(options);
    stage.start();
    await stage.advance(0);
    try {
      await story(stage);
    } finally {
      await stage.end();
    }
  }

  /** Scheduler and kubelets in one: assigns, starts, ends and removes pods. */
  async #kubelets(signal: AbortSignal): Promise<void> {
    const { clock, client } = this.env;
    const nodes = this.#options.nodes ?? ['node-1', 'node-2', 'node-3'];
    const informer = createInformer(this.env, pods);
    let turn = 0;
    let address = 1;
    const works: Promise<void>[] = [];
    const begun = new Set<string>();
    const ending = new Set<string>();

    const edit = async (pod: Pod, change: (status: Mutable<Pod['status']>) => void): Promise<void> => {
      const fresh = this.server.find(pods, keyOf(pod));
      if (!fresh || fresh.metadata.uid !== pod.metadata.uid || this.dead.has(fresh.spec.nodeName ?? '')) return;
      const copy = copyOf(fresh);
      change(copy.status);
      await client.resource(pods).updateStatus(copy, { namespace: pod.metadata.namespace ?? '' });
    };
    const live = async (pod: Pod): Promise<void> => {
      const namespace = pod.metadata.namespace ?? '';
      let node = pod.spec.nodeName;
      if (!node) {
        const alive = nodes.filter((each) => !this.dead.has(each));
        node = nodeOf(pod) ?? alive[turn++ % alive.length];
        if (!node) return;
        await client.resource(pods).createSubresource(pod.metadata.name, 'binding', { target: { name: node } }, { namespace });
      }
      const { readyAfter, ends } = { readyAfter: 1000, ...this.behaviour(pod) };
      const ip = `10.0.0.${address++}`;
      if (readyAfter === undefined) {
        await edit(pod, (status) =>
          Object.assign(status, {
            phase: 'Running',
            podIP: ip,
            podIPs: [{ ip }],
            startTime: timestamp(clock),
            conditions: [ready('False')],
          }),
        );
        return;
      }
      await clock.sleep(readyAfter, signal);
      await edit(pod, (status) =>
        Object.assign(status, { phase: 'Running', podIP: ip, podIPs: [{ ip }], startTime: timestamp(clock), conditions: [ready('True')] }),
      );
      if (!ends) return;
      await clock.sleep(ends.after, signal);
      await edit(pod, (status) =>
        Object.assign(status, {
          phase: ends.phase,
          conditions: [ready('False')],
          containerStatuses: pod.spec.containers.map(({ name }: Container) => ({
            name,
            state: { terminated: { exitCode: ends.exitCode ?? (ends.phase === 'Failed' ? 1 : 0), finishedAt: timestamp(clock) } },
          })),
        }),
      );
    };
    const die = async (pod: Pod): Promise<void> => {
      await clock.sleep(this.behaviour(pod).stopAfter ?? 500, signal);
      if (this.dead.has(pod.spec.nodeName ?? '')) {
        ending.delete(pod.metadata.uid);
        return;
      }
      await client.resource(pods).delete(pod.metadata.name, {
        namespace: pod.metadata.namespace ?? '',
        gracePeriodSeconds: 0,
        preconditions: { uid: pod.metadata.uid },
      });
    };
    const ready = (status: 'True' | 'False') => ({ type: 'Ready', status, lastTransitionTime: timestamp(clock) });
    const work = (task: Promise<void>): void => {
      works.push(
        task.catch((error: unknown) => {
          if (!signal.aborted && !isNotFound(error)) throw error;
        }),
      );
    };
    const look = (pod: Pod): void => {
      const { uid, deletionTimestamp } = pod.metadata;
      if (deletionTimestamp) {
        if (!ending.has(uid) && !this.dead.has(pod.spec.nodeName ?? '')) {
          ending.add(uid);
          work(die(pod));
        }
      } else if (!begun.has(uid) && !pod.status.phase) {
        begun.add(uid);
        work(live(pod));
      }
    };
    informer.addHandler({ onAdd: look, onUpdate: look });
    await informer.run(signal);
    await Promise.all(works);
  }
}
