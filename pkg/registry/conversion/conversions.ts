/**
 * Between the versions of a kind: from the one that is stored to another that is served, and back. Both directions
 * together lose nothing; what one version has no field for travels in an annotation, as in Kubernetes. Kinds whose
 * versions differ in name only need none of this.
 */
import type { Raw } from '../raw.ts';
import { autoscalerToStored, autoscalerToV1 } from './autoscaler.ts';
import { claimToStored, claimToV1beta1, sliceToStored, sliceToV1beta1, templateToStored, templateToV1beta1 } from './devices.ts';
import { eventFields, eventToServed, eventToStored } from './event.ts';

/** A new object, which may share parts with the old one; neither changes it. */
export interface Conversion {
  /** From the stored version. */
  outward(object: Raw): Raw;
  /** To the stored version. */
  inward(object: Raw): Raw;
  /** Fields that selectors may name and that the stored version calls otherwise: served to stored. */
  readonly fields?: Readonly<Record<string, string>>;
}

const same: Conversion = { outward: (object) => object, inward: (object) => object };

/** By `group/version/resource` as served. */
const conversions: Readonly<Record<string, Conversion>> = {
  'events.k8s.io/v1/events': { outward: eventToServed, inward: eventToStored, fields: eventFields },
  'autoscaling/v1/horizontalpodautoscalers': { outward: autoscalerToV1, inward: autoscalerToStored },
  'resource.k8s.io/v1beta1/resourceclaims': { outward: claimToV1beta1, inward: claimToStored },
  'resource.k8s.io/v1beta1/resourceclaimtemplates': { outward: templateToV1beta1, inward: templateToStored },
  'resource.k8s.io/v1beta1/resourceslices': { outward: sliceToV1beta1, inward: sliceToStored },
};

export function conversionOf(served: { readonly group: string; readonly version: string; readonly resource: string }): Conversion {
  return conversions[`${served.group}/${served.version}/${served.resource}`] ?? same;
}
