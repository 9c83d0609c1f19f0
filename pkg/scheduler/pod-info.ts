/** A pod as the scheduler sees it: what its plugins ask again and again, worked out once per version of the pod. */

import type { Pod, PodAffinityTerm, WeightedPodAffinityTerm } from '../api/generated/core-v1.ts';
import type { LabelSelector } from '../api/generated/meta-v1.ts';
import { keyOf } from '../api/object.ts';
import { nothing, type Requirement, type Selector, selectorFromLabelSelector, selectorOf } from '../api/selectors.ts';
import { podRequests, type Resources } from './resources.ts';

export type Labels = Readonly<Record<string, string>>;
export type NamespaceLabels = (namespace: string) => Labels | undefined;

/** One (anti-)affinity term, compiled. */
export interface AffinityTerm {
  readonly topologyKey: string;
  readonly selector: Selector;
  readonly namespaces: ReadonlySet<string>;
  readonly namespaceSelector: Selector | undefined;
}
export interface WeightedTerm extends AffinityTerm {
  readonly weight: number;
}

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

export interface PodInfo {
  readonly pod: Pod;
  /** `namespace/name`. */
  readonly key: string;
  readonly uid: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly priority: number;
  readonly requests: Resources;
  /** With assumed values where a container asks for nothing: for scores alone. */
  readonly assumedRequests: Resources;
  readonly hostPorts: readonly HostPort[];
  readonly affinity: readonly AffinityTerm[];
  readonly antiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedTerm[];
  readonly preferredAntiAffinity: readonly WeightedTerm[];
  /** Why the pod cannot be read (an unparsable selector or quantity), if so. It is then never scheduled. */
  readonly problem: string | undefined;
}

const none: readonly never[] = [];
const noLabels: Labels = {};

export function createPodInfo(pod: Pod): PodInfo {
  const { metadata, spec } = pod;
  const base = {
    pod,
    key: keyOf(pod),
    uid: metadata.uid,
    namespace: metadata.namespace ?? '',
    labels: metadata.labels ?? noLabels,
    priority: spec.priority ?? 0,
    hostPorts: hostPortsOf(pod),
  };
  try {
    const affinity = spec.affinity?.podAffinity;
    const anti = spec.affinity?.podAntiAffinity;
    return {
      ...base,
      requests: podRequests(pod),
      assumedRequests: podRequests(pod, true),
      affinity: (affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? none).map((term) => compile(term, pod)),
      antiAffinity: (anti?.requiredDuringSchedulingIgnoredDuringExecution ?? none).map((term) => compile(term, pod)),
      preferredAffinity: weighted(affinity?.preferredDuringSchedulingIgnoredDuringExecution, pod),
      preferredAntiAffinity: weighted(anti?.preferredDuringSchedulingIgnoredDuringExecution, pod),
      problem: undefined,
    };
  } catch (error) {
    const empty = { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalars: {} };
    return {
      ...base,
      requests: empty,
      assumedRequests: empty,
      affinity: none,
      antiAffinity: none,
      preferredAffinity: none,
      preferredAntiAffinity: none,
      problem: error instanceof Error ? error.message : String(error),
    };
  }
}

export function hasAffinity(info: PodInfo): boolean {
  return info.affinity.length + info.antiAffinity.length + info.preferredAffinity.length + info.preferredAntiAffinity.length > 0;
}

/** Does the term select this pod? */
export function termMatches(term: AffinityTerm, target: PodInfo, namespaceLabels: NamespaceLabels): boolean {
  const inNamespace =
    term.namespaces.has(target.namespace) || (term.namespaceSelector?.matches(namespaceLabels(target.namespace) ?? noLabels) ?? false);
  return inNamespace && term.selector.matches(target.labels);
}

/** Pods that have ended hold nothing of a node any more. */
export function isTerminal(pod: Pod): boolean {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
}

/**
 * A selector, narrowed to the pod's own values of `keys` (and away from those of `notKeys`): what matchLabelKeys and
 * mismatchLabelKeys mean. The API server writes the former into the selector as well; saying it twice changes nothing.
 */
export function narrowedSelector(
  selector: LabelSelector | undefined,
  labels: Labels,
  keys: readonly string[] = none,
  notKeys: readonly string[] = none,
): Selector {
  if (!selector) return nothing;
  const base = selectorFromLabelSelector(selector);
  if (keys.length + notKeys.length === 0) return base;
  const extra: Requirement[] = [];
  for (const key of keys) if (labels[key] !== undefined) extra.push({ key, operator: 'in', values: [labels[key]] });
  for (const key of notKeys) if (labels[key] !== undefined) extra.push({ key, operator: 'notin', values: [labels[key]] });
  return selectorOf([...base.requirements, ...extra]);
}

function compile(term: PodAffinityTerm, pod: Pod): AffinityTerm {
  // Neither list nor selector given: the pod's own namespace. An empty selector is every namespace.
  const names = term.namespaces ?? none;
  const own = names.length === 0 && term.namespaceSelector === undefined;
  return {
    topologyKey: term.topologyKey,
    selector: narrowedSelector(term.labelSelector, pod.metadata.labels ?? noLabels, term.matchLabelKeys, term.mismatchLabelKeys),
    namespaces: new Set(own ? [pod.metadata.namespace ?? ''] : names),
    namespaceSelector: term.namespaceSelector ? selectorFromLabelSelector(term.namespaceSelector) : undefined,
  };
}

function weighted(terms: readonly WeightedPodAffinityTerm[] | undefined, pod: Pod): readonly WeightedTerm[] {
  return (terms ?? none).map(({ weight, podAffinityTerm }) => ({ ...compile(podAffinityTerm, pod), weight }));
}

function hostPortsOf(pod: Pod): readonly HostPort[] {
  const sidecars = (pod.spec.initContainers ?? none).filter((container) => container.restartPolicy === 'Always');
  const ports: HostPort[] = [];
  for (const container of [...pod.spec.containers, ...sidecars]) {
    for (const { hostPort, hostIP, protocol } of container.ports ?? none) {
      if (hostPort) ports.push({ ip: hostIP || '0.0.0.0', protocol: protocol ?? 'TCP', port: hostPort });
    }
  }
  return ports.length === 0 ? none : ports;
}
