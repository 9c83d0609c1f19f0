/** Volumes: exactly one source each, and what each source needs. */
import { isQuantity, parseQuantity } from '../../api/quantity.ts';
import { duplicateField, forbiddenField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { objectAt, objects, type Raw, text } from '../raw.ts';
import { checkLocalPath } from './container.ts';
import { configKey, dnsLabel } from './names.ts';
import { below, checkName, checkOneOf, type Report, type Validator, type Validators } from './validator.ts';

/** Fields that a source cannot do without, though its type does not say so. */
const needed: Readonly<Record<string, readonly string[]>> = {
  configMap: ['name'],
  secret: ['secretName'],
  ephemeral: ['volumeClaimTemplate'],
};
const mode = (report: Report, path: string, value: unknown): void => {
  if (typeof value === 'number' && (value < 0 || value > 0o777))
    report(invalidField(path, value, 'must be a number between 0 and 0777 (octal), both inclusive'));
};

export function validateVolumes(volumes: unknown, path: string, report: Report): void {
  const names = new Set<string>();
  for (const [i, volume] of objects(volumes).entries()) {
    const at = `${path}[${i}]`;
    const name = text(volume['name']);
    if (name === '') report(requiredField(below(at, 'name')));
    else if (names.has(name)) report(duplicateField(below(at, 'name'), name));
    else checkName(report, below(at, 'name'), name, dnsLabel);
    names.add(name);
    const sources = Object.keys(volume).filter((key) => key !== 'name');
    for (const extra of sources.slice(1)) report(forbiddenField(below(at, extra), 'may not specify more than 1 volume type'));
    for (const source of sources.slice(0, 1)) validateSource(objectAt(volume[source]), source, below(at, source), report);
  }
}

function validateSource(value: Raw, source: string, path: string, report: Report): void {
  for (const field of needed[source] ?? [])
    if (value[field] === undefined || value[field] === '') report(requiredField(below(path, field)));
  mode(report, below(path, 'defaultMode'), value['defaultMode']);
  if (source === 'hostPath') {
    if (text(value['path']).split('/').includes('..')) report(invalidField(below(path, 'path'), value['path'], "must not contain '..'"));
    const types = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];
    checkOneOf(report, below(path, 'type'), value['type'], types);
  }
  if (source === 'emptyDir' && value['sizeLimit'] !== undefined) {
    const limit = text(value['sizeLimit']);
    if (isQuantity(limit) && parseQuantity(limit).nanos < 0n)
      report(forbiddenField(below(path, 'sizeLimit'), 'SizeLimit field must be a valid resource quantity'));
  }
}

const projections = ['secret', 'configMap', 'downwardAPI', 'serviceAccountToken', 'clusterTrustBundle', 'podCertificate'];

const projection: Validator = (value, path, report) => {
  const given = projections.filter((name) => value[name] !== undefined);
  if (given.length === 0) report(requiredField(path, `must specify a supported projection type`));
  for (const extra of given.slice(1)) report(forbiddenField(below(path, extra), 'may not specify more than 1 volume type per source'));
  for (const name of ['secret', 'configMap']) {
    if (value[name] !== undefined && text(objectAt(value[name])['name']) === '') report(requiredField(below(path, `${name}.name`)));
  }
};

/** From ten minutes to 2^32 seconds. */
const minTokenSeconds = 600;

export const volumeValidators: Validators = {
  'api.core.v1.KeyToPath'(value, path, report) {
    const key = text(value['key']);
    if (key === '') report(requiredField(below(path, 'key')));
    else checkName(report, below(path, 'key'), key, configKey);
    const file = text(value['path']);
    if (file === '') report(requiredField(below(path, 'path')));
    else checkLocalPath(report, below(path, 'path'), file);
    mode(report, below(path, 'mode'), value['mode']);
  },
  'api.core.v1.DownwardAPIVolumeFile'(value, path, report) {
    const file = text(value['path']);
    if (file === '') report(requiredField(below(path, 'path')));
    else checkLocalPath(report, below(path, 'path'), file);
    if (value['fieldRef'] === undefined && value['resourceFieldRef'] === undefined) {
      report(requiredField(path, 'one of fieldRef and resourceFieldRef is required'));
    }
    mode(report, below(path, 'mode'), value['mode']);
  },
  'api.core.v1.VolumeProjection': projection,
  'api.core.v1.ServiceAccountTokenProjection'(value, path, report) {
    const seconds = Number(value['expirationSeconds'] ?? 0);
    const at = below(path, 'expirationSeconds');
    if (seconds < minTokenSeconds) report(invalidField(at, seconds, 'may not specify a duration less than 10 minutes'));
    if (seconds > 2 ** 32) report(invalidField(at, seconds, 'may not specify a duration larger than 2^32 seconds'));
    if (text(value['path']) === '') report(requiredField(below(path, 'path')));
    else checkLocalPath(report, below(path, 'path'), text(value['path']));
  },
};
