/** Pods and nodes for tests of this folder, as short as a table row needs them. */
import type { Node, NodeSpec, Pod, PodSpec, PodStatus } from '../api/generated/core-v1.ts';
import { type DecideOptions, type Decision, decide } from './decide.ts';
import type { Plugin, Rejection, WeightedPlugin } from './framework.ts';
import { NodeInfo } from './node-info.ts';
import { createPodInfo, type PodInfo } from './pod-info.ts';
import { Snapshot } from './snapshot.ts';

export interface PodRow {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly cpu?: string;
  readonly memory?: string;
  readonly priority?: number;
  readonly node?: string;
  readonly hostPort?: number;
  readonly image?: string;
  readonly spec?: Partial<PodSpec>;
  readonly status?: Partial<PodStatus>;
  readonly created?: string;
  readonly deleted?: string;
}

export function podOf(row: PodRow = {}): Pod {
  const { name = 'web', namespace = 'default', labels, cpu, memory, priority, node, hostPort, image = 'app:1' } = row;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      uid: `uid-${namespace}-${name}`,
      resourceVersion: '1',
      creationTimestamp: row.created ?? '2026-01-01T00:00:00Z',
      ...(labels ? { labels } : {}),
      ...(row.deleted ? { deletionTimestamp: row.deleted } : {}),
    },
    spec: {
      containers: [
        {
          name: 'main',
          image,
          resources: cpu || memory ? { requests: { ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}) } } : {},
          ...(hostPort ? { ports: [{ containerPort: hostPort, hostPort, protocol: 'TCP' }] } : {}),
        },
      ],
      ...(priority === undefined ? {} : { priority }),
      ...(node ? { nodeName: node } : {}),
      ...row.spec,
    },
    status: { ...row.status },
  };
}

export interface NodeRow {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: number;
  readonly extra?: Readonly<Record<string, string>>;
  readonly spec?: Partial<NodeSpec>;
  readonly images?: Readonly<Record<string, number>>;
}

export function nodeOf(row: NodeRow = {}): Node {
  const { name = 'node-1', labels, cpu = '4', memory = '8Gi', pods = 110, extra, spec, images } = row;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { 'kubernetes.io/hostname': name, ...labels },
    },
    spec: { ...spec },
    status: {
      allocatable: { cpu, memory, pods: String(pods), ...extra },
      daemonEndpoints: {},
      nodeInfo: {} as Node['status']['nodeInfo'],
      ...(images ? { images: Object.entries(images).map(([image, sizeBytes]) => ({ names: [image], sizeBytes })) } : {}),
    } as unknown as Node['status'],
  };
}

export const podInfo = (row: PodRow = {}): PodInfo => createPodInfo(podOf(row));

/** Nodes with the pods that name them. */
export function snapshotOf(
  nodes: readonly NodeRow[],
  pods: readonly PodRow[] = [],
  namespaces: Readonly<Record<string, Record<string, string>>> = {},
): Snapshot {
  const infos = nodes.map((row) => {
    const node = nodeOf(row);
    return NodeInfo.of(
      node,
      pods.filter((pod) => pod.node === node.metadata.name).map((pod) => podInfo(pod)),
    );
  });
  return Snapshot.of(infos, (namespace) => namespaces[namespace]);
}

/** Node name to what the plugin says of it: its reasons, or "ok". Exercises PreFilter and Filter. */
export function filterAll(plugin: Plugin, pod: PodInfo, snapshot: Snapshot): Record<string, string> {
  const result = plugin.preFilter?.(pod, snapshot) ?? 'skip';
  const say = (rejection: Rejection | undefined): string => rejection?.reasons.join(', ') ?? 'ok';
  return Object.fromEntries(
    snapshot.nodes.map((node) => [
      node.name,
      result === 'skip' ? 'ok' : 'reject' in result ? say(result.reject) : say(result.filter.filter(node)),
    ]),
  );
}

/** Node name to the plugin's normalized score, or undefined when it has nothing to say. */
export function scoreAll(plugin: Plugin, pod: PodInfo, snapshot: Snapshot): Record<string, number> | undefined {
  const scorer = plugin.preScore?.(pod, snapshot.nodes, snapshot);
  if (!scorer) return undefined;
  const scores = Float64Array.from(snapshot.nodes, (node) => scorer.score(node));
  scorer.normalize?.(scores, snapshot.nodes);
  return Object.fromEntries(snapshot.nodes.map((node, i) => [node.name, scores[i] as number]));
}

export function decideWith(
  plugins: readonly WeightedPlugin[],
  pod: PodInfo,
  snapshot: Snapshot,
  options: Partial<DecideOptions> = {},
): Decision {
  return decide(pod, snapshot, {
    plugins,
    startAt: 0,
    percentageOfNodesToScore: 0,
    nominated: () => [],
    promised: undefined,
    randomInt: () => 0,
    ...options,
  });
}
