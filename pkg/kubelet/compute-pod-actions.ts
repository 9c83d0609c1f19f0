/**
 * The kubelet's decision core: what to do for a pod, given what it should be and what the runtime shows. Pure.
 * Kubernetes' counterpart: kubeGenericRuntimeManager.computePodActions.
 */
import type { Container, EphemeralContainer, Pod } from '../api/generated/core-v1.ts';
import { hashOf, newest, type ObservedContainer, type PodObservation, usableSandbox } from './pod-observation.ts';
import { isSidecar, restartPolicyOf, restartsAfter, shouldStart } from './restart-policy.ts';

/** What the probes have found out about a running container, by its id. */
export interface ProbeVerdicts {
  livenessFailed(id: string): boolean;
  startupFailed(id: string): boolean;
  /** It has no startup probe, or has passed it. */
  started(id: string): boolean;
}

export interface ContainerStart {
  readonly kind: 'init' | 'container' | 'ephemeral';
  readonly container: Container | EphemeralContainer;
}
export interface ContainerKill {
  readonly id: string;
  readonly name: string;
  readonly reason: 'livenessProbe' | 'startupProbe' | 'definition' | 'unknown';
  /** In the words of the Killing event. */
  readonly message: string;
}
export interface PodActions {
  /** End every container and stop every sandbox, before anything is started. With nothing to start: the pod is done. */
  readonly killPod: boolean;
  readonly createSandbox: boolean;
  /** The new sandbox's, or the present one's. */
  readonly attempt: number;
  readonly sandboxId: string | undefined;
  readonly kill: readonly ContainerKill[];
  /** In this order. */
  readonly start: readonly ContainerStart[];
}

export function computePodActions(pod: Pod, observed: PodObservation, probes: ProbeVerdicts): PodActions {
  const sandbox = usableSandbox(pod, observed);
  if (pod.metadata.deletionTimestamp !== undefined) return done(observed);
  return sandbox ? inSandbox(pod, observed, probes, sandbox) : withoutSandbox(pod, observed);
}

/** Nothing is to run any more. */
function done(observed: PodObservation): PodActions {
  const [last] = observed.sandboxes;
  return { killPod: true, createSandbox: false, attempt: last?.metadata.attempt ?? 0, sandboxId: last?.id, kill: [], start: [] };
}

/** There is no sandbox, or it is broken: everything starts over, if anything is left to be done. */
function withoutSandbox(pod: Pod, observed: PodObservation): PodActions {
  const [last] = observed.sandboxes;
  const init = pod.spec.initContainers ?? [];
  const ranBefore = pod.spec.containers.some(({ name }) => newest(observed, name) !== undefined);
  // A pod that never restarts has had its one chance.
  if (ranBefore && pod.spec.containers.every((container) => restartPolicyOf(pod, container) === 'Never')) return done(observed);
  const wanted = pod.spec.containers.filter((container) => {
    const previous = newest(observed, container.name);
    return previous?.state !== 'exited' || restartsAfter(pod, container, previous.exitCode ?? 0);
  });
  if (wanted.length === 0) return done(observed);
  const [first] = init;
  const start: ContainerStart[] = first
    ? [{ kind: 'init', container: first }]
    : wanted.map((container) => ({ kind: 'container', container }));
  return { killPod: true, createSandbox: true, attempt: last ? last.metadata.attempt + 1 : 0, sandboxId: undefined, kill: [], start };
}

