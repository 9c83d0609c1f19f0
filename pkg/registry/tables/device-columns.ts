import type { TableColumn } from '../contract.ts';
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { ageColumn, column, conditionOf, integer, isTrue, metadata, nameColumn, none, spec, status } from './column.ts';
import { ageAt } from './human-duration.ts';

type Columns = readonly TableColumn[];

function claimState(object: Raw): string {
  const states: string[] = [];
  if (metadata(object)['deletionTimestamp'] !== undefined) states.push('deleted');
  if (isObject(status(object)['allocation'])) states.push('allocated');
  else if (states.length === 0) return 'pending';
  if (objects(status(object)['reservedFor']).length > 0) states.push('reserved');
  return states.join(',');
}
const resourceClaim: Columns = [
  nameColumn,
  column('State', claimState, { description: 'Whether devices are allocated to it.' }),
  ageColumn,
];
const plain: Columns = [nameColumn, ageColumn];
const resourceSlice: Columns = [
  nameColumn,
  column('Node', (object) => text(spec(object)['nodeName']) || '<unset>', { description: 'Where the devices are.' }),
  column('Driver', (object) => spec(object)['driver'], { description: 'Whose they are.' }),
  column('Pool', (object) => text(objectAt(spec(object)['pool'])['name']), { description: 'In which pool.' }),
  ageColumn,
];

const taint = (rule: Raw): Raw => objectAt(spec(rule)['taint']);
const taintRule: Columns = [
  nameColumn,
  column('Key', (object) => text(taint(object)['key']), { description: 'What it marks devices with.' }),
  column('Value', (object) => text(taint(object)['value']), { description: 'What it says beside.' }),
  column('Effect', (object) => text(taint(object)['effect']), { description: 'What becomes of their pods.' }),
  column('TimeAdded', (object, now) => (taint(object)['timeAdded'] === undefined ? '' : ageAt(taint(object)['timeAdded'], now)), {
    description: 'How long ago they were marked.',
  }),
  ageColumn,
];

/** A number of devices, over all pools; unknown until it was looked for, and when that failed. */
function devicesOf(field: string): (request: Raw) => string {
  return (request) => {
    if (!isObject(request['status']) || poolStatus(request) === 'Failed') return '-';
    return String(objects(status(request)['pools']).reduce((sum, pool) => sum + Number(pool[field] ?? 0), 0));
  };
}
function poolErrors(request: Raw): string {
  if (!isObject(request['status']) || poolStatus(request) === 'Failed') return '-';
  return String(objects(status(request)['pools']).filter((pool) => pool['validationError'] !== undefined).length);
}
function poolStatus(request: Raw): string {
  if (isTrue(request, 'Complete')) {
    const shown = objects(status(request)['pools']).length;
    const all = Number(status(request)['poolCount'] ?? 0);
    return all > shown ? `Complete (${shown}/${all} pools)` : 'Complete';
  }
  return isTrue(request, 'Failed') ? 'Failed' : 'Pending';
}
const poolStatusRequest: Columns = [
  nameColumn,
  column('Driver', (object) => text(spec(object)['driver']), { description: 'Whose pools.' }),
  column('Total', devicesOf('totalDevices'), { description: 'Devices there are.' }),
  column('Available', devicesOf('availableDevices'), { description: 'Devices that can be had.' }),
  column('Allocated', devicesOf('allocatedDevices'), { description: 'Devices that are taken.' }),
  column('Unavailable', devicesOf('unavailableDevices'), { description: 'Devices that cannot be used.' }),
  column('Errors', poolErrors, { description: 'Pools that are not well described.' }),
  integer('Pools', (object) => status(object)['poolCount'], 'Pools there are.'),
  column('Status', poolStatus, { description: 'Whether they have been looked at.' }),
  column(
    'Completed',
    (object, now) => {
      const complete = conditionOf(object, 'Complete');
      return complete?.['status'] === 'True' ? ageAt(complete['lastTransitionTime'], now) : none;
    },
    { description: 'How long ago.' },
  ),
];

const versioned = Object.fromEntries(
  ['v1', 'v1beta1', 'v1beta2'].flatMap((version) => [
    [`api.resource.${version}.DeviceClass`, plain],
    [`api.resource.${version}.ResourceClaim`, resourceClaim],
    [`api.resource.${version}.ResourceClaimTemplate`, plain],
    [`api.resource.${version}.ResourceSlice`, resourceSlice],
  ]),
);

export const deviceColumns: Readonly<Record<string, Columns>> = {
  ...versioned,
  'api.resource.v1beta2.DeviceTaintRule': taintRule,
  'api.resource.v1alpha3.DeviceTaintRule': taintRule,
  'api.resource.v1alpha3.ResourcePoolStatusRequest': poolStatusRequest,
};
