/** Kinds whose deletion answers with the object as it was, even when it is gone; others answer with a Status. */
const kinds: Readonly<Record<string, ReadonlySet<string>>> = {
  '': new Set(['PersistentVolume', 'PersistentVolumeClaim', 'Pod', 'PodTemplate', 'ResourceQuota', 'Service', 'ServiceAccount']),
  'resource.k8s.io': new Set([
    'DeviceClass',
    'DeviceTaintRule',
    'ResourceClaim',
    'ResourceClaimTemplate',
    'ResourcePoolStatusRequest',
    'ResourceSlice',
  ]),
  'storage.k8s.io': new Set(['CSIDriver', 'CSINode', 'StorageClass', 'VolumeAttachment', 'VolumeAttributesClass']),
};

export function answersDeletion({ group, kind }: { readonly group: string; readonly kind: string }): boolean {
  return kinds[group]?.has(kind) ?? false;
}
