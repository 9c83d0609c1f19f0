import type { Node } from '../api/generated/core-v1.ts';
import type { Client } from '../client/client.ts';
import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import type { ImageService, RuntimeService } from '../cri/cri.ts';
import type { EventRecorder } from '../listwatch/contract.ts';
import type { Logger } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { KubeletHost } from './kubelet-host.ts';
import type { PodPaths } from './pod-paths.ts';

/** What every part of one kubelet works with. */
export interface KubeletContext {
  readonly nodeName: string;
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly events: EventRecorder;
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  readonly host: KubeletHost;
  readonly paths: PodPaths;
  readonly dns: ClusterDns;
  /** The runtime's name, known once the kubelet has talked to it. */
  readonly runtimeName: () => string;
  /** The node's addresses, primary first. */
  readonly hostIPs: readonly string[];
  /** This node's object, as the API server last showed it. */
  readonly node: () => Node | undefined;
}

export interface ClusterDns {
  /** Absent: pods resolve as the node does. */
  readonly servers: readonly string[];
  /** `cluster.local`. */
  readonly domain: string;
}
