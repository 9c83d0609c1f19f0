/**
 * A node and the pods on it, as one immutable value: a change makes a new NodeInfo that shares what stayed the same.
 * A snapshot is therefore a list of references, and "what if this pod were gone" is a value too.
 */
import type { Node, Taint } from '../api/generated/core-v1.ts';
import { quantityValue } from '../api/quantity.ts';
import { type HostPort, hasAffinity, type Labels, type PodInfo } from './pod-info.ts';
import { addResources, noResources, parseResources, type Resources, subtractResources } from './resources.ts';
import { isHard } from './taints.ts';

interface NodeFacts {
  readonly node: Node | undefined;
  readonly labels: Labels;
  readonly allocatable: Resources;
  /** How many pods the node takes. */
  readonly allowedPods: number;
  readonly hardTaints: readonly Taint[];
  readonly softTaints: readonly Taint[];
  /** Every name of every image on the node, to its size in bytes. */
  readonly images: ReadonlyMap<string, number>;
}

interface PodFacts {
  readonly pods: readonly PodInfo[];
  readonly podsWithAffinity: readonly PodInfo[];
  readonly podsWithAntiAffinity: readonly PodInfo[];
  /** Sum of the pods' requests. Invariant: equals the sum over `pods`. */
  readonly requested: Resources;
  readonly assumedRequested: Resources;
  readonly hostPorts: readonly HostPort[];
}

const none: readonly never[] = [];
const noPods: PodFacts = {
  pods: none,
  podsWithAffinity: none,
  podsWithAntiAffinity: none,
  requested: noResources,
  assumedRequested: noResources,
  hostPorts: none,
};
const noNode: NodeFacts = {
  node: undefined,
  labels: {},
  allocatable: noResources,
  allowedPods: 0,
  hardTaints: none,
  softTaints: none,
  images: new Map(),
};

export class NodeInfo {
  readonly name: string;
  readonly #node: NodeFacts;
  readonly #pods: PodFacts;

  private constructor(name: string, node: NodeFacts, pods: PodFacts) {
    this.name = name;
    this.#node = node;
    this.#pods = pods;
  }

  /** A name that pods refer to, before (or after) there is a node of that name. */
  static unknown(name: string): NodeInfo {
    return new NodeInfo(name, noNode, noPods);
  }

  static of(node: Node, pods: readonly PodInfo[] = none): NodeInfo {
    return pods.reduce((info, pod) => info.withPod(pod), new NodeInfo(node.metadata.name, readNode(node), noPods));
  }

  /** Undefined while only pods speak of this node; such nodes are in no snapshot. */
  get node(): Node | undefined {
    return this.#node.node;
  }
  get allocatable(): Resources {
    return this.#node.allocatable;
  }
  get allowedPods(): number {
    return this.#node.allowedPods;
  }
  get hardTaints(): readonly Taint[] {
    return this.#node.hardTaints;
  }
  get softTaints(): readonly Taint[] {
    return this.#node.softTaints;
  }
  get images(): ReadonlyMap<string, number> {
    return this.#node.images;
  }
  get pods(): readonly PodInfo[] {
    return this.#pods.pods;
  }
  get podsWithAffinity(): readonly PodInfo[] {
    return this.#pods.podsWithAffinity;
  }
  get podsWithAntiAffinity(): readonly PodInfo[] {
    return this.#pods.podsWithAntiAffinity;
  }
  get requested(): Resources {
    return this.#pods.requested;
  }
  get assumedRequested(): Resources {
    return this.#pods.assumedRequested;
  }
  get hostPorts(): readonly HostPort[] {
    return this.#pods.hostPorts;
  }

  label(key: string): string | undefined {
    return this.#node.labels[key];
  }

  withNode(node: Node | undefined): NodeInfo {
    return new NodeInfo(this.name, node ? readNode(node) : noNode, this.#pods);
  }

  withPod(pod: PodInfo): NodeInfo {
    const was = this.#pods;
    return new NodeInfo(this.name, this.#node, {
      pods: [...was.pods, pod],
      podsWithAffinity: hasAffinity(pod) ? [...was.podsWithAffinity, pod] : was.podsWithAffinity,
      podsWithAntiAffinity: pod.antiAffinity.length > 0 ? [...was.podsWithAntiAffinity, pod] : was.podsWithAntiAffinity,
      requested: addResources(was.requested, pod.requests),
      assumedRequested: addResources(was.assumedRequested, pod.assumedRequests),
      hostPorts: pod.hostPorts.length > 0 ? [...was.hostPorts, ...pod.hostPorts] : was.hostPorts,
    });
  }

  /** The same NodeInfo when no pod has this uid. */
  withoutPod(uid: string): NodeInfo {
    const was = this.#pods;
    const pod = was.pods.find((other) => other.uid === uid);
    if (!pod) return this;
    const pods = was.pods.filter((other) => other !== pod);
    return new NodeInfo(this.name, this.#node, {
      pods,
      podsWithAffinity: hasAffinity(pod) ? was.podsWithAffinity.filter((other) => other !== pod) : was.podsWithAffinity,
      podsWithAntiAffinity:
        pod.antiAffinity.length > 0 ? was.podsWithAntiAffinity.filter((other) => other !== pod) : was.podsWithAntiAffinity,
      requested: subtractResources(was.requested, pod.requests),
      assumedRequested: subtractResources(was.assumedRequested, pod.assumedRequests),
      hostPorts: pod.hostPorts.length > 0 ? pods.flatMap((other) => other.hostPorts) : was.hostPorts,
    });
  }
}

function readNode(node: Node): NodeFacts {
  const taints = node.spec.taints ?? none;
  const images = new Map<string, number>();
  for (const image of node.status.images ?? none) {
    for (const name of image.names ?? none) images.set(name, image.sizeBytes ?? 0);
  }
  return {
    node,
    labels: node.metadata.labels ?? noNode.labels,
    allocatable: parseResources(node.status.allocatable),
    allowedPods: quantityValue(node.status.allocatable?.['pods']),
    hardTaints: taints.filter(isHard),
    softTaints: taints.filter((taint) => taint.effect === 'PreferNoSchedule'),
    images,
  };
}
