/** What webhooks and policies have in common: which requests they are about. */
import { duplicateField, invalidField, requiredField, tooManyField } from '../../runtime/field-errors.ts';
import { objects, strings, text } from '../raw.ts';
import { pathSegment, qualifiedName } from './names.ts';
import {
  both,
  each,
  enumOf,
  fields,
  items,
  needed,
  neededName,
  object,
  present,
  type Rule,
  strictName,
  strictOneOf,
  unique,
  validators,
} from './rules.ts';
import { validateLabelSelector } from './selectors.ts';
import type { Validator } from './validator.ts';

/** What is said must be one of these; nothing is none of them. */
export const saidOneOf =
  (supported: readonly string[]): Rule =>
  (value, path, report) => {
    if (value !== undefined) strictOneOf(supported)(value, path, report);
  };

export const failurePolicy = saidOneOf(enumOf('admissionregistration.v1.FailurePolicyType'));
export const matchPolicy = saidOneOf(enumOf('admissionregistration.v1.MatchPolicyType'));
export const reinvocations = enumOf('admissionregistration.v1.ReinvocationPolicyType');
export const said =
  (detail: string): Rule =>
  (value, path, report) => {
    if (text(value).trim() === '') report(requiredField(path, detail));
  };

const maxMatchConditions = 64;
const matchCondition = fields({ expression: said(''), name: neededName(qualifiedName) });
export const matchConditions: Rule = (value, path, report) => {
  const conditions = objects(value);
  if (conditions.length > maxMatchConditions) report(tooManyField(path, conditions.length, maxMatchConditions));
  const names = new Set<string>();
  for (const [i, condition] of conditions.entries()) {
    const name = text(condition['name']);
    matchCondition(condition, `${path}[${i}]`, report);
    if (name !== '' && names.has(name)) report(duplicateField(`${path}[${i}].name`, name));
    names.add(name);
  }
};

const only =
  (detail: string): Rule =>
  (value, path, report) => {
    const values = strings(value);
    if (values.length > 1 && values.includes('*'))
      report(invalidField(path, values, `if '*' is present, must not specify other ${detail}`));
  };

const resourceNames: Rule = (value, path, report) => {
  const given = strings(value);
  const [all, parents, children] = [given.includes('*'), new Set<string>(), new Set<string>()];
  let plain = false;
  for (const [i, name] of given.entries()) {
    const slash = name.indexOf('/');
    if (name === '') report(requiredField(`${path}[${i}]`));
    if (slash < 0) {
      // As in Kubernetes, the last one counts.
      if (name !== '') plain = name !== '*';
      continue;
    }
    const [parent, child] = [name.slice(0, slash), name.slice(slash + 1)];
    const say = (other: string): void => report(invalidField(`${path}[${i}]`, name, `if '${other}' is present, must not specify ${name}`));
    if (parents.has(parent)) say(`${parent}/*`);
    if (children.has(child)) say(`*/${child}`);
    if (child === '*') parents.add(parent);
    if (parent === '*') children.add(child);
  }
  if (given.length > 1 && given.includes('*/*')) {
    report(invalidField(path, given, "if '*/*' is present, must not specify other resources"));
  }
  if (all && plain) {
    report(invalidField(path, given, "if '*' is present, must not specify other resources without subresources"));
  }
};

export const rule: Validator = fields({
  operations: both(needed(), only('operations'), each(strictOneOf(enumOf('admissionregistration.v1.OperationType')))),
  apiGroups: both(needed(), only('API groups')),
  apiVersions: both(needed(), only('API versions'), each(needed())),
  resources: both(needed(), resourceNames),
  scope: saidOneOf(enumOf('admissionregistration.v1.ScopeType')),
});
const names = fields({ resourceNames: both(each(strictName(pathSegment)), unique) });
const namedRules = items(validators(names, rule));

export const selector = object(validateLabelSelector);
export const matchResources: Rule = object(
  fields({
    matchPolicy: both(present(), matchPolicy),
    namespaceSelector: both(present(), selector),
    objectSelector: both(present(), selector),
    resourceRules: namedRules,
    excludeResourceRules: namedRules,
  }),
);
