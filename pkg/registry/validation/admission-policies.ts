/**
 * Admission policies and what binds them, all but their expressions. (Match conditions are compiled by the strategy.)
 * https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
 */
import { duplicateField, forbiddenField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { isObject, objectAt, objects, strings, text } from '../raw.ts';
import { failurePolicy, matchConditions, matchResources, reinvocations, said, saidOneOf, selector } from './admission-rules.ts';
import { dns1035Label, dnsSubdomain, pathSegment, qualifiedName } from './names.ts';
import {
  both,
  each,
  enumOf,
  fields,
  items,
  named,
  needed,
  neededName,
  neededOneOf,
  object,
  present,
  type Rule,
  strictOneOf,
  unique,
  validators,
} from './rules.ts';
import { below, checkName, type Validator, type Validators } from './validator.ts';

const maxAuditAnnotations = 20;
/** 5 KiB: what an expression says may be longer than itself, and an annotation's value has 10. */
const maxAuditExpression = 5 * 1024;

/** What parameters a policy takes. */
const paramKind = fields({
  apiVersion: (value, path, report) => {
    const given = text(value);
    if (given === '') {
      report(requiredField(path));
      return;
    }
    const parts = given.split('/');
    const version = parts.at(-1) as string;
    if (parts.length > 2) report(invalidField(path, given, `unexpected GroupVersion string: ${given}`));
    else {
      if (parts.length === 2) named(dnsSubdomain)(parts[0], path, report);
      if (version === '') report(invalidField(path, given, 'version must be specified'));
      else checkName(report, path, version, dns1035Label);
    }
  },
  kind: (value, path, report) => {
    const given = text(value);
    if (given === '') report(requiredField(path));
    else {
      const reasons = dns1035Label(given.toLowerCase());
      const detail = `may have mixed case, but should otherwise match: ${reasons.join(',')}`;
      if (reasons.length > 0) report(invalidField(path, given, detail));
    }
  },
});

/** Words of the expression language that name nothing. */
const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);
const identifier: Rule = (value, path, report) => {
  const name = text(value);
  if (name.trim() === '') report(requiredField(path, 'name is not specified'));
  else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) || reserved.has(name)) report(invalidField(path, name, 'must be a valid CEL identifier'));
};

const variables = items(fields({ name: identifier, expression: said('expression is not specified') }));

const constraints: Rule = (value, path, report) => {
  matchResources(value, path, report);
  if (!isObject(value)) report(requiredField(path));
  else if (objects(value['resourceRules']).length === 0) report(requiredField(below(path, 'resourceRules')));
};
const common = { failurePolicy: both(present(), failurePolicy), paramKind: object(paramKind) };

// --- that validate

const message: Rule = (value, path, report) => {
  const given = text(value);
  if (given === '') return;
  if (given.trim() === '') report(invalidField(path, given, 'must be non-empty if specified'));
  else if (/[\n\r]/.test(given.trim())) report(invalidField(path, given, 'must not contain line breaks'));
};

const validation = fields({
  expression: said('expression is not specified'),
  messageExpression: (value, path, report) => {
    if (text(value) !== '' && text(value).trim() === '') report(invalidField(path, value, 'must be non-empty if specified'));
  },
  message,
  reason: saidOneOf(['Forbidden', 'Invalid', 'RequestEntityTooLarge']),
});

const auditAnnotations: Rule = (value, path, report) => {
  const annotations = objects(value);
  if (annotations.length > maxAuditAnnotations) {
    report(invalidField(path, annotations, `must not have more than ${maxAuditAnnotations} auditAnnotations`));
  }
  const name = text(objectAt(report.root['metadata'])['name']);
  const keys = new Set<string>();
  for (const [i, { key: given, valueExpression }] of annotations.entries()) {
    const [at, key] = [`${path}[${i}]`, text(given)];
    checkName(report, `${at}.key`, `${name}/${key}`, qualifiedName);
    const expression = text(valueExpression).trim();
    if (expression === '') report(requiredField(`${at}.valueExpression`, 'valueExpression is not specified'));
    else if (expression.length > maxAuditExpression)
      report(requiredField(`${at}.valueExpression`, `must not exceed ${maxAuditExpression} bytes in length`));
    if (keys.has(key)) report(duplicateField(`${at}.key`, key));
    keys.add(key);
  }
};

