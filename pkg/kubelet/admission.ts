/**
 * Whether a pod that was put on this node can run here: the scheduler's view may have been old, and a pod may name
 * its node by itself. Pure. Kubernetes' counterpart: lifecycle.predicateAdmitHandler.
 */
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod } from '../api/generated/core-v1.ts';
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
  if (!matchesNode(pod, node)) return rejected('NodeAffinity', 'Predicate NodeAffinity failed');
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

function matchesNode(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return !terms || terms.some((term) => matchesTerm(term, node));
}

/** All requirements of a term hold; a term without any matches nothing. */
function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const labels = node.metadata.labels ?? {};
  return (
    matchExpressions.every((requirement) => holds(requirement, labels[requirement.key])) &&
    matchFields.every((requirement) => requirement.key === 'metadata.name' && holds(requirement, node.metadata.name))
  );
}

function holds({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}
