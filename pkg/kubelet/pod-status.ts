/**
 * A pod's status as Kubernetes computes it. Pure: the same pod, observation and facts give the same status.
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
 */
import type { ContainerStatus, Pod, PodCondition, PodStatus } from '../api/generated/core-v1.ts';
import { formatTime } from '../clock/clock.ts';
import { containerStatuses, type LocalFacts, withoutUnknownEnds } from './container-statuses.ts';
import { anythingRuns, type PodObservation, usableSandbox } from './pod-observation.ts';
import { isTerminal, podPhase } from './pod-phase.ts';
import { isSidecar } from './restart-policy.ts';

export interface PodStatusInput {
  readonly pod: Pod;
  /** What was said last: by this kubelet, or else what the API server has. */
  readonly previous: PodStatus;
  readonly observed: PodObservation;
  readonly local: LocalFacts;
  /** Why the node ends the pod by itself: rejected, evicted, past its deadline. */
  readonly verdict?: { readonly reason: string; readonly message: string };
  /** Everything has ended, and nothing will be started again. */
  readonly over: boolean;
  /** The node's addresses, primary first. */
  readonly hostIPs: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** `finished`: the pod has come to its end, though something of it may still run and keep the phase from saying so. */
export function computePodStatus(input: PodStatusInput): { readonly status: PodStatus; readonly finished: boolean } {
  const { pod, previous, observed, local, verdict, over, hostIPs, now } = input;
  // What has been told of a pod that is over stands, also when the runtime has forgotten it.
  if (isTerminal(previous.phase) && observed.containers.length === 0) return { status: previous, finished: true };
  let init = containerStatuses(pod, 'init', observed, previous.initContainerStatuses, local);
  let own = containerStatuses(pod, 'container', observed, previous.containerStatuses, local);
  const ephemeral = containerStatuses(pod, 'ephemeral', observed, previous.ephemeralContainerStatuses, local);
  const initialized = init.every((status, i) => initDone(pod, status, i)) || own.some(hasRun);
  // A rejected pod was never this node's: its containers have no history to tell.
  const rejected = verdict !== undefined && observed.containers.length === 0 && !own.some(hasRun);
  if (over && !rejected) {
    own = withoutUnknownEnds(own);
    if (initialized) init = withoutUnknownEnds(init);
  }
  const wanted = verdict ? 'Failed' : isTerminal(previous.phase) ? previous.phase : podPhase(pod, init, own, over);
  // A pod is over when nothing of it runs any more, not when it has been decided.
  const ending = own.some(hasRun) ? 'Running' : 'Pending';
  const phase = isTerminal(wanted) && anythingRuns(observed) ? ending : (wanted as string);
  const ips = podIPs(pod, observed, previous, hostIPs);
  const generation = pod.metadata.generation;
  const status: PodStatus = {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    ...(verdict ? { reason: verdict.reason, message: verdict.message } : isTerminal(previous.phase) ? wordsOf(previous) : {}),
    ...(hostIPs[0] === undefined ? {} : { hostIP: hostIPs[0], hostIPs: hostIPs.map((ip) => ({ ip })) }),
    ...(ips[0] === undefined ? {} : { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
    startTime: previous.startTime ?? formatTime(now),
    ...(previous.qosClass ? { qosClass: previous.qosClass } : {}),
    ...(previous.nominatedNodeName ? { nominatedNodeName: previous.nominatedNodeName } : {}),
    ...(rejected
      ? {}
      : {
          ...(init.length > 0 ? { initContainerStatuses: init } : {}),
          containerStatuses: own,
          ...(ephemeral.length > 0 ? { ephemeralContainerStatuses: ephemeral } : {}),
        }),
  };
  return { status: { ...status, conditions: conditionsOf(input, phase, init, own, initialized) }, finished: isTerminal(wanted) };
}

function wordsOf({ reason, message }: PodStatus): { reason?: string; message?: string } {
  return { ...(reason ? { reason } : {}), ...(message ? { message } : {}) };
}

function hasRun({ state, lastState }: ContainerStatus): boolean {
  return state.running !== undefined || state.terminated !== undefined || lastState.terminated !== undefined;
}

function initDone(pod: Pod, status: ContainerStatus, i: number): boolean {
  const container = pod.spec.initContainers?.[i];
  return container && isSidecar(container) ? status.started === true : status.ready;
}

function podIPs(pod: Pod, observed: PodObservation, previous: PodStatus, hostIPs: readonly string[]): readonly string[] {
  const known = previous.podIPs?.map(({ ip }) => ip) ?? [];
  if (pod.spec.hostNetwork) return observed.sandboxes.length > 0 ? hostIPs.slice(0, 1) : known;
  const current = observed.sandboxes.find(({ state, ips }) => state === 'ready' && ips.length > 0);
  return current?.ips ?? known;
}

type Verdict = { readonly status: 'True' | 'False'; readonly reason?: string; readonly message?: string };

/** Conditions of the kubelet's own, in Kubernetes' order; others' are kept as they are. */
function conditionsOf(
  input: PodStatusInput,
  phase: string,
  init: readonly ContainerStatus[],
  own: readonly ContainerStatus[],
  initialized: boolean,
): PodCondition[] {
  const { pod, previous, observed, over, now } = input;
  const before = new Map((previous.conditions ?? []).map((condition) => [condition.type, condition]));
  const containersReady = readyVerdict(pod, phase, init, own);
  const verdicts: [string, Verdict][] = [
    ['PodReadyToStartContainers', { status: !over && usableSandbox(pod, observed) ? 'True' : 'False' }],
    ['Initialized', initializedVerdict(pod, phase, init, initialized)],
    ['Ready', gatesVerdict(pod, before, containersReady)],
    ['ContainersReady', containersReady],
    ['PodScheduled', { status: 'True' }],
  ];
  const out = verdicts.map(([type, verdict]): PodCondition => {
    const last = before.get(type);
    before.delete(type);
    const generation = pod.metadata.generation;
    return {
      type,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      status: verdict.status,
      // null in Kubernetes; absent means the same to every client.
      lastTransitionTime: last?.status === verdict.status && last.lastTransitionTime ? last.lastTransitionTime : formatTime(now),
      ...(verdict.reason ? { reason: verdict.reason } : {}),
      ...(verdict.message ? { message: verdict.message } : {}),
    };
  });
  return [...out, ...before.values()];
}

function readyVerdict(pod: Pod, phase: string, init: readonly ContainerStatus[], own: readonly ContainerStatus[]): Verdict {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const sidecars = init.filter((_, i) => pod.spec.initContainers?.[i] && isSidecar(pod.spec.initContainers[i]));
  const unready = [...sidecars, ...own].filter(({ ready }) => !ready).map(({ name }) => name);
  if (unready.length === 0) return { status: 'True' };
  return { status: 'False', reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` };
}

function gatesVerdict(pod: Pod, conditions: ReadonlyMap<string, PodCondition>, containersReady: Verdict): Verdict {
  if (containersReady.status !== 'True') return containersReady;
  const wrong = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = conditions.get(conditionType);
    if (!condition) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    return condition.status === 'True'
      ? []
      : [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  if (wrong.length === 0) return containersReady;
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: wrong.join(', ') };
}

function initializedVerdict(pod: Pod, phase: string, init: readonly ContainerStatus[], initialized: boolean): Verdict {
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' };
  if (initialized) return { status: 'True' };
  const incomplete = init.filter((status, i) => !initDone(pod, status, i)).map(({ name }) => name);
  return { status: 'False', reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${incomplete.join(' ')}]` };
}
