/** What a status must keep to, by kind: statuses are looked at when they are written, and only then. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { duplicateField, invalidField, requiredField, tooLongField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { conditions } from './conditions.ts';
import { poolName } from './device-names.ts';
import { all, onStatus, type UpdateCheck } from './immutability.ts';
import { dns1035Label, dnsSubdomain, qualifiedName } from './names.ts';
import { atLeast, atMost, between, each, fields, items, named, needed, noLongerThan, object, type Rule, strictName } from './rules.ts';
import { driverName } from './storage-classes.ts';
import type { Report, Validator } from './validator.ts';

export const conditionsOnly = onStatus(fields({ conditions }));

const statusOf = (value: Raw): Raw => objectAt(value['status']);

// --- admission policies

const expressionWarning = fields({ warning: needed(), fieldRef: needed() });
export const policyStatus = onStatus((status, path, report) => {
  items(expressionWarning)(objectAt(status['typeChecking'])['expressionWarnings'], `${path}.typeChecking.expressionWarnings`, report);
  conditions(status['conditions'], `${path}.conditions`, report);
});

// --- attachments

const maxAttachmentBytes = 256 * 1024;
const maxErrorMessage = 1024;
const volumeError = object(
  fields({
    message: (value, path, report) => {
      if (text(value).length > maxErrorMessage) report(tooLongField(path, maxAttachmentBytes));
    },
    errorCode: between(0, 2 ** 31 - 1),
  }),
);
export const attachmentStatus = onStatus((status, path, report) => {
  const metadata = Object.entries(objectAt(status['attachmentMetadata']));
  const bytes = metadata.reduce((sum, [key, value]) => sum + key.length + text(value).length, 0);
  if (bytes > maxAttachmentBytes) report(tooLongField(`${path}.attachmentMetadata`, maxAttachmentBytes));
  fields({ attachError: volumeError, detachError: volumeError })(status, path, report);
});

// --- what a pool of devices holds: an answer, and it is final

const maxPools = 1_000;
const maxConditions = 10;
const maxPoolError = 256;
const count = atLeast(0);
const poolStatus = fields({
  driver: driverName,
  poolName,
  generation: (value, path, report) => (value === undefined || value === 0 ? report(requiredField(path)) : count(value, path, report)),
  resourceSliceCount: atLeast(1),
  totalDevices: count,
  allocatedDevices: count,
  availableDevices: count,
  unavailableDevices: count,
  nodeName: (value, path, report) => (value === undefined ? undefined : named(dnsSubdomain)(value, path, report)),
  validationError: noLongerThan(maxPoolError),
});
const poolCount: Rule = (value, path, report) => (value === undefined ? report(requiredField(path)) : count(value, path, report));
const poolAnswer = onStatus(
  fields({ poolCount, pools: atMost(maxPools, items(poolStatus)), conditions: atMost(maxConditions, conditions) }),
);
export const poolStatusRequest: UpdateCheck = all(
  (next, old) =>
    old['status'] === undefined || equalValues(next['status'], old['status'])
      ? []
      : [invalidField('status', next['status'] ?? null, 'field is immutable')],
  (next, old, subresource) => (next['status'] === undefined || old['status'] !== undefined ? [] : poolAnswer(next, old, subresource)),
);

// --- migrations of stored objects

const isTrue = (value: Raw, type: string): boolean =>
  objects(statusOf(value)['conditions']).some((one) => one['type'] === type && one['status'] === 'True');

export const migrationStatus: UpdateCheck = (next, old, subresource) => {
  const [now, was] = [statusOf(next), statusOf(old)];
  const revision = text(now['resourceVersion']);
  const at = 'status.conditions';
  const list = now['conditions'] ?? null;
  const lost = (type: string, what: string): StatusCause[] =>
    isTrue(old, type) && !isTrue(next, type) ? [invalidField(at, list, `${what} condition cannot be set to false once it is true`)] : [];
  return [
    ...(revision === '' || /^(0|[1-9]\d*)$/.test(revision)
      ? []
      : [invalidField('status.resourceVersion', revision, `resource version is not well formed: ${revision}`)]),
    ...conditionsOnly(next, old, subresource),
    ...(text(was['resourceVersion']) !== '' && revision !== was['resourceVersion']
      ? [invalidField('status.resourceVersion', revision, 'field is immutable')]
      : []),
    ...(isTrue(next, 'Succeeded') && isTrue(next, 'Failed')
      ? [invalidField(at, list, 'Both success and failed conditions cannot be true at the same time')]
      : []),
    ...lost('Succeeded', 'Success'),
    ...lost('Failed', 'Failed'),
  ];
};

// --- groups of pods

export const podGroupStatus: UpdateCheck = all(conditionsOnly, (next) => {
  const claims = objects(objectAt(next['spec'])['resourceClaims']).map((claim) => claim['name']);
  return objects(statusOf(next)['resourceClaimStatuses']).flatMap(({ name }, i) =>
    claims.includes(name)
      ? []
      : [invalidField(`status.resourceClaimStatuses[${i}].name`, name, 'must match the name of an entry in `spec.resourceClaims`')],
  );
});

// --- which server stores what in which version

/** A version, and in front of it a group where there is one. */
const apiVersion: Rule = (value, path, report) => {
  const given = text(value);
  const [version = '', group, ...more] = given.split('/').reverse();
  const reasons: string[] = [];
  if (more.length > 0) reasons.push("an apiVersion is a version, with an optional group prefix and '/' (e.g. 'example.com/MyVersion')");
  else {
    if (group === '') reasons.push('group part: must be non-empty');
    else if (group !== undefined) reasons.push(...dnsSubdomain(group).map((reason) => `group part: ${reason}`));
    if (version === '') reasons.push('version part: must be non-empty');
    else reasons.push(...dns1035Label(version).map((reason) => `version part: ${reason}`));
  }
  if (reasons.length > 0) report(invalidField(path, given, reasons.join(',')));
};

