import type { ImageManager } from './image-manager.ts';
import type { KubeletContext } from './kubelet-context.ts';
import type { NodeObjects } from './node-objects.ts';
import type { ProbeManager } from './probes/probe-manager.ts';
import type { RuntimeManager } from './runtime-manager.ts';
import type { StatusManager } from './status-manager.ts';
import type { VolumeManager } from './volumes/volume-manager.ts';

/** What the workers of one node share. */
export interface PodWorkerParts {
  readonly context: KubeletContext;
  readonly runtime: RuntimeManager;
  readonly statuses: StatusManager;
  readonly probes: ProbeManager;
  readonly volumes: VolumeManager;
  readonly images: ImageManager;
  readonly objects: NodeObjects;
  /** Why pods cannot get a network now; undefined: they can. */
  networkProblem(): string | undefined;
  /** Nothing of the pod is left, and its object is gone. */
  onGone(uid: string): void;
}
