/** Sources of volumes that other systems bring, most of them from before CSI. Pods and PersistentVolumes share them. */
import { invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { isObject, strings, text } from '../raw.ts';
import { dnsLabel, dnsSubdomain } from './names.ts';
import { between, both, fields, named, needed, neededName, object, present, type Rule, strictOneOf, validators } from './rules.ts';
import { driverName } from './storage-classes.ts';
import { below, type Validator } from './validator.ts';

/** Zero means none; what is said of it begins at one. */
const partition = between(0, 255, 'must be between 1 and 255, inclusive');
const unit = between(0, 255);
const absolute: Rule = (value, path, report) => {
  if (!text(value).startsWith('/')) report(invalidField(path, text(value), 'must be an absolute path'));
};
const chosen =
  (supported: readonly string[]): Rule =>
  (value, path, report) => {
    if (value !== undefined) strictOneOf(supported)(value, path, report);
  };

const qualifiers: Readonly<Record<string, RegExp>> = {
  iqn: /iqn\.\d{4}-\d{2}\.[A-Za-z0-9.-]+:[^,;*&$|\s]+$/,
  eui: /^eui.[A-Za-z0-9]{16}$/,
  naa: /^naa.[A-Za-z0-9]{32}$/,
};
/** A name of iSCSI: of the target, or of who asks. */
function iscsiFault(name: string): string | undefined {
  const syntax = qualifiers[name.slice(0, 3)];
  if (!syntax) return 'must be valid format starting with iqn, eui, or naa';
  return syntax.test(name) ? undefined : 'must be valid format';
}

/** `inPod`: a PersistentVolume's secret has a namespace, which the claim does not decide. */
export const iscsi =
  (inPod: boolean): Validator =>
  (source, path, report) => {
    needed()(source['targetPortal'], below(path, 'targetPortal'), report);
    const [target, initiator] = [text(source['iqn']), source['initiatorName']];
    const fault = iscsiFault(target);
    if (target === '') report(requiredField(below(path, 'iqn')));
    else if (fault !== undefined) report(invalidField(below(path, 'iqn'), target, fault));
    unit(source['lun'], below(path, 'lun'), report);
    const secret = source['secretRef'];
    if ((source['chapAuthDiscovery'] === true || source['chapAuthSession'] === true) && secret === undefined)
      report(requiredField(below(path, 'secretRef')));
    if (!inPod && isObject(secret)) needed()(secret['name'], below(path, 'secretRef.name'), report);
    const initiatorFault = typeof initiator === 'string' ? iscsiFault(initiator) : undefined;
    if (initiatorFault !== undefined)
      report(invalidField(below(path, 'initiatorname'), initiator, inPod ? initiatorFault : 'must be valid format'));
  };

const fc: Validator = (source, path, report) => {
  const [names, ids] = [strings(source['targetWWNs']), strings(source['wwids'])];
  const at = below(path, 'targetWWNs');
  if (names.length === 0 && ids.length === 0) report(requiredField(at, 'must specify either targetWWNs or wwids, but not both'));
  if (names.length > 0 && ids.length > 0) report(invalidField(at, names, 'targetWWNs and wwids can not be specified simultaneously'));
  if (names.length > 0) both(present('lun is required if targetWWNs is specified'), unit)(source['lun'], below(path, 'lun'), report);
};

const registryDetail = 'must be a host:port pair or multiple pairs separated by commas';
const hostPort = /^(\[[^\]]*\]|[^:[\]]*):[^:[\]]*$/;
const maxTenant = 64;
const quobyte: Validator = (source, path, report) => {
  const registry = text(source['registry']);
  if (registry === '') report(requiredField(below(path, 'registry'), registryDetail));
  else if (text(source['tenant']).length > maxTenant)
    report(requiredField(below(path, 'tenant'), `must be a UUID and may not exceed a length of ${maxTenant} characters`));
  else {
    for (const pair of registry.split(','))
      if (!hostPort.test(pair)) report(invalidField(below(path, 'registry'), registry, registryDetail));
  }
  needed()(source['volume'], below(path, 'volume'), report);
};

