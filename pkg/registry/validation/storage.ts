/** Volumes of the cluster and claims on them. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { compareQuantities, isQuantity, parseQuantity } from '../../api/quantity.ts';
import { forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { assign, isObject, objectAt, type Raw, strings, text } from '../raw.ts';
import { checkLocalPath } from './container.ts';
import { dnsSubdomain } from './names.ts';
import { fields, named, needed, neededName, oneOf, type Rule, validators } from './rules.ts';
import { driverName } from './storage-classes.ts';
import { below, type Report, seenAbove, type Validator, type Validators } from './validator.ts';

const modes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

function accessModes(detail: string): Rule {
  return (value, path, report) => {
    const given = strings(value);
    if (given.length === 0) report(requiredField(path, detail));
    for (const mode of given) if (!modes.includes(mode)) report(unsupportedField(path, mode, modes));
    if (given.includes('ReadWriteOncePod') && given.length > 1) {
      report(forbiddenField(path, 'may not use ReadWriteOncePod with other access modes'));
    }
  };
}

const volumeMode = oneOf(['Block', 'Filesystem']);

function checkAmount(report: Report, path: string, value: unknown): void {
  const amount = text(value);
  if (!isQuantity(amount)) return;
  const { nanos } = parseQuantity(amount);
  if (nanos < 0n) report(invalidField(path, amount, 'must be greater than or equal to 0'));
  if (nanos <= 0n) report(invalidField(path, amount, 'must be greater than zero'));
}

/** What a claim is filled from. */
const dataSource: Rule = (value, path, report) => {
  if (!isObject(value)) return;
  const { name, kind, apiGroup, namespace } = value;
  if (text(name) === '') report(requiredField(below(path, 'name')));
  if (text(kind) === '') report(requiredField(below(path, 'kind')));
  if (text(apiGroup) !== '') named(dnsSubdomain)(apiGroup, below(path, 'apiGroup'), report);
  else if (kind !== 'PersistentVolumeClaim')
    report(invalidField(path, kind ?? '', "must be 'PersistentVolumeClaim' when referencing the default apiGroup"));
  named(dnsSubdomain)(namespace, below(path, 'namespace'), report);
};

const claimFields = fields({
  accessModes: accessModes('at least 1 access mode is required'),
  storageClassName: named(dnsSubdomain),
  volumeMode,
  dataSource,
  dataSourceRef: dataSource,
  volumeAttributesClassName: named(dnsSubdomain),
});

const claimSpec: Validator = (spec, path, report) => {
  claimFields(spec, path, report);
  const storage = objectAt(objectAt(spec['resources'])['requests'])['storage'];
  const at = `${below(path, 'resources')}[storage]`;
  if (storage === undefined) report(requiredField(at));
  else checkAmount(report, at, storage);
  const { dataSource: from, dataSourceRef: reference } = spec;
  if (!isObject(from) || !isObject(reference)) return;
  const same = ['name', 'kind', 'apiGroup'].every((field) => (from[field] ?? '') === (reference[field] ?? ''));
  if (!same || reference['namespace'] !== undefined) report(invalidField(path, text(from['name']), 'must match dataSourceRef'));
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

const volumeFields = fields({
  accessModes: accessModes(''),
  persistentVolumeReclaimPolicy: oneOf(['Delete', 'Recycle', 'Retain']),
  storageClassName: named(dnsSubdomain),
  volumeMode,
});

const volumeSpec: Validator = (spec, path, report) => {
  volumeFields(spec, path, report);
  const capacity = objectAt(spec['capacity']);
  if (Object.keys(capacity).length === 0) report(requiredField(below(path, 'capacity')));
  else if (capacity['storage'] === undefined || Object.keys(capacity).length > 1)
    report(unsupportedField(below(path, 'capacity'), capacity, ['storage']));
  checkAmount(report, `${below(path, 'capacity')}[storage]`, capacity['storage']);
  const sources = Object.keys(sourceOf(spec));
  if (sources.length === 0) report(requiredField(path, 'must specify a volume type'));
  for (const extra of sources.slice(1)) report(forbiddenField(below(path, extra), 'may not specify more than 1 volume type'));
  const affinity = spec['nodeAffinity'];
  if (spec['local'] !== undefined && affinity === undefined) {
    report(requiredField(below(path, 'nodeAffinity'), 'Local volume requires node affinity'));
  }
  if (isObject(affinity) && affinity['required'] === undefined) {
    report(requiredField(below(path, 'nodeAffinity.required'), 'must specify required node constraints'));
  }
  if (spec['persistentVolumeReclaimPolicy'] === 'Recycle' && objectAt(spec['hostPath'])['path'] === '/') {
    report(forbiddenField(below(path, 'persistentVolumeReclaimPolicy'), "may not be 'recycle' for a hostPath mount of '/'"));
  }
};

/** A path that may be absolute, but does not climb. */
const noClimbing: Rule = (value, path, report) => {
  if (text(value).split('/').includes('..')) report(invalidField(path, value, "must not contain '..'"));
};

const absolute: Rule = (value, path, report) => {
  if (text(value) !== '' && !text(value).startsWith('/')) report(invalidField(path, value, 'must be an absolute path'));
};

export const storageValidators: Validators = {
  'api.core.v1.PersistentVolumeClaimSpec': claimSpec,
  'api.core.v1.TypedLocalObjectReference': seenAbove,
  'api.core.v1.TypedObjectReference': seenAbove,
  'api.core.v1.PersistentVolumeSpec': volumeSpec,
  'api.core.v1.LocalVolumeSource': validators(fields({ path: needed() }), fields({ path: noClimbing })),
  'api.core.v1.NFSVolumeSource': fields({
    server: needed(),
    path: (value, path, report) => {
      needed()(value, path, report);
      absolute(value, path, report);
    },
  }),
  'api.core.v1.CSIPersistentVolumeSource': fields({ driver: driverName, volumeHandle: needed() }),
  'api.core.v1.SecretReference': (value, path, report) => {
    // Of a volume in the cluster: it must say where its secret is.
    if (/^spec\.csi\./.test(path)) fields({ name: neededName(dnsSubdomain), namespace: needed() })(value, path, report);
  },
  'api.core.v1.GlusterfsPersistentVolumeSource': fields({
    endpoints: needed(),
    path: (value, path, report) => {
      needed()(value, path, report);
      checkLocalPath(report, path, text(value).replace(/^\/+/, ''));
    },
  }),
};

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
