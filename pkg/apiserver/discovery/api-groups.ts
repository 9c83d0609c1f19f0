/**
 * What the API consists of, derived from the declarations alone: groups, their versions, their resources.
 * https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
 */
import type { APIGroup, APIResource } from '../../api/generated/meta-v1.ts';
import { apiVersionOf } from '../../api/object.ts';
import { toBase64 } from '../../client/credentials/base64.ts';
import { sha256 } from '../../client/credentials/sha-256.ts';
import type { ResourceDeclaration } from '../../registry/contract.ts';

export interface ApiVersion {
  readonly version: string;
  /** Ascending by name. */
  readonly resources: readonly ResourceDeclaration[];
}
export interface ApiGroup {
  /** Empty for the core group. */
  readonly name: string;
  /** The preferred one first. */
  readonly versions: readonly ApiVersion[];
}

/** Kubernetes' own order; it decides which group a short name such as `events` means. Others follow by name. */
const groupOrder = [
  '',
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'internal.apiserver.k8s.io',
  'storagemigration.k8s.io',
];

export function groupsOf(declarations: readonly ResourceDeclaration[]): readonly ApiGroup[] {
  const groups = new Map<string, Map<string, ResourceDeclaration[]>>();
  for (const declaration of declarations) {
    const versions = getOrAdd(groups, declaration.group, () => new Map<string, ResourceDeclaration[]>());
    getOrAdd(versions, declaration.version, () => []).push(declaration);
  }
  const rank = (name: string): number => (groupOrder.includes(name) ? groupOrder.indexOf(name) : groupOrder.length);
  return [...groups]
    .sort(([a], [b]) => rank(a) - rank(b) || compare(a, b))
    .map(([name, versions]) => ({
      name,
      versions: [...versions]
        .sort(([a], [b]) => compareVersions(a, b))
        .map(([version, resources]) => ({ version, resources: resources.sort((a, b) => compare(a.resource, b.resource)) })),
    }));
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The most stable and newest first: v2, v1, v1beta2, v1beta1, v1alpha3; what does not look like a version last.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#version-priority
 */
export function compareVersions(a: string, b: string): number {
  const left = parseVersion(a);
  const right = parseVersion(b);
  if (!left || !right) return left ? -1 : right ? 1 : compare(a, b);
  return right.stability - left.stability || right.major - left.major || right.minor - left.minor;
}

function parseVersion(version: string): { stability: number; major: number; minor: number } | undefined {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (!match) return undefined;
  const [, major, stage, minor] = match;
  return { stability: stage === undefined ? 2 : stage === 'beta' ? 1 : 0, major: Number(major), minor: Number(minor ?? 0) };
}

/** As an item of a list: kind and apiVersion are the list's. */
export function apiGroup({ name, versions }: ApiGroup): Omit<APIGroup, 'kind' | 'apiVersion'> {
  const named = versions.map(({ version }) => ({ groupVersion: apiVersionOf({ group: name, version }), version }));
  return { name, versions: named, preferredVersion: named[0] as (typeof named)[number] };
}

/** The resources of one version, each followed by its subresources. `stored`: the version objects are stored in. */
export function apiResources({ resources }: ApiVersion, stored: (declaration: ResourceDeclaration) => ResourceDeclaration): APIResource[] {
  return resources.flatMap((declaration) => {
    const { resource, singular, namespaced, kind, shortNames, categories } = declaration;
    const verbs = offeredVerbs(declaration);
    const own: APIResource = {
      name: resource,
      singularName: singular,
      namespaced,
      kind,
      verbs,
      ...(shortNames.length > 0 ? { shortNames } : {}),
      ...(categories.length > 0 ? { categories } : {}),
      ...(verbs.includes('create') && verbs.includes('get') ? { storageVersionHash: storageVersionHash(stored(declaration)) } : {}),
    };
    return [own, ...subresources(declaration)];
  });
}

/** Objects whose definition is being deleted can no longer be made, only got rid of. */
export function offeredVerbs({ verbs, custom }: ResourceDeclaration): readonly string[] {
  return custom?.terminating ? verbs.filter((verb) => !['create', 'patch', 'update'].includes(verb)) : verbs;
}

function subresources({ group, version, resource, namespaced, subresources, custom }: ResourceDeclaration): APIResource[] {
  return Object.entries(subresources)
    .sort(([a], [b]) => (custom ? 0 : compare(a, b)))
    .map(
      ([
        name,
        {
          verbs,
          kind: [kindGroup, kindVersion, kind],
        },
      ]) => ({
        name: `${resource}/${name}`,
        singularName: '',
        namespaced,
        ...(kindGroup === group && kindVersion === version ? {} : { group: kindGroup, version: kindVersion }),
        kind,
        verbs,
      }),
    );
}

const hashes = new Map<string, string>();

/** What Kubernetes 1.36 stores in another version than the preferred one, by group and kind. */
const storedOtherwise: Readonly<Record<string, string>> = {
  'admissionregistration.k8s.io/MutatingAdmissionPolicy': 'admissionregistration.k8s.io/v1beta1',
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding': 'admissionregistration.k8s.io/v1beta1',
  'apiextensions.k8s.io/CustomResourceDefinition': 'apiextensions.k8s.io/v1beta1',
  'events.k8s.io/Event': '/v1',
  'resource.k8s.io/DeviceTaintRule': 'resource.k8s.io/v1alpha3',
};

/** Changes when the stored version does: the first 8 bytes of SHA-256, as Kubernetes makes it. */
function storageVersionHash({ group, version, kind }: ResourceDeclaration): string {
  const stored = `${storedOtherwise[`${group}/${kind}`] ?? `${group}/${version}`}/${kind}`;
  return getOrAdd(hashes, stored, () => toBase64(sha256(new TextEncoder().encode(stored)).subarray(0, 8)));
}