const flocker: Validator = ({ datasetName, datasetUUID }, path, report) => {
  const [name, uuid] = [text(datasetName), text(datasetUUID)];
  if (name === '' && uuid === '') report(requiredField(path, 'one of datasetName and datasetUUID is required'));
  if (name !== '' && uuid !== '') report(invalidField(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'));
  if (name.includes('/')) report(invalidField(below(path, 'datasetName'), name, "must not contain '/'"));
};

const flex: Validator = (source, path, report) => {
  needed()(source['driver'], below(path, 'driver'), report);
  if (!isObject(source['options'])) return;
  for (const key of Object.keys(source['options'])) {
    const domain = `.${(key.split('/')[0] ?? '').toLowerCase()}`;
    if (domain.endsWith('.kubernetes.io') || domain.endsWith('.k8s.io'))
      report(invalidField(`${below(path, 'options')}[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved'));
  }
};

const diskUris: Readonly<Record<string, readonly [prefix: string, form: string]>> = {
  Managed: ['/subscriptions/', '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}'],
  blob: ['https://', 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'],
};
const azureDisk: Validator = validators(
  fields({
    diskName: needed(),
    diskURI: needed(),
    cachingMode: chosen(['None', 'ReadOnly', 'ReadWrite']),
    kind: chosen(['Dedicated', 'Managed', 'Shared']),
  }),
  ({ kind, diskURI }, path, report) => {
    const [prefix = '', form = ''] = diskUris[kind === 'Managed' ? 'Managed' : 'blob'] ?? [];
    if (kind !== undefined && !text(diskURI).startsWith(prefix)) report(unsupportedField(below(path, 'diskURI'), text(diskURI), [form]));
  },
);

const secretName = object(fields({ name: needed() }));
const secretWithNamespace = object(fields({ name: needed(), namespace: needed() }));
const storageOs = (secret: Rule): Validator =>
  fields({ volumeName: neededName(dnsLabel), volumeNamespace: named(dnsLabel), secretRef: secret });

/** The same in a pod and in a PersistentVolume. */
const everywhere: Readonly<Record<string, Validator>> = {
  gcePersistentDisk: fields({ pdName: needed(), partition }),
  awsElasticBlockStore: fields({ volumeID: needed(), partition }),
  nfs: fields({ server: needed(), path: both(needed(), absolute) }),
  fc,
  quobyte,
  flocker,
  flexVolume: flex,
  azureDisk,
  rbd: fields({ monitors: needed(), image: needed() }),
  cephfs: fields({ monitors: needed() }),
  vsphereVolume: fields({ volumePath: needed() }),
  photonPersistentDisk: fields({ pdID: needed() }),
  portworxVolume: fields({ volumeID: needed() }),
  scaleIO: fields({ gateway: needed(), system: needed(), volumeName: needed() }),
};

export const podPlugins: Readonly<Record<string, Validator>> = {
  ...everywhere,
  iscsi: iscsi(true),
  glusterfs: fields({ endpoints: needed(), path: needed() }),
  cinder: fields({ volumeID: needed(), secretRef: secretName }),
  azureFile: fields({ secretName: needed(), shareName: needed() }),
  storageos: storageOs(secretName),
  csi: (source, path, report) => {
    driverName(source['driver'], below(path, 'driver'), report);
    const secret = source['nodePublishSecretRef'];
    if (!isObject(secret)) return;
    if (text(secret['name']) === '') report(requiredField(below(path, 'nodePublishSecretRef.name')));
    else named(dnsSubdomain)(secret['name'], below(path, 'name'), report);
  },
};

const said: Rule = (value, path, report) => {
  if (value === '') report(requiredField(path));
};
const secretOf = object(fields({ name: neededName(dnsSubdomain), namespace: neededName(dnsLabel) }));

export const volumePlugins: Readonly<Record<string, Validator>> = {
  ...everywhere,
  iscsi: iscsi(false),
  glusterfs: fields({
    endpoints: needed(),
    path: needed(),
    endpointsNamespace: (value, path, report) => {
      if (value === '') report(invalidField(path, value, 'if the endpointnamespace is set, it must be a valid namespace name'));
      else named(dnsLabel)(value, path, report);
    },
  }),
  cinder: fields({ volumeID: needed(), secretRef: secretWithNamespace }),
  azureFile: fields({ secretName: needed(), shareName: needed(), secretNamespace: said }),
  storageos: storageOs(secretWithNamespace),
  csi: fields({
    driver: driverName,
    volumeHandle: needed(),
    controllerPublishSecretRef: secretOf,
    controllerExpandSecretRef: secretOf,
    nodePublishSecretRef: secretOf,
    nodeExpandSecretRef: secretOf,
  }),
};
