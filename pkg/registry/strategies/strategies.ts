/** What each resource does differently on its way to the store, by group and plural. Those that are not here do nothing. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { equalValues } from '../../runtime/values.ts';
import { definitionStrategy } from '../custom/definition-strategy.ts';
import { assign, child, metadataOf, objectAt, objects, type Raw } from '../raw.ts';
import type { Strategy } from '../resource.ts';
import { validatePriorityClassUpdate } from '../validation/cluster.ts';
import { validateDeviceClaimStatus } from '../validation/device-claim-status.ts';
import { validateEndpointSliceUpdate } from '../validation/endpoint-slice.ts';
import { strictEvents, validateStrictEvent, validateStrictEventUpdate } from '../validation/events.ts';
import {
  all,
  immutable,
  immutableStruct,
  immutableUnseen,
  notUpdatable,
  onWrite,
  sameParent,
  sameRole,
} from '../validation/immutability.ts';
import { validateLoadBalancer, validateServiceCidrUpdate } from '../validation/network.ts';
import { validatePodRequestStatus } from '../validation/pod-certificate-status.ts';
import { validateQuotaStatus, validateQuotaUpdate } from '../validation/quota.ts';
import { autoscalerCounts, budgetStatus, deploymentCounts, replicaSetCounts, statefulSetCounts } from '../validation/status-counts.ts';
import {
  attachmentStatus,
  conditionsOnly,
  migrationStatus,
  podGroupStatus,
  policyStatus,
  poolStatusRequest,
  storageVersionStatus,
} from '../validation/status-rules.ts';
import { validateCsiNodeUpdate } from '../validation/storage-classes.ts';
import { validateStatefulSetUpdate } from '../validation/workload.ts';
import { warningsOf } from '../warnings/warnings.ts';
import { certificateSigningRequestStrategy } from './certificate-signing-request.ts';
import { claimStrategy } from './claim.ts';
import { configMapStrategy, secretStrategy } from './config.ts';
import { daemonSetStrategy } from './daemon-set.ts';
import { datedSlice, datedTaintRule } from './device-taints.ts';
import { jobStrategy } from './job.ts';
import { policyConditions, webhookConditions } from './match-conditions.ts';
import { namespaceStrategy } from './namespace.ts';
import { nodeStrategy } from './node.ts';
import { podStrategy } from './pod.ts';
import { serviceStrategy } from './service.ts';
import { volumeStrategy } from './storage-volume.ts';
import { unservedFieldsOf } from './unserved-fields.ts';

/** `metadata.generation` counts changes of what is wanted. */
const counted: Strategy = { generation: true };

const specOrAnnotations = (next: Raw, old: Raw): boolean =>
  !equalValues(next['spec'], old['spec']) || !equalValues(metadataOf(next)['annotations'] ?? {}, metadataOf(old)['annotations'] ?? {});

/** A slice's labels say which service it is of: they count. */
const contentOrLabels = (next: Raw, old: Raw): boolean =>
  ['addressType', 'endpoints', 'ports'].some((key) => !equalValues(next[key] ?? [], old[key] ?? [])) ||
  !equalValues(metadataOf(next)['labels'] ?? {}, metadataOf(old)['labels'] ?? {});

/** Of a template that has none, since they are not served: shown as null, as Go shows them. */
const showConstraints = (workload: Raw): void => {
  for (const template of objects(objectAt(workload['spec'])['podGroupTemplates'])) template['schedulingConstraints'] ??= null;
};

const eventAs = (apiVersion: string, object: Raw, old: Raw | undefined): StatusCause[] => {
  if (apiVersion !== strictEvents) return [];
  return old ? validateStrictEventUpdate(object, old) : validateStrictEvent(object);
};

/** Of the secrets of a service account only the names count. */
const onlyNames = (account: Raw): void => {
  if (Array.isArray(account['secrets']))
    account['secrets'] = objects(account['secrets']).map(({ name }) => (name === undefined ? {} : { name }));
};

