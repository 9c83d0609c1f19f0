/** What devices somebody wants: claims, templates of them, and classes. https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/ */
import { duplicateField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { objectAt, objects, type Raw, text } from '../raw.ts';
import { deviceConfig, fullAttributeName } from './device-names.ts';
import { validateMetadata } from './metadata.ts';
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from './names.ts';
import { isExtendedResource } from './resource-amounts.ts';
import {
  atMost,
  both,
  each,
  fields,
  items,
  named,
  needed,
  neededName,
  noLongerThan,
  object,
  oneOf,
  positive,
  present,
  type Rule,
  strictName,
  unique,
} from './rules.ts';
import { below, onlyWhenNew, type Validator, type Validators } from './validator.ts';

export const maxRequests = 32;
const maxConstraints = 32;
export const maxConfigs = 32;
const maxSelectors = 32;
const maxAlternatives = 8;
/** 10 KiB. */
const maxExpression = 10 * 1024;

export const effects = ['NoExecute', 'NoSchedule', 'None'];

/** A list, and after what is wrong with its elements, which of them stand there twice. */
export function setOf(max: number, rule: Rule, keyOf: (item: unknown) => unknown): Rule {
  return atMost(max, (value, path, report) => {
    each(rule)(value, path, report);
    const seen = new Set<string>();
    for (const [i, item] of (Array.isArray(value) ? value : []).entries()) {
      const key = keyOf(item);
      const id = JSON.stringify(key);
      if (seen.has(id)) report(duplicateField(`${path}[${i}]`, key));
      seen.add(id);
    }
  });
}
export const nameOf = (item: unknown): string => text(objectAt(item)['name']);

// --- by name

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
    if (parts.length <= 2) for (const part of parts) strictName(dnsLabel)(part, path, report);
    if (!names.has(name)) report(invalidField(path, name, notARequest));
  };
}
export const requestList = (names: ReadonlySet<string>): Rule => atMost(maxRequests, both(each(requestReference(names)), unique));

// --- requests

const expression: Rule = (value, path, report) => {
  needed()(value, path, report);
  noLongerThan(maxExpression)(value, path, report);
};
const selectors: Rule = atMost(
  maxSelectors,
  items((selector, path, report) => {
    present()(selector['cel'], below(path, 'cel'), report);
    object(fields({ expression }))(selector['cel'], below(path, 'cel'), report);
  }),
);

const modes = ['All', 'ExactCount'];
const howMany: Validator = ({ allocationMode: mode, count }, path, report) => {
  const at = below(path, 'count');
  if (mode === 'ExactCount') positive()(count, at, report);
  else if (mode !== 'All') report(unsupportedField(below(path, 'allocationMode'), mode ?? '', modes));
  else if (count !== undefined && count !== 0) report(invalidField(at, count, "must not be specified when allocationMode is 'All'"));
};

const operators = ['Equal', 'Exists'];
export const toleration: Validator = (value, path, report) => {
  const { operator, value: given } = value;
  named(qualifiedName)(value['key'], below(path, 'key'), report);
  const at = below(path, 'value');
  if (operator === 'Exists') {
    if (text(given) !== '') report(invalidField(at, given, 'must be empty for operator `Exists`'));
  } else if (operator === 'Equal') strictName(labelValue)(given, at, report);
  else if (text(operator) === '') report(requiredField(below(path, 'operator')));
  else report(unsupportedField(below(path, 'operator'), operator, operators));
  oneOf(effects)(value['effect'], below(path, 'effect'), report);
};

const wanted: Validator = (value, path, report) => {
  fields({ deviceClassName: neededName(dnsSubdomain), selectors })(value, path, report);
  howMany(value, path, report);
  items(toleration)(value['tolerations'], below(path, 'tolerations'), report);
};

const alternative: Validator = (value, path, report) => {
  strictName(dnsLabel)(value['name'], below(path, 'name'), report);
  wanted(value, path, report);
};

const request: Validator = (value, path, report) => {
  strictName(dnsLabel)(value['name'], below(path, 'name'), report);
  const several = objects(value['firstAvailable']).length > 0;
  const exactly = value['exactly'] !== undefined;
  const what = 'exactly one of `exactly` or `firstAvailable` is required';
  if (!several && !exactly) report(requiredField(path, what));
  else if (several && exactly) report(invalidField(path, null, `${what}, but multiple fields are set`));
  else if (several) setOf(maxAlternatives, object(alternative), nameOf)(value['firstAvailable'], below(path, 'firstAvailable'), report);
  else object(wanted)(value['exactly'], below(path, 'exactly'), report);
};

const constraint =
  (names: ReadonlySet<string>): Validator =>
  ({ requests, matchAttribute, distinctAttribute }, path, report) => {
    requestList(names)(requests, below(path, 'requests'), report);
    if (matchAttribute !== undefined) fullAttributeName(matchAttribute, below(path, 'matchAttribute'), report);
    else if (distinctAttribute !== undefined) fullAttributeName(distinctAttribute, below(path, 'distinctAttribute'), report);
    else {
      const detail = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
      report(requiredField(path, detail));
    }
  };

/** For some of the requests, or for all of them. */
export const requestedConfig =
  (names: ReadonlySet<string>): Validator =>
  (config, path, report) => {
    requestList(names)(config['requests'], below(path, 'requests'), report);
    deviceConfig(config, path, report);
  };

const claim: Validator = (value, path, report) => {
  const names = requestNames(value);
  fields({
    requests: setOf(maxRequests, object(request), nameOf),
    constraints: atMost(maxConstraints, items(constraint(names))),
    config: atMost(maxConfigs, items(requestedConfig(names))),
  })(value, path, report);
};

const devices: Validator = fields({ devices: object(claim) });

const extendedName: Rule = (value, path, report) => {
  if (value !== undefined && !isExtendedResource(text(value))) report(invalidField(path, value, 'must be a valid extended resource name'));
};

export const deviceRequestValidators: Validators = {
  'api.resource.v1.ResourceClaimSpec': { whole: onlyWhenNew(devices) },
  'api.resource.v1.ResourceClaimTemplateSpec': {
    whole: (spec, path, report) => {
      validateMetadata(objectAt(spec['metadata']), below(path, 'metadata'), report);
      object(devices)(spec['spec'], below(path, 'spec'), report);
    },
  },
  'api.resource.v1.DeviceClassSpec': {
    whole: fields({ selectors, config: atMost(maxConfigs, items(deviceConfig)), extendedResourceName: extendedName }),
  },
};
