/** Requests and limits in the runtime's terms: cgroup weights, quotas, limits. https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/ */
import type { Container, Pod } from '../api/generated/core-v1.ts';
import { quantityMillis, quantityValue } from '../api/quantity.ts';
import type { LinuxResources } from '../cri/cri.ts';
import { isSidecar } from './restart-policy.ts';

/** Microseconds: the period of CPU quotas. */
const cpuPeriod = 100_000;
/** The kernel's least quota, microseconds. */
const leastQuota = 1000;
/** cgroup v1's scale of CPU weights. */
const leastShares = 2;
const mostShares = 262_144;

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/** https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/ */
export function qosClassOf(pod: Pod): QosClass {
  if (pod.status.qosClass) return pod.status.qosClass as QosClass;
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const of = (container: Container, kind: 'requests' | 'limits', name: string): number =>
    quantityMillis(container.resources?.[kind]?.[name]);
  const kinds = ['cpu', 'memory'];
  if (!all.some((container) => kinds.some((name) => of(container, 'requests', name) > 0 || of(container, 'limits', name) > 0)))
    return 'BestEffort';
  const equal = all.every((container) =>
    kinds.every(
      (name) =>
        of(container, 'limits', name) > 0 &&
        (container.resources.requests?.[name] === undefined || of(container, 'requests', name) === of(container, 'limits', name)),
    ),
  );
  return equal ? 'Guaranteed' : 'Burstable';
}

/** `memoryCapacity`: the node's, in bytes. */
export function containerResources(pod: Pod, container: Container, memoryCapacity: number): LinuxResources {
  const { requests = {}, limits = {} } = container.resources ?? {};
  return { ...cpuAndMemory(requests, limits), oomScoreAdj: oomScoreAdj(pod, container, memoryCapacity) };
}

/** The pod's own cgroup: what its containers may use together. A limit holds only if every container has one. */
export function podResources(pod: Pod): LinuxResources {
  const { requests, limits } = podTotals(pod);
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)];
  const limited = (name: string): boolean => containers.every((container) => container.resources?.limits?.[name] !== undefined);
  const milli = (value: number): string => `${value}m`;
  return cpuAndMemory(
    { cpu: milli(requests.cpuMillis) },
    {
      ...(limited('cpu') ? { cpu: milli(limits.cpuMillis) } : {}),
      ...(limited('memory') ? { memory: String(limits.memoryBytes) } : {}),
    },
  );
}

export interface Totals {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
}

/**
 * What the pod takes at most at one time: its containers and sidecars together, or an init container beside the
 * sidecars before it, and the overhead. The scheduler counts the same.
 */
export function podTotals(pod: Pod): { readonly requests: Totals; readonly limits: Totals } {
  const total = (kind: 'requests' | 'limits'): Totals => {
    const amounts = (list: Readonly<Record<string, string>> = {}): Totals => ({
      cpuMillis: quantityMillis(list['cpu']),
      memoryBytes: quantityValue(list['memory']),
      storageBytes: quantityValue(list['ephemeral-storage']),
    });
    // What has a limit and no request requests its limit.
    const of = (container: Container): Totals =>
      amounts(kind === 'requests' ? { ...container.resources?.limits, ...container.resources?.requests } : container.resources?.limits);
    let sidecars: Totals = amounts();
    let peak: Totals = amounts();
    for (const container of pod.spec.initContainers ?? []) {
      if (isSidecar(container)) {
        sidecars = add(sidecars, of(container));
        peak = max(peak, sidecars);
      } else {
        peak = max(peak, add(sidecars, of(container)));
      }
    }
    const together = pod.spec.containers.reduce((sum, container) => add(sum, of(container)), sidecars);
    return add(max(together, peak), amounts(pod.spec.overhead));
  };
  return { requests: total('requests'), limits: total('limits') };
}

function add(a: Totals, b: Totals): Totals {
  return {
    cpuMillis: a.cpuMillis + b.cpuMillis,
    memoryBytes: a.memoryBytes + b.memoryBytes,
    storageBytes: a.storageBytes + b.storageBytes,
  };
}
function max(a: Totals, b: Totals): Totals {
  return {
    cpuMillis: Math.max(a.cpuMillis, b.cpuMillis),
    memoryBytes: Math.max(a.memoryBytes, b.memoryBytes),
    storageBytes: Math.max(a.storageBytes, b.storageBytes),
  };
}

function cpuAndMemory(requests: Readonly<Record<string, string>>, limits: Readonly<Record<string, string>>): LinuxResources {
  const request = quantityMillis(requests['cpu'] ?? limits['cpu']);
  const limit = quantityMillis(limits['cpu']);
  const memory = quantityValue(limits['memory']);
  return {
    cpuShares: Math.min(mostShares, Math.max(leastShares, Math.floor((request * 1024) / 1000))),
    ...(limit > 0 ? { cpuQuota: Math.max(leastQuota, (limit * cpuPeriod) / 1000), cpuPeriod } : {}),
    ...(memory > 0 ? { memoryLimitBytes: memory } : {}),
  };
}

/** Whom the kernel kills first when memory is short: whoever asked for least. Kubernetes: qos/policy.go. */
function oomScoreAdj(pod: Pod, container: Container, memoryCapacity: number): number {
  const critical = (pod.spec.priority ?? 0) >= 2_000_000_000;
  const qos = qosClassOf(pod);
  if (critical || qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const requested = quantityValue(container.resources?.requests?.['memory'] ?? container.resources?.limits?.['memory']);
  const score = 1000 - Math.floor((1000 * requested) / memoryCapacity);
  return Math.min(999, Math.max(3, score));
}
