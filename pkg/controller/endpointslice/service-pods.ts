/** Which services select a pod, for the loops that keep Endpoints and EndpointSlices. */
import type { Pod, Service } from '../../api/generated/core-v1.ts';
import { keyOf } from '../../api/object.ts';
import { selectorFromMap } from '../../api/selectors.ts';
import type { Clock } from '../../clock/clock.ts';
import type { Informer, Workqueue } from '../../listwatch/contract.ts';
import type { Causes } from '../../trace/cause.ts';

/** Calls `touch` with the key of every service that a pod's change may matter to. */
export function watchServicePods(
  services: Informer<Service>,
  pods: Informer<Pod>,
  touch: (serviceKey: string, causes: Causes) => void,
): void {
  const touchSelecting = (pod: Pod, causes: Causes, previous?: Pod): void => {
    for (const service of services.lister.list(pod.metadata.namespace)) {
      const { selector } = service.spec;
      if (!selector || Object.keys(selector).length === 0) continue;
      const { matches } = selectorFromMap(selector);
      if (matches(pod.metadata.labels) || (previous && matches(previous.metadata.labels))) touch(keyOf(service), causes);
    }
  };
  services.addHandler({
    onAdd: (service, causes) => touch(keyOf(service), causes),
    onUpdate: (service, _previous, causes) => touch(keyOf(service), causes),
    onDelete: (service, causes) => touch(keyOf(service), causes),
  });
  pods.addHandler({
    onAdd: (pod, causes) => touchSelecting(pod, causes),
    onUpdate: (pod, previous, causes) => touchSelecting(pod, causes, previous),
    onDelete: (pod, causes) => touchSelecting(pod, causes),
  });
}

/** The service's pods, oldest key first; undefined for one without a selector, whose endpoints others keep. */
export function selectedPods(service: Service, pods: Informer<Pod>): readonly Pod[] | undefined {
  const { selector } = service.spec;
  if (!selector || service.spec.type === 'ExternalName') return undefined;
  const { matches } = selectorFromMap(selector);
  return pods.lister.list(service.metadata.namespace).filter((pod) => matches(pod.metadata.labels));
}

/** Many pods become ready at nearly one time: their services are looked at no more often than this. */
const minGapMs = 50;
const maxRemembered = 1000;

/** Adds a key at once when it has been quiet, else when its gap is over; what comes in between is one change. */
export function throttledAdd(queue: Workqueue, clock: Pick<Clock, 'monotonic'>): (key: string, causes: Causes) => void {
  const freeFrom = new Map<string, number>();
  return (key, causes) => {
    const now = clock.monotonic();
    const wait = (freeFrom.get(key) ?? now) - now;
    if (wait > 0) {
      queue.addAfter(key, wait, causes);
      return;
    }
    freeFrom.set(key, now + minGapMs);
    if (freeFrom.size > maxRemembered) for (const [other, free] of freeFrom) if (free <= now) freeFrom.delete(other);
    queue.add(key, causes);
  };
}
