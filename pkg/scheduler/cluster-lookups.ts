import {
  namespaces,
  nodes,
  poddisruptionbudgets,
  pods,
  replicasets,
  replicationcontrollers,
  services,
  statefulsets,
} from '../api/generated/resources.ts';
import type { InformerFactory } from '../listwatch/contract.ts';
import type { PluginLookups } from './default-plugins.ts';
import { ownersSelectorOf } from './owners-selector.ts';

/** The informers that the scheduler stands on, and what plugins may ask of them. */
export function createLookups(informers: InformerFactory) {
  const budgets = informers.informer(poddisruptionbudgets);
  const owners = {
    services: informers.informer(services),
    replicationControllers: informers.informer(replicationcontrollers),
    replicaSets: informers.informer(replicasets),
    statefulSets: informers.informer(statefulsets),
  };
  const ownerListers = {
    services: owners.services.lister,
    replicationControllers: owners.replicationControllers.lister,
    replicaSets: owners.replicaSets.lister,
    statefulSets: owners.statefulSets.lister,
  };
  const seen = { pods: informers.informer(pods), nodes: informers.informer(nodes), namespaces: informers.informer(namespaces) };
  const lookups: PluginLookups = {
    namespaceLabels: (namespace) => seen.namespaces.lister.get(namespace)?.metadata.labels,
    ownersSelector: (pod) => ownersSelectorOf(pod, ownerListers),
    budgets: (namespace) => budgets.lister.list(namespace),
  };
  return { ...seen, lookups, all: [...Object.values(seen), ...Object.values(owners), budgets] };
}
