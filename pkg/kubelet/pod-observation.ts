/**
 * What the runtime says about one pod, in the kubelet's terms. The kubelet keeps nothing beside it: everything that
 * must survive a restart of the kubelet is written on sandboxes and containers as labels and annotations.
 */
import type { Container, Pod } from '../api/generated/core-v1.ts';
import type { ContainerStatus, Mount, PodSandboxStatus } from '../cri/cri.ts';

/** Kubernetes' own keys, as every CRI runtime shows them. */
export const podNameLabel = 'io.kubernetes.pod.name';
export const podNamespaceLabel = 'io.kubernetes.pod.namespace';
export const podUidLabel = 'io.kubernetes.pod.uid';
export const containerNameLabel = 'io.kubernetes.container.name';
export const containerHashAnnotation = 'io.kubernetes.container.hash';
export const restartCountAnnotation = 'io.kubernetes.container.restartCount';
export const messagePathAnnotation = 'io.kubernetes.container.terminationMessagePath';
export const messagePolicyAnnotation = 'io.kubernetes.container.terminationMessagePolicy';
export const graceAnnotation = 'io.kubernetes.pod.terminationGracePeriod';

/** What the container was given when it was made, to tell when its pod has been resized. */
export const resourcesAnnotation = 'gokube.dev/resources';

export interface ObservedContainer {
  readonly id: string;
  readonly name: string;
  readonly sandboxId: string;
  readonly state: ContainerStatus['state'];
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly exitCode?: number;
  readonly reason?: string;
  /** What it left in its termination log, or the runtime's own words. */
  readonly message?: string;
  readonly image: string;
  readonly imageId: string;
  /** How often the container had been restarted when this one was made. */
  readonly restartCount: number;
  /** Of the definition that it was made from. */
  readonly hash: string;
  readonly logPath: string;
  readonly mounts: readonly Mount[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** Newest first, both. */
export interface PodObservation {
  readonly sandboxes: readonly PodSandboxStatus[];
  readonly containers: readonly ObservedContainer[];
}

export const nothingObserved: PodObservation = { sandboxes: [], containers: [] };

export function podObservation(
  sandboxes: readonly PodSandboxStatus[],
  containers: readonly ContainerStatus[],
  messages: ReadonlyMap<string, string>,
): PodObservation {
  return {
    sandboxes: [...sandboxes].sort((a, b) => b.metadata.attempt - a.metadata.attempt || b.createdAt - a.createdAt),
    containers: containers
      .map((status) => observed(status, messages.get(status.id)))
      .sort((a, b) => b.createdAt - a.createdAt || b.restartCount - a.restartCount),
  };
}

function observed(status: ContainerStatus, message: string | undefined): ObservedContainer {
  const { startedAt, finishedAt, exitCode, reason } = status;
  const words = message ?? status.message;
  return {
    id: status.id,
    name: status.labels[containerNameLabel] ?? status.metadata.name,
    sandboxId: status.sandboxId,
    state: status.state,
    createdAt: status.createdAt,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(reason === undefined ? {} : { reason }),
    ...(words === undefined ? {} : { message: words }),
    image: status.image,
    imageId: status.imageId,
    restartCount: Number(status.annotations[restartCountAnnotation] ?? status.metadata.attempt),
    hash: status.annotations[containerHashAnnotation] ?? '',
    logPath: status.logPath,
    mounts: status.mounts,
    annotations: status.annotations,
  };
}

/** The newest container of this name. */
export function newest(observation: PodObservation, name: string): ObservedContainer | undefined {
  return observation.containers.find((container) => container.name === name);
}

export function isRunning(container: ObservedContainer | undefined): boolean {
  return container?.state === 'running';
}

/** Something of the pod still runs, or may. */
export function anythingRuns(observation: PodObservation): boolean {
  return observation.containers.some(({ state }) => state === 'running' || state === 'unknown');
}

/** The sandbox that containers may be started in: the newest, if it is ready and has an address where it needs one. */
export function usableSandbox(pod: Pod, observation: PodObservation): PodSandboxStatus | undefined {
  const [sandbox] = observation.sandboxes;
  if (sandbox?.state !== 'ready' || observation.sandboxes.filter(({ state }) => state === 'ready').length > 1) return undefined;
  return pod.spec.hostNetwork || sandbox.ips.length > 0 ? sandbox : undefined;
}

/** A container is made anew when this changes: its name and image, the one thing a running pod may have changed. */
export function hashOf(container: Pick<Container, 'name' | 'image'>): string {
  const text = `${container.name}\n${container.image ?? ''}`;
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16);
}
