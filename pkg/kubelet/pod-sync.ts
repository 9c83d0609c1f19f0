import type { Pod, PodStatus } from '../api/generated/core-v1.ts';
import { type ContainerStart, computePodActions, type PodActions } from './compute-pod-actions.ts';
import type { MountedVolumes } from './container-config.ts';
import type { WaitingReason } from './container-statuses.ts';
import { CrashBackoff, formatSeconds } from './crash-backoff.ts';
import { messageOf, unlessAborted } from './deadline.ts';
import { hashOf, newest, type PodObservation } from './pod-observation.ts';
import { podLabel } from './pod-paths.ts';
import type { PodWorkerParts } from './pod-worker-parts.ts';
import { graceOf } from './runtime-manager.ts';
import { StartFailure } from './start-failure.ts';
import { MountFailure } from './volumes/volume-manager.ts';

/** What a sync needs of the worker that runs it. */
export interface PodView {
  observed(): PodObservation;
  /** What was said last about the pod. */
  status(): PodStatus;
  look(): Promise<PodObservation>;
  /** Says what is known now. */
  publish(): void;
  /** Another sync is wanted after so many milliseconds. */
  wakeIn(ms: number): void;
}

/** After an end that should have changed something: look again, in milliseconds. */
const lookAgain = 1000;

/**
 * One step of a living pod: volumes, then whatever `computePodActions` decides, with back-off for what keeps failing.
 * Kubernetes' counterparts: Kubelet.SyncPod and kubeGenericRuntimeManager.SyncPod.
 */
export class PodSync {
  /** Why a container does not run, by its name: for the status. */
  readonly waiting = new Map<string, WaitingReason>();
  readonly #parts: PodWorkerParts;
  readonly #backoff: CrashBackoff;
  readonly #view: PodView;

  constructor(parts: PodWorkerParts, backoff: CrashBackoff, view: PodView) {
    this.#parts = parts;
    this.#backoff = backoff;
    this.#view = view;
  }

  /** Rejects with the signal's reason once the pod is to end; throws what is worth another try. */
  async run(pod: Pod, signal: AbortSignal): Promise<void> {
    const volumes = await this.#mount(pod, signal);
    await this.#apply(pod, computePodActions(pod, this.#view.observed(), this.#parts.probes), volumes, signal);
  }

  async #mount(pod: Pod, signal: AbortSignal): Promise<MountedVolumes> {
    const { context, volumes } = this.#parts;
    try {
      const mounted = await unlessAborted(signal, volumes.mount(pod));
      for (const problem of mounted.problems) context.events.event(pod, 'Warning', 'FailedMount', problem);
      return mounted.volumes;
    } catch (error) {
      if (error instanceof MountFailure) context.events.event(pod, 'Warning', 'FailedMount', error.message);
      throw error;
    }
  }

  async #apply(pod: Pod, actions: PodActions, volumes: MountedVolumes, signal: AbortSignal): Promise<void> {
    const { context, runtime } = this.#parts;
    const view = this.#view;
    if (actions.killPod) {
      if (view.observed().sandboxes.length > 0 && actions.createSandbox) {
        context.events.event(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
      }
      await runtime.killPod(pod, view.observed(), { grace: graceOf(pod) });
      if (!actions.createSandbox) {
        // Everything has ended: the next look at it tells what that makes of the pod.
        view.wakeIn(lookAgain);
        return;
      }
    }
    await Promise.all(
      actions.kill.map(({ id, name, message, reason }) =>
        runtime.killContainer(pod, { id, name }, { message, grace: graceFor(pod, name, reason) }),
      ),
    );
    signal.throwIfAborted();
    const sandboxId = actions.createSandbox ? await this.#createSandbox(pod, actions.attempt) : actions.sandboxId;
    if (actions.createSandbox || actions.kill.length > 0) {
      await view.look();
      view.publish();
    }
    const sandbox = view.observed().sandboxes.find(({ id }) => id === sandboxId);
    if (!sandbox) throw new Error(`sandbox ${sandboxId ?? ''} of the pod is gone`);
    for (const start of actions.start) {
      signal.throwIfAborted();
      const started = await this.#start(pod, start, sandbox, volumes, signal);
      // What follows an init container waits for it.
      if (!started && start.kind === 'init') break;
    }
    await runtime.resize(pod, view.observed());
    await runtime.removeDead(view.observed());
  }

  async #createSandbox(pod: Pod, attempt: number): Promise<string> {
    try {
      return await this.#parts.runtime.createSandbox(pod, attempt);
    } catch (error) {
      this.#parts.context.events.event(pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(error)}`);
      throw error;
    }
  }

  /** Starts one container, unless its back-off holds it. Returns whether it was started. */
  async #start(
    pod: Pod,
    start: ContainerStart,
    sandbox: PodObservation['sandboxes'][number],
    volumes: MountedVolumes,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { context, runtime } = this.#parts;
    const { name } = start.container;
    const last = newest(this.#view.observed(), name);
    const key = `${pod.metadata.uid}/${name}/${hashOf(start.container)}`;
    const now = context.clock.now();
    if (last?.state === 'exited') {
      const failedAt = last.finishedAt ?? last.createdAt;
      const left = this.#backoff.remaining(key, failedAt, now);
      if (left > 0) {
        const message = `back-off ${formatSeconds(this.#backoff.wait(key))} restarting failed container=${name} pod=${podLabel(pod)}`;
        context.events.event(pod, 'Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${podLabel(pod)}`);
        this.#wait(name, { reason: 'CrashLoopBackOff', message }, left);
        return false;
      }
      this.#backoff.next(key, failedAt, now);
    }
    try {
      await runtime.start(pod, start, sandbox, this.#attempt(name), volumes, signal);
      this.waiting.delete(name);
      return true;
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      const { reason, message, retryAfter = CrashBackoff.initial } = error;
      context.log.info('a container was not started', { pod: podLabel(pod), container: name, reason, message });
      this.#wait(name, { reason, message }, retryAfter);
      return false;
    }
  }

  #wait(name: string, waiting: WaitingReason, left: number): void {
    this.waiting.set(name, waiting);
    this.#view.wakeIn(left);
    this.#view.publish();
  }

  /** How often the container has been started before. */
  #attempt(name: string): number {
    const last = newest(this.#view.observed(), name);
    if (last) return last.restartCount + 1;
    const { initContainerStatuses = [], containerStatuses = [] } = this.#view.status();
    return [...initContainerStatuses, ...containerStatuses].find((one) => one.name === name)?.restartCount ?? 0;
  }
}

/** A probe may give what it has found dead less time than the pod gives. */
function graceFor(pod: Pod, name: string, reason: PodActions['kill'][number]['reason']): number {
  const container = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((one) => one.name === name);
  const probe = reason === 'livenessProbe' ? container?.livenessProbe : reason === 'startupProbe' ? container?.startupProbe : undefined;
  return probe?.terminationGracePeriodSeconds ?? graceOf(pod);
}
