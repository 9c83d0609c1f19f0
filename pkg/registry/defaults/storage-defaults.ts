/** Secrets, volumes and storage classes. */
import { child, isObject, objectAt, type Raw, strings, text } from '../raw.ts';
import { fill, fillText, type TypeDefault } from './type-default.ts';

const encoder = new TextEncoder();

/** What was written in plain text is stored with the rest; it is never read back. */
function foldStringData(secret: Raw): void {
  const plain = secret['stringData'];
  delete secret['stringData'];
  if (!isObject(plain)) return;
  const data = child(secret, 'data');
  for (const [key, value] of Object.entries(plain)) {
    let binary = '';
    for (const byte of encoder.encode(text(value))) binary += String.fromCharCode(byte);
    data[key] = btoa(binary);
  }
}

export const storageDefaults: Readonly<Record<string, TypeDefault>> = {
  'api.core.v1.Secret': (secret) => {
    foldStringData(secret);
    fillText(secret, 'type', 'Opaque');
  },
  'api.core.v1.PersistentVolume': (volume) => fillText(child(volume, 'status'), 'phase', 'Pending'),
  'api.core.v1.PersistentVolumeSpec': (spec) => {
    fillText(spec, 'persistentVolumeReclaimPolicy', 'Retain');
    fill(spec, 'volumeMode', 'Filesystem');
  },
  'api.core.v1.PersistentVolumeClaim': (claim) => fillText(child(claim, 'status'), 'phase', 'Pending'),
  'api.core.v1.PersistentVolumeClaimSpec': (spec) => fill(spec, 'volumeMode', 'Filesystem'),
  'api.storage.v1.StorageClass': (object) => {
    fill(object, 'reclaimPolicy', 'Delete');
    fill(object, 'volumeBindingMode', 'Immediate');
  },
  'api.storage.v1.CSIDriver': (object) => {
    const spec = child(object, 'spec');
    fill(spec, 'attachRequired', true);
    fill(spec, 'podInfoOnMount', false);
    fill(spec, 'storageCapacity', false);
    fill(spec, 'fsGroupPolicy', 'ReadWriteOnceWithFSType');
    fill(spec, 'requiresRepublish', false);
    fill(spec, 'seLinuxMount', false);
    if (!Array.isArray(spec['volumeLifecycleModes']) || spec['volumeLifecycleModes'].length === 0)
      spec['volumeLifecycleModes'] = ['Persistent'];
  },
  // Go writes a pointer to nothing.
  'api.core.v1.TypedLocalObjectReference': (reference) => fill(reference, 'apiGroup', null),
  'api.core.v1.TypedObjectReference': (reference) => fill(reference, 'apiGroup', null),
  'api.core.v1.NodeSpec': (spec) => {
    // The older field counts where the two do not say the same.
    const [one, [first]] = [text(spec['podCIDR']), strings(spec['podCIDRs'])];
    if (one !== '' && one !== first) spec['podCIDRs'] = [one];
    else if (first !== undefined && first !== '') spec['podCIDR'] = first;
  },
  'api.core.v1.NodeStatus': (status) => {
    const capacity = objectAt(status['capacity']);
    if (status['allocatable'] === undefined && Object.keys(capacity).length > 0) status['allocatable'] = { ...capacity };
  },
  'api.core.v1.Namespace': (namespace) => {
    const metadata = child(namespace, 'metadata');
    const name = text(metadata['name']);
    if (name !== '') child(metadata, 'labels')['kubernetes.io/metadata.name'] = name;
    fillText(child(namespace, 'status'), 'phase', 'Active');
  },
};
