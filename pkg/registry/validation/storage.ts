/** Volumes of the cluster and claims on them. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { compareQuantities, isQuantity, quantityValue } from '../../api/quantity.ts';
import { forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { assign, isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { accessModes, volumeMode } from './claim.ts';
import { dnsSubdomain, qualifiedName } from './names.ts';
import { noBacksteps } from './paths.ts';
import { checkAmountOf } from './resource-amounts.ts';
import { both, fields, named, needed, object, oneOf, type Rule } from './rules.ts';
import { validateNodeSelector } from './selectors.ts';
import { below, collect, type Report, type Validator, type Validators } from './validator.ts';
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
  if (amounts['storage'] === undefined || Object.keys(amounts).length > 1)
    report(unsupportedField(path, value === undefined ? null : Object.fromEntries(Object.entries(amounts).sort()), ['storage']));
  for (const [name, amount] of Object.entries(amounts)) {
    const given = text(amount);
    if (!isQuantity(given)) continue;
    checkBasic(given, `${path}[${name}]`, report);
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

export const storageValidators: Validators = {
  'api.core.v1.PersistentVolumeSpec': {
    whole: (spec, path, report) => {
      volumeSpec(spec, path, report);
      // Kubernetes says of an update twice what is wrong with it.
      if (report.old) volumeSpec(spec, path, report);
    },
  },
};

const claimIsFixed = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
const oldClass = 'volume.beta.kubernetes.io/storage-class';
const annotationOf = (object: Raw): unknown => objectAt(objectAt(object['metadata'])['annotations'])[oldClass];

/** A claim is bound once, and may ask for more. */
export function validateClaimUpdate(next: Raw, old: Raw): StatusCause[] {
  const [now, was] = [{ ...objectAt(next['spec']) }, { ...objectAt(old['spec']) }];
  const [before, after] = [annotationOf(old), annotationOf(next)];
  const [klass, klassBefore] = [now['storageClassName'], was['storageClassName']];
  const bound = objectAt(old['status'])['phase'] === 'Bound';
  return collect(next, (report) => {
    if (text(was['volumeName']) === '') assign(was, 'volumeName', now['volumeName']);
    const moved = before !== undefined && klassBefore === undefined && klass === before && (after === undefined || after === before);
    if (!moved && text(after) !== text(before))
      report(invalidField(`metadata.annotations[${oldClass}]`, text(after), 'field is immutable'));
    if (moved || (klass !== undefined && klassBefore === undefined && before === undefined)) assign(now, 'storageClassName', klassBefore);
    if (bound) {
      const { requests, ...rest } = objectAt(now['resources']);
      const storage = objectAt(objectAt(was['resources'])['requests'])['storage'];
      if (isObject(requests)) now['resources'] = { ...rest, requests: { ...requests, storage } };
      assign(now, 'volumeAttributesClassName', was['volumeAttributesClassName']);
    }
    if (!equalValues(now, was)) report(forbiddenField('spec', claimIsFixed));
    checkSize(next, old, report);
    const [mode, modeBefore] = [now['volumeMode'], was['volumeMode']];
    if (mode !== modeBefore) report(invalidField('volumeMode', mode, 'field is immutable'));
    checkAttributes(next, old, report);
  });
}

/** What has been given is not taken back; what was asked for too boldly may be asked for less. */
function checkSize(next: Raw, old: Raw, report: Report): void {
  const sizeOf = (list: unknown): string => text(objectAt(list)['storage']) || '0';
  const [now, was] = [next, old].map((claim) => sizeOf(objectAt(objectAt(claim['spec'])['resources'])['requests'])) as [string, string];
  const given = sizeOf(objectAt(old['status'])['capacity']);
  if (![now, was, given].every(isQuantity) || compareQuantities(now, was) >= 0 || compareQuantities(now, given) > 0) return;
  report(forbiddenField('spec.resources.requests.storage', 'field can not be less than status.capacity'));
}

function checkAttributes(next: Raw, old: Raw, report: Report): void {
  const [now, was] = [next, old].map((claim) => objectAt(claim['spec'])['volumeAttributesClassName']);
  if (now === was || objectAt(old['status'])['currentVolumeAttributesClassName'] === undefined) return;
  const what = now === undefined ? 'nil' : now === '' ? 'empty string' : undefined;
  if (what === undefined) return;
  const detail = `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`;
  report(forbiddenField('spec.volumeAttributesClassName', detail));
}

const resizeStates = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
];

