import type { TableColumn } from '../contract.ts';
import { isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { ageColumn, column, defaultName, integer, metadata, nameColumn, none, spec, status, wide } from './column.ts';

type Columns = readonly TableColumn[];

const shortModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
/** In the order above, whichever they have. */
const accessModes = (modes: unknown): string =>
  Object.keys(shortModes)
    .filter((mode) => strings(modes).includes(mode))
    .map((mode) => shortModes[mode])
    .join(',');

const betaClass = 'volume.beta.kubernetes.io/storage-class';
const className = (object: Raw): string =>
  text(objectAt(metadata(object)['annotations'])[betaClass]) || text(spec(object)['storageClassName']);
const mode = wide('VolumeMode', (object) => text(spec(object)['volumeMode']) || '<unset>', {
  description: 'A file system, or a block device.',
});
const attributesClass = column('VolumeAttributesClass', (object) => text(spec(object)['volumeAttributesClassName']) || '<unset>', {
  description: 'The class of its attributes.',
});

function phase(object: Raw): string {
  return metadata(object)['deletionTimestamp'] === undefined ? text(status(object)['phase']) : 'Terminating';
}

const volume: Columns = [
  nameColumn,
  column('Capacity', (object) => text(objectAt(spec(object)['capacity'])['storage']), { description: 'How much it holds.' }),
  column('Access Modes', (object) => accessModes(spec(object)['accessModes']), { description: 'How it can be mounted.' }),
  column('Reclaim Policy', (object) => spec(object)['persistentVolumeReclaimPolicy'], {
    description: 'What becomes of it after its claim.',
  }),
  column('Status', phase, { description: 'Whether it is taken.' }),
  column(
    'Claim',
    (object) => {
      const claim = spec(object)['claimRef'];
      return isObject(claim) ? `${text(claim['namespace'])}/${text(claim['name'])}` : '';
    },
    { description: 'By which claim.' },
  ),
  column('StorageClass', className, { description: 'Its class.' }),
  attributesClass,
  column('Reason', (object) => text(status(object)['reason']), { description: 'Why it is in this state.' }),
  ageColumn,
  mode,
];

const isBound = (object: Raw): boolean => text(spec(object)['volumeName']) !== '';
const claim: Columns = [
  nameColumn,
  column('Status', phase, { description: 'Whether it has a volume.' }),
  column('Volume', (object) => text(spec(object)['volumeName']), { description: 'Which one.' }),
  column('Capacity', (object) => (isBound(object) ? text(objectAt(status(object)['capacity'])['storage']) : ''), {
    description: 'How much it holds.',
  }),
  column('Access Modes', (object) => (isBound(object) ? accessModes(status(object)['accessModes']) : ''), {
    description: 'How it can be mounted.',
  }),
  column('StorageClass', className, { description: 'Its class.' }),
  attributesClass,
  ageColumn,
  mode,
];

const storageClass: Columns = [
  defaultName('storageclass.kubernetes.io/is-default-class'),
  column('Provisioner', (object) => object['provisioner'], { description: 'Who makes its volumes.' }),
  column('ReclaimPolicy', (object) => text(object['reclaimPolicy']) || 'Delete', {
    description: 'What becomes of a volume after its claim.',
  }),
  column('VolumeBindingMode', (object) => text(object['volumeBindingMode']) || 'Immediate', { description: 'When volumes are made.' }),
  column('AllowVolumeExpansion', (object) => object['allowVolumeExpansion'] === true, {
    description: 'Whether they can grow.',
  }),
  ageColumn,
];

const attributes: Columns = [
  nameColumn,
  column('DriverName', (object) => object['driverName'], { description: 'For which driver.' }),
  ageColumn,
];

const driver: Columns = [
  nameColumn,
  column('AttachRequired', (object) => spec(object)['attachRequired'] !== false, {
    type: 'boolean',
    description: 'Whether volumes are attached first.',
  }),
  column('PodInfoOnMount', (object) => spec(object)['podInfoOnMount'] === true, {
    type: 'boolean',
    description: 'Whether it is told of the pod.',
  }),
  column('StorageCapacity', (object) => spec(object)['storageCapacity'] === true, {
    type: 'boolean',
    description: 'Whether it says how much is left.',
  }),
  column(
    'TokenRequests',
    (object) =>
      objects(spec(object)['tokenRequests'])
        .map((request) => text(request['audience']))
        .join(',') || '<unset>',
    {
      description: 'Tokens it is given.',
    },
  ),
  column('RequiresRepublish', (object) => spec(object)['requiresRepublish'] === true, {
    type: 'boolean',
    description: 'Whether it is asked again and again.',
  }),
  column('Modes', (object) => strings(spec(object)['volumeLifecycleModes']).join(',') || none, { description: 'Kinds of volumes it has.' }),
  ageColumn,
];

export const storageColumns: Readonly<Record<string, Columns>> = {
  'api.core.v1.PersistentVolume': volume,
  'api.core.v1.PersistentVolumeClaim': claim,
  'api.storage.v1.StorageClass': storageClass,
  'api.storage.v1.VolumeAttributesClass': attributes,
  'api.storage.v1beta1.VolumeAttributesClass': attributes,
  'api.storage.v1.CSIDriver': driver,
  'api.storage.v1.CSINode': [
    nameColumn,
    integer('Drivers', (object) => objects(spec(object)['drivers']).length, 'Drivers on the node.'),
    ageColumn,
  ],
  'api.storage.v1.VolumeAttachment': [
    nameColumn,
    { ...column('Attacher', (object) => spec(object)['attacher'], { description: 'Who attaches it.' }), format: 'name' },
    column('PV', (object) => text(objectAt(spec(object)['source'])['persistentVolumeName']), { description: 'Which volume.' }),
    column('Node', (object) => spec(object)['nodeName'], { description: 'To which node.' }),
    column('Attached', (object) => status(object)['attached'] === true, { type: 'boolean', description: 'Whether it is.' }),
    ageColumn,
  ],
};
