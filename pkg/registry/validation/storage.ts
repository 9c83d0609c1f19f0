/** Volumes of the cluster and claims on them. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { isQuantity, parseQuantity } from '../../api/quantity.ts';
import { forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { assign, objectAt, type Raw, strings, text } from '../raw.ts';
import { below, checkOneOf, type Report, type Validator, type Validators } from './validator.ts';

const modes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

function checkModes(spec: Raw, path: string, report: Report): void {
  const given = strings(spec['accessModes']);
  if (given.length === 0) report(requiredField(below(path, 'accessModes'), 'at least 1 access mode is required'));
  for (const mode of given) if (!modes.includes(mode)) report(unsupportedField(below(path, 'accessModes'), mode, modes));
  if (given.includes('ReadWriteOncePod') && given.length > 1) {
    report(forbiddenField(below(path, 'accessModes'), 'may not use ReadWriteOncePod with other access modes'));
  }
}

function checkAmount(report: Report, path: string, value: unknown): void {
  const amount = text(value);
  if (isQuantity(amount) && parseQuantity(amount).nanos <= 0n) report(invalidField(path, amount, 'must be greater than zero'));
}

const claimSpec: Validator = (spec, path, report) => {
  checkModes(spec, path, report);
  const storage = objectAt(objectAt(spec['resources'])['requests'])['storage'];
  const at = `${below(path, 'resources')}[storage]`;
  if (storage === undefined) report(requiredField(at));
  else checkAmount(report, at, storage);
  checkOneOf(report, below(path, 'volumeMode'), spec['volumeMode'], ['Block', 'Filesystem']);
};

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

const volumeSpec: Validator = (spec, path, report) => {
  checkModes(spec, path, report);
  const capacity = objectAt(spec['capacity']);
  if (Object.keys(capacity).length === 0) report(requiredField(below(path, 'capacity')));
  else if (capacity['storage'] === undefined) report(unsupportedField(below(path, 'capacity'), capacity, ['storage']));
  checkAmount(report, `${below(path, 'capacity')}[storage]`, capacity['storage']);
  checkOneOf(report, below(path, 'persistentVolumeReclaimPolicy'), spec['persistentVolumeReclaimPolicy'], ['Delete', 'Recycle', 'Retain']);
  checkOneOf(report, below(path, 'volumeMode'), spec['volumeMode'], ['Block', 'Filesystem']);
  const sources = Object.keys(sourceOf(spec));
  if (sources.length === 0) report(requiredField(path, 'must specify a volume type'));
  for (const extra of sources.slice(1)) report(forbiddenField(below(path, extra), 'may not specify more than 1 volume type'));
};

export const storageValidators: Validators = {
  'api.core.v1.PersistentVolumeClaimSpec': claimSpec,
  'api.core.v1.PersistentVolumeSpec': volumeSpec,
};

/** A claim is bound once, and may ask for more. */
export function validateClaimUpdate(next: Raw, old: Raw): StatusCause[] {
  const [now, was] = [{ ...objectAt(next['spec']) }, objectAt(old['spec'])];
  for (const field of ['volumeName', 'storageClassName']) if (text(was[field]) === '') assign(now, field, was[field]);
  const phase = objectAt(old['status'])['phase'];
  if (phase === 'Bound') for (const field of ['resources', 'volumeAttributesClassName']) assign(now, field, was[field]);
  if (equalValues(now, was)) return [];
  return [
    forbiddenField('spec', 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'),
  ];
}

export function validateVolumeUpdate(next: Raw, old: Raw): StatusCause[] {
  if (equalValues(sourceOf(objectAt(next['spec'])), sourceOf(objectAt(old['spec'])))) return [];
  return [forbiddenField('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation')];
}
