/** What provides volumes: classes, drivers, attachments and capacities. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { isQuantity, parseQuantity } from '../../api/quantity.ts';
import { duplicateField, forbiddenField, invalidField, requiredField, tooLongField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { dnsSubdomain, exceedsBytes, qualifiedName } from './names.ts';
import {
  atLeast,
  between,
  both,
  each,
  fields,
  named,
  needed,
  notNegative,
  oneOf,
  present,
  type Rule,
  strictName,
  unique,
  uniqueBy,
} from './rules.ts';
import { below, checkName, type Report, seenAbove, type Validator, type Validators } from './validator.ts';

const maxDriverName = 63;
/** A driver's name is a domain, in any case of letters. */
export const driverName: Rule = (value, path, report) => {
  const name = text(value);
  if (name === '') report(requiredField(path));
  if (name.length > maxDriverName) report(tooLongField(path, maxDriverName));
  if (name !== '') for (const reason of dnsSubdomain(name.toLowerCase())) report(invalidField(path, name, reason));
};

const provisioner: Rule = (value, path, report) => {
  const name = text(value);
  if (name === '') report(requiredField(path));
  else for (const reason of qualifiedName(name.toLowerCase())) report(invalidField(path, name, reason));
};

const maxParameters = 512;
/** 256 KiB of keys and values. */
const maxParameterBytes = 256 * 1024;
function parameters(atLeastOne: boolean): Rule {
  return (value, path, report) => {
    const all = Object.entries(objectAt(value));
    if (atLeastOne && all.length === 0) report(requiredField(path, 'must contain at least one key/value pair'));
    if (all.length > maxParameters) report(tooLongField(path, maxParameters));
    else {
      for (const [key] of all) if (key === '') report(invalidField(path, key, 'field can not be empty.'));
      if (
        exceedsBytes(
          all.flatMap(([key, one]) => [key, text(one)]),
          maxParameterBytes,
        )
      )
        report(tooLongField(path, maxParameterBytes));
    }
  };
}

const topology: Validator = (term, path, report) => {
  const keys = new Set<unknown>();
  for (const [i, { key, values }] of objects(term['matchLabelExpressions']).entries()) {
    const at = `${below(path, 'matchLabelExpressions')}[${i}]`;
    if (keys.has(key)) report(duplicateField(below(at, 'key'), key));
    keys.add(key);
    checkName(report, below(at, 'key'), key, qualifiedName);
    if (strings(values).length === 0) report(requiredField(below(at, 'values')));
    unique(values, below(at, 'values'), report);
  }
};

const storageClass = fields({
  provisioner,
  parameters: parameters(false),
  reclaimPolicy: oneOf(['Delete', 'Retain']),
  volumeBindingMode: both(needed(), oneOf(['Immediate', 'WaitForFirstConsumer'])),
});

const minTokenSeconds = 600;
const tokenRequests: Rule = (value, path, report) => {
  const audiences = new Set<string>();
  for (const [i, { audience, expirationSeconds: seconds }] of objects(value).entries()) {
    const name = text(audience);
    if (audiences.has(name)) report(duplicateField(`${path}[${i}].audience`, name));
    audiences.add(name);
    atLeast(minTokenSeconds, 'may not specify a duration less than 10 minutes')(seconds, `${path}[${i}].expirationSeconds`, report);
    const at = `${path}[${i}].expirationSeconds`;
    between(Number.NEGATIVE_INFINITY, 2 ** 32, 'may not specify a duration larger than 2^32 seconds')(seconds, at, report);
  }
};

const driver = fields({
  attachRequired: present(),
  podInfoOnMount: present(),
  storageCapacity: present(),
  fsGroupPolicy: both(present(), oneOf(['File', 'None', 'ReadWriteOnceWithFSType'])),
  tokenRequests,
  volumeLifecycleModes: each(oneOf(['Ephemeral', 'Persistent'])),
  seLinuxMount: present(),
  nodeAllocatableUpdatePeriodSeconds: atLeast(10, 'must be greater than or equal to 10 seconds'),
});

const maxNodeId = 192;
const nodeDriver = fields({
  name: driverName,
  nodeID: both(needed(), (value, path, report) => {
    if (text(value).length > maxNodeId) report(invalidField(path, value, `must be ${maxNodeId} characters or less`));
  }),
  topologyKeys: both(each(both(needed(), named(qualifiedName))), unique),
  allocatable: (value, path, report) => notNegative(objectAt(value)['count'], below(path, 'count'), report),
});

const attachmentSource: Validator = (source, path, report) => {
  const { inlineVolumeSpec: inline, persistentVolumeName: name } = source;
  const detail = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (inline === undefined && name === undefined) report(requiredField(path, detail));
  else if (inline !== undefined && name !== undefined) report(forbiddenField(path, detail));
  else if (name !== undefined) {
    const at = below(path, 'persistentVolumeName');
    if (text(name) === '') report(requiredField(at, 'must specify non empty persistentVolumeName'));
    else checkName(report, at, name, dnsSubdomain);
  }
};

const quantity: Rule = (value, path, report) => {
  const amount = text(value);
  if (isQuantity(amount) && parseQuantity(amount).nanos < 0n) report(invalidField(path, amount, 'must be greater than or equal to 0'));
};

/** A CSIDriver's own name is a driver's. */
function driverObject(object: Raw, _path: string, report: Report): void {
  driverName(objectAt(object['metadata'])['name'], 'metadata.name', report);
}

export const storageClassValidators: Validators = {
  'api.storage.v1.StorageClass': storageClass,
  'api.core.v1.TopologySelectorTerm': topology,
  'api.core.v1.TopologySelectorLabelRequirement': seenAbove,
  'api.storage.v1.CSIDriver': driverObject,
  'api.storage.v1.CSIDriverSpec': driver,
  'api.storage.v1.TokenRequest': seenAbove,
  'api.storage.v1.CSINodeSpec': fields({ drivers: uniqueBy('name') }),
  'api.storage.v1.CSINodeDriver': nodeDriver,
  'api.storage.v1.VolumeAttachmentSpec': fields({ attacher: driverName, nodeName: strictName(dnsSubdomain) }),
  'api.storage.v1.VolumeAttachmentSource': attachmentSource,
  'api.storage.v1.CSIStorageCapacity': fields({
    storageClassName: strictName(dnsSubdomain),
    capacity: quantity,
    maximumVolumeSize: quantity,
  }),
  'api.storage.v1.VolumeAttributesClass': fields({ driverName, parameters: parameters(true) }),
};

/** What a driver has said of a node stays for as long as it is there. */
export function validateCsiNodeUpdate(next: Raw, old: Raw): StatusCause[] {
  const before = new Map(objects(objectAt(old['spec'])['drivers']).map((one) => [one['name'], one]));
  return objects(objectAt(next['spec'])['drivers']).flatMap((one) => {
    const was = before.get(one['name']);
    const rest = ({ allocatable: _allocatable, ...identity }: Raw): Raw => identity;
    return !was || equalValues(rest(one), rest(was)) ? [] : [invalidField('CSINodeDrivers', one, 'field is immutable')];
  });
}
