import type { ReplicaSet, StatefulSet } from '../api/generated/apps-v1.ts';
import type { Pod, ReplicationController, Service } from '../api/generated/core-v1.ts';
import { controllerOf } from '../api/object.ts';
import { type Requirement, type Selector, selectorFromLabelSelector, selectorFromMap, selectorOf } from '../api/selectors.ts';
import type { Lister } from '../listwatch/contract.ts';

export interface OwnerListers {
  readonly services: Lister<Service>;
  readonly replicationControllers: Lister<ReplicationController>;
  readonly replicaSets: Lister<ReplicaSet>;
  readonly statefulSets: Lister<StatefulSet>;
}

/**
 * What a pod's Services and its owner select, all together: the pods it should be spread from by default. Undefined
 * when it belongs to none.
 */
export function ownersSelectorOf(pod: Pod, listers: OwnerListers): Selector | undefined {
  const requirements: Requirement[] = [];
  const namespace = pod.metadata.namespace ?? '';
  for (const { spec } of listers.services.list(namespace)) {
    if (!spec.selector || Object.keys(spec.selector).length === 0) continue;
    const selector = selectorFromMap(spec.selector);
    if (selector.matches(pod.metadata.labels)) requirements.push(...selector.requirements);
  }
  const owner = controllerOf(pod);
  const key = `${namespace}/${owner?.name}`;
  if (owner?.kind === 'ReplicationController') {
    requirements.push(...selectorFromMap(listers.replicationControllers.get(key)?.spec.selector).requirements);
  } else if (owner?.kind === 'ReplicaSet' || owner?.kind === 'StatefulSet') {
    const owning = owner.kind === 'ReplicaSet' ? listers.replicaSets.get(key) : listers.statefulSets.get(key);
    requirements.push(...selectorFromLabelSelector(owning?.spec.selector).requirements);
  }
  return requirements.length === 0 ? undefined : selectorOf(requirements);
}
