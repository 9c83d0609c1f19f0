/** What a pod may know of itself. https://kubernetes.io/docs/concepts/workloads/pods/downward-api/ */
import type { Container, Node, Pod, ResourceFieldSelector } from '../api/generated/core-v1.ts';
import { parseQuantity } from '../api/quantity.ts';

/** The addresses of a pod that has no status yet, and of its node. */
export interface PodAddresses {
  readonly podIPs: readonly string[];
  readonly hostIPs: readonly string[];
}

/** A field of the pod as text. Throws for a path that is not offered. */
export function podField(pod: Pod, path: string, addresses: PodAddresses): string {
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (subscript) return pod.metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2] as string] ?? '';
  switch (path) {
    case 'metadata.name':
      return pod.metadata.name;
    case 'metadata.namespace':
      return pod.metadata.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata.uid;
    case 'metadata.labels':
      return formatMap(pod.metadata.labels);
    case 'metadata.annotations':
      return formatMap(pod.metadata.annotations);
    case 'spec.nodeName':
      return pod.spec.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? '';
    case 'spec.restartPolicy':
      return pod.spec.restartPolicy ?? '';
    case 'status.hostIP':
      return addresses.hostIPs[0] ?? '';
    case 'status.hostIPs':
      return addresses.hostIPs.join(',');
    case 'status.podIP':
      return addresses.podIPs[0] ?? '';
    case 'status.podIPs':
      return addresses.podIPs.join(',');
    default:
      throw new Error(`unsupported fieldPath: ${path}`);
  }
}

/** One `key="value"` a line, in the order of keys; values quoted as Go quotes them. */
function formatMap(map: Readonly<Record<string, string>> = {}): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join('\n');
}

/** A container's request or limit in units of the divisor, rounded up; without a limit, what the node has to give. */
export function resourceField(container: Container, selector: ResourceFieldSelector, node: Node | undefined): string {
  const match = /^(limits|requests)\.(.+)$/.exec(selector.resource);
  if (!match) throw new Error(`unsupported container resource : ${selector.resource}`);
  const [, kind, resource] = match as unknown as [string, 'limits' | 'requests', string];
  const { limits = {}, requests = {} } = container.resources ?? {};
  const amount = kind === 'limits' ? (limits[resource] ?? node?.status.allocatable?.[resource]) : (requests[resource] ?? limits[resource]);
  const divisor = selector.divisor && selector.divisor !== '0' ? selector.divisor : '1';
  const nanos = parseQuantity(amount ?? '0').nanos;
  const unit = parseQuantity(divisor).nanos;
  return String((nanos + unit - 1n) / unit);
}
