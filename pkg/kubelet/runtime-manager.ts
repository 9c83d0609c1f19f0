/**
 * Carries out on the runtime what has been decided about a pod: sandboxes, containers, hooks, their ends. Knows no
 * policy. Kubernetes' counterpart: kubeGenericRuntimeManager.
 */
import type { Container, Pod } from '../api/generated/core-v1.ts';
import type { PodSandboxStatus } from '../cri/cri.ts';
import type { ContainerStart } from './compute-pod-actions.ts';
import { containerConfig, type MountedVolumes } from './container-config.ts';
import { containerResources } from './container-resources.ts';
import { messageOf } from './deadline.ts';
import { environmentOf } from './environment.ts';
import type { ImageManager } from './image-manager.ts';
import type { KubeletContext } from './kubelet-context.ts';
import { runHook } from './lifecycle-hooks.ts';
import type { NodeObjects } from './node-objects.ts';
import {
  graceAnnotation,
  isRunning,
  type ObservedContainer,
  type PodObservation,
  podObservation,
  podUidLabel,
  resourcesAnnotation,
} from './pod-observation.ts';
import { isSidecar } from './restart-policy.ts';
import { sandboxConfig } from './sandbox-config.ts';
import { StartFailure } from './start-failure.ts';
import { terminationMessage } from './termination-message.ts';

/** A container whose grace is used up by its preStop hook still gets this long after SIGTERM, in seconds. */
const leastGrace = 2;

export class RuntimeManager {
  readonly #context: KubeletContext;
  readonly #images: ImageManager;
  readonly #objects: NodeObjects;
  /** Last words of ended containers, read once each. */
  readonly #messages = new Map<string, string>();
  /** Resources of containers that were resized since they were made, as text. */
  readonly #given = new Map<string, string>();
  /** The generation of each pod, and its newest container, when sizes were last compared. */
  readonly #sized = new Map<string, string>();

  constructor(context: KubeletContext, images: ImageManager, objects: NodeObjects) {
    this.#context = context;
    this.#images = images;
    this.#objects = objects;
  }