const strategies: Readonly<Record<string, Strategy>> = {
  pods: podStrategy,
  namespaces: namespaceStrategy,
  services: serviceStrategy,
  configmaps: configMapStrategy,
  secrets: secretStrategy,
  nodes: nodeStrategy,
  serviceaccounts: { prepareCreate: onlyNames, prepareUpdate: onlyNames },
  endpoints: { createOnUpdate: true },
  events: { createOnUpdate: true, collection: 'none', validateAs: eventAs },
  limitranges: { createOnUpdate: true },
  podtemplates: counted,
  resourcequotas: { validateUpdate: onWrite({ object: validateQuotaUpdate, status: validateQuotaStatus }) },
  replicationcontrollers: { generation: true, collection: 'orphan', validateUpdate: onWrite({ status: replicaSetCounts }) },
  'replicasets.apps': { generation: true, validateUpdate: onWrite({ object: immutable('spec.selector'), status: replicaSetCounts }) },
  'deployments.apps': {
    generation: specOrAnnotations,
    validateUpdate: onWrite({ object: immutable('spec.selector'), status: deploymentCounts }),
  },
  'daemonsets.apps': daemonSetStrategy,
  'statefulsets.apps': { generation: true, validateUpdate: onWrite({ object: validateStatefulSetUpdate, status: statefulSetCounts }) },
  'jobs.batch': jobStrategy,
  'cronjobs.batch': counted,
  'certificatesigningrequests.certificates.k8s.io': certificateSigningRequestStrategy,
  'clustertrustbundles.certificates.k8s.io': { needsResourceVersion: true, validateUpdate: immutable('spec.signerName') },
  'podcertificaterequests.certificates.k8s.io': {
    validateUpdate: onWrite({ object: immutable('spec'), status: validatePodRequestStatus }),
  },
  'storageversionmigrations.storagemigration.k8s.io': {
    validateUpdate: onWrite({
      object: immutableStruct('spec', { Resource: ['resource', { group: ['group', ''], resource: ['resource', ''] }] }),
      status: migrationStatus,
    }),
  },
  'horizontalpodautoscalers.autoscaling': { validateUpdate: onWrite({ status: autoscalerCounts }) },
  'poddisruptionbudgets.policy': { generation: true, needsResourceVersion: true, validateUpdate: onWrite({ status: budgetStatus }) },
  'leases.coordination.k8s.io': { createOnUpdate: true, needsResourceVersion: true },
  'leasecandidates.coordination.k8s.io': {
    createOnUpdate: true,
    needsResourceVersion: true,
    validateUpdate: immutable('spec.leaseName'),
  },
  'endpointslices.discovery.k8s.io': { generation: contentOrLabels, validateUpdate: validateEndpointSliceUpdate },
  'ingresses.networking.k8s.io': { generation: true, validateUpdate: onWrite({ status: validateLoadBalancer }) },
  'ingressclasses.networking.k8s.io': { generation: true, validateUpdate: immutable('spec.controller') },
  'networkpolicies.networking.k8s.io': counted,
  'servicecidrs.networking.k8s.io': {
    validateUpdate: onWrite({ object: validateServiceCidrUpdate }),
  },
  'resourcepoolstatusrequests.resource.k8s.io': {
    needsResourceVersion: true,
    validateUpdate: onWrite({ object: immutableUnseen('spec'), status: poolStatusRequest }),
  },
  'storageversions.internal.apiserver.k8s.io': { validateUpdate: onWrite({ status: storageVersionStatus }) },
  'roles.rbac.authorization.k8s.io': { createOnUpdate: true },
  'rolebindings.rbac.authorization.k8s.io': { createOnUpdate: true, validateUpdate: sameRole },
  'clusterroles.rbac.authorization.k8s.io': { createOnUpdate: true },
  'clusterrolebindings.rbac.authorization.k8s.io': { createOnUpdate: true, validateUpdate: sameRole },
  'workloads.scheduling.k8s.io': {
    prepareCreate: showConstraints,
    prepareUpdate: showConstraints,
    validateUpdate: immutableUnseen('spec.controllerRef', 'spec.podGroupTemplates'),
  },
  'podgroups.scheduling.k8s.io': {
    prepareCreate: (group) => assign(child(group, 'spec'), 'disruptionMode', 'Pod'),
    prepareUpdate: (group, old) => assign(child(group, 'spec'), 'disruptionMode', objectAt(old['spec'])['disruptionMode']),
    validateUpdate: onWrite({ object: immutableUnseen('spec.podGroupTemplateRef', 'spec.schedulingPolicy'), status: podGroupStatus }),
  },
  'flowschemas.flowcontrol.apiserver.k8s.io': counted,
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': counted,
  'priorityclasses.scheduling.k8s.io': { generation: true, validateUpdate: validatePriorityClassUpdate },
  'runtimeclasses.node.k8s.io': { createOnUpdate: true, needsResourceVersion: true, validateUpdate: immutable('handler') },
  'controllerrevisions.apps': { validateUpdate: immutable('data') },
  persistentvolumes: volumeStrategy,
  persistentvolumeclaims: claimStrategy,
  'storageclasses.storage.k8s.io': {
    validateUpdate: all(notUpdatable('parameters', 'provisioner', 'reclaimPolicy'), immutable('volumeBindingMode')),
  },
  'ipaddresses.networking.k8s.io': { validateUpdate: sameParent },
  'resourceclaims.resource.k8s.io': {
    validateUpdate: onWrite({ object: immutable('spec'), status: validateDeviceClaimStatus }),
  },
  'resourceslices.resource.k8s.io': { generation: true, ...datedSlice },
  'deviceclasses.resource.k8s.io': counted,
  'devicetaintrules.resource.k8s.io': {
    generation: true,
    ...datedTaintRule,
    validateUpdate: onWrite({ status: conditionsOnly }),
  },
  'resourceclaimtemplates.resource.k8s.io': { validateUpdate: immutable('spec') },
  'csidrivers.storage.k8s.io': {
    generation: true,
    countsChanges: true,
    needsResourceVersion: true,
    validateUpdate: immutable('spec.attachRequired', 'spec.volumeLifecycleModes'),
  },
  'csinodes.storage.k8s.io': { needsResourceVersion: true, validateUpdate: validateCsiNodeUpdate },
  'volumeattachments.storage.k8s.io': {
    needsResourceVersion: true,
    validateUpdate: onWrite({ object: immutable('spec'), status: attachmentStatus }),
  },
  'csistoragecapacities.storage.k8s.io': { validateUpdate: immutable('nodeTopology', 'storageClassName') },
  'volumeattributesclasses.storage.k8s.io': { validateUpdate: notUpdatable('driverName', 'parameters') },
  'customresourcedefinitions.apiextensions.k8s.io': definitionStrategy,
  'apiservices.apiregistration.k8s.io': { needsResourceVersion: true },
  'validatingwebhookconfigurations.admissionregistration.k8s.io': { generation: true, needsResourceVersion: true, ...webhookConditions },
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': { generation: true, needsResourceVersion: true, ...webhookConditions },
  'validatingadmissionpolicies.admissionregistration.k8s.io': {
    ...counted,
    ...policyConditions,
    validateUpdate: onWrite({ status: policyStatus }),
  },
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': counted,
  'mutatingadmissionpolicies.admissionregistration.k8s.io': { ...counted, ...policyConditions },
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io': { ...counted, needsResourceVersion: true },
};
const plain: Strategy = {};

export function strategyOf(group: string, resource: string): Strategy {
  const name = group === '' ? resource : `${resource}.${group}`;
  const strategy = withoutUnserved(name, strategies[name] ?? plain);
  const warnings = warningsOf(group, resource);
  if (!warnings) return strategy;
  return { ...strategy, warnings: (object, old, subresource) => (subresource === '' ? warnings(object, old) : []) };
}

function withoutUnserved(name: string, strategy: Strategy): Strategy {
  const drop = unservedFieldsOf(name);
  if (!drop) return strategy;
  return {
    ...strategy,
    prepareCreate(object, context) {
      drop(object, undefined);
      strategy.prepareCreate?.(object, context);
    },
    prepareUpdate(object, old, context) {
      drop(object, old);
      strategy.prepareUpdate?.(object, old, context);
    },
  };
}
