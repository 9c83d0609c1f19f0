/**
 * How much of a quota its namespace uses: pure. Every object counts as one under `count/RESOURCE.GROUP`; pods, claims
 * and services also by what they ask for.
 * https://kubernetes.io/docs/concepts/policy/resource-quotas/
 */
import type { PersistentVolumeClaim, Pod, ResourceQuota, ResourceQuotaStatus, Service } from '../../api/generated/core-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { formatQuantity, parseQuantity } from '../../api/quantity.ts';
import { type Amounts, add } from './amounts.ts';
import { inScopes, podUsage, requirementsOf } from './pod-usage.ts';

/** What can be counted by its plain name as well. */
const plainlyNamed = new Set(['configmaps', 'persistentvolumeclaims', 'replicationcontrollers', 'resourcequotas', 'secrets', 'services']);
const classSuffix = '.storageclass.storage.k8s.io/';

/** The resources that a quota speaks of: `pods`, `replicasets.apps`. */
export function countedResources({ spec }: ResourceQuota): ReadonlySet<string> {
  const found = new Set<string>();
  for (const name of Object.keys(spec.hard ?? {})) {
    if (name.startsWith('count/')) found.add(name.slice('count/'.length));
    else if (name.startsWith('services.')) found.add('services');
    else if (name === 'requests.storage' || name.includes(classSuffix)) found.add('persistentvolumeclaims');
    else found.add(plainlyNamed.has(name) ? name : 'pods');
  }
  return found;
}

/** `objects`: those of the quota's namespace, by resource; a resource that nobody serves is missing. */
export function quotaStatus(quota: ResourceQuota, objects: ReadonlyMap<string, readonly KubeObject[]>): ResourceQuotaStatus {
  const { hard = {} } = quota.spec;
  const usage: Amounts = new Map();
  for (const [resource, all] of objects) {
    for (const object of all) {
      if (!isMeant(resource, object, quota)) continue;
      for (const [name, amount] of usageOf(resource, object)) add(usage, name, amount);
    }
  }
  const used: Record<string, string> = {};
  for (const name of Object.keys(hard)) {
    if (!name.startsWith('count/') || objects.has(name.slice('count/'.length)))
      used[name] = formatQuantity(usage.get(name) ?? parseQuantity('0'));
  }
  return { hard, used };
}

/** Scopes speak of pods; a quota that has any is about nothing else. */
function isMeant(resource: string, object: KubeObject, quota: ResourceQuota): boolean {
  return resource === 'pods' ? inScopes(object as Pod, quota) : requirementsOf(quota.spec).length === 0;
}

function usageOf(resource: string, object: KubeObject): Amounts {
  if (resource === 'pods') return podUsage(object as Pod);
  const usage: Amounts = new Map();
  add(usage, `count/${resource}`, 1);
  if (plainlyNamed.has(resource)) add(usage, resource, 1);
  if (resource === 'services') addService(usage, object as Service);
  if (resource === 'persistentvolumeclaims') addClaim(usage, object as PersistentVolumeClaim);
  return usage;
}

function addService(usage: Amounts, { spec }: Service): void {
  if (spec.type === 'LoadBalancer') add(usage, 'services.loadbalancers', 1);
  if (spec.type !== 'LoadBalancer' && spec.type !== 'NodePort') return;
  add(usage, 'services.nodeports', (spec.ports ?? []).filter(({ nodePort }) => spec.type === 'NodePort' || nodePort).length);
}

function addClaim(usage: Amounts, { spec, metadata }: PersistentVolumeClaim): void {
  const storage = parseQuantity(spec.resources?.requests?.['storage'] ?? '0');
  const storageClass = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName;
  add(usage, 'requests.storage', storage);
  if (!storageClass) return;
  add(usage, `${storageClass}${classSuffix}requests.storage`, storage);
  add(usage, `${storageClass}${classSuffix}persistentvolumeclaims`, 1);
}
