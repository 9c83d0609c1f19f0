/** kube-scheduler's default profile: which plugins, in which order, with which weights. */

import type { Pod } from '../api/generated/core-v1.ts';
import type { PodDisruptionBudget } from '../api/generated/policy-v1.ts';
import type { Selector } from '../api/selectors.ts';
import type { Client } from '../client/client.ts';
import type { WeightedPlugin } from './framework.ts';
import { createDefaultBinder } from './plugins/default-binder.ts';
import { createDefaultPreemption } from './plugins/default-preemption.ts';
import { imageLocality } from './plugins/image-locality.ts';
import { createInterPodAffinity } from './plugins/inter-pod-affinity.ts';
import { nodeAffinity } from './plugins/node-affinity.ts';
import { nodeName } from './plugins/node-name.ts';
import { nodePorts } from './plugins/node-ports.ts';
import { nodeResourcesBalancedAllocation } from './plugins/node-resources-balanced-allocation.ts';
import { nodeResourcesFit } from './plugins/node-resources-fit.ts';
import { nodeUnschedulable } from './plugins/node-unschedulable.ts';
import { createPodTopologySpread } from './plugins/pod-topology-spread.ts';
import { prioritySort } from './plugins/priority-sort.ts';
import { schedulingGates } from './plugins/scheduling-gates.ts';
import { taintToleration } from './plugins/taint-toleration.ts';
import type { NamespaceLabels } from './pod-info.ts';

/** What plugins look up in the cluster beyond the snapshot. */
export interface PluginLookups {
  readonly namespaceLabels: NamespaceLabels;
  /** The selector of the Services and the owner that a pod belongs to. */
  readonly ownersSelector: (pod: Pod) => Selector | undefined;
  readonly budgets: (namespace: string) => readonly PodDisruptionBudget[];
}

export function createDefaultPlugins(client: Client, lookups: PluginLookups): readonly WeightedPlugin[] {
  return [
    { plugin: schedulingGates, weight: 1 },
    { plugin: prioritySort, weight: 1 },
    { plugin: nodeUnschedulable, weight: 1 },
    { plugin: nodeName, weight: 1 },
    { plugin: taintToleration, weight: 3 },
    { plugin: nodeAffinity, weight: 2 },
    { plugin: nodePorts, weight: 1 },
    { plugin: nodeResourcesFit, weight: 1 },
    { plugin: createPodTopologySpread(lookups), weight: 2 },
    { plugin: createInterPodAffinity(lookups.namespaceLabels), weight: 2 },
    { plugin: createDefaultPreemption(lookups), weight: 1 },
    { plugin: nodeResourcesBalancedAllocation, weight: 1 },
    { plugin: imageLocality, weight: 1 },
    { plugin: createDefaultBinder(client), weight: 1 },
  ];
}
