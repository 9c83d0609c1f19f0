/**
 * Lists and references that Go shows when there is nothing in them: as null, never as an empty list. Those that must
 * not be empty are not here; no object without them is taken.
 */
import type { Raw } from '../raw.ts';
import type { TypeDefault } from './type-default.ts';

function showNull(value: Raw, field: string): void {
  const given = value[field];
  if (given === undefined || (Array.isArray(given) && given.length === 0)) value[field] = null;
}

const nulls =
  (...fields: readonly string[]): TypeDefault =>
  (value) => {
    for (const field of fields) showNull(value, field);
  };

export const nullDefaults: Readonly<Record<string, TypeDefault>> = {
  'api.rbac.v1.Role': nulls('rules'),
  'api.rbac.v1.ClusterRole': nulls('rules'),
  'api.autoscaling.v2.HorizontalPodAutoscalerStatus': nulls('currentMetrics'),
  'api.discovery.v1.EndpointSlice': nulls('endpoints', 'ports'),
  'api.storage.v1.CSINodeSpec': nulls('drivers'),
  'api.storage.v1.CSINodeDriver': nulls('topologyKeys'),
  'api.resource.v1.DeviceClaim': nulls('requests'),
  'api.resource.v1.CapacityRequestPolicy': nulls('default'),
  'api.certificates.v1beta1.PodCertificateRequestSpec': nulls('pkixPublicKey', 'proofOfPossession'),
  'api.scheduling.v1alpha2.PodGroupSpec': nulls('podGroupTemplateRef'),
};