const serverVersions: Validator = (value, path, report) => {
  const decodable = strings(value['decodableVersions']);
  const encoding = text(value['encodingVersion']);
  strictName(dnsSubdomain)(value['apiServerID'], `${path}.apiServerID`, report);
  apiVersion(encoding, `${path}.encodingVersion`, report);
  each(apiVersion)(decodable, `${path}.decodableVersions`, report);
  if (!decodable.includes(encoding)) {
    const detail = `decodableVersions must include encodingVersion ${encoding}`;
    report(invalidField(`${path}.decodableVersions`, value['decodableVersions'] ?? null, detail));
  }
  for (const [i, served] of strings(value['servedVersions']).entries()) {
    const at = `${path}.servedVersions[${i}]`;
    apiVersion(served, at, report);
    const detail = `individual served version : ${served} must be included in decodableVersions : [${decodable.join(' ')}]`;
    if (!decodable.includes(served)) report(invalidField(at, served, detail));
  }
};

/** Undefined: they do not agree. */
function commonVersion(versions: readonly Raw[]): string | undefined {
  const [first, ...others] = versions.map((one) => text(one['encodingVersion']));
  return others.every((other) => other === first) ? first : undefined;
}

function checkCommonVersion(versions: readonly Raw[], said: unknown, path: string, report: Report): void {
  const actual = commonVersion(versions);
  const say = (detail: string): void => report(invalidField(path, said ?? null, detail));
  if (actual === undefined && said !== undefined) {
    say(
      'should be nil if servers do not agree on the same encoding version, or if there is no server reporting the supported versions yet',
    );
  } else if (actual !== undefined && said === undefined) say(`the common encoding version is ${actual}`);
  else if (actual !== said) say(`the actual common encoding version is ${actual}`);
}

export const storageVersionStatus = onStatus((status, path, report) => {
  const versions = objects(status['storageVersions']);
  const servers: string[] = [];
  for (const [i, one] of versions.entries()) {
    const id = text(one['apiServerID']);
    if (servers.includes(id)) report(duplicateField(`${path}.storageVersions[${i}].apiServerID`, id));
    servers.push(id);
    serverVersions(one, `${path}.storageVersions[${i}]`, report);
  }
  checkCommonVersion(versions, status['commonEncodingVersion'], `${path}.commonEncodingVersion`, report);
  const types: string[] = [];
  // Kubernetes leaves out the name of the list.
  for (const [i, one] of objects(status['conditions']).entries()) {
    const [at, type] = [`${path}[${i}]`, text(one['type'])];
    const before = types.lastIndexOf(type);
    const detail = `the type of the condition is not unique, it also appears in conditions[${before}]`;
    if (before >= 0) report(invalidField(`${at}.type`, type, detail));
    types.push(type);
    fields({ type: strictName(qualifiedName), status: strictName(qualifiedName), reason: needed(), message: needed() })(one, at, report);
  }
});
