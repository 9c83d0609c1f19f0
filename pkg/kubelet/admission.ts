/**
 * Whether a pod that was put on this node can run here: the scheduler's view may have been old, and a pod may name
 * its node by itself. Pure. Kubernetes' counterpart: lifecycle.predicateAdmitHandler.
 */

import type { Node, Pod } from '../api/generated/core-v1.ts';
import { matchesRequiredNodeAffinity } from '../api/node-affinity.ts';
import { quantityMillis, quantityValue } from '../api/quantity.ts';
import { podTotals } from './container-resources.ts';

/** Undefined: it may run. Else the reason and message of its Failed status. `others`: the pods that run here. */
export function admissionVerdict(
  pod: Pod,
  others: readonly Pod[],
  node: Node,
): { readonly reason: string; readonly message: string } | undefined {
  const { operatingSystem } = node.status.nodeInfo;
  if (pod.spec.os && pod.spec.os.name !== operatingSystem) {
    return rejected('PodOSNotSupported', `Failed to admit pod as the OS field doesn't match node OS`);
  }
  if (!matchesRequiredNodeAffinity(pod.spec, node)) return rejected('NodeAffinity', 'Predicate NodeAffinity failed');
  const ports = hostPorts(pod);
  const taken = others.flatMap(hostPorts);
  if (ports.some((port) => taken.some((other) => clash(port, other)))) return rejected('NodePorts', 'Predicate NodePorts failed');

  const allocatable = node.status.allocatable ?? {};
  const all = others.map((other) => podTotals(other).requests);
  const wanted = podTotals(pod).requests;
  const sum = (pick: (totals: typeof wanted) => number): number => all.reduce((total, one) => total + pick(one), 0);
  const checks: [string, string, number, number, number][] = [
    ['pods', 'pods', 1, others.length, quantityValue(allocatable['pods'])],
    ['cpu', 'cpu', wanted.cpuMillis, sum((one) => one.cpuMillis), quantityMillis(allocatable['cpu'])],
    ['memory', 'memory', wanted.memoryBytes, sum((one) => one.memoryBytes), quantityValue(allocatable['memory'])],
    [
      'ephemeral-storage',
      'ephemeral-storage',
      wanted.storageBytes,
      sum((one) => one.storageBytes),
      quantityValue(allocatable['ephemeral-storage']),
    ],
  ];
  for (const [name, shown, requested, used, capacity] of checks) {
    if (requested > 0 && requested + used > capacity) {
      return rejected(
        `OutOf${name}`,
        `Node didn't have enough resource: ${shown}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
      );
    }
  }
  return undefined;
}

function rejected(reason: string, message: string): { reason: string; message: string } {
  return { reason, message: `Pod was rejected: ${message}` };
}

interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}
function hostPorts(pod: Pod): HostPort[] {
  return pod.spec.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP, protocol = 'TCP' }) => (hostPort ? [{ ip: hostIP || '0.0.0.0', protocol, port: hostPort }] : [])),
  );
}
function clash(a: HostPort, b: HostPort): boolean {
  const any = (ip: string): boolean => ip === '0.0.0.0' || ip === '::';
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || any(a.ip) || any(b.ip));
}
