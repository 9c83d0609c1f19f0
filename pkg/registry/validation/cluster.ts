/** Data, namespaces and what else is not a workload. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { forbiddenField, invalidField, requiredField, tooLongField, unsupportedField } from '../../runtime/field-errors.ts';
import { parseJson } from '../../runtime/json.ts';
import { equalValues } from '../../runtime/values.ts';
import { objectAt, type Raw, strings, text } from '../raw.ts';
import { checkFinalizerOwner } from './metadata.ts';
import { configKey, exceedsBytes, qualifiedName } from './names.ts';
import { below, checkName, collect, type Report, type Validator, type Validators } from './validator.ts';

/** All the data of one ConfigMap or Secret: 1 MiB. */
const maxData = 1024 * 1024;

const decodedLength = (base64: string): number => Math.floor((base64.replace(/=+$/, '').length * 3) / 4);

const configMap: Validator = (object, path, report) => {
  const data = objectAt(object['data']);
  const binary = objectAt(object['binaryData']);
  for (const key in data) {
    for (const reason of configKey(key)) report(invalidField(`${below(path, 'data')}[${key}]`, key, reason));
    if (Object.hasOwn(binary, key)) report(invalidField(`${below(path, 'data')}[${key}]`, key, 'duplicate of key present in binaryData'));
  }
  let size = 0;
  for (const key in binary) {
    for (const reason of configKey(key)) report(invalidField(`${below(path, 'binaryData')}[${key}]`, key, reason));
    size += decodedLength(text(binary[key]));
  }
  if (size > maxData || exceedsBytes(strings(Object.values(data)), maxData - size)) report(tooLongField('[]', maxData));
};

const sshAuth = 'kubernetes.io/ssh-auth';
/** Entries that a type of secret must have. */
const neededKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  [sshAuth]: ['ssh-privatekey'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
};

/** Types of secrets that hold a registry's login as JSON, and under which key. */
const dockerConfigs: Readonly<Record<string, string>> = {
  'kubernetes.io/dockercfg': '.dockercfg',
  'kubernetes.io/dockerconfigjson': '.dockerconfigjson',
};

function jsonFault(base64: string): string | undefined {
  try {
    parseJson(new TextDecoder().decode(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const secret: Validator = (object, path, report) => {
  const data = objectAt(object['data']);
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    for (const reason of configKey(key)) report(invalidField(`${below(path, 'data')}[${key}]`, key, reason));
    size += decodedLength(text(value));
  }
  if (size > maxData) report(tooLongField(below(path, 'data'), maxData));
  const type = text(object['type']);
  const isMissing = (key: string): boolean => (type === sshAuth ? text(data[key]) === '' : data[key] === undefined);
  for (const key of neededKeys[type] ?? []) if (isMissing(key)) report(requiredField(`${below(path, 'data')}[${key}]`));
  const config = dockerConfigs[type];
  if (config !== undefined && data[config] !== undefined) {
    const fault = jsonFault(text(data[config]));
    if (fault !== undefined) report(invalidField(`${below(path, 'data')}[${config}]`, '<secret contents redacted>', fault));
  }
  if (type === 'kubernetes.io/basic-auth' && data['username'] === undefined && data['password'] === undefined) {
    report(requiredField(`${below(path, 'data')}[username]`));
    report(requiredField(`${below(path, 'data')}[password]`));
  }
  if (type === 'kubernetes.io/service-account-token') {
    const annotations = objectAt(objectAt(object['metadata'])['annotations']);
    const account = 'kubernetes.io/service-account.name';
    if (text(annotations[account]) === '') report(requiredField(`metadata.annotations[${account}]`));
  }
};

/** What users may give; above it the system's own classes begin. */
const maxUserPriority = 1_000_000_000;
const systemPriorities: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

const priorityClass: Validator = (object, path, report) => {
  const name = text(objectAt(object['metadata'])['name']);
  const value = Number(object['value'] ?? 0);
  const policies = ['Never', 'PreemptLowerPriority'];
  if (name.startsWith('system-')) {
    if (systemPriorities[name] === undefined) {
      report(
        forbiddenField(
          'metadata.name',
          `priority class names with 'system-' prefix are reserved for system use only. error: the system priority class ${name} is not known`,
        ),
      );
    } else if (systemPriorities[name] !== value) {
      report(
        forbiddenField(
          'metadata.name',
          `priority class names with 'system-' prefix are reserved for system use only. error: value of ${name} PriorityClass must be ${systemPriorities[name]}`,
        ),
      );
    }
  } else if (value > maxUserPriority) {
    report(forbiddenField(below(path, 'value'), `maximum allowed value of a user defined priority is ${maxUserPriority}`));
  }
  const policy = text(object['preemptionPolicy']);
  if (policy !== '' && !policies.includes(policy)) report(unsupportedField(below(path, 'preemptionPolicy'), policy, policies));
};

export function validatePriorityClassUpdate(next: Raw, old: Raw): StatusCause[] {
  return ['value', 'preemptionPolicy']
    .filter((field) => !equalValues(next[field], old[field]))
    .map((field) => invalidField(field, next[field], 'field is immutable'));
}

function checkFinalizer(finalizer: string, path: string, report: Report): void {
  checkName(report, path, finalizer, qualifiedName);
  checkFinalizerOwner(finalizer, path, report);
}

/** A namespace is there or goes away: its phase says which. */
export function validateNamespaceStatus(next: Raw, old: Raw): StatusCause[] {
  const goes = objectAt(old['metadata'])['deletionTimestamp'] !== undefined;
  const phase = text(objectAt(next['status'])['phase']);
  const expected = goes ? 'Terminating' : 'Active';
  const when = goes ? 'is not empty' : 'is empty';
  return phase === expected ? [] : [invalidField('status.Phase', phase, `may only be '${expected}' if \`deletionTimestamp\` ${when}`)];
}

export function validateFinalize(next: Raw): StatusCause[] {
  return collect(next, (report) => {
    for (const [i, finalizer] of strings(objectAt(next['spec'])['finalizers']).entries())
      checkFinalizer(finalizer, `spec.finalizers[${i}]`, report);
  });
}

export const clusterValidators: Validators = {
  'api.core.v1.ConfigMap': configMap,
  'api.core.v1.Secret': secret,
  'api.core.v1.NamespaceSpec': (spec, path, report) => {
    for (const finalizer of strings(spec['finalizers'])) checkFinalizer(finalizer, below(path, 'finalizers'), report);
  },
  'api.scheduling.v1.PriorityClass': priorityClass,
};
