/**
 * Webhook configurations and admission policies, all but their expressions. (Match conditions are compiled by the strategy.)
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
 */
import { forbiddenField, invalidField, requiredField, tooManyField } from '../../runtime/field-errors.ts';
import { isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { dns1035Label, dnsSubdomain, fullyQualifiedName, pathSegment, qualifiedName } from './names.ts';
import {
  between,
  both,
  each,
  enumOf,
  fields,
  named,
  needed,
  neededName,
  neededOneOf,
  object,
  present,
  type Rule,
  strictName,
  strictOneOf,
  unique,
  uniqueBy,
  validators,
} from './rules.ts';
import { validateLabelSelector } from './selectors.ts';
import { below, checkName, type Report, seenAbove, type Validator, type Validators } from './validator.ts';
import { webhookClient } from './webhooks.ts';

/** What is said must be one of these; nothing is none of them. */
const saidOneOf =
  (supported: readonly string[]): Rule =>
  (value, path, report) => {
    if (value !== undefined) strictOneOf(supported)(value, path, report);
  };

const failurePolicy = saidOneOf(enumOf('admissionregistration.v1.FailurePolicyType'));
const matchPolicy = saidOneOf(enumOf('admissionregistration.v1.MatchPolicyType'));
const reinvocations = enumOf('admissionregistration.v1.ReinvocationPolicyType');
const sideEffects = ['None', 'NoneOnDryRun'];
const reviewVersions = ['v1', 'v1beta1'];
const maxMatchConditions = 64;
const maxAuditAnnotations = 20;
/** 5 KiB: what an expression says may be longer than itself, and an annotation's value has 10. */
const maxAuditExpression = 5 * 1024;

const versions: Rule = (value, path, report) => {
  const given = strings(value);
  if (given.length === 0) {
    report(requiredField(path, `must specify one of ${reviewVersions.join(', ')}`));
    return;
  }
  for (const [i, version] of given.entries()) {
    if (given.indexOf(version) < i) report(invalidField(`${path}[${i}]`, version, 'duplicate version'));
    else checkName(report, `${path}[${i}]`, version, dns1035Label);
  }
  if (!given.some((version) => reviewVersions.includes(version))) {
    report(invalidField(path, given, `must include at least one of ${reviewVersions.join(', ')}`));
  }
};

const matchConditions: Rule = (value, path, report) => {
  const conditions = objects(value);
  if (conditions.length > maxMatchConditions) report(tooManyField(path, conditions.length, maxMatchConditions));
  uniqueBy('name')(conditions, path, report);
};

const webhook = fields({
  name: neededName(fullyQualifiedName),
  failurePolicy,
  matchPolicy,
  sideEffects: both(present(`must specify one of ${sideEffects.join(', ')}`), saidOneOf(sideEffects)),
  timeoutSeconds: between(1, 30, 'the timeout value must be between 1 and 30 seconds'),
  reinvocationPolicy: saidOneOf(reinvocations),
  matchConditions,
  admissionReviewVersions: versions,
});

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

const rule = fields({
  operations: both(needed(), only('operations'), each(strictOneOf(enumOf('admissionregistration.v1.OperationType')))),
  apiGroups: both(needed(), only('API groups')),
  apiVersions: both(needed(), only('API versions'), each(needed())),
  resources: both(needed(), resourceNames),
  scope: saidOneOf(enumOf('admissionregistration.v1.ScopeType')),
  resourceNames: both(each(strictName(pathSegment)), unique),
});

const matchResources = fields({ matchPolicy: both(present(), matchPolicy), namespaceSelector: present(), objectSelector: present() });

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

const said =
  (detail: string): Rule =>
  (value, path, report) => {
    if (text(value).trim() === '') report(requiredField(path, detail));
  };

/** Words of the expression language that name nothing. */
const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);
const identifier: Rule = (value, path, report) => {
  const name = text(value);
  if (name.trim() === '') report(requiredField(path, 'name is not specified'));
  else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) || reserved.has(name)) report(invalidField(path, name, 'must be a valid CEL identifier'));
};

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

const constraints: Validator = (spec, path, report) => {
  const at = below(path, 'matchConstraints');
  if (!isObject(spec['matchConstraints'])) report(requiredField(at));
  else if (objects(spec['matchConstraints']['resourceRules']).length === 0) report(requiredField(below(at, 'resourceRules')));
};

