/**
 * How far a write through a resource or one of its subresources reaches: nobody comes to own by it what lies beyond.
 * Kubernetes' strategies state the same (`GetResetFields`).
 */
import { emptySet, type FieldSet, only } from '../runtime/field-set.ts';
import { type Reach, without } from '../runtime/managed-fields.ts';
import type { ResourceDeclaration } from './contract.ts';

const spec: FieldSet = { 'f:spec': emptySet };
const metadataToo = { status: without({ 'f:metadata': emptySet, ...spec }) };
const resized: FieldSet = { '*': { 'f:resources': emptySet, 'f:resizePolicy': emptySet } };

/** By resource, then by subresource. Elsewhere the object itself goes without its status, and the status without the spec. */
const reaches: Readonly<Record<string, Readonly<Record<string, Reach>>>> = {
  pods: {
    status: without({ 'f:metadata': { 'f:deletionTimestamp': emptySet, 'f:ownerReferences': emptySet }, ...spec }),
    ephemeralcontainers: only({ 'f:spec': { 'f:ephemeralContainers': emptySet } }),
    resize: only({ 'f:spec': { 'f:containers': resized, 'f:initContainers': resized } }),
  },
  namespaces: { finalize: without({ 'f:status': emptySet }) },
  'deployments.apps': { status: without({ 'f:metadata': { 'f:labels': emptySet }, ...spec }) },
  'certificatesigningrequests.certificates.k8s.io': {
    '': without({ ...spec, 'f:status': emptySet }),
    status: without({ ...spec, 'f:status': { 'f:conditions': emptySet } }),
    approval: without({ ...spec, 'f:status': { 'f:certificate': emptySet } }),
  },
  'podcertificaterequests.certificates.k8s.io': { '': (fields) => fields },
  'apiservices.apiregistration.k8s.io': metadataToo,
  'devicetaintrules.resource.k8s.io': metadataToo,
  'flowschemas.flowcontrol.apiserver.k8s.io': metadataToo,
  'podgroups.scheduling.k8s.io': metadataToo,
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': metadataToo,
  'resourceclaims.resource.k8s.io': metadataToo,
  'resourcepoolstatusrequests.resource.k8s.io': metadataToo,
  'servicecidrs.networking.k8s.io': metadataToo,
  'storageversionmigrations.storagemigration.k8s.io': metadataToo,
  'storageversions.internal.apiserver.k8s.io': metadataToo,
  'validatingadmissionpolicies.admissionregistration.k8s.io': metadataToo,
  'volumeattachments.storage.k8s.io': metadataToo,
};

/** Undefined: what is said above of all others. */
export function reachThrough({ group, resource, custom }: ResourceDeclaration, subresource: string): Reach | undefined {
  if (custom) return subresource === 'status' ? metadataToo.status : undefined;
  return reaches[group === '' ? resource : `${resource}.${group}`]?.[subresource];
}
