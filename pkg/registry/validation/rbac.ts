/** Roles and who has them: https://kubernetes.io/docs/reference/access-authn-authz/rbac/ */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { isObject, objects, type Raw, strings, text } from '../raw.ts';
import { dnsSubdomain, pathSegment } from './names.ts';
import { named, neededName } from './rules.ts';
import { validateLabelSelector } from './selectors.ts';
import { below, type Report, seenAbove, type Validator, type Validators } from './validator.ts';

const group = 'rbac.authorization.k8s.io';

function checkRules(object: Raw, path: string, report: Report, namespaced: boolean): void {
  for (const [i, rule] of objects(object['rules']).entries()) checkRule(rule, `${below(path, 'rules')}[${i}]`, report, namespaced);
}

function checkRule(rule: Raw, path: string, report: Report, namespaced: boolean): void {
  const [urls, groups, resources] = ['nonResourceURLs', 'apiGroups', 'resources'].map((field) => strings(rule[field])) as [
    string[],
    string[],
    string[],
  ];
  if (strings(rule['verbs']).length === 0) report(requiredField(below(path, 'verbs'), 'verbs must contain at least one value'));
  if (urls.length > 0) {
    const say = (detail: string): void => report(invalidField(below(path, 'nonResourceURLs'), urls, detail));
    if (namespaced) say('namespaced rules cannot apply to non-resource URLs');
    if (groups.length > 0 || resources.length > 0 || strings(rule['resourceNames']).length > 0) {
      say('rules cannot apply to both regular resources and non-resource URLs');
    }
    return;
  }
  if (groups.length === 0) report(requiredField(below(path, 'apiGroups'), 'resource rules must supply at least one api group'));
  if (resources.length === 0) report(requiredField(below(path, 'resources'), 'resource rules must supply at least one resource'));
}

const clusterRole: Validator = (role, path, report) => {
  checkRules(role, path, report, false);
  const aggregation = role['aggregationRule'];
  if (!isObject(aggregation)) return;
  const at = below(path, 'aggregationRule.clusterRoleSelectors');
  const selectors = objects(aggregation['clusterRoleSelectors']);
  if (selectors.length === 0) report(requiredField(at, 'at least one clusterRoleSelector required if aggregationRule is non-nil'));
  for (const [i, selector] of selectors.entries()) {
    let faults = 0;
    const count = (cause: StatusCause): void => {
      faults++;
      report(cause);
    };
    const counted: Report = Object.assign(count, { root: report.root });
    validateLabelSelector(selector, `${at}[${i}]`, counted);
    if (faults > 0) report(invalidField(`${at}[${i}]`, null, 'invalid label selector.'));
  }
};

/** A binding in a namespace grants what a role there, or one of the cluster, allows; one of the cluster only the latter. */
function bindingTo(kinds: readonly string[], inNamespace: boolean): Validator {
  return (binding, path, report) => {
    const at = below(path, 'roleRef');
    const reference = isObject(binding['roleRef']) ? binding['roleRef'] : {};
    if (reference['apiGroup'] !== group) report(unsupportedField(below(at, 'apiGroup'), reference['apiGroup'] ?? '', [group]));
    if (!kinds.includes(text(reference['kind']))) report(unsupportedField(below(at, 'kind'), reference['kind'] ?? '', kinds));
    neededName(pathSegment)(reference['name'], below(at, 'name'), report);
    for (const [i, subject] of objects(binding['subjects']).entries()) {
      checkSubject(subject, `${below(path, 'subjects')}[${i}]`, report, inNamespace);
    }
  };
}

const subjectKinds = ['ServiceAccount', 'User', 'Group'];

function checkSubject(subject: Raw, path: string, report: Report, inNamespace: boolean): void {
  const { apiGroup, kind, name, namespace } = subject;
  if (text(name) === '') report(requiredField(below(path, 'name')));
  switch (kind) {
    case 'ServiceAccount':
      named(dnsSubdomain)(name, below(path, 'name'), report);
      if (text(apiGroup) !== '') report(unsupportedField(below(path, 'apiGroup'), apiGroup, ['']));
      if (!inNamespace && text(namespace) === '') report(requiredField(below(path, 'namespace')));
      return;
    case 'User':
    case 'Group':
      if (apiGroup !== group) report(unsupportedField(below(path, 'apiGroup'), apiGroup ?? '', [group]));
      return;
    default:
      report(unsupportedField(below(path, 'kind'), kind ?? '', subjectKinds));
  }
}

export const rbacValidators: Validators = {
  'api.rbac.v1.Role': (role, path, report) => checkRules(role, path, report, true),
  'api.rbac.v1.ClusterRole': { whole: clusterRole },
  'api.rbac.v1.RoleBinding': bindingTo(['Role', 'ClusterRole'], true),
  'api.rbac.v1.ClusterRoleBinding': bindingTo(['ClusterRole'], false),
  'api.rbac.v1.PolicyRule': seenAbove,
  'api.rbac.v1.RoleRef': seenAbove,
  'api.rbac.v1.Subject': seenAbove,
};
