/** Claims on volumes, by themselves and in templates. */
import { compareQuantities, isQuantity } from '../../api/quantity.ts';
import { forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { isObject, objectAt, strings, text } from '../raw.ts';
import { dnsLabel, dnsSubdomain } from './names.ts';
import { checkAmountOf } from './resource-amounts.ts';
import { fields, named, needed, object, type Rule, strictOneOf } from './rules.ts';
import { validateLabelSelector } from './selectors.ts';
import { below, type Report, type Validator, type Validators } from './validator.ts';

const modes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

/** Ways to use a volume, of which the one for a single pod excludes all others. */
export const accessModes: Rule = (value, path, report) => {
  const given = strings(value);
  for (const mode of given) if (!modes.includes(mode)) report(unsupportedField(path, mode, modes));
  if (given.includes('ReadWriteOncePod') && given.some((mode) => mode !== 'ReadWriteOncePod' && modes.includes(mode)))
    report(forbiddenField(path, 'may not use ReadWriteOncePod with other access modes'));
};

export const volumeMode: Rule = (value, path, report) => {
  if (value !== undefined) strictOneOf(['Block', 'Filesystem'])(value, path, report);
};

/** More than nothing, in whole bytes. */
export function checkStorage(report: Report, path: string, amount: unknown): void {
  const given = text(amount);
  if (!isQuantity(given)) return;
  if (compareQuantities(given, '0') <= 0) report(invalidField(path, given, 'must be greater than zero'));
  else checkAmountOf(report, path, 'storage', given);
}

const source: Validator = ({ name, kind, apiGroup, namespace }, path, report) => {
  needed()(name, below(path, 'name'), report);
  needed()(kind, below(path, 'kind'), report);
  // Who has such a group already may keep it.
  const was = objectAt(objectAt(report.old)['spec']);
  const tolerated = [was['dataSource'], was['dataSourceRef']].some((one) => text(objectAt(one)['apiGroup']) !== '');
  if (text(apiGroup) !== '') {
    if (!tolerated) named(dnsSubdomain)(apiGroup, below(path, 'apiGroup'), report);
  } else if (kind !== 'PersistentVolumeClaim')
    report(invalidField(path, text(kind), "must be 'PersistentVolumeClaim' when referencing the default apiGroup"));
  named(dnsLabel)(namespace, below(path, 'namespace'), report);
};

const before = fields({
  accessModes: (value, path, report) => {
    if (strings(value).length === 0) report(requiredField(path, 'at least 1 access mode is required'));
  },
  selector: object(validateLabelSelector),
});
const after = fields({ storageClassName: named(dnsSubdomain), volumeMode, dataSource: object(source), dataSourceRef: object(source) });

export const claimSpec: Validator = (spec, path, report) => {
  before(spec, path, report);
  accessModes(spec['accessModes'], below(path, 'accessModes'), report);
  const storage = objectAt(objectAt(spec['resources'])['requests'])['storage'];
  const at = `${below(path, 'resources')}[storage]`;
  if (storage === undefined) report(requiredField(at));
  else checkStorage(report, at, storage);
  after(spec, path, report);
  checkSources(spec['dataSource'], spec['dataSourceRef'], path, report);
  named(dnsSubdomain)(spec['volumeAttributesClassName'], below(path, 'volumeAttributesClassName'), report);
};

/** What a claim is filled from has two fields; Kubernetes' message about them shows a Go structure, empty as JSON. */
function checkSources(from: unknown, reference: unknown, path: string, report: Report): void {
  if (!isObject(from) || !isObject(reference)) return;
  const refuse = (detail: string): void => report(invalidField(path, {}, detail));
  if (text(reference['namespace']) !== '') refuse('may not be specified when dataSourceRef.namespace is specified');
  else if (['name', 'kind', 'apiGroup'].some((field) => from[field] !== reference[field])) refuse('must match dataSourceRef');
}

export const claimValidators: Validators = { 'api.core.v1.PersistentVolumeClaimSpec': { whole: claimSpec } };
