/** What one pod takes of a quota, and which quotas it falls under: pure. */
import type {
  Affinity,
  Container,
  Pod,
  PodAffinityTerm,
  ResourceQuota,
  ScopedResourceSelectorRequirement,
} from '../../api/generated/core-v1.ts';
import { parseQuantity } from '../../api/quantity.ts';
import { isPodTerminal } from '../pod-state.ts';
import { type Amounts, add } from './amounts.ts';

type Kind = 'requests' | 'limits';

/** An ended pod is an object still, and takes nothing else. */
export function podUsage(pod: Pod): Amounts {
  const usage: Amounts = new Map();
  add(usage, 'count/pods', 1);
  if (isPodTerminal(pod)) return usage;
  add(usage, 'pods', 1);
  for (const kind of ['requests', 'limits'] as const) {
    for (const [resource, amount] of podResources(pod, kind)) {
      add(usage, `${kind}.${resource}`, amount);
      // What is plainly named means what is requested.
      if (kind === 'requests') add(usage, resource, amount);
    }
  }
  return usage;
}

/** All that run side by side together, or the largest of those that run before them; and what the sandbox takes. */
function podResources({ spec }: Pod, kind: Kind): Amounts {
  const running: Amounts = new Map();
  const peak: Amounts = new Map();
  const addAll = (to: Amounts, from: Amounts): void => {
    for (const [resource, amount] of from) add(to, resource, amount);
  };
  for (const container of spec.initContainers ?? []) {
    const own = containerResources(container, kind);
    if (container.restartPolicy === 'Always') addAll(running, own);
    else raise(peak, together(running, own));
    raise(peak, running);
  }
  for (const container of spec.containers) addAll(running, containerResources(container, kind));
  raise(peak, running);
  if (kind === 'requests' || peak.size > 0) addAll(peak, quantities(spec.overhead));
  return peak;
}

function together(a: Amounts, b: Amounts): Amounts {
  const sum: Amounts = new Map(a);
  for (const [resource, amount] of b) add(sum, resource, amount);
  return sum;
}

function raise(peak: Amounts, now: Amounts): void {
  for (const [resource, amount] of now) {
    const before = peak.get(resource);
    if (!before || before.nanos < amount.nanos) peak.set(resource, amount);
  }
}

const containerResources = ({ resources }: Container, kind: Kind): Amounts => quantities(resources?.[kind]);

function quantities(list: Readonly<Record<string, string>> | undefined): Amounts {
  return new Map(Object.entries(list ?? {}).map(([resource, text]) => [resource, parseQuantity(text)]));
}

/** Whether the pod has all that the quota's scopes ask for. A quota without scopes is about everything. */
export function inScopes(pod: Pod, { spec }: ResourceQuota): boolean {
  return requirementsOf(spec).every((requirement) => fits(pod, requirement));
}

export function requirementsOf({ scopes = [], scopeSelector }: ResourceQuota['spec']): readonly ScopedResourceSelectorRequirement[] {
  const plain = scopes.map((scopeName): ScopedResourceSelectorRequirement => ({ scopeName, operator: 'Exists' }));
  return [...plain, ...(scopeSelector?.matchExpressions ?? [])];
}

function fits(pod: Pod, { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement): boolean {
  const { spec } = pod;
  switch (scopeName) {
    case 'Terminating':
      return isBounded(pod);
    case 'NotTerminating':
      return !isBounded(pod);
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'CrossNamespacePodAffinity':
      return looksAbroad(spec.affinity);
    case 'PriorityClass': {
      const name = spec.priorityClassName ?? '';
      if (operator === 'Exists') return name !== '';
      if (operator === 'DoesNotExist') return name === '';
      return values.includes(name) === (operator === 'In');
    }
    default:
      return false;
  }
}

const isBounded = ({ spec }: Pod): boolean => (spec.activeDeadlineSeconds ?? -1) >= 0;

function isBestEffort({ spec }: Pod): boolean {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  return containers.every((container) =>
    (['requests', 'limits'] as const).every((kind) =>
      [...containerResources(container, kind)].every(
        ([resource, { nanos }]) => nanos === 0n || (resource !== 'cpu' && resource !== 'memory'),
      ),
    ),
  );
}

function looksAbroad(affinity: Affinity | undefined): boolean {
  const { podAffinity, podAntiAffinity } = affinity ?? {};
  const terms: PodAffinityTerm[] = [podAffinity, podAntiAffinity].flatMap((each) => [
    ...(each?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(each?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
  return terms.some(({ namespaces, namespaceSelector }) => (namespaces ?? []).length > 0 || namespaceSelector !== undefined);
}