function inSandbox(
  pod: Pod,
  observed: PodObservation,
  probes: ProbeVerdicts,
  sandbox: { readonly id: string; readonly metadata: { readonly attempt: number } },
): PodActions {
  const base = { killPod: false, createSandbox: false, attempt: sandbox.metadata.attempt, sandboxId: sandbox.id };
  const kill: ContainerKill[] = [];
  const start: ContainerStart[] = [];
  for (const container of pod.spec.ephemeralContainers ?? []) {
    // Started once, whatever becomes of them.
    if (!newest(observed, container.name)) start.push({ kind: 'ephemeral', container });
  }

  const init = initActions(pod, observed, probes, sandbox.id);
  kill.push(...init.kill);
  start.push(...init.start);
  if (init.failed) return { ...base, killPod: true, kill: [], start: [] };
  if (!init.done) return { ...base, kill, start };

  let kept = 0;
  let starting = 0;
  for (const container of pod.spec.containers) {
    const last = newest(observed, container.name);
    if (last?.state !== 'running') {
      if (!shouldStart(pod, container, last)) continue;
      if (last?.state === 'unknown')
        kill.push({
          id: last.id,
          name: container.name,
          reason: 'unknown',
          message: `Container ${container.name} is in unknown state, try killing it before restart`,
        });
      start.push({ kind: 'container', container });
      starting++;
      continue;
    }
    const verdict = verdictOn(container, last, probes);
    if (!verdict) {
      kept++;
      continue;
    }
    const restarts = verdict.reason === 'definition' || restartPolicyOf(pod, container) !== 'Never';
    kill.push({ ...verdict, message: restarts ? `${verdict.message}, will be restarted` : verdict.message });
    if (restarts) {
      start.push({ kind: 'container', container });
      starting++;
    } else {
      kept++;
    }
  }
  // Nothing runs and nothing will: sidecars go as well.
  if (kept === 0 && starting === 0) return { ...base, killPod: true, kill: [], start: [] };
  return { ...base, kill, start };
}

/**
 * Init containers, one after the other; a sidecar counts as done once it has started. `done`: the pod's own
 * containers may run. Once they have, init containers are over, and only sidecars are looked after.
 */
function initActions(
  pod: Pod,
  observed: PodObservation,
  probes: ProbeVerdicts,
  sandboxId: string,
): { done: boolean; failed: boolean; kill: ContainerKill[]; start: ContainerStart[] } {
  const kill: ContainerKill[] = [];
  const start: ContainerStart[] = [];
  const initialized = pod.spec.containers.some(({ name }) =>
    observed.containers.some((container) => container.name === name && container.sandboxId === sandboxId),
  );
  for (const container of pod.spec.initContainers ?? []) {
    // One from an earlier sandbox has prepared what is gone.
    const last = observed.containers.find(({ name, sandboxId: in_ }) => name === container.name && in_ === sandboxId);
    if (isSidecar(container)) {
      if (last?.state !== 'running') {
        start.push({ kind: 'init', container });
      } else {
        const verdict = verdictOn(container, last, probes);
        if (verdict) {
          kill.push({ ...verdict, message: `${verdict.message}, will be restarted` });
          start.push({ kind: 'init', container });
        } else if (initialized || probes.started(last.id)) {
          continue;
        }
      }
      if (initialized) continue;
      return { done: false, failed: false, kill, start };
    }
    if (initialized) continue;
    if (last?.state === 'exited') {
      if (last.exitCode === 0) continue;
      if (!restartsAfter(pod, container, last.exitCode ?? 0)) return { done: false, failed: true, kill, start };
    }
    if (last?.state !== 'running') start.push({ kind: 'init', container });
    return { done: false, failed: false, kill, start };
  }
  return { done: true, failed: false, kill, start };
}

function verdictOn(container: Container, running: ObservedContainer, probes: ProbeVerdicts): ContainerKill | undefined {
  const about = { id: running.id, name: container.name };
  if (running.hash !== hashOf(container))
    return { ...about, reason: 'definition', message: `Container ${container.name} definition changed` };
  if (probes.livenessFailed(running.id))
    return { ...about, reason: 'livenessProbe', message: `Container ${container.name} failed liveness probe` };
  if (probes.startupFailed(running.id))
    return { ...about, reason: 'startupProbe', message: `Container ${container.name} failed startup probe` };
  return undefined;
}
