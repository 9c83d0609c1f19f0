/** One small valid object of every kind that is stored, at the version it is stored in. */
import { certificate, certificateRequest } from './certificates.ts';
import type { Draft } from './validation-table.ts';

const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'main', image: 'i' }] } };
const selector = { matchLabels: { a: 'b' } };
const clientConfig = { service: { name: 'hook', namespace: 'default' } };
const webhook = { name: 'a.acme.io', clientConfig, sideEffects: 'None', admissionReviewVersions: ['v1'] };
const rule = { operations: ['CREATE'], apiGroups: ['*'], apiVersions: ['*'], resources: ['pods'] };
const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' };
const storage = { requests: { storage: '1Gi' } };
const request = { name: 'gpu', exactly: { deviceClassName: 'gpu.acme.io' } };

/** By apiVersion and kind; `metadata` where the name matters. */
const byKind: Readonly<Record<string, object>> = {
  'v1 ConfigMap': { data: { a: 'b' } },
  'v1 Endpoints': { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] },
  'v1 Event': { involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' } },
  'v1 LimitRange': { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } },
  'v1 Namespace': {},
  'v1 Node': { spec: { podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24'], taints: [{ key: 'a', effect: 'NoSchedule' }] } },
  'v1 PersistentVolume': { spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/d' } } },
  'v1 PersistentVolumeClaim': { spec: { accessModes: ['ReadWriteOnce'], resources: storage } },
  'v1 Pod': { spec: template.spec },
  'v1 PodTemplate': { template },
  'v1 ReplicationController': { spec: { template } },
  'v1 ResourceQuota': { spec: { hard: { pods: '1' } } },
  'v1 Secret': { stringData: { a: 'b' } },
  'v1 Service': { spec: { ports: [{ port: 80 }] } },
  'v1 ServiceAccount': {},
  'admissionregistration.k8s.io/v1 MutatingAdmissionPolicy': {
    spec: {
      matchConstraints: { resourceRules: [rule] },
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[]' } }],
    },
  },
  'admissionregistration.k8s.io/v1 MutatingAdmissionPolicyBinding': { spec: { policyName: 'p' } },
  'admissionregistration.k8s.io/v1 MutatingWebhookConfiguration': { webhooks: [{ ...webhook, rules: [rule] }] },
  'admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy': {
    spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: 'true' }] },
  },
  'admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding': { spec: { policyName: 'p', validationActions: ['Deny'] } },
  'admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration': { webhooks: [{ ...webhook, rules: [rule] }] },
  'apiextensions.k8s.io/v1 CustomResourceDefinition': {
    metadata: { name: 'things.acme.io' },
    spec: {
      group: 'acme.io',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  },
  'apiregistration.k8s.io/v1 APIService': {
    metadata: { name: 'v1.acme.io' },
    spec: { group: 'acme.io', version: 'v1', groupPriorityMinimum: 100, versionPriority: 10, service: clientConfig.service },
  },
  'apps/v1 ControllerRevision': { revision: 1, data: {} },
  'apps/v1 DaemonSet': { spec: { selector, template } },
  'apps/v1 Deployment': { spec: { selector, template } },
  'apps/v1 ReplicaSet': { spec: { selector, template } },
  'apps/v1 StatefulSet': {
    spec: {
      selector,
      template,
      volumeClaimTemplates: [{ metadata: { name: 'd' }, spec: { accessModes: ['ReadWriteOnce'], resources: storage } }],
    },
  },
  'autoscaling/v2 HorizontalPodAutoscaler': {
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 2, behavior: {} },
  },
  'batch/v1 CronJob': {
    spec: { schedule: '@daily', jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } } },
  },
  'batch/v1 Job': { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } },
  'certificates.k8s.io/v1 CertificateSigningRequest': {
    spec: { request: certificateRequest, signerName: 'acme.io/signer', usages: ['client auth'] },
  },
  'certificates.k8s.io/v1beta1 ClusterTrustBundle': { spec: { trustBundle: certificate } },
  'certificates.k8s.io/v1beta1 PodCertificateRequest': {
    spec: {
      signerName: 'acme.io/pods',
      podName: 'p',
      podUID: 'u',
      serviceAccountName: 's',
      serviceAccountUID: 'u',
      nodeName: 'n',
      nodeUID: 'u',
      stubPKCS10Request: 'LS0t',
    },
  },
  'coordination.k8s.io/v1 Lease': { spec: { leaseDurationSeconds: 15 } },
  'coordination.k8s.io/v1beta1 LeaseCandidate': {
    spec: { leaseName: 'l', binaryVersion: '1.36.0', emulationVersion: '1.36.0', strategy: 'OldestEmulationVersion' },
  },
  'discovery.k8s.io/v1 EndpointSlice': { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }] },
  'flowcontrol.apiserver.k8s.io/v1 FlowSchema': {
    spec: {
      priorityLevelConfiguration: { name: 'low' },
      distinguisherMethod: { type: 'ByUser' },
      rules: [
        {
          subjects: [{ kind: 'User', user: { name: '*' } }],
          resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] }],
          nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }],
        },
      ],
    },
  },
  'flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration': {
    spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} } } },
  },
  'internal.apiserver.k8s.io/v1alpha1 StorageVersion': { metadata: { name: 'apps.deployments' }, spec: {} },
  'networking.k8s.io/v1 IPAddress': { metadata: { name: '10.0.0.1' }, spec: { parentRef: { resource: 'services', name: 'a' } } },
  'networking.k8s.io/v1 Ingress': {
    spec: {
      rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }] } }],
      tls: [{ hosts: ['a.example'] }],
    },
  },
  'networking.k8s.io/v1 IngressClass': { spec: { controller: 'acme.io/c', parameters: { kind: 'K', name: 'n' } } },
  'networking.k8s.io/v1 NetworkPolicy': {
    spec: { podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ port: 80 }] }] },
  },
  'networking.k8s.io/v1 ServiceCIDR': { spec: { cidrs: ['10.0.0.0/16'] } },
  'node.k8s.io/v1 RuntimeClass': { handler: 'runc' },
  'policy/v1 PodDisruptionBudget': { spec: { minAvailable: 1, selector } },
  'rbac.authorization.k8s.io/v1 ClusterRole': { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] },
  'rbac.authorization.k8s.io/v1 ClusterRoleBinding': { roleRef, subjects: [{ kind: 'User', name: 'jane' }] },
  'rbac.authorization.k8s.io/v1 Role': { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] },
  'rbac.authorization.k8s.io/v1 RoleBinding': { roleRef, subjects: [{ kind: 'ServiceAccount', name: 'default' }] },
  'resource.k8s.io/v1 DeviceClass': { spec: { selectors: [{ cel: { expression: 'true' } }] } },
  'resource.k8s.io/v1 ResourceClaim': { spec: { devices: { requests: [request] } } },
  'resource.k8s.io/v1 ResourceClaimTemplate': { spec: { spec: { devices: { requests: [request] } } } },
  'resource.k8s.io/v1 ResourceSlice': {
    spec: { driver: 'gpu.acme.io', nodeName: 'n', pool: { name: 'n', generation: 0, resourceSliceCount: 1 }, devices: [{ name: 'gpu-0' }] },
  },
  'resource.k8s.io/v1alpha3 ResourcePoolStatusRequest': { spec: { driver: 'gpu.acme.io' } },
  'resource.k8s.io/v1beta2 DeviceTaintRule': { spec: { taint: { key: 'acme.io/broken', effect: 'NoExecute' } } },
  'scheduling.k8s.io/v1 PriorityClass': { value: 10 },
  'scheduling.k8s.io/v1alpha2 PodGroup': { spec: { schedulingPolicy: { gang: { minCount: 2 } } } },
  'scheduling.k8s.io/v1alpha2 Workload': {
    spec: { podGroupTemplates: [{ name: 'workers', schedulingPolicy: { basic: {} } }] },
  },
  'storage.k8s.io/v1 CSIDriver': { spec: {} },
  'storage.k8s.io/v1 CSINode': { spec: { drivers: [{ name: 'csi.acme.io', nodeID: 'n' }] } },
  'storage.k8s.io/v1 CSIStorageCapacity': { storageClassName: 'fast', capacity: '1Gi' },
  'storage.k8s.io/v1 StorageClass': { provisioner: 'acme.io/disk' },
  'storage.k8s.io/v1 VolumeAttachment': { spec: { attacher: 'csi.acme.io', nodeName: 'n', source: { persistentVolumeName: 'v' } } },
  'storage.k8s.io/v1 VolumeAttributesClass': { driverName: 'csi.acme.io', parameters: { iops: '1' } },
  'storagemigration.k8s.io/v1beta1 StorageVersionMigration': { spec: { resource: { group: 'apps', resource: 'deployments' } } },
};

export const samples: readonly Draft[] = Object.entries(byKind).map(([key, rest]) => {
  const [apiVersion, kind] = key.split(' ');
  return { apiVersion, kind, ...rest };
});
