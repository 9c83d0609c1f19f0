/** Data, nodes, namespaces and what else is not a workload. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { duplicateField, forbiddenField, invalidField, requiredField, tooLongField, unsupportedField } from '../../runtime/field-errors.ts';
import { parseJson } from '../../runtime/json.ts';
import { equalValues } from '../../runtime/values.ts';
import { parseCidr } from '../ip-address.ts';
import { assign, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { validateFinalizers } from './metadata.ts';
import { configKey, exceedsBytes, labelValue, qualifiedName } from './names.ts';
import { below, checkName, type Validator, type Validators } from './validator.ts';

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

/** Entries that a type of secret must have. */
const neededKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
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
  for (const key of neededKeys[type] ?? []) if (data[key] === undefined) report(requiredField(`${below(path, 'data')}[${key}]`));
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

const taintEffects = ['NoExecute', 'NoSchedule', 'PreferNoSchedule'];

const nodeSpec: Validator = (spec, path, report) => {
  const seen = new Set<string>();
  for (const [i, taint] of objects(spec['taints']).entries()) {
    const at = `${below(path, 'taints')}[${i}]`;
    const effect = text(taint['effect']);
    checkName(report, below(at, 'key'), taint['key'], qualifiedName);
    for (const reason of labelValue(text(taint['value']))) report(invalidField(below(at, 'value'), taint['value'], reason));
    if (effect === '') report(requiredField(below(at, 'effect')));
    else if (!taintEffects.includes(effect)) report(unsupportedField(below(at, 'effect'), effect, taintEffects));
    const pair = `${text(taint['key'])}:${effect}`;
    if (seen.has(pair)) report(duplicateField(at, taint, 'taints must be unique by key and effect pair'));
    seen.add(pair);
  }
  const blocks = strings(spec['podCIDRs']);
  const families = blocks.flatMap((block) => parseCidr(block)?.family ?? []);
  if (blocks.length > 2 || new Set(families).size < families.length) {
    report(invalidField(below(path, 'podCIDRs'), blocks, 'may specify no more than one CIDR for each IP family'));
  }
  for (const [i, cidr] of blocks.entries()) {
    if (!parseCidr(cidr))
      report(invalidField(`${below(path, 'podCIDRs')}[${i}]`, cidr, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'));
  }
};

/** Of a node's spec its taints and whether it takes pods may change, and what was not known yet. */
export function validateNodeUpdate(next: Raw, old: Raw): StatusCause[] {
  const [now, was] = [{ ...objectAt(next['spec']) }, { ...objectAt(old['spec']) }];
  const causes: StatusCause[] = [];
  if (strings(was['podCIDRs']).length > 0 && !equalValues(now['podCIDRs'], was['podCIDRs'])) {
    causes.push(forbiddenField('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  }
  if (text(was['providerID']) !== '' && now['providerID'] !== was['providerID']) {
    causes.push(forbiddenField('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
  for (const field of ['taints', 'unschedulable', 'podCIDR', 'podCIDRs', 'providerID', 'configSource']) {
    assign(now, field, undefined);
    assign(was, field, undefined);
  }
  if (!equalValues(now, was)) causes.push(forbiddenField('', 'node updates may only change labels, taints, or capacity'));
  return causes;
}

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

export const clusterValidators: Validators = {
  'api.core.v1.ConfigMap': configMap,
  'api.core.v1.Secret': secret,
  'api.core.v1.NodeSpec': nodeSpec,
  'api.core.v1.NamespaceSpec': (spec, path, report) => validateFinalizers(spec['finalizers'], below(path, 'finalizers'), report),
  'api.scheduling.v1.PriorityClass': priorityClass,
};
