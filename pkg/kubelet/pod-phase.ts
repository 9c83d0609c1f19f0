import type { ContainerStatus, Pod } from '../api/generated/core-v1.ts';
import { isSidecar, restartPolicyOf, restartsAfter } from './restart-policy.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export function isTerminal(phase: string | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/**
 * The phase that container statuses add up to. `over`: nothing of the pod will be started again (it is being
 * deleted and everything has ended). https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase
 */
export function podPhase(pod: Pod, init: readonly ContainerStatus[], own: readonly ContainerStatus[], over: boolean): PodPhase {
  let initializing = false;
  for (const [i, status] of init.entries()) {
    const container = pod.spec.initContainers?.[i];
    if (!container) continue;
    if (isSidecar(container)) {
      if (!status.started) initializing = true;
      continue;
    }
    const end = status.state.terminated ?? (status.state.waiting ? status.lastState.terminated : undefined);
    if (end && end.exitCode !== 0 && restartPolicyOf(pod, container) === 'Never') return 'Failed';
    if (status.state.terminated?.exitCode !== 0) initializing = true;
  }
  let running = 0;
  let waiting = 0;
  let stopped = 0;
  let succeeded = 0;
  for (const { state, lastState } of own) {
    const end = state.terminated ?? (state.waiting ? lastState.terminated : undefined);
    if (state.running) running++;
    else if (end) {
      stopped++;
      if (end.exitCode === 0) succeeded++;
    } else waiting++;
  }
  if (over) return stopped === own.length && succeeded === stopped ? 'Succeeded' : 'Failed';
  // Once the pod's own containers have run, what a sidecar does changes the phase no more.
  if (initializing && running + stopped === 0) return 'Pending';
  if (waiting > 0) return 'Pending';
  if (running > 0 || stopped === 0) return 'Running';
  if (willRestart(pod, own)) return 'Running';
  return stopped === succeeded ? 'Succeeded' : 'Failed';
}

function willRestart(pod: Pod, own: readonly ContainerStatus[]): boolean {
  return own.some(({ state, lastState }, i) => {
    const container = pod.spec.containers[i];
    const end = state.terminated ?? lastState.terminated;
    return !container || !end || restartsAfter(pod, container, end.exitCode);
  });
}
