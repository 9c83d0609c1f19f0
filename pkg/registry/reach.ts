/**
 * How far a write through a resource or one of its subresources reaches: what lies beyond stays as it was, and nobody
 * comes to own it by such a write. Kubernetes' strategies state the same (`GetResetFields`, `PrepareForUpdate`).
 */
import { emptySet, type FieldSet, only } from '../runtime/field-set.ts';
import { type Reach, without } from '../runtime/managed-fields.ts';
import type { ResourceDeclaration } from './contract.ts';

/** Of one subresource. */
interface Bounds {
  readonly reach?: Reach;
  /** The fields of metadata that stay as they were. */
  readonly keeps?: readonly string[];
}

const spec: FieldSet = { 'f:spec': emptySet };
const allMetadata = ['labels', 'annotations', 'finalizers', 'ownerReferences'];
const metadataToo = { status: { reach: without({ 'f:metadata': emptySet, ...spec }), keeps: allMetadata } };
const resized: FieldSet = { '*': { 'f:resources': emptySet, 'f:resizePolicy': emptySet } };

/**
 * By resource, then by subresource. Elsewhere the object itself goes without its status, and the status without the spec;
 * metadata is written through either.
 */
const bounds: Readonly<Record<string, Readonly<Record<string, Bounds>>>> = {
  pods: {
    status: {
      reach: without({ 'f:metadata': { 'f:deletionTimestamp': emptySet, 'f:ownerReferences': emptySet }, ...spec }),
      keeps: ['ownerReferences'],
    },
    ephemeralcontainers: { reach: only({ 'f:spec': { 'f:ephemeralContainers': emptySet } }), keeps: allMetadata },
    resize: { reach: only({ 'f:spec': { 'f:containers': resized, 'f:initContainers': resized } }), keeps: allMetadata },
  },
  namespaces: { finalize: { reach: without({ 'f:status': emptySet }) } },
  'deployments.apps': { status: { reach: without({ 'f:metadata': { 'f:labels': emptySet }, ...spec }), keeps: ['labels'] } },
  'certificatesigningrequests.certificates.k8s.io': {
    '': { reach: without({ ...spec, 'f:status': emptySet }) },
    status: { reach: without({ ...spec, 'f:status': { 'f:conditions': emptySet } }) },
    approval: { reach: without({ ...spec, 'f:status': { 'f:certificate': emptySet } }) },
  },
  'podcertificaterequests.certificates.k8s.io': { '': { reach: (fields) => fields }, status: { keeps: allMetadata } },
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
const ofCustom = { status: { ...metadataToo.status, keeps: [...allMetadata, 'generateName'] } };
const none: Bounds = {};

export function boundsOf({ group, resource, custom }: ResourceDeclaration, subresource: string): Bounds {
  const found: Readonly<Record<string, Bounds>> | undefined = custom ? ofCustom : bounds[group === '' ? resource : `${resource}.${group}`];
  return found?.[subresource] ?? none;
}
