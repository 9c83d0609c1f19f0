/** Which devices a claim was given, who uses them, and what their drivers say. */
import { forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { formatIp, parseCidr, parseIp } from '../ip-address.ts';
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { conditions } from './conditions.ts';
import { jsonObject, poolName, shareId } from './device-names.ts';
import { maxConfigs, maxRequests, requestedConfig, requestNames, requestReference, setOf } from './device-requests.ts';
import { bindingConditions } from './device-slices.ts';
import { onStatus } from './immutability.ts';
import { dnsLabel } from './names.ts';
import { atMost, fields, items, needed, noLongerThan, object, type Rule, strictName } from './rules.ts';
import { validateNodeSelector } from './selectors.ts';
import { driverName } from './storage-classes.ts';
import { below, type Report, type Validator } from './validator.ts';

const maxReservations = 256;
const maxStatusConditions = 8;
/** 10 KiB. */
const maxData = 10 * 1024;
const maxInterfaceName = 256;
const maxHardwareAddress = 128;
const maxIps = 16;

const reservation = fields({ resource: needed(), name: needed(), uid: needed() });
const reservations = setOf(maxReservations, object(reservation), (user) => text(objectAt(user)['uid']));

const ifSaid =
  (rule: Rule): Rule =>
  (value, path, report) => {
    if (value !== undefined) rule(value, path, report);
  };
const share = ifSaid(strictName(shareId));
const where = fields({ driver: driverName, pool: poolName, device: strictName(dnsLabel) });

// --- what is given

const result =
  (reference: Rule): Validator =>
  (value, path, report) => {
    reference(value['request'], below(path, 'request'), report);
    where(value, path, report);
    bindingConditions(value, path, report);
    share(value['shareID'], below(path, 'shareID'), report);
  };

const sources = ['FromClaim', 'FromClass'];
const source: Rule = (value, path, report) => {
  if (text(value) === '') report(requiredField(path));
  else if (!sources.includes(text(value))) report(unsupportedField(path, value, sources));
};

function checkAllocation(allocation: Raw, names: ReadonlySet<string>, path: string, report: Report): void {
  const config: Validator = (value, at, said) => {
    source(value['source'], below(at, 'source'), said);
    requestedConfig(names)(value, at, said);
  };
  const given = fields({
    results: atMost(maxRequests, items(result(requestReference(names)))),
    // From the class, and from the claim.
    config: atMost(2 * maxConfigs, items(config)),
  });
  object(given)(allocation['devices'], below(path, 'devices'), report);
  object(validateNodeSelector)(allocation['nodeSelector'], below(path, 'nodeSelector'), report);
}

// --- what drivers say

interface DeviceId {
  readonly Driver: string;
  readonly Pool: string;
  readonly Device: string;
  readonly ShareID: string;
}
const idOf = (value: unknown): DeviceId => {
  const { driver, pool, device, shareID } = objectAt(value);
  return { Driver: text(driver), Pool: text(pool), Device: text(device), ShareID: text(shareID) };
};

/** An address, and how many bits of it are those of its network. */
const address: Rule = (value, path, report) => {
  const given = text(value);
  const [ip, block] = [parseIp(given.split('/')[0] ?? ''), parseCidr(given)];
  const canonical = ip && block ? `${formatIp(ip)}/${block.bits}` : undefined;
  if (canonical === undefined) {
    report(invalidField(path, given, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)'));
  } else if (canonical !== given) report(invalidField(path, given, `must be in canonical form (${JSON.stringify(canonical)})`));
};
const network = fields({
  interfaceName: noLongerThan(maxInterfaceName),
  hardwareAddress: noLongerThan(maxHardwareAddress),
  ips: setOf(maxIps, address, (ip) => ip),
});

const deviceStatus =
  (given: readonly DeviceId[]): Validator =>
  (value, path, report) => {
    where(value, path, report);
    share(value['shareID'], below(path, 'shareID'), report);
    const id = idOf(value);
    if (!given.some((one) => equalValues(one, id))) report(invalidField(path, id, 'must be an allocated device in the claim'));
    atMost(maxStatusConditions)(value['conditions'], below(path, 'conditions'), report);
    conditions(value['conditions'], below(path, 'conditions'), report);
    ifSaid(jsonObject(maxData))(value['data'], below(path, 'data'), report);
    object(network)(value['networkData'], below(path, 'networkData'), report);
  };

// --- the whole

/** Who uses the devices of a claim, and which they are. Once given they are not exchanged. */
export const validateDeviceClaimStatus = onStatus((now, path, report) => {
  const was = objectAt(report.old?.['status']);
  const at = below(path, 'reservedFor');
  reservations(now['reservedFor'], at, report);
  const { allocation } = now;
  const given = objects(objectAt(objectAt(allocation)['devices'])['results']).map(idOf);
  setOf(Number.POSITIVE_INFINITY, object(deviceStatus(given)), idOf)(now['devices'], below(path, 'devices'), report);
  const users = objects(now['reservedFor']);
  const before = objects(was['reservedFor']).map((user) => user['uid']);
  const goes = objectAt(report.root['metadata'])['deletionTimestamp'] !== undefined;
  if (users.length > 0 && allocation === undefined) report(forbiddenField(at, 'may not be specified when `allocated` is not set'));
  else if (goes && users.some(({ uid }) => !before.includes(uid))) {
    report(forbiddenField(at, 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'));
  }
  const where = below(path, 'allocation');
  if (allocation !== undefined && was['allocation'] !== undefined) {
    if (!equalValues(allocation, was['allocation'])) report(invalidField(where, allocation, 'field is immutable'));
  } else if (isObject(allocation)) {
    const claimed = objectAt(objectAt(report.root['spec'])['devices']);
    checkAllocation(allocation, requestNames(claimed), where, report);
  }
});
