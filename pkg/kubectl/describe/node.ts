import { isNotFound } from '../../api/errors.ts';
import type { Lease } from '../../api/generated/coordination-v1.ts';
import type { Node, Pod } from '../../api/generated/core-v1.ts';
import { formatQuantity, parseQuantity, type Quantity, quantityMillis, quantityValue } from '../../api/quantity.ts';
import { ageOf, longTime } from '../duration.ts';
import { describeLabels, describeMetadata } from './common.ts';
import type { DescribeContext } from './describe-context.ts';
import type { Lines } from './lines.ts';

export async function describeNode(node: Node, lines: Lines, context: DescribeContext): Promise<void> {
  const { metadata, spec, status } = node;
  describeMetadata(node, lines);
  lines.field('Roles', rolesOf(node));
  describeLabels(node, lines);
  lines.field('CreationTimestamp', longTime(metadata.creationTimestamp));
  lines.list(
    'Taints',
    (spec.taints ?? []).map(({ key, value, effect }) => `${key}${value ? `=${value}` : ''}:${effect}`),
  );
  lines.field('Unschedulable', spec.unschedulable ?? false);
  describeLease(await leaseOf(node, context), lines);
  if (status.conditions?.length) {
    lines.write(0, 'Conditions:');
    lines.write(1, 'Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage');
    lines.write(1, '----\t------\t-----------------\t------------------\t------\t-------');
    for (const { type, status: state, lastHeartbeatTime, lastTransitionTime, reason, message } of status.conditions) {
      lines.write(
        1,
        `${type} \t${state} \t${longTime(lastHeartbeatTime)} \t${longTime(lastTransitionTime)} \t${reason ?? ''} \t${message ?? ''}`,
      );
    }
  }
  lines.write(0, 'Addresses:');
  for (const { type, address } of status.addresses ?? []) lines.field(type, address, 1);
  for (const [name, list] of [
    ['Capacity', status.capacity],
    ['Allocatable', status.allocatable],
  ] as const) {
    if (!list) continue;
    lines.write(0, `${name}:`);
    for (const resource of Object.keys(list).sort()) lines.field(resource, list[resource], 1);
  }
  const info = status.nodeInfo;
  lines.write(0, 'System Info:');
  for (const [name, value] of [
    ['Machine ID', info.machineID],
    ['System UUID', info.systemUUID],
    ['Boot ID', info.bootID],
    ['Kernel Version', info.kernelVersion],
    ['OS Image', info.osImage],
    ['Operating System', info.operatingSystem],
    ['Architecture', info.architecture],
    ['Container Runtime Version', info.containerRuntimeVersion],
    ['Kubelet Version', info.kubeletVersion],
    ['Kube-Proxy Version', info.kubeProxyVersion],
  ])
    lines.field(name as string, value ?? '', 1);
  if (spec.podCIDR) lines.field('PodCIDR', spec.podCIDR);
  if (spec.podCIDRs?.length) lines.field('PodCIDRs', spec.podCIDRs.join(','));
  if (spec.providerID) lines.field('ProviderID', spec.providerID);
  await describePods(node, lines, context);
}

function rolesOf({ metadata }: Node): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.keys(metadata.labels ?? {}).filter((key) => key.startsWith(prefix) && key.length > prefix.length);
  return (
    roles
      .map((key) => key.slice(prefix.length))
      .sort()
      .join(',') || '<none>'
  );
}

async function leaseOf({ metadata }: Node, { api, mapper }: DescribeContext): Promise<Lease | undefined> {
  try {
    const info = await mapper.one('leases.coordination.k8s.io');
    return (await api.get(info, { namespace: 'kube-node-lease', name: metadata.name })) as unknown as Lease;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function describeLease(lease: Lease | undefined, lines: Lines): void {
  lines.write(0, 'Lease:');
  lines.field('HolderIdentity', lease?.spec?.holderIdentity ?? '<unset>', 1);
  lines.field('AcquireTime', longTime(lease?.spec?.acquireTime), 1);
  lines.field('RenewTime', longTime(lease?.spec?.renewTime), 1);
}

type Sums = Record<string, Quantity>;

async function describePods(node: Node, lines: Lines, { api, mapper, now }: DescribeContext): Promise<void> {
  const info = await mapper.one('pods');
  const fieldSelector = `spec.nodeName=${node.metadata.name},status.phase!=Succeeded,status.phase!=Failed`;
  const pods = (await api.list(info, undefined, { fieldSelector })).items as unknown as Pod[];
  const allocatable = node.status.allocatable ?? node.status.capacity ?? {};
  const shareOf = (quantity: Quantity | undefined, resource: string): string => {
    const text = quantity ? formatQuantity(quantity) : '0';
    const total = resource === 'cpu' ? quantityMillis(allocatable[resource]) : quantityValue(allocatable[resource]);
    const used = resource === 'cpu' ? quantityMillis(text) : quantityValue(text);
    return `${text} (${total > 0 ? Math.floor((used * 100) / total) : 0}%)`;
  };
  lines.field('Non-terminated Pods', `(${pods.length} in total)`);
  lines.write(1, 'Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge');
  lines.write(1, '---------\t----\t\t------------\t----------\t---------------\t-------------\t---');
  const requested: Sums = {};
  const limited: Sums = {};
  for (const pod of pods) {
    const requests = sumsOf(pod, 'requests');
    const limits = sumsOf(pod, 'limits');
    add(requested, requests);
    add(limited, limits);
    const cells = [
      shareOf(requests['cpu'], 'cpu'),
      shareOf(limits['cpu'], 'cpu'),
      shareOf(requests['memory'], 'memory'),
      shareOf(limits['memory'], 'memory'),
    ];
    lines.write(1, [pod.metadata.namespace, pod.metadata.name, '', ...cells, ageOf(pod.metadata.creationTimestamp, now)].join('\t'));
  }
  lines.write(0, 'Allocated resources:');
  lines.write(1, '(Total limits may be over 100 percent, i.e., overcommitted.)');
  lines.write(1, 'Resource\tRequests\tLimits');
  lines.write(1, '--------\t--------\t------');
  const others = Object.keys(allocatable)
    .filter((resource) => !['cpu', 'memory', 'ephemeral-storage', 'pods'].includes(resource))
    .sort();
  for (const resource of ['cpu', 'memory', 'ephemeral-storage', ...others]) {
    lines.write(1, `${resource}\t${shareOf(requested[resource], resource)}\t${shareOf(limited[resource], resource)}`);
  }
}

/** The containers together, or the largest init container, whichever is more. */
function sumsOf({ spec }: Pod, which: 'requests' | 'limits'): Sums {
  const sums: Sums = {};
  for (const { resources } of spec.containers) add(sums, parsed(resources[which]));
  for (const { resources } of spec.initContainers ?? []) {
    for (const [resource, quantity] of Object.entries(parsed(resources[which]))) {
      const sum = sums[resource];
      if (!sum || quantity.nanos > sum.nanos) sums[resource] = quantity;
    }
  }
  return sums;
}

function parsed(list: Readonly<Record<string, string>> | undefined): Sums {
  return Object.fromEntries(Object.entries(list ?? {}).map(([resource, text]) => [resource, parseQuantity(text)]));
}

function add(sums: Sums, more: Sums): void {
  for (const [resource, quantity] of Object.entries(more)) {
    const sum = sums[resource];
    sums[resource] = sum ? { nanos: sum.nanos + quantity.nanos, format: sum.format } : quantity;
  }
}
