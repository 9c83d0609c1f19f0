import { compareQuantities, isQuantity } from '../../api/quantity.ts';
import { objectAt, objects, type Raw, text } from '../raw.ts';

/**
 * How a pod is treated when its node runs short: Guaranteed when every container has limits for cpu and memory that
 * equal its requests, BestEffort when none asks for either, else Burstable.
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
 */
export function qosClassOf(spec: Raw): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const podLevel = objectAt(spec['resources']);
  const usesPodLevel = counted(podLevel['limits']).length + counted(podLevel['requests']).length > 0;
  const all = usesPodLevel
    ? [podLevel]
    : [...objects(spec['containers']), ...objects(spec['initContainers'])].map((c) => objectAt(c['resources']));
  if (all.every((resources) => counted(resources['limits']).length === 0 && counted(resources['requests']).length === 0))
    return 'BestEffort';
  return all.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}

const computed = ['cpu', 'memory'];

/** The compute resources that are asked for, zero not counted. */
function counted(resources: unknown): string[] {
  return computed.filter((name) => {
    const quantity = text(objectAt(resources)[name]);
    return quantity !== '' && isQuantity(quantity) && compareQuantities(quantity, '0') > 0;
  });
}

function isGuaranteed(resources: Raw): boolean {
  const limits = objectAt(resources['limits']);
  const requests = objectAt(resources['requests']);
  if (counted(limits).length < computed.length) return false;
  return counted(requests).every((name) => compareQuantities(text(requests[name]), text(limits[name])) === 0);
}
