import type { Clock } from '../clock/clock.ts';
import type { Logger } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Store } from '../storage/store.ts';

/** The ranges and names of a cluster's network. Defaults as kubeadm has them. */
export interface NetworkPlan {
  /** Pods' addresses; each node gets a /24 of it. */
  readonly clusterCIDR: string;
  readonly serviceCIDR: string;
  /** First and last node port. */
  readonly nodePortRange: readonly [first: number, last: number];
  readonly domain: string;
  /** The cluster IP of DNS. */
  readonly dnsAddress: string;
}

export const defaultNetworkPlan: NetworkPlan = {
  clusterCIDR: '10.244.0.0/16',
  serviceCIDR: '10.96.0.0/16',
  nodePortRange: [30_000, 32_767],
  domain: 'cluster.local',
  dnsAddress: '10.96.0.10',
};

/** How long the cluster waits before it acts; all in the units that Kubernetes' own flags have. */
export interface Patience {
  /** Milliseconds of silence after which a node is given up. Kubernetes' `--node-monitor-grace-period`; default 40 s. */
  readonly nodeMonitorGracePeriod?: number;
  /** Seconds that pods stay on a node that is not ready, unless they say otherwise; default 300. */
  readonly notReadyTolerationSeconds?: number;
  /** Likewise for a node that is silent. */
  readonly unreachableTolerationSeconds?: number;
}

/** What `Cluster.start` takes. Everything has a default: three simulated nodes on real time. */
export interface ClusterOptions extends Patience {
  readonly name?: string;
  /** How many (`node-1`, `node-2`, ...), or their names. Default 3. */
  readonly nodes?: number | readonly string[];
  /** `virtual`: time that moves only while the test waits for something. Default `real`. */
  readonly clock?: 'real' | 'virtual' | Clock;
  /** With the same seed a cluster on virtual time does the same again, byte for byte. Default: 0 (virtual), else random. */
  readonly seed?: number | string;
  readonly network?: Partial<NetworkPlan>;
  /** Where objects are kept, and what the cluster begins with; it is closed with the cluster. Default: an empty MemoryStore. */
  readonly store?: Store;
  /**
   * How much of the past is kept; milliseconds, or text such as `'1h'`. Default: all of it. Kubernetes' API server
   * keeps 5 minutes.
   */
  readonly history?: number | string;
  /** Control loops to run, as in kube-controller-manager's `--controllers`: `['*', '-nodelifecycle']`. */
  readonly controllers?: readonly string[];
  readonly log?: Logger;
  readonly metrics?: Metrics;
  /** Milliseconds to wait for the nodes to be ready; default 60,000. 0: don't wait. */
  readonly wait?: number;
}

/** The first address of a range that ends in 0: `10.96.0.0/16` gives `10.96.0.1`. */
export function firstAddress(cidr: string): string {
  return cidr.replace(/\.0\/\d+$/, '.1');
}

/** Heartbeats must come well within the time after which a silent node is given up; Kubernetes has 40 s for both. */
export function leaseSecondsFor({ nodeMonitorGracePeriod = 40_000 }: Patience): number {
  return Math.max(1, Math.min(40, Math.floor(nodeMonitorGracePeriod / 1000)));
}
