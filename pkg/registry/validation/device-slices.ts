/** Which devices there are, where, and what is wrong with them. */
import { duplicateField, invalidField, requiredField, tooLongField, tooManyField, unsupportedField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { capacityPolicy } from './device-capacity.ts';
import { attributeName, entries, poolName } from './device-names.ts';
import { effects, nameOf, setOf } from './device-requests.ts';
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from './names.ts';
import {
  atLeast,
  atMost,
  both,
  each,
  fields,
  items,
  named,
  needed,
  neededName,
  object,
  positive,
  type Rule,
  strictName,
  unique,
} from './rules.ts';
import { validateNodeSelector } from './selectors.ts';
import { parseSemver } from './semver.ts';
import { driverName } from './storage-classes.ts';
import { below, type Report, type Validator, type Validators } from './validator.ts';

const maxDevices = 128;
/** Taints, counters and lists make a device a larger thing. */
const maxRicherDevices = 64;
const maxCounterSets = 8;
const maxCounters = 32;
const maxConsumptions = 2;
const maxAttributes = 32;
const maxAttributeValues = 48;
const maxAttributeText = 64;
const maxTaints = 16;
const maxBindingConditions = 4;

const pool = fields({
  name: poolName,
  resourceSliceCount: positive(),
  generation: atLeast(0, 'must be greater than or equal to zero'),
});

// --- where

const quotedList = (names: readonly string[], and = ''): string => {
  const quoted = names.map((name) => `\`${name}\``);
  return and === '' ? quoted.join(', ') : `${quoted.slice(0, -1).join(', ')}, ${and} ${quoted.at(-1)}`;
};

/** Which of the fields that say where something is are set; and what is wrong with what they say. */
function placesOf(
  value: Raw,
  path: string,
  report: Report,
  { empty, oneTerm }: { readonly empty: string; readonly oneTerm: boolean },
): string[] {
  const given: string[] = [];
  const { nodeName, nodeSelector } = value;
  if (nodeName === '') report(invalidField(below(path, 'nodeName'), '', empty));
  else if (nodeName !== undefined) {
    given.push('nodeName');
    strictName(dnsSubdomain)(nodeName, below(path, 'nodeName'), report);
  }
  if (nodeSelector !== undefined) {
    given.push('nodeSelector');
    object(validateNodeSelector)(nodeSelector, below(path, 'nodeSelector'), report);
    const terms = objectAt(nodeSelector)['nodeSelectorTerms'];
    if (oneTerm && objects(terms).length !== 1) {
      report(invalidField(below(path, 'nodeSelector.nodeSelectorTerms'), terms ?? null, 'must have exactly one node selector term'));
    }
  }
  for (const flag of ['allNodes', 'perDeviceNodeSelection']) {
    if (value[flag] === true) given.push(flag);
    else if (value[flag] === false) report(invalidField(below(path, flag), false, 'must be either unset or set to true'));
  }
  return given;
}

function slicePlace(spec: Raw, path: string, report: Report): void {
  const given = placesOf(spec, path, report, { empty: 'must be either unset or set to a non-empty string', oneTerm: true });
  const what = `exactly one of ${quotedList(['nodeName', 'nodeSelector', 'allNodes', 'perDeviceNodeSelection'])} is required`;
  if (given.length === 0) report(requiredField(path, what));
  if (given.length > 1) report(invalidField(path, `{${quotedList(given)}}`, `${what}, but multiple fields are set`));
}

const own = ['nodeName', 'nodeSelector', 'allNodes'];
function devicePlace(device: Raw, perDevice: boolean, path: string, report: Report): void {
  const is = 'set to true in the ResourceSlice spec';
  if (!perDevice) {
    const detail = `\`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is ${is}`;
    if (own.some((place) => device[place] !== undefined)) report(invalidField(path, null, detail));
    return;
  }
  const given = placesOf(device, path, report, { empty: 'must not be empty', oneTerm: false });
  const what = `exactly one of ${quotedList(own, 'or')} is required when \`perDeviceNodeSelection\` is ${is}`;
  if (given.length === 0) report(requiredField(path, what));
  if (given.length > 1) report(invalidField(path, `{${quotedList(given)}}`, what));
}

// --- what

const listsOf = ['bools', 'ints', 'strings', 'versions'];
const attributeText: Rule = (value, path, report) => {
  if (text(value).length > maxAttributeText) report(tooLongField(path, maxAttributeText));
};
const attributeVersion: Rule = (value, path, report) => {
  if (value === undefined) return;
  if (!parseSemver(text(value))) report(invalidField(path, text(value), 'must be a string compatible with semver.org spec 2.0.0'));
  attributeText(value, path, report);
};
const someOf =
  (rule: Rule): Rule =>
  (value, path, report) => {
    if (Array.isArray(value) && value.length === 0) report(invalidField(path, [], 'must not be empty if specified'));
    each(rule)(value, path, report);
  };
const anything: Rule = () => undefined;
const attributeFields = fields({
  string: attributeText,
  version: attributeVersion,
  bools: someOf(anything),
  ints: someOf(anything),
  strings: someOf(attributeText),
  versions: someOf(attributeVersion),
});
/** As Kubernetes shows one that says several things. */
function goAttribute(value: Raw): Raw {
  const shown: Raw = {};
  for (const list of ['', 's']) {
    for (const kind of ['int', 'bool', 'string', 'version']) {
      shown[`${kind[0]?.toUpperCase()}${kind.slice(1)}Value${list}`] = value[kind + list] ?? null;
    }
  }
  return shown;
}

const attribute: Validator = (value, path, report) => {
  attributeFields(value, path, report);
  const given = ['bool', 'int', 'string', 'version', ...listsOf].filter((field) => value[field] !== undefined);
  if (given.length !== 1) report(invalidField(path, given.length === 0 ? '' : goAttribute(value), 'exactly one value must be specified'));
};

const counters: Rule = (value, path, report) => {
  const names = Object.keys(objectAt(value));
  if (names.length === 0) report(requiredField(path));
  else if (names.length > maxCounters) report(tooManyField(path, names.length, maxCounters));
  else entries(strictName(dnsLabel))(value, path, report);
};
const counterSet = fields({ name: neededName(dnsLabel), counters });
const consumption = fields({ counterSet: neededName(dnsLabel), counters });

const effect: Rule = (value, path, report) => {
  if (text(value) === '') report(requiredField(path));
  else if (!effects.includes(text(value))) report(unsupportedField(path, value, effects));
};
const taint = fields({ key: strictName(qualifiedName), value: named(labelValue), effect });

/** What has to become true, and what must not, before a pod is bound to the node of a device. */
export const bindingConditions: Validator = (value, path, report) => {
  const [wait, fail] = ['bindingConditions', 'bindingFailureConditions'] as const;
  const [awaited, failing] = [strings(value[wait]), strings(value[fail])];
  for (const field of [wait, fail]) atMost(maxBindingConditions, each(strictName(qualifiedName)))(value[field], below(path, field), report);
  unique(awaited, below(path, wait), report);
  for (const [i, condition] of failing.entries()) {
    const at = `${below(path, fail)}[${i}]`;
    if (failing.indexOf(condition) < i) report(duplicateField(at, condition));
    if (awaited.includes(condition)) report(invalidField(at, condition, `${fail} must not overlap with ${wait}`));
  }
  if (awaited.length === 0 && failing.length > 0) {
    report(invalidField(below(path, wait), value[wait] ?? null, `${wait} are required to use ${fail}`));
  }
  if (failing.length === 0 && awaited.length > 0) {
    report(invalidField(below(path, fail), value[fail] ?? null, `${fail} are required to use ${wait}`));
  }
};

const valuesOf = (one: Raw): number =>
  Math.max(
    1,
    listsOf.reduce((sum, field) => sum + (Array.isArray(one[field]) ? (one[field] as unknown[]).length : 0), 0),
  );

interface Around {
  readonly perDevice: boolean;
  /** The device of that name that was there before. */
  readonly before: (name: string) => Raw | undefined;
}

const device =
  ({ perDevice, before }: Around): Validator =>
  (value, path, report) => {
    strictName(dnsLabel)(value['name'], below(path, 'name'), report);
    const attributes = objectAt(value['attributes']);
    const total = Object.keys(attributes).length + Object.keys(objectAt(value['capacity'])).length;
    if (total > maxAttributes) {
      report(invalidField(path, total, `the total number of attributes and capacities must not exceed ${maxAttributes}`));
    }
    const values = Object.values(attributes).reduce((sum: number, one) => sum + valuesOf(objectAt(one)), 0);
    if (values > maxAttributeValues) {
      report(invalidField(path, values, `the total number of attribute values must not exceed ${maxAttributeValues}`));
    }
    entries(attributeName, attribute)(attributes, below(path, 'attributes'), report);
    const shared = value['allowMultipleAllocations'] === true;
    entries(attributeName, (capacity, at) => capacityPolicy(capacity, at, { report, shared }))(
      value['capacity'],
      below(path, 'capacity'),
      report,
    );
    const was = before(text(value['name']));
    if (!was || !equalValues(was['taints'], value['taints']))
      atMost(maxTaints, items(taint))(value['taints'], below(path, 'taints'), report);
    const consumed = setOf(maxConsumptions, object(consumption), (one) => text(objectAt(one)['counterSet']));
    consumed(value['consumesCounters'], below(path, 'consumesCounters'), report);
    devicePlace(value, perDevice, path, report);
    bindingConditions(value, path, report);
  };

const isRich = ({ taints, consumesCounters, attributes }: Raw): boolean =>
  objects(taints).length + objects(consumesCounters).length > 0 ||
  Object.values(objectAt(attributes)).some((one) => listsOf.some((field) => objectAt(one)[field] !== undefined));

/** Whose devices they are, and where, stays. */
const fixed = [['pool', 'name'], ['driver'], ['nodeName']] as const;
function checkFixed(spec: Raw, old: Raw, path: string, report: Report): void {
  const at = (value: Raw, keys: readonly string[]): unknown => keys.reduce((inner: unknown, key) => objectAt(inner)[key], value);
  for (const keys of fixed) {
    const now = at(spec, keys);
    if (!equalValues(now, at(old, keys))) report(invalidField(below(path, keys.join('.')), now ?? null, 'field is immutable'));
  }
}

const slice: Validator = (spec, path, report) => {
  const old = report.old && objectAt(report.old['spec']);
  fields({ driver: driverName, pool: object(pool) })(spec, path, report);
  if (old) checkFixed(spec, old, path, report);
  slicePlace(spec, path, report);
  if (spec['sharedCounters'] !== undefined && spec['devices'] !== undefined) {
    report(invalidField(path, '', 'only one of `sharedCounters` or `devices` is allowed'));
  }
  const devices = objects(spec['devices']);
  const around: Around = {
    perDevice: spec['perDeviceNodeSelection'] === true,
    before: (name) => objects(old?.['devices']).find((one) => one['name'] === name),
  };
  setOf(devices.some(isRich) ? maxRicherDevices : maxDevices, object(device(around)), nameOf)(
    spec['devices'],
    below(path, 'devices'),
    report,
  );
  setOf(maxCounterSets, object(counterSet), nameOf)(spec['sharedCounters'], below(path, 'sharedCounters'), report);
};

const ifSaid =
  (rule: Rule): Rule =>
  (value, path, report) => {
    if (value !== undefined) rule(value, path, report);
  };

export const deviceSliceValidators: Validators = {
  'api.resource.v1.ResourceSliceSpec': { whole: slice },
  'api.resource.v1beta2.DeviceTaintRuleSpec': {
    whole: fields({
      deviceSelector: object(fields({ driver: ifSaid(driverName), pool: ifSaid(poolName), device: ifSaid(strictName(dnsLabel)) })),
      taint: object(taint),
    }),
  },
  'api.resource.v1alpha3.ResourcePoolStatusRequestSpec': {
    whole: fields({ driver: both(needed(), driverName), poolName: ifSaid(poolName), limit: atLeast(1) }),
  },
};