/** How far a claim has grown. */
export function validateClaimStatus(next: Raw): StatusCause[] {
  const status = objectAt(next['status']);
  return collect(next, (report) => {
    for (const [name, amount] of Object.entries(objectAt(status['capacity']))) checkBasic(amount, `status.capacity[${name}]`, report);
    const states = 'status.allocatedResourceStatuses';
    for (const [name, state] of Object.entries(objectAt(status['allocatedResourceStatuses']))) {
      checkStorageName(name, states, report);
      if (!resizeStates.includes(text(state))) report(unsupportedField(states, name, resizeStates));
    }
    const path = 'status.allocatedResources';
    for (const [name, amount] of Object.entries(objectAt(status['allocatedResources']))) {
      if (!checkStorageName(name, path, report)) continue;
      if (checkBasic(amount, `${path}[${name}]`, report)) checkAmountOf(report, `${path}[${name}]`, 'storage', amount);
    }
  });
}

function checkStorageName(name: string, path: string, report: Report): boolean {
  const reasons = qualifiedName(name);
  for (const reason of reasons) report(invalidField(path, name, reason));
  if (reasons.length > 0) return false;
  const known = name === 'storage' || (name.includes('/') && !name.includes('kubernetes.io/'));
  if (!known) report(unsupportedField(path, name, ['storage']));
  return known;
}

function checkBasic(amount: unknown, path: string, report: Report): boolean {
  const value = quantityValue(text(amount));
  if (value >= 0) return true;
  report(invalidField(path, value, 'must be a valid resource quantity'));
  return false;
}

/** The secret by which a driver makes a volume larger may be named later. */
function withoutLateSecret(source: Raw, before: Raw): Raw {
  const [csi, old] = [source['csi'], before['csi']];
  if (!isObject(csi) || !isObject(old) || old['controllerExpandSecretRef'] !== undefined) return source;
  const { controllerExpandSecretRef: _late, ...rest } = csi;
  return { ...source, csi: rest };
}

/** Labels of nodes that have new names: who used the old one may turn to the new. */
const newLabels: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

function sameAffinity(next: unknown, old: unknown): boolean {
  const termsOf = (affinity: unknown): Raw[] => objects(objectAt(objectAt(affinity)['required'])['nodeSelectorTerms']);
  const [now, was] = [termsOf(next), termsOf(old)];
  if (equalValues(next, old)) return true;
  if (now.length !== was.length || now.length === 0) return false;
  return now.every((term, i) => {
    const [mine, theirs] = [objects(term['matchExpressions']), objects(was[i]?.['matchExpressions'])];
    const same = mine.every((one, j) => {
      const key = text(theirs[j]?.['key']);
      return equalValues(one, (newLabels[key] ?? '') === text(one['key']) ? { ...theirs[j], key: one['key'] } : theirs[j]);
    });
    return mine.length === theirs.length && same && equalValues(term['matchFields'], was[i]?.['matchFields']);
  });
}

const requirementShape = ({ key, operator, values }: Raw): Raw => ({ Key: text(key), Operator: text(operator), Values: values ?? null });
const listShape = (list: unknown): Raw[] | null => (Array.isArray(list) ? objects(list).map(requirementShape) : null);

/** As Kubernetes shows it in messages. */
function affinityShape(affinity: unknown): Raw | null {
  if (!isObject(affinity)) return null;
  const { required } = affinity;
  if (!isObject(required)) return { Required: null };
  const terms = required['nodeSelectorTerms'];
  const shown = objects(terms).map((term) => ({
    MatchExpressions: listShape(term['matchExpressions']),
    MatchFields: listShape(term['matchFields']),
  }));
  return { Required: { NodeSelectorTerms: Array.isArray(terms) ? shown : null } };
}

export function validateVolumeUpdate(next: Raw, old: Raw): StatusCause[] {
  const [now, was] = [objectAt(next['spec']), objectAt(old['spec'])];
  return collect(next, (report) => {
    const source = sourceOf(was);
    if (!equalValues(withoutLateSecret(sourceOf(now), source), source))
      report(forbiddenField('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'));
    if (!equalValues(now['volumeMode'], was['volumeMode'])) report(invalidField('volumeMode', now['volumeMode'], 'field is immutable'));
    if (was['nodeAffinity'] !== undefined && !sameAffinity(now['nodeAffinity'], was['nodeAffinity'])) {
      const detail = 'field is immutable, except for updating from beta label to GA';
      report(invalidField('nodeAffinity', affinityShape(now['nodeAffinity']), detail));
    }
    if (was['volumeAttributesClassName'] !== undefined && now['volumeAttributesClassName'] === undefined)
      report(forbiddenField('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
  });
}