const validations: Validator = (spec, path, report) => {
  if (objects(spec['validations']).length + objects(spec['auditAnnotations']).length > 0) {
    fields({ validations: items(validation), auditAnnotations })(spec, path, report);
    return;
  }
  const detail = 'validations or auditAnnotations must contain at least one item';
  for (const field of ['validations', 'auditAnnotations']) report(requiredField(below(path, field), detail));
};

const validatingPolicy = validators(fields({ ...common, matchConstraints: constraints, matchConditions, variables }), validations);

// --- that change

const patchFields: Readonly<Record<string, string>> = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' };
const mutation: Validator = (value, path, report) => {
  const type = text(value['patchType']);
  neededOneOf(Object.keys(patchFields))(type, below(path, 'patchType'), report);
  const own = patchFields[type];
  if (own === undefined) return;
  const patch = value[own];
  if (patch === undefined) report(requiredField(below(path, own), `must be specified when patchType is ${type}`));
  else if (isObject(patch)) said('')(patch['expression'], below(path, `${own}.expression`), report);
  for (const field of Object.values(patchFields)) {
    if (field === own || value[field] === undefined) continue;
    report(invalidField(below(path, field), `{${field}}`, `must not be specified when patchType is ${type}`));
  }
};

/** What is deleted cannot be changed any more. */
const mutable = ['*', 'CONNECT', 'CREATE', 'UPDATE'];
const mutableOperations: Rule = (value, path, report) => {
  for (const { operations } of objects(objectAt(value)['resourceRules'])) {
    for (const operation of strings(operations)) strictOneOf(mutable)(operation, `${path}.resourceRules.operations`, report);
  }
};

const mutatingPolicy = fields({
  ...common,
  matchConstraints: both(constraints, mutableOperations),
  matchConditions,
  variables,
  mutations: both(needed('mutations must contain at least one item'), items(mutation)),
  reinvocationPolicy: neededOneOf(reinvocations),
});

// --- bindings

const paramRef: Validator = (reference, path, report) => {
  const [name, given] = [text(reference['name']), reference['selector']];
  const exclusive = 'name and selector are mutually exclusive';
  if (name !== '') checkName(report, below(path, 'name'), name, pathSegment);
  if (name !== '' && given !== undefined) report(forbiddenField(below(path, 'name'), exclusive));
  selector(given, below(path, 'selector'), report);
  if (name !== '' && given !== undefined) report(forbiddenField(below(path, 'selector'), exclusive));
  if (name === '' && given === undefined) report(requiredField(path, 'one of name or selector must be specified'));
  neededOneOf(['Deny', 'Allow'])(reference['parameterNotFoundAction'], below(path, 'parameterNotFoundAction'), report);
};

const actions: Rule = (value, path, report) => {
  const given = strings(value);
  each(strictOneOf(enumOf('admissionregistration.v1.ValidationAction')))(given, path, report);
  unique(given, path, report);
  if (given.includes('Deny') && given.includes('Warn')) {
    const detail =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
    report(invalidField(path, given, detail));
  }
  if (given.length === 0) report(requiredField(path, 'at least one validation action is required'));
};

const binding = { policyName: neededName(dnsSubdomain), paramRef: object(paramRef) };
const validatingBinding = fields({ ...binding, matchResources, validationActions: actions });
const mutatingBinding = fields({ ...binding, matchResources: both(matchResources, mutableOperations) });

/** By the version in which they are stored; those that are served beside it are turned into it first. */
export const admissionPolicyValidators: Validators = {
  'api.admissionregistration.v1.ValidatingAdmissionPolicySpec': { whole: validatingPolicy },
  'api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec': { whole: validatingBinding },
  'api.admissionregistration.v1.MutatingAdmissionPolicySpec': { whole: mutatingPolicy },
  'api.admissionregistration.v1.MutatingAdmissionPolicyBindingSpec': { whole: mutatingBinding },
};
