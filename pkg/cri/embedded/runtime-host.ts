import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../log/log.ts';
import type { PodSandboxConfig } from '../cri.ts';
import type { Cgroups } from './cgroups.ts';
import type { HelperClient } from './helper-client.ts';
import type { ImageStore } from './images/image-store.ts';
import type { Toolkit } from './toolkit.ts';

/** What a node's runtime needs of the machine it is on (machine.ts). */
export interface RuntimeHost {
  readonly prefix: string;
  readonly directory: string;
  readonly helper: HelperClient;
  readonly images: ImageStore;
  readonly cgroups: Cgroups;
  readonly toolkit: Toolkit;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly volatileOverlay: boolean;
}

/** What it needs of the node's network: pkg/network's NodeNetwork fits. */
export interface PodNetwork {
  readonly netns: string | undefined;
  attachPod(
    sandboxId: string,
    options: { readonly netns: string; readonly portMappings?: NonNullable<PodSandboxConfig['portMappings']> },
  ): Promise<readonly string[]>;
  detachPod(sandboxId: string): Promise<void>;
}
