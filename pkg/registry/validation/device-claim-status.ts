/** Which devices a claim was given, who uses them, and what their drivers say. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { duplicateField, forbiddenField, invalidField, tooManyField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { isObject, objectAt, objects, type Raw } from '../raw.ts';
import { bindingConditions, maxRequests, poolName, requestNames, requestReference } from './devices.ts';
import { dnsLabel } from './names.ts';
import { atMost, fields, needed, neededName } from './rules.ts';
import { driverName } from './storage-classes.ts';
import { below, type Report } from './validator.ts';

const maxReservations = 256;
const maxStatusConditions = 8;

const reservation = fields({ resource: needed(), name: needed(), uid: needed() });

/** Who uses the devices of a claim, and which they are. Once given they are not exchanged. */
export function validateDeviceClaimStatus(next: Raw, old: Raw): StatusCause[] {
  const [now, was] = [objectAt(next['status']), objectAt(old['status'])];
  const causes: StatusCause[] = [];
  const report = Object.assign((cause: StatusCause) => void causes.push(cause), { root: next });
  const at = 'status.reservedFor';
  const users = objects(now['reservedFor']);
  if (users.length > maxReservations) report(tooManyField(at, users.length, maxReservations));
  const uids = new Set<unknown>();
  for (const [i, user] of users.entries()) {
    reservation(user, `${at}[${i}]`, report);
    if (uids.has(user['uid'])) report(duplicateField(`${at}[${i}]`, user['uid']));
    uids.add(user['uid']);
  }
  const { allocation } = now;
  if (users.length > 0 && allocation === undefined) report(forbiddenField(at, 'may not be specified when `allocated` is not set'));
  const before = objects(was['reservedFor']).map((user) => user['uid']);
  if (
    allocation !== undefined &&
    objectAt(next['metadata'])['deletionTimestamp'] !== undefined &&
    users.some(({ uid }) => !before.includes(uid))
  ) {
    report(forbiddenField(at, 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'));
  }
  if (allocation !== undefined && was['allocation'] !== undefined) {
    if (!equalValues(allocation, was['allocation'])) report(invalidField('status.allocation', allocation, 'field is immutable'));
  } else if (isObject(allocation)) checkAllocation(allocation, objectAt(objectAt(next['spec'])['devices']), report);
  checkDeviceStatuses(now, report);
  return causes;
}

function checkAllocation(allocation: Raw, claimed: Raw, report: Report): void {
  const reference = requestReference(requestNames(claimed));
  const at = 'status.allocation.devices.results';
  const results = objectAt(allocation['devices'])['results'];
  atMost(maxRequests)(results, at, report);
  for (const [i, result] of objects(results).entries()) {
    const where = `${at}[${i}]`;
    reference(result['request'], below(where, 'request'), report);
    driverName(result['driver'], below(where, 'driver'), report);
    poolName(result['pool'], below(where, 'pool'), report);
    neededName(dnsLabel)(result['device'], below(where, 'device'), report);
    bindingConditions(result, where, report);
  }
}

/** Drivers say something only of devices that the claim has. */
function checkDeviceStatuses(status: Raw, report: Report): void {
  const id = ({ driver, pool, device: name, shareID }: Raw): string => [driver, pool, name, shareID ?? ''].join('/');
  const given = new Set(objects(objectAt(objectAt(status['allocation'])['devices'])['results']).map(id));
  for (const [i, one] of objects(status['devices']).entries()) {
    const at = `status.devices[${i}]`;
    if (!given.has(id(one))) report(invalidField(at, id(one), 'must be an allocated device in the claim'));
    const conditions = objects(one['conditions']).length;
    if (conditions > maxStatusConditions) report(tooManyField(below(at, 'conditions'), conditions, maxStatusConditions));
  }
}
