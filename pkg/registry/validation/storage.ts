/** Volumes of the cluster and claims on them. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { compareQuantities, isQuantity, quantityValue } from '../../api/quantity.ts';
import { forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { assign, isObject, objectAt, type Raw, text } from '../raw.ts';
import { accessModes, volumeMode } from './claim.ts';
import { dnsSubdomain } from './names.ts';
import { noBacksteps } from './paths.ts';
import { both, fields, named, needed, object, oneOf, type Rule } from './rules.ts';
import { validateNodeSelector } from './selectors.ts';
import { below, type Validator, type Validators } from './validator.ts';
import { hostPath } from './volume.ts';
import { volumePlugins } from './volume-plugins.ts';

/** What a volume says of itself; the rest of its spec is where it is. */
const beside = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
]);
const sourceOf = (spec: Raw): Raw => Object.fromEntries(Object.entries(spec).filter(([key]) => !beside.has(key)));

const capacity: Rule = (value, path, report) => {
  const amounts = objectAt(value);
  if (Object.keys(amounts).length === 0) report(requiredField(path));
  if (amounts['storage'] === undefined || Object.keys(amounts).length > 1) report(unsupportedField(path, value ?? null, ['storage']));
  for (const [name, amount] of Object.entries(amounts)) {
    const given = text(amount);
    if (!isQuantity(given)) continue;
    const value = quantityValue(given);
    if (value < 0) report(invalidField(`${path}[${name}]`, value, 'must be a valid resource quantity'));
    if (compareQuantities(given, '0') <= 0) report(invalidField(`${path}[${name}]`, given, 'must be greater than zero'));
  }
};

const nodeAffinity = object(({ required }, path, report) => {
  const at = below(path, 'required');
  if (isObject(required)) validateNodeSelector(required, at, report);
  else report(requiredField(at, 'must specify required node constraints'));
});

const volumeFields = fields({
  accessModes: both(needed(), accessModes),
  capacity,
  persistentVolumeReclaimPolicy: oneOf(['Delete', 'Recycle', 'Retain']),
  nodeAffinity,
});
const sources: Readonly<Record<string, Validator>> = {
  ...volumePlugins,
  hostPath,
  local: ({ path: directory }, path, report) => both(needed(), noBacksteps)(directory, below(path, 'path'), report),
};
/** The order in which they are looked for: the first that is there counts. */
const order =
  'hostPath gcePersistentDisk awsElasticBlockStore glusterfs flocker nfs rbd quobyte cephfs iscsi cinder fc flexVolume azureFile vsphereVolume photonPersistentDisk portworxVolume azureDisk scaleIO local storageos csi'.split(
    ' ',
  );
/** What Kubernetes calls some of them in messages. */
const calledInside: Readonly<Record<string, string>> = { gcePersistentDisk: 'persistentDisk' };
const calledWhenRefused: Readonly<Record<string, string>> = { cephfs: 'cephFS' };

const source: Validator = (spec, path, report) => {
  const given = order.filter((name) => isObject(spec[name]));
  for (const [i, name] of given.entries()) {
    // Kubernetes does not count this one when another is there before it.
    if (i > 0 && name !== 'flexVolume')
      report(forbiddenField(below(path, calledWhenRefused[name] ?? name), 'may not specify more than 1 volume type'));
    else object(sources[name] as Validator)(spec[name], below(path, calledInside[name] ?? name), report);
    if (i === 0 && name === 'local' && spec['nodeAffinity'] === undefined)
      report(requiredField(below(path, 'nodeAffinity'), 'Local volume requires node affinity'));
  }
  if (given.length === 0) report(requiredField(path, 'must specify a volume type'));
};

const isRoot = (path: string): boolean => path !== '' && path.split('/').every((part) => part === '' || part === '.');

const volumeSpec: Validator = (spec, path, report) => {
  volumeFields(spec, path, report);
  source(spec, path, report);
  if (spec['persistentVolumeReclaimPolicy'] === 'Recycle' && isRoot(text(objectAt(spec['hostPath'])['path'])))
    report(forbiddenField(below(path, 'persistentVolumeReclaimPolicy'), "may not be 'recycle' for a hostPath mount of '/'"));
  classes(spec, path, report);
  if (spec['volumeAttributesClassName'] !== undefined && spec['csi'] === undefined)
    report(requiredField(below(path, 'csi'), 'has to be specified when using volumeAttributesClassName'));
};
const classes = fields({
  storageClassName: named(dnsSubdomain),
  volumeMode,
  volumeAttributesClassName: (value, path, report) => {
    if (value === '') report(requiredField(path, 'an empty string is disallowed'));
    else named(dnsSubdomain)(value, path, report);
  },
});

export const storageValidators: Validators = { 'api.core.v1.PersistentVolumeSpec': { whole: volumeSpec } };

const claimIsFixed = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

/** A claim is bound once, and may ask for more. */
export function validateClaimUpdate(next: Raw, old: Raw): StatusCause[] {
  const [now, was] = [{ ...objectAt(next['spec']) }, objectAt(old['spec'])];
  const causes: StatusCause[] = [];
  for (const field of ['volumeName', 'storageClassName']) if (text(was[field]) === '') assign(now, field, was[field]);
  if (objectAt(old['status'])['phase'] === 'Bound') {
    if (was['volumeAttributesClassName'] !== undefined && now['volumeAttributesClassName'] === undefined) {
      causes.push(forbiddenField('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
    }
    causes.push(...checkSize(now, was, objectAt(old['status'])));
    for (const field of ['resources', 'volumeAttributesClassName']) assign(now, field, was[field]);
  }
  return equalValues(now, was) ? causes : [forbiddenField('spec', claimIsFixed), ...causes];
}

/** What has been given is not taken back; what was asked for too boldly may be asked for less. */
function checkSize(now: Raw, was: Raw, status: Raw): StatusCause[] {
  const sizeOf = (list: unknown): string => text(objectAt(list)['storage']);
  const [next, before] = [now, was].map((spec) => sizeOf(objectAt(spec['resources'])['requests'])) as [string, string];
  const given = sizeOf(status['capacity']);
  if (!isQuantity(next) || !isQuantity(before) || compareQuantities(next, before) >= 0) return [];
  const at = 'spec.resources.requests.storage';
  if (!isQuantity(given)) return [forbiddenField(at, 'field can not be less than previous value')];
  return compareQuantities(next, given) > 0 ? [] : [forbiddenField(at, 'field can not be less than status.capacity')];
}

/** Secrets by which a driver changes a volume may be named later. */
function withoutSecrets(source: Raw): Raw {
  const { csi, ...rest } = source;
  if (!isObject(csi)) return source;
  return { ...rest, csi: Object.fromEntries(Object.entries(csi).filter(([key]) => !key.endsWith('SecretRef'))) };
}

export function validateVolumeUpdate(next: Raw, old: Raw): StatusCause[] {
  const [now, was] = [objectAt(next['spec']), objectAt(old['spec'])];
  const causes: StatusCause[] = [];
  if (!equalValues(withoutSecrets(sourceOf(now)), withoutSecrets(sourceOf(was)))) {
    causes.push(forbiddenField('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'));
  }
  if (!equalValues(now['volumeMode'], was['volumeMode']))
    causes.push(invalidField('spec.volumeMode', now['volumeMode'], 'field is immutable'));
  if (was['nodeAffinity'] !== undefined && !equalValues(now['nodeAffinity'], was['nodeAffinity'])) {
    causes.push(invalidField('spec.nodeAffinity', now['nodeAffinity'], 'field is immutable'));
  }
  return causes;
}
