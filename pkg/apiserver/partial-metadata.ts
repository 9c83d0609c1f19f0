/**
 * PartialObjectMetadata: any object with nothing but its metadata.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches
 */
import type { ListMeta } from '../api/generated/meta-v1.ts';
import type { KubeObject } from '../api/object.ts';
import type { Entry } from '../registry/contract.ts';

export type MetaVersion = 'v1' | 'v1beta1';

export function partialMetadata(object: KubeObject, version: MetaVersion): KubeObject {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

export function partialMetadataList(entries: readonly Entry[], metadata: ListMeta, version: MetaVersion): unknown {
  return {
    kind: 'PartialObjectMetadataList',
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    items: entries.map((entry) => partialMetadata(entry.object, version)),
  };
}