const validatingPolicy: Validator = (spec, path, report) => {
  const [validations, annotations] = [objects(spec['validations']), objects(spec['auditAnnotations'])];
  const at = below(path, 'auditAnnotations');
  if (validations.length === 0 && annotations.length === 0) {
    const detail = 'validations or auditAnnotations must contain at least one item';
    report(requiredField(below(path, 'validations'), detail));
    report(requiredField(at, detail));
  }
  if (annotations.length > maxAuditAnnotations) {
    report(invalidField(at, annotations, `must not have more than ${maxAuditAnnotations} auditAnnotations`));
  }
  const name = text(objectAt(report.root['metadata'])['name']);
  for (const [i, { key, valueExpression }] of annotations.entries()) {
    checkName(report, `${at}[${i}].key`, `${name}/${text(key)}`, qualifiedName);
    const expression = text(valueExpression).trim();
    if (expression === '') report(requiredField(`${at}[${i}].valueExpression`, 'valueExpression is not specified'));
    else if (expression.length > maxAuditExpression)
      report(requiredField(`${at}[${i}].valueExpression`, `must not exceed ${maxAuditExpression} bytes in length`));
  }
  uniqueBy('key')(annotations, at, report);
};

const policy = validators(fields({ failurePolicy: both(present(), failurePolicy) }), constraints, fields({ matchConditions }));

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

const paramRef: Validator = (reference, path, report) => {
  const [name, selector] = [text(reference['name']), reference['selector']];
  const exclusive = 'name and selector are mutually exclusive';
  if (name !== '') checkName(report, below(path, 'name'), name, pathSegment);
  if (name !== '' && selector !== undefined) report(forbiddenField(below(path, 'name'), exclusive));
  object(validateLabelSelector)(selector, below(path, 'selector'), report);
  if (name !== '' && selector !== undefined) report(forbiddenField(below(path, 'selector'), exclusive));
  if (name === '' && selector === undefined) report(requiredField(path, 'one of name or selector must be specified'));
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

const binding = fields({ policyName: neededName(dnsSubdomain) });
const mutatingPolicy = validators(
  policy,
  fields({ matchConstraints: mutableOperations }),
  fields({ mutations: needed('mutations must contain at least one item'), reinvocationPolicy: neededOneOf(reinvocations) }),
);

/** Names of webhooks stand once in a configuration. */
function webhooks(configuration: Raw, path: string, report: Report): void {
  uniqueBy('name')(configuration['webhooks'], below(path, 'webhooks'), report);
}

/** By the version in which they are stored; those that are served beside it are turned into it first. */
export const admissionValidators: Validators = {
  'api.admissionregistration.v1.ValidatingWebhookConfiguration': webhooks,
  'api.admissionregistration.v1.MutatingWebhookConfiguration': webhooks,
  'api.admissionregistration.v1.ValidatingWebhook': webhook,
  'api.admissionregistration.v1.MutatingWebhook': webhook,
  'api.admissionregistration.v1.WebhookClientConfig': webhookClient,
  'api.admissionregistration.v1.ServiceReference': seenAbove,
  'api.admissionregistration.v1.RuleWithOperations': rule,
  'api.admissionregistration.v1.NamedRuleWithOperations': rule,
  'api.admissionregistration.v1.MatchResources': matchResources,
  'api.admissionregistration.v1.MatchCondition': fields({ expression: said(''), name: neededName(qualifiedName) }),
  'api.admissionregistration.v1.ParamKind': paramKind,
  'api.admissionregistration.v1.ParamRef': { whole: paramRef },
  'api.admissionregistration.v1.Variable': fields({ name: identifier, expression: said('expression is not specified') }),
  'api.admissionregistration.v1.Validation': validation,
  'api.admissionregistration.v1.AuditAnnotation': seenAbove,
  'api.admissionregistration.v1.ValidatingAdmissionPolicySpec': validators(policy, validatingPolicy),
  'api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec': validators(binding, fields({ validationActions: actions })),
  'api.admissionregistration.v1.MutatingAdmissionPolicySpec': mutatingPolicy,
  'api.admissionregistration.v1.MutatingAdmissionPolicyBindingSpec': validators(binding, fields({ matchResources: mutableOperations })),
  'api.admissionregistration.v1.Mutation': mutation,
};
