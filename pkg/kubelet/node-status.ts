/** A node's status, from facts about the machine and the runtime. Pure. https://kubernetes.io/docs/reference/node/node-status/ */
import type { ContainerImage, NodeCondition, NodeStatus } from '../api/generated/core-v1.ts';
import { canonicalQuantity, formatQuantity, quantityMillis, quantityValue } from '../api/quantity.ts';
import { formatTime } from '../clock/clock.ts';
import type { Image } from '../cri/cri.ts';
import type { MachineFacts } from './kubelet-host.ts';

/** `/version` of the same build. */
export const kubeletVersion = 'v1.36.0+gokube';
/** kubelet --node-status-max-images */
const maxImages = 50;

export interface Pressure {
  readonly memory: boolean;
  readonly disk: boolean;
  readonly pids: boolean;
}

export interface NodeStatusInput {
  readonly nodeName: string;
  readonly addresses: readonly string[];
  readonly machine: MachineFacts;
  readonly runtime: { readonly name: string; readonly version: string };
  readonly images: readonly Image[];
  readonly maxPods: number;
  /** What is kept back from pods: `{ memory: '100Mi' }`. */
  readonly reserved: Readonly<Record<string, string>>;
  /** Instead of what the machine has: `{ cpu: '2' }`. */
  readonly capacity: Readonly<Record<string, string>>;
  readonly kubeletPort: number;
  readonly pressure: Pressure;
  /** Why pods cannot run here; empty: they can. */
  readonly problems: readonly string[];
  readonly previous: NodeStatus | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export function computeNodeStatus(input: NodeStatusInput): NodeStatus {
  const { nodeName, addresses, machine, runtime, images, maxPods, reserved, kubeletPort, previous } = input;
  const capacity: Record<string, string> = {
    cpu: String(machine.cpus),
    'ephemeral-storage': kibibytes(machine.diskBytes),
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    memory: kibibytes(machine.memoryBytes),
    pods: String(maxPods),
    ...input.capacity,
  };
  const allocatable = Object.fromEntries(
    Object.entries(capacity).map(([name, amount]) => [name, reserved[name] === undefined ? amount : without(name, amount, reserved[name])]),
  );
  return {
    ...previous,
    addresses: [...addresses.map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: nodeName }],
    capacity,
    allocatable,
    conditions: conditionsOf(input),
    daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    images: images
      .map(namesOf)
      .sort((a, b) => (b.sizeBytes ?? 0) - (a.sizeBytes ?? 0) || ((a.names?.[0] ?? '') < (b.names?.[0] ?? '') ? -1 : 1))
      .slice(0, maxImages),
    nodeInfo: {
      architecture: machine.architecture,
      bootID: machine.bootId,
      containerRuntimeVersion: `${runtime.name}://${runtime.version}`,
      kernelVersion: machine.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion,
      machineID: machine.machineId,
      operatingSystem: machine.operatingSystem,
      osImage: machine.osImage,
      systemUUID: machine.systemUuid,
    },
  };
}

function namesOf({ tags, digests, sizeBytes }: Image): ContainerImage {
  return { names: [...digests, ...tags].slice(0, 5), sizeBytes };
}

function conditionsOf({ pressure, problems, previous, now }: NodeStatusInput): NodeCondition[] {
  const one = (type: string, status: 'True' | 'False', reason: string, message: string): NodeCondition => {
    const before = previous?.conditions?.find((condition) => condition.type === type);
    return {
      type,
      status,
      lastHeartbeatTime: formatTime(now),
      lastTransitionTime: before?.status === status && before.lastTransitionTime ? before.lastTransitionTime : formatTime(now),
      reason,
      message,
    };
  };
  const under = (type: string, on: boolean, yes: [string, string], no: [string, string]): NodeCondition =>
    one(type, on ? 'True' : 'False', ...(on ? yes : no));
  return [
    under(
      'MemoryPressure',
      pressure.memory,
      ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
      ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    ),
    under(
      'DiskPressure',
      pressure.disk,
      ['KubeletHasDiskPressure', 'kubelet has disk pressure'],
      ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    ),
    under(
      'PIDPressure',
      pressure.pids,
      ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
      ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    ),
    problems.length === 0
      ? one('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status')
      : one('Ready', 'False', 'KubeletNotReady', problems.length === 1 ? (problems[0] as string) : `[${problems.join(', ')}]`),
    // What others say about the node stays.
    ...(previous?.conditions ?? []).filter(({ type }) => !['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].includes(type)),
  ];
}

/** As the server keeps it, so that what was told compares equal to what is there. */
function kibibytes(bytes: number): string {
  return canonicalQuantity(`${Math.floor(bytes / 1024)}Ki`);
}

/** What is left, never below nothing. */
function without(name: string, amount: string, taken: string): string {
  if (name === 'cpu')
    return formatQuantity({ nanos: BigInt(Math.max(0, quantityMillis(amount) - quantityMillis(taken))) * 1_000_000n, format: 'decimal' });
  const left = Math.max(0, quantityValue(amount) - quantityValue(taken));
  return /[KMGT]i$/.test(amount) ? kibibytes(left) : String(left);
}
