/** What provides volumes: classes, drivers, attachments and capacities. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { isQuantity, parseQuantity } from '../../api/quantity.ts';
import { duplicateField, forbiddenField, invalidField, requiredField, tooLongField, unsupportedField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { dnsSubdomain, exceedsBytes, qualifiedName } from './names.ts';
import {
  atLeast,
  between,
  both,
  fields,
  needed,
  notNegative,
  oneOf,
  present,
  type Rule,
  strictName,
  strictOneOf,
  unique,
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

const requirement: Validator = ({ key, values }, path, report) => {
  if (strings(values).length === 0) report(requiredField(below(path, 'values')));
  unique(values, below(path, 'values'), report);
  checkName(report, below(path, 'key'), text(key), qualifiedName);
};

const topologies: Rule = (value, path, report) => {
  const terms = objects(value);
  // A term that says nothing is counted as one that is there already, once for each that is there.
  const seen: string[] = terms.map(() => '');
  for (const [i, term] of terms.entries()) {
    const at = `${path}[${i}].matchLabelExpressions`;
    const valuesOf = new Map<string, string>();
    for (const [j, one] of objects(term['matchLabelExpressions']).entries()) {
      const key = text(one['key']);
      requirement(one, `${at}[${j}]`, report);
      if (valuesOf.has(key)) report(duplicateField(`${at}[${j}].key`, key));
      valuesOf.set(key, [...new Set(strings(one['values']))].sort().join());
    }
    const said = [...valuesOf]
      .map(([key, values]) => `${key}=${values}`)
      .sort()
      .join(';');
    for (const other of seen) if (other === said) report(duplicateField(at, ''));
    seen.push(said);
  }
};

const storageClass = fields({
  provisioner,
  parameters: parameters(false),
  reclaimPolicy: oneOf(['Delete', 'Retain']),
  volumeBindingMode: both(needed(), oneOf(['Immediate', 'WaitForFirstConsumer'])),
  allowedTopologies: topologies,
});

const minTokenSeconds = 600;
const tokenRequests: Rule = (value, path, report) => {
  const audiences = new Set<string>();
  for (const [i, { audience, expirationSeconds: seconds }] of objects(value).entries()) {
    const name = text(audience);
    if (audiences.has(name)) {
      report(duplicateField(`${path}[${i}].audience`, name));
      continue;
    }
    audiences.add(name);
    atLeast(minTokenSeconds, 'may not specify a duration less than 10 minutes')(seconds, `${path}[${i}].expirationSeconds`, report);
    const at = `${path}[${i}].expirationSeconds`;
    between(Number.NEGATIVE_INFINITY, 2 ** 32, 'may not specify a duration larger than 2^32 seconds')(seconds, at, report);
  }
};

const lifecycles = ['Persistent', 'Ephemeral'];
const lifecycleModes: Rule = (value, path, report) => {
  for (const mode of strings(value)) if (!lifecycles.includes(mode)) report(unsupportedField(path, mode, lifecycles));
};

const driverFields = fields({
  podInfoOnMount: present(),
  storageCapacity: present(),
  fsGroupPolicy: (value, path, report) => (value === undefined ? undefined : strictOneOf(groupPolicies)(value, path, report)),
  tokenRequests,
  volumeLifecycleModes: lifecycleModes,
  seLinuxMount: present(),
  nodeAllocatableUpdatePeriodSeconds: atLeast(10, 'must be greater than or equal to 10 seconds'),
});
const groupPolicies = ['File', 'None', 'ReadWriteOnceWithFSType'];
const driver: Validator = (spec, path, report) => {
  driverFields(spec, path, report);
  const { serviceAccountTokenInSecrets: inSecrets } = spec;
  if (inSecrets !== undefined && objects(spec['tokenRequests']).length === 0) {
    const detail = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified';
    report(invalidField(below(path, 'serviceAccountTokenInSecrets'), inSecrets, detail));
  }
};

const maxNodeId = 256;
const nodeDriver = fields({
  name: driverName,
  nodeID: both(needed(), (value, path, report) => {
    if (text(value).length > maxNodeId) report(invalidField(path, value, `must be ${maxNodeId} characters or less`));
  }),
  allocatable: (value, path, report) => notNegative(objectAt(value)['count'], below(path, 'count'), report),
});

const nodeDrivers: Rule = (value, path, report) => {
  const names = new Set<string>();
  for (const [i, one] of objects(value).entries()) {
    const at = `${path}[${i}]`;
    const name = text(one['name']);
    nodeDriver(one, at, report);
    if (names.has(name)) report(duplicateField(below(at, 'name'), name));
    names.add(name);
    const keys = strings(one['topologyKeys']);
    for (const [j, key] of keys.entries()) {
      if (key === '') report(requiredField(at));
      if (keys.indexOf(key) < j) report(duplicateField(at, key));
      checkName(report, at, key, qualifiedName);
    }
  }
};

const attachmentSource: Validator = (source, path, report) => {
  const { inlineVolumeSpec: inline, persistentVolumeName: name } = source;
  const detail = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (inline === undefined && name === undefined) report(requiredField(path, detail));
  else if (inline !== undefined && name !== undefined) report(forbiddenField(path, detail));
  else if (name !== undefined) {
    const at = below(path, 'persistentVolumeName');
    if (text(name) === '') report(requiredField(at, 'must specify non empty persistentVolumeName'));
    else checkName(report, at, name, dnsSubdomain);
  } else inlineVolume(objectAt(inline), below(path, 'inlineVolumeSpec'), report);
};

const inlined = 'may not be specified in the context of inline volumes';
/** A volume that is described in its attachment alone: its driver's, and nobody's else. */
const inlineVolume: Validator = (volume, path, report) => {
  const at = (field: string): string => below(path, field);
  if (volume['claimRef'] !== undefined) report(forbiddenField(at('claimRef'), inlined));
  if (Object.keys(objectAt(volume['capacity'])).length > 0) report(forbiddenField(at('capacity'), inlined));
  if (volume['csi'] === undefined) report(requiredField(at('csi'), 'has to be specified in the context of inline volumes'));
  const policy = text(volume['persistentVolumeReclaimPolicy']);
  if (policy !== '' && policy !== 'Retain') {
    report(forbiddenField(at('persistentVolumeReclaimPolicy'), 'may only be Retain in the context of inline volumes'));
  }
  if (volume['nodeAffinity'] !== undefined) report(forbiddenField(at('nodeAffinity'), inlined));
  if (text(volume['storageClassName']) !== '') report(forbiddenField(at('storageClassName'), inlined));
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
  'api.core.v1.TopologySelectorTerm': seenAbove,
  'api.core.v1.TopologySelectorLabelRequirement': seenAbove,
  'api.storage.v1.CSIDriver': driverObject,
  'api.storage.v1.CSIDriverSpec': driver,
  'api.storage.v1.TokenRequest': seenAbove,
  'api.storage.v1.CSINodeSpec': { whole: fields({ drivers: nodeDrivers }) },
  'api.storage.v1.VolumeAttachmentSpec': fields({ attacher: driverName, nodeName: strictName(dnsSubdomain) }),
  'api.storage.v1.VolumeAttachmentSource': attachmentSource,
  'api.storage.v1.CSIStorageCapacity': fields({
    storageClassName: strictName(dnsSubdomain),
    capacity: quantity,
  }),
  'api.storage.v1.VolumeAttributesClass': fields({ driverName: provisioner, parameters: parameters(true) }),
};

/** What a driver has said of a node stays for as long as it is there, but for how much it may attach. */
export function validateCsiNodeUpdate(next: Raw, old: Raw): StatusCause[] {
  const drivers = objects(objectAt(next['spec'])['drivers']);
  const rest = ({ allocatable: _allocatable, ...identity }: Raw): Raw => identity;
  return objects(objectAt(old['spec'])['drivers']).flatMap((was) =>
    drivers
      .filter((one) => one['name'] === was['name'] && !equalValues(rest(one), rest(was)))
      .map(({ name, nodeID, topologyKeys }) => {
        const shown = { Name: name, NodeID: nodeID ?? '', TopologyKeys: topologyKeys ?? null, Allocatable: null };
        return invalidField('spec.drivers', shown, 'field is immutable');
      }),
  );
}