  /** What the runtime shows of one pod, now. */
  async observe(uid: string): Promise<PodObservation> {
    const { runtime, host } = this.#context;
    const filter = { labels: { [podUidLabel]: uid } };
    const [sandboxes, containers] = await Promise.all([runtime.listPodSandboxes(filter), runtime.listContainers(filter)]);
    for (const container of containers) {
      if (container.state !== 'exited' || this.#messages.has(container.id)) continue;
      this.#messages.set(container.id, await terminationMessage(host.files, container));
    }
    return podObservation(sandboxes, containers, this.#messages);
  }

  /** Makes the pod's sandbox; returns its id. */
  async createSandbox(pod: Pod, attempt: number): Promise<string> {
    const { runtime, host, paths } = this.#context;
    await host.files.makeDirectory(paths.podLogs(pod), 0o755);
    return runtime.runPodSandbox(sandboxConfig(pod, attempt, await this.#resolving(pod), this.#context));
  }

  async #resolving(pod: Pod): Promise<Parameters<typeof sandboxConfig>[2]> {
    return pod.spec.dnsPolicy === 'None' ? { servers: [], searches: [], options: [] } : this.#context.host.resolvConf();
  }

  /** Throws StartFailure with the reason for the container's waiting state. */
  async start(
    pod: Pod,
    { container }: ContainerStart,
    sandbox: PodSandboxStatus,
    attempt: number,
    volumes: MountedVolumes,
    signal: AbortSignal,
  ): Promise<void> {
    const { events, runtime, log } = this.#context;
    const spec = container as Container;
    const fail = (reason: string, message: string, cause: unknown): StartFailure => {
      events.event(pod, 'Warning', 'Failed', `Error: ${message}`);
      return new StartFailure(reason, message, undefined, { cause });
    };
    let image: Awaited<ReturnType<ImageManager['ensure']>>;
    try {
      image = await this.#images.ensure(pod, spec, await this.#objects.pullSecrets(pod, spec.image ?? ''), signal);
    } catch (error) {
      if (error instanceof StartFailure) events.event(pod, 'Warning', 'Failed', `Error: ${error.reason}`);
      throw error;
    }
    const id = await (async () => {
      try {
        const ips = sandbox.ips.length > 0 ? sandbox.ips : this.#context.hostIPs.slice(0, 1);
        const env = await environmentOf(pod, spec, ips, this.#context, this.#objects);
        const config = await containerConfig({ pod, container: spec, attempt, image, env, volumes, ips, context: this.#context });
        signal.throwIfAborted();
        return await runtime.createContainer(sandbox.id, config);
      } catch (error) {
        if (signal.aborted) throw error;
        if (error instanceof StartFailure) {
          events.event(pod, 'Warning', 'Failed', `Error: ${error.message}`);
          throw error;
        }
        throw fail('CreateContainerError', messageOf(error), error);
      }
    })();
    events.event(pod, 'Normal', 'Created', `Created container: ${spec.name}`);
    try {
      await runtime.startContainer(id);
    } catch (error) {
      throw fail('RunContainerError', messageOf(error), error);
    }
    events.event(pod, 'Normal', 'Started', `Started container ${spec.name}`);
    const postStart = spec.lifecycle?.postStart;
    if (!postStart) return;
    try {
      await runHook(
        this.#context,
        { pod, container: spec, id, hook: postStart, podIP: sandbox.ips[0] ?? this.#context.hostIPs[0] ?? '' },
        signal,
      );
    } catch (error) {
      if (signal.aborted) throw error;
      log.info('a postStart hook failed', { pod: pod.metadata.name, container: spec.name, error });
      events.event(pod, 'Warning', 'FailedPostStartHook', `PostStartHook failed: ${messageOf(error)}`);
      await this.killContainer(pod, { id, name: spec.name }, { message: 'FailedPostStartHook', grace: graceOf(pod) });
      throw new StartFailure('PostStartHookError', `PostStartHook failed: ${messageOf(error)}`, undefined, { cause: error });
    }
  }

  /**
   * preStop hook, SIGTERM, and after `grace` seconds SIGKILL. Resolves when the container has ended. Calling it again
   * with less grace, while it is under way, ends the container sooner.
   */
  async killContainer(
    pod: Pod,
    target: { readonly id: string; readonly name: string },
    options: { readonly message?: string; readonly grace: number; readonly again?: boolean },
  ): Promise<void> {
    const { clock, events, runtime, log } = this.#context;
    if (!options.again) events.event(pod, 'Normal', 'Killing', options.message ?? `Stopping container ${target.name}`);
    let left = options.grace;
    const spec = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(({ name }) => name === target.name);
    const preStop = spec?.lifecycle?.preStop;
    if (preStop && spec && left > 0 && !options.again) {
      const began = clock.monotonic();
      const deadline = new AbortController();
      const timer = clock.setTimer(left * 1000, () => deadline.abort(new Error(`preStop hook did not end within ${options.grace}s`)));
      try {
        const podIP = pod.status.podIP ?? this.#context.hostIPs[0] ?? '';
        await runHook(this.#context, { pod, container: spec, id: target.id, hook: preStop, podIP }, deadline.signal);
      } catch (error) {
        log.info('a preStop hook failed', { pod: pod.metadata.name, container: target.name, error });
        events.event(pod, 'Warning', 'FailedPreStopHook', `PreStopHook failed: ${messageOf(error)}`);
      } finally {
        timer.cancel();
      }
      left = Math.max(leastGrace, left - Math.floor((clock.monotonic() - began) / 1000));
    }
    await runtime.stopContainer(target.id, left);
  }

  /**
   * Ends every container that runs, the pod's own first and then its sidecars, last to first, and stops its
   * sandboxes. `grace` in seconds is shared: what the first ones used, the sidecars no longer have.
   */
  async killPod(pod: Pod, observed: PodObservation, options: { readonly grace: number; readonly again?: boolean }): Promise<void> {
    const { clock, runtime } = this.#context;
    const began = clock.monotonic();
    const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
    const running = observed.containers.filter((container) => isRunning(container) || container.state === 'unknown');
    const kill = (container: ObservedContainer, grace: number): Promise<void> =>
      this.killContainer(pod, container, { grace, ...(options.again ? { again: true } : {}) });
    await Promise.all(running.filter(({ name }) => !sidecars.includes(name)).map((container) => kill(container, options.grace)));
    for (const name of sidecars.reverse()) {
      const left = options.grace === 0 ? 0 : Math.max(leastGrace, options.grace - Math.floor((clock.monotonic() - began) / 1000));
      await Promise.all(running.filter((container) => container.name === name).map((container) => kill(container, left)));
    }
    for (const sandbox of observed.sandboxes) await runtime.stopPodSandbox(sandbox.id);
  }

  /** Gives running containers what their pod has been resized to (KEP-1287), without a restart. */
  async resize(pod: Pod, observed: PodObservation): Promise<void> {
    const { runtime, host, events } = this.#context;
    const { uid, generation } = pod.metadata;
    const [first] = observed.containers;
    const state = `${generation}/${first?.id}`;
    if (generation !== undefined && this.#sized.get(uid) === state) return;
    const { memoryBytes } = await host.machine();
    for (const spec of [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)]) {
      const running = observed.containers.find((container) => container.name === spec.name && isRunning(container));
      if (!running) continue;
      const { oomScoreAdj: _, ...wanted } = containerResources(pod, spec, memoryBytes);
      const given = this.#given.get(running.id) ?? running.annotations[resourcesAnnotation];
      const text = JSON.stringify(wanted);
      if (given === undefined || given === text) continue;
      await runtime.updateContainerResources(running.id, wanted);
      this.#given.set(running.id, text);
      events.event(pod, 'Normal', 'ResizeCompleted', `Pod resize completed: container ${spec.name}`);
    }
    this.#sized.set(uid, state);
  }

  /** Takes away whatever the runtime still has of the pod. */
  async removePod(uid: string, observed: PodObservation): Promise<void> {
    this.#sized.delete(uid);
    for (const { id } of observed.sandboxes) await this.#context.runtime.removePodSandbox(id);
    for (const { id } of observed.containers) {
      await this.#context.runtime.removeContainer(id);
      this.#messages.delete(id);
      this.#given.delete(id);
    }
  }

  /** Removes ended containers that a newer one of their name has replaced twice over, and sandboxes nobody is in. */
  async removeDead(observed: PodObservation): Promise<void> {
    const { runtime } = this.#context;
    const seen = new Map<string, number>();
    const [current] = observed.sandboxes;
    const gone = new Set<string>();
    for (const container of observed.containers) {
      const count = (seen.get(container.name) ?? 0) + 1;
      seen.set(container.name, count);
      const stale = container.state === 'created' && count > 1;
      if (!stale && (container.state !== 'exited' || count <= 2)) continue;
      await runtime.removeContainer(container.id);
      this.#messages.delete(container.id);
      this.#given.delete(container.id);
      gone.add(container.id);
    }
    for (const sandbox of observed.sandboxes) {
      const inUse = observed.containers.some(({ id, sandboxId }) => sandboxId === sandbox.id && !gone.has(id));
      if (sandbox !== current && sandbox.state === 'notready' && !inUse) await runtime.removePodSandbox(sandbox.id);
    }
  }
}

/** Seconds that the pod's containers have from SIGTERM to SIGKILL. */
export function graceOf(pod: Pod): number {
  return pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
}

/** The same for a pod whose object is gone, from what its containers remember. */
export function rememberedGrace(observed: PodObservation): number {
  const seconds = Number(observed.containers[0]?.annotations[graceAnnotation] ?? 30);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : 30;
}
