/** Container statuses of a pod, from what the runtime shows and what was said before. Pure. */
import type { Container, ContainerState, ContainerStateTerminated, ContainerStatus, Pod } from '../api/generated/core-v1.ts';
import { formatTime } from '../clock/clock.ts';
import type { ObservedContainer, PodObservation } from './pod-observation.ts';
import { isSidecar, restartsAfter } from './restart-policy.ts';

export interface WaitingReason {
  readonly reason: string;
  readonly message?: string;
}

/** What the kubelet itself knows about a pod, beside what the runtime shows. */
export interface LocalFacts {
  /** Why a container does not run: the last failure to start it, by its name. */
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  /** Has no readiness probe, or passes it; by container id. */
  ready(id: string): boolean;
  /** Has no startup probe, or has passed it; by container id. */
  started(id: string): boolean;
  /** `embedded`, `containerd`: what container ids are prefixed with. */
  readonly runtimeName: string;
}

/** The status of each container of a list, in the list's order. `previous`: what was said last. */
export function containerStatuses(
  pod: Pod,
  kind: 'init' | 'container' | 'ephemeral',
  observed: PodObservation,
  previous: readonly ContainerStatus[] | undefined,
  local: LocalFacts,
): ContainerStatus[] {
  const list: readonly Container[] =
    kind === 'init'
      ? (pod.spec.initContainers ?? [])
      : kind === 'container'
        ? pod.spec.containers
        : ((pod.spec.ephemeralContainers ?? []) as readonly Container[]);
  return list.map((container) => {
    const instances = observed.containers.filter(({ name }) => name === container.name);
    const before = previous?.find(({ name }) => name === container.name);
    const status = instances[0] ? fromRuntime(pod, container, instances, before, local) : fromBefore(pod, container, before, local);
    const id = instances[0]?.state === 'running' ? instances[0].id : undefined;
    const mounts = container.volumeMounts ?? [];
    return {
      ...status,
      ...readiness(container, kind, status.state, id, local),
      ...(container.resources && Object.keys(container.resources).length > 0 && id !== undefined ? { resources: container.resources } : {}),
      ...(mounts.length > 0
        ? {
            volumeMounts: mounts.map(({ mountPath, name, readOnly }) => ({
              mountPath,
              name,
              ...(readOnly ? { readOnly, recursiveReadOnly: 'Disabled' } : {}),
            })),
          }
        : {}),
    };
  });
}

type Core = Pick<ContainerStatus, 'name' | 'image' | 'imageID' | 'containerID' | 'restartCount' | 'state' | 'lastState'>;

function fromRuntime(
  pod: Pod,
  container: Container,
  instances: readonly ObservedContainer[],
  before: ContainerStatus | undefined,
  local: LocalFacts,
): Core {
  const [last, ...older] = instances as [ObservedContainer, ...ObservedContainer[]];
  const earlier = older.find(({ state }) => state === 'exited');
  let state: ContainerState;
  let lastState: ContainerState = earlier
    ? { terminated: terminated(earlier, local) }
    : last.restartCount > 0
      ? (before?.lastState ?? {})
      : {};
  if (last.state === 'running') {
    state = { running: { startedAt: formatTime(last.startedAt ?? last.createdAt) } };
  } else if (last.state === 'exited') {
    const end = terminated(last, local);
    const waiting = local.waiting.get(container.name);
    // Waits to be started again: how it ended is history.
    if (waiting && restartsAgain(pod, container, end.exitCode)) {
      state = { waiting };
      lastState = { terminated: end };
    } else {
      state = { terminated: end };
    }
  } else {
    state = { waiting: local.waiting.get(container.name) ?? defaultWaiting(pod) };
  }
  return {
    name: container.name,
    image: last.image,
    imageID: last.imageId,
    containerID: `${local.runtimeName}://${last.id}`,
    restartCount: last.restartCount,
    state,
    lastState,
  };
}

/** The runtime knows nothing of the container: it was never made, or it was lost (a reboot, a new runtime). */
function fromBefore(pod: Pod, container: Container, before: ContainerStatus | undefined, local: LocalFacts): Core {
  const waiting: ContainerState = { waiting: local.waiting.get(container.name) ?? defaultWaiting(pod) };
  const core: Core = {
    name: container.name,
    image: container.image ?? '',
    imageID: '',
    restartCount: before?.restartCount ?? 0,
    state: waiting,
    lastState: before?.lastState ?? {},
  };
  const ended = before?.state.running
    ? {
        exitCode: 137,
        reason: 'ContainerStatusUnknown',
        message: 'The container could not be located when the pod was last looked at; it used to be running',
      }
    : before?.state.terminated;
  if (!before || !ended) return core;
  const again = restartsAgain(pod, container, ended.exitCode);
  const kept = { image: before.image, imageID: before.imageID, ...(before.containerID ? { containerID: before.containerID } : {}) };
  if (!again) return { ...core, ...kept, state: { terminated: ended } };
  return { ...core, ...kept, lastState: { terminated: ended }, restartCount: before.restartCount + 1 };
}

function restartsAgain(pod: Pod, container: Container, exitCode: number): boolean {
  return pod.metadata.deletionTimestamp === undefined && restartsAfter(pod, container, exitCode);
}

function defaultWaiting(pod: Pod): WaitingReason {
  return { reason: (pod.spec.initContainers ?? []).length > 0 ? 'PodInitializing' : 'ContainerCreating' };
}

function terminated(container: ObservedContainer, local: LocalFacts): ContainerStateTerminated {
  const exitCode = container.exitCode ?? 0;
  return {
    containerID: `${local.runtimeName}://${container.id}`,
    exitCode,
    reason: container.reason ?? (exitCode === 0 ? 'Completed' : 'Error'),
    ...(container.message ? { message: container.message } : {}),
    startedAt: formatTime(container.startedAt ?? container.createdAt),
    finishedAt: formatTime(container.finishedAt ?? container.createdAt),
  };
}

function readiness(
  container: Container,
  kind: 'init' | 'container' | 'ephemeral',
  state: ContainerState,
  runningId: string | undefined,
  local: LocalFacts,
): { ready: boolean; started: boolean } {
  const started = runningId !== undefined && local.started(runningId);
  if (kind === 'ephemeral') return { ready: false, started: runningId !== undefined };
  // An init container is ready once it has succeeded; it never counts as started.
  if (kind === 'init' && !isSidecar(container)) return { ready: state.terminated?.exitCode === 0, started: false };
  return { ready: started && local.ready(runningId as string), started };
}

/** The pod is over and these could not be accounted for: better an error than a guess. */
export function withoutUnknownEnds(statuses: readonly ContainerStatus[]): ContainerStatus[] {
  return statuses.map((status) => {
    if (status.state.terminated) return status;
    const message = 'The container could not be located when the pod was terminated';
    return {
      ...status,
      ready: false,
      started: false,
      state: { terminated: status.lastState.terminated ?? { exitCode: 137, reason: 'ContainerStatusUnknown', message } },
    };
  });
}
