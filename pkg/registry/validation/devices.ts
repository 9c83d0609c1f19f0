import { invalidField, requiredField, tooLongField, tooManyField } from '../../runtime/field-errors.ts';
import { stringifyJson } from '../../runtime/json.ts';
import { isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { capacityPolicy } from './device-capacity.ts';
import { immutable } from './immutability.ts';
import { cIdentifier, dnsLabel, dnsSubdomain, labelValue, qualifiedName } from './names.ts';
import { isExtendedResource } from './resource-amounts.ts';
import {
  atLeast,
  atMost,
  both,
  each,
  fields,
  named,
  needed,
  neededName,
  neededOneOf,
  noLongerThan,
  oneOf,
  positive,
  present,
  type Rule,
  strictName,
  unique,
  uniqueBy,
  validators,
} from './rules.ts';
import { parseSemver } from './semver.ts';
import { driverName } from './storage-classes.ts';
import { below, checkName, type Report, seenAbove, type Validator, type Validators } from './validator.ts';

export const maxRequests = 32;
const maxConstraints = 32;
const maxConfigs = 32;
const maxSelectors = 32;
const maxAlternatives = 8;
/** 10 KiB. */
const maxExpression = 10 * 1024;
const maxParameters = 10 * 1024;
const maxPoolName = 253;
const maxIdentifier = 32;
const maxDevices = 128;
/** Taints and counters make a device a larger thing. */
const maxRicherDevices = 64;
const maxCounterSets = 8;
const maxCounters = 32;
const maxAttributes = 32;
const maxAttributeText = 64;
const maxTaints = 16;
const maxBindingConditions = 4;

export const poolName: Rule = (value, path, report) => {
  const name = text(value);
  if (name === '') {
    report(requiredField(path));
    return;
  }
  if (name.length > maxPoolName) report(tooLongField(path, maxPoolName));
  for (const part of name.split('/')) strictName(dnsSubdomain)(part, path, report);
};

const identifier = both(noLongerThan(maxIdentifier), strictName(cIdentifier));

/** An attribute's name: a driver's domain, where it is not the driver's own, and an identifier. */
const attributeName: Rule = (value, path, report) => {
  const [first = '', second, ...more] = text(value).split('/');
  if (second === undefined) identifier(first, path, report);
  if (second === undefined || more.length > 0) return;
  if (first === '') report(invalidField(path, '', 'the domain must not be empty'));
  else driverName(first, path, report);
  if (second === '') report(invalidField(path, '', 'the name must not be empty'));
  else identifier(second, path, report);
};

const fullAttributeName: Rule = (value, path, report) => {
  attributeName(value, path, report);
  if (!text(value).includes('/'))
    report(invalidField(path, value, 'a fully qualified name must be a domain and a name separated by a slash'));
};

// --- claims

/** What a claim's requests are called: `a`, or `a/b` for one of several that would do. */
export function requestNames(claim: Raw): Set<string> {
  const names = new Set<string>();
  for (const { name, firstAvailable } of objects(claim['requests'])) {
    names.add(text(name));
    for (const alternative of objects(firstAvailable)) names.add(`${text(name)}/${text(alternative['name'])}`);
  }
  return names;
}

const notARequest = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
export function requestReference(names: ReadonlySet<string>): Rule {
  return (value, path, report) => {
    const name = text(value);
    const parts = name.split('/');
    if (parts.length <= 2) for (const part of parts) neededName(dnsLabel)(part, path, report);
    if (!names.has(name)) report(invalidField(path, name, notARequest));
  };
}
const requestList = (names: ReadonlySet<string>): Rule => atMost(maxRequests, both(each(requestReference(names)), unique));

const claim: Validator = (value, path, report) => {
  const names = requestNames(value);
  const at = (field: string): string => below(path, field);
  atMost(maxRequests, uniqueBy('name', 'item'))(value['requests'], at('requests'), report);
  atMost(maxConstraints)(value['constraints'], at('constraints'), report);
  atMost(maxConfigs)(value['config'], at('config'), report);
  for (const list of ['constraints', 'config']) {
    for (const [i, one] of objects(value[list]).entries()) requestList(names)(one['requests'], `${at(list)}[${i}].requests`, report);
  }
};

const request: Validator = (value, path, report) => {
  neededName(dnsLabel)(value['name'], below(path, 'name'), report);
  const several = objects(value['firstAvailable']).length > 0;
  const exactly = value['exactly'] !== undefined;
  const what = 'exactly one of `exactly` or `firstAvailable` is required';
  if (!several && !exactly) report(requiredField(path, what));
  if (several && exactly) report(invalidField(path, null, `${what}, but multiple fields are set`));
  atMost(maxAlternatives, uniqueBy('name', 'item'))(value['firstAvailable'], below(path, 'firstAvailable'), report);
};

const wanted = validators(
  fields({
    deviceClassName: neededName(dnsSubdomain),
    selectors: atMost(maxSelectors),
    allocationMode: oneOf(['All', 'ExactCount']),
  }),
  ({ allocationMode: mode, count }, path, report) => {
    const at = below(path, 'count');
    if (mode === 'ExactCount') positive()(count, at, report);
    else if (mode === 'All' && count !== undefined && count !== 0)
      report(invalidField(at, count, "must not be specified when allocationMode is 'All'"));
  },
);

const constraint: Validator = ({ matchAttribute, distinctAttribute }, path, report) => {
  if (matchAttribute !== undefined) fullAttributeName(matchAttribute, below(path, 'matchAttribute'), report);
  else if (distinctAttribute !== undefined) fullAttributeName(distinctAttribute, below(path, 'distinctAttribute'), report);
  else {
    const detail = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
    report(requiredField(path, detail));
  }
};

const opaque: Rule = (value, path, report) => {
  if (value === undefined || value === null) report(requiredField(path));
  else if (!isObject(value)) report(invalidField(path, '<value omitted>', 'must be a valid JSON object'));
  else if (stringifyJson(value).length > maxParameters) report(tooLongField(path, maxParameters));
};

const toleration: Validator = (value, path, report) => {
  const { operator, value: given } = value;
  named(qualifiedName)(value['key'], below(path, 'key'), report);
  const at = below(path, 'value');
  if (operator === 'Exists') {
    if (text(given) !== '') report(invalidField(at, given, 'must be empty for operator `Exists`'));
  } else if (operator === 'Equal') strictName(labelValue)(given, at, report);
  else neededOneOf(['Equal', 'Exists'])(operator, below(path, 'operator'), report);
  oneOf(effects)(value['effect'], below(path, 'effect'), report);
};
const effects = ['NoExecute', 'NoSchedule', 'None'];

// --- slices

const places = ['nodeName', 'nodeSelector', 'allNodes', 'perDeviceNodeSelection'];
const quotedPlaces = places.map((place) => `\`${place}\``).join(', ');

/** Which of the fields that say where something is are set; and what is wrong with those that are set to nothing. */
function placesOf(value: Raw, names: readonly string[], path: string, report: Report): string[] {
  const { nodeName } = value;
  if (nodeName === '') report(invalidField(below(path, 'nodeName'), '', 'must be either unset or set to a non-empty string'));
  named(dnsSubdomain)(nodeName, below(path, 'nodeName'), report);
  for (const flag of ['allNodes', 'perDeviceNodeSelection']) {
    if (value[flag] === false) report(invalidField(below(path, flag), false, 'must be either unset or set to true'));
  }
  return names.filter((name) => value[name] !== undefined && value[name] !== false && value[name] !== '');
}

const slice: Validator = (spec, path, report) => {
  driverName(spec['driver'], below(path, 'driver'), report);
  const given = placesOf(spec, places, path, report);
  const what = `exactly one of ${quotedPlaces} is required`;
  if (given.length === 0) report(requiredField(path, what));
  if (given.length > 1) {
    report(invalidField(path, `{${given.map((place) => `\`${place}\``).join(', ')}}`, `${what}, but multiple fields are set`));
  }
  const terms = objectAt(spec['nodeSelector'])['nodeSelectorTerms'];
  if (spec['nodeSelector'] !== undefined && objects(terms).length !== 1) {
    report(invalidField(below(path, 'nodeSelector.nodeSelectorTerms'), terms, 'must have exactly one node selector term'));
  }
  if (spec['sharedCounters'] !== undefined && spec['devices'] !== undefined) {
    report(invalidField(path, '', 'only one of `sharedCounters` or `devices` is allowed'));
  }
  const devices = objects(spec['devices']);
  const richer = devices.some(({ taints, consumesCounters }) => objects(taints).length + objects(consumesCounters).length > 0);
  atMost(richer ? maxRicherDevices : maxDevices, uniqueBy('name', 'item'))(devices, below(path, 'devices'), report);
  atMost(maxCounterSets, uniqueBy('name', 'item'))(spec['sharedCounters'], below(path, 'sharedCounters'), report);
  const perDevice = spec['perDeviceNodeSelection'] === true;
  for (const [i, one] of devices.entries()) checkPlace(one, perDevice, `${below(path, 'devices')}[${i}]`, report);
};

function checkPlace(device: Raw, perDevice: boolean, path: string, report: Report): void {
  const own = places.slice(0, 3);
  const is = 'set to true in the ResourceSlice spec';
  if (!perDevice) {
    if (own.some((place) => device[place] !== undefined))
      report(
        invalidField(path, null, `\`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is ${is}`),
      );
    return;
  }
  const given = placesOf(device, own, path, report);
  const what = `exactly one of \`nodeName\`, \`nodeSelector\`, or \`allNodes\` is required when \`perDeviceNodeSelection\` is ${is}`;
  if (given.length === 0) report(requiredField(path, what));
  if (given.length > 1) report(invalidField(path, `{${given.map((place) => `\`${place}\``).join(', ')}}`, what));
}

const device: Validator = (value, path, report) => {
  neededName(dnsLabel)(value['name'], below(path, 'name'), report);
  const total = Object.keys(objectAt(value['attributes'])).length + Object.keys(objectAt(value['capacity'])).length;
  if (total > maxAttributes) {
    report(invalidField(path, total, `the total number of attributes and capacities must not exceed ${maxAttributes}`));
  }
  for (const map of ['attributes', 'capacity']) {
    for (const key in objectAt(value[map])) attributeName(key, `${below(path, map)}[${key}]`, report);
  }
  for (const [key, capacity] of Object.entries(objectAt(value['capacity']))) {
    capacityPolicy(objectAt(capacity), `${below(path, 'capacity')}[${key}]`, {
      report,
      shared: value['allowMultipleAllocations'] === true,
    });
  }
  atMost(maxTaints)(value['taints'], below(path, 'taints'), report);
  uniqueBy('counterSet', 'item')(value['consumesCounters'], below(path, 'consumesCounters'), report);
  bindingConditions(value, path, report);
};

const attribute: Validator = (value, path, report) => {
  const given = ['bool', 'int', 'string', 'version', 'bools', 'ints', 'strings', 'versions'].filter((field) => value[field] !== undefined);
  if (given.length !== 1) report(invalidField(path, given.length === 0 ? '' : value, 'exactly one value must be specified'));
  noLongerThan(maxAttributeText)(value['string'], below(path, 'string'), report);
  const { version } = value;
  if (version === undefined) return;
  const at = below(path, 'version');
  if (!parseSemver(text(version))) report(invalidField(at, version, 'must be a string compatible with semver.org spec 2.0.0'));
  noLongerThan(maxAttributeText)(version, at, report);
};

const counters: Rule = (value, path, report) => {
  const names = Object.keys(objectAt(value));
  if (names.length === 0) report(requiredField(path));
  else if (names.length > maxCounters) report(tooManyField(path, names.length, maxCounters));
  else for (const name of names) checkName(report, `${path}[${name}]`, name, dnsLabel);
};

const taint = fields({
  key: strictName(qualifiedName),
  value: named(labelValue),
  effect: neededOneOf(effects),
});

/** What has to become true, and what must not, before a pod is bound to the node of a device. */
export const bindingConditions: Validator = (value, path, report) => {
  const [wait, fail] = ['bindingConditions', 'bindingFailureConditions'] as const;
  const [awaited, failing] = [strings(value[wait]), strings(value[fail])];
  for (const [field, list] of [
    [wait, awaited],
    [fail, failing],
  ] as const) {
    atMost(maxBindingConditions, both(each(strictName(qualifiedName)), unique))(list, below(path, field), report);
  }
  for (const [i, condition] of failing.entries()) {
    const detail = `${fail} must not overlap with ${wait}`;
    if (awaited.includes(condition)) report(invalidField(`${below(path, fail)}[${i}]`, condition, detail));
  }
  if (awaited.length === 0 && failing.length > 0) report(invalidField(below(path, wait), awaited, `${wait} are required to use ${fail}`));
  if (failing.length === 0 && awaited.length > 0) report(invalidField(below(path, fail), failing, `${fail} are required to use ${wait}`));
};

const extendedName: Rule = (value, path, report) => {
  if (value !== undefined && !isExtendedResource(text(value))) report(invalidField(path, value, 'must be a valid extended resource name'));
};

const expression: Rule = (value, path, report) => {
  needed()(value, path, report);
  noLongerThan(maxExpression)(value, path, report);
};

export const deviceValidators: Validators = {
  'api.resource.v1.DeviceClaim': claim,
  'api.resource.v1.DeviceRequest': request,
  'api.resource.v1.ExactDeviceRequest': wanted,
  'api.resource.v1.DeviceSubRequest': validators(fields({ name: neededName(dnsLabel) }), wanted),
  'api.resource.v1.DeviceSelector': fields({ cel: present() }),
  'api.resource.v1.CELDeviceSelector': fields({ expression }),
  'api.resource.v1.DeviceConstraint': constraint,
  'api.resource.v1.DeviceClaimConfiguration': fields({ opaque: present() }),
  'api.resource.v1.DeviceClassConfiguration': fields({ opaque: present() }),
  'api.resource.v1.OpaqueDeviceConfiguration': fields({ driver: driverName, parameters: opaque }),
  'api.resource.v1.DeviceToleration': toleration,
  'api.resource.v1.DeviceClassSpec': fields({
    selectors: atMost(maxSelectors),
    config: atMost(maxConfigs),
    extendedResourceName: extendedName,
  }),
  'api.resource.v1.ResourceSliceSpec': slice,
  'api.resource.v1.ResourcePool': fields({
    name: poolName,
    resourceSliceCount: positive(),
    generation: atLeast(0, 'must be greater than or equal to zero'),
  }),
  'api.resource.v1.Device': device,
  'api.resource.v1.DeviceAttribute': attribute,
  'api.resource.v1.DeviceCapacity': seenAbove,
  'api.resource.v1.CapacityRequestPolicy': seenAbove,
  'api.resource.v1.CapacityRequestPolicyRange': seenAbove,
  'api.resource.v1.DeviceTaint': taint,
  'api.resource.v1.CounterSet': fields({ name: neededName(dnsLabel), counters }),
  'api.resource.v1.DeviceCounterConsumption': fields({ counterSet: neededName(dnsLabel), counters }),
  'api.resource.v1beta2.DeviceTaintSelector': fields({
    driver: (value, path, report) => (value === undefined ? undefined : driverName(value, path, report)),
    pool: (value, path, report) => (value === undefined ? undefined : poolName(value, path, report)),
    device: (value, path, report) => (value === undefined ? undefined : strictName(dnsLabel)(value, path, report)),
  }),
  'api.resource.v1beta2.DeviceTaint': taint,
};

// --- updates

/** Whose devices they are, and where, stays. */
export const validateSliceUpdate = immutable('spec.pool.name', 'spec.driver', 'spec.nodeName');
