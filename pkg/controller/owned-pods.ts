import type { Pod } from '../api/generated/core-v1.ts';
import { controllerOf, type KubeObject, keyOf } from '../api/object.ts';
import type { Selector } from '../api/selectors.ts';
import type { Informer, Workqueue } from '../listwatch/contract.ts';
import type { Causes } from '../trace/cause.ts';
import { equal } from './equal.ts';
import type { Expectations } from './expectations.ts';

export interface OwnedPods<T extends KubeObject> {
  readonly pods: Informer<Pod>;
  readonly owners: Informer<T>;
  readonly kind: string;
  selectorOf(owner: T): Selector;
  readonly expectations: Expectations;
  readonly queue: Workqueue;
}

/**
 * Queues the owner of every pod that comes, changes or goes, and fulfils its expectations; a pod without an owner
 * concerns all that would adopt it. A pod that is being deleted has gone as far as counting is concerned.
 */
export function watchOwnedPods<T extends KubeObject>({ pods, owners, kind, selectorOf, expectations, queue }: OwnedPods<T>): void {
  /** The owner that a controller reference really means: same kind, name and uid. */
  const ownerOf = (pod: Pod): T | undefined => {
    const controller = controllerOf(pod);
    if (controller?.kind !== kind) return undefined;
    const owner = owners.lister.get(keyOf({ metadata: { ...pod.metadata, name: controller.name } }));
    return owner?.metadata.uid === controller.uid ? owner : undefined;
  };
  const addOwner = (pod: Pod, causes: Causes): void => {
    const owner = ownerOf(pod);
    if (owner) queue.add(keyOf(owner), causes);
  };
  const addAdopters = (pod: Pod, causes: Causes): void => {
    for (const owner of owners.lister.list(pod.metadata.namespace)) {
      if (selectorOf(owner).matches(pod.metadata.labels)) queue.add(keyOf(owner), causes);
    }
  };
  const going = (pod: Pod, causes: Causes): void => {
    const controller = controllerOf(pod);
    if (!controller) return;
    expectations.deleted(controller.uid, pod.metadata.uid);
    addOwner(pod, causes);
  };
  pods.addHandler({
    onAdd(pod, causes) {
      const controller = controllerOf(pod);
      if (pod.metadata.deletionTimestamp) {
        going(pod, causes);
      } else if (controller) {
        expectations.created(controller.uid);
        addOwner(pod, causes);
      } else {
        addAdopters(pod, causes);
      }
    },
    onUpdate(pod, previous, causes) {
      if (pod.metadata.deletionTimestamp) going(pod, causes);
      const before = controllerOf(previous);
      const controller = controllerOf(pod);
      if (before && before.uid !== controller?.uid) addOwner(previous, causes);
      if (controller) addOwner(pod, causes);
      else if (before || !equal(pod.metadata.labels, previous.metadata.labels)) addAdopters(pod, causes);
    },
    onDelete: going,
  });
}
