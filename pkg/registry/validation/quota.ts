/** What a namespace may use all in all: ResourceQuotas. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { invalidField, requiredField } from '../../runtime/field-errors.ts';
import { isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { checkAmountOf, checkResourceName } from './resource-amounts.ts';
import type { Rule } from './rules.ts';
import { below, collect, type Report, type Validator, type Validators } from './validator.ts';

const computed = ['cpu', 'memory', 'ephemeral-storage'];
const counted = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'persistentvolumeclaims',
  'configmaps',
  'services.nodeports',
  'services.loadbalancers',
];
const ofQuotas = new Set([
  ...computed,
  ...computed.flatMap((name) => [`requests.${name}`, `limits.${name}`]),
  ...counted,
  'requests.storage',
]);

const isOfQuotas = (name: string): boolean => ofQuotas.has(name) || /^(requests\.)?hugepages-/.test(name);

/** Amounts that a quota counts. */
export const quotaAmounts: Rule = (value, path, report) => {
  for (const [name, quantity] of Object.entries(objectAt(value))) {
    const at = `${path}[${name}]`;
    checkResourceName(report, at, name);
    if (!name.includes('/') && !isOfQuotas(name)) report(invalidField(at, name, 'must be a standard resource for quota'));
    checkAmountOf(report, at, name, quantity);
  }
};

const scopes = [
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'PriorityClass',
  'CrossNamespacePodAffinity',
  'VolumeAttributesClass',
];
/** Scopes that a pod is in or not: all there is to say is that it must be. */
const withoutValues = new Set(['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort', 'CrossNamespacePodAffinity']);
const ofPods = new Set(['pods', ...computed, ...computed.flatMap((name) => [`requests.${name}`, `limits.${name}`])]);
const ofClaims =
  /(^|\.storageclass\.storage\.k8s\.io\/|\.volumeattributesclass\.storage\.k8s\.io\/)(persistentvolumeclaims|requests\.storage)$/;

/** Whether a quota on what is in that scope can count the resource. */
function counts(scope: string, resource: string): boolean {
  if (scope === 'BestEffort') return resource === 'pods';
  if (scope === 'VolumeAttributesClass') return ofClaims.test(resource);
  if (!scopes.includes(scope)) return true;
  return ofPods.has(resource) || resource.includes('hugepages-');
}
const conflicts = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;
const conflict = (given: readonly string[]): boolean[] =>
  conflicts.map(([one, other]) => given.includes(one) && given.includes(other)).filter(Boolean);

const quota: Validator = (spec, path, report) => {
  quotaAmounts(spec['hard'], below(path, 'hard'), report);
  const hard = Object.keys(objectAt(spec['hard'])).filter(isOfQuotas);
  const at = below(path, 'scopes');
  const given = strings(spec['scopes']);
  for (const scope of given) {
    if (!scopes.includes(scope)) report(invalidField(at, given, 'unsupported scope'));
    for (const resource of hard) if (!counts(scope, resource)) report(invalidField(at, given, 'unsupported scope applied to resource'));
  }
  for (const _ of conflict(given)) report(invalidField(at, given, 'conflicting scopes'));
  const selector = spec['scopeSelector'];
  if (!isObject(selector)) return;
  const where = below(path, 'scopeSelector.matchExpressions');
  const expressions = objects(selector['matchExpressions']);
  for (const expression of expressions) checkExpression(expression, where, { hard, selector, report });
  for (const _ of conflict(expressions.map((expression) => text(expression['scopeName']))))
    report(invalidField(where, Array.isArray(spec['scopes']) ? given : null, 'conflicting scopes'));
};

const selectorShape = (selector: Raw): Raw => ({
  MatchExpressions: objects(selector['matchExpressions']).map(({ scopeName, operator, values }) => ({
    ScopeName: text(scopeName),
    Operator: text(operator),
    Values: Array.isArray(values) ? strings(values) : null,
  })),
});

interface ExpressionCall {
  readonly hard: readonly string[];
  readonly selector: Raw;
  readonly report: Report;
}

function checkExpression({ scopeName, operator, values }: Raw, path: string, { hard, selector, report }: ExpressionCall): void {
  const scope = text(scopeName);
  if (!scopes.includes(scope)) report(invalidField(below(path, 'scopeName'), scope, 'unsupported scope'));
  for (const resource of hard)
    if (!counts(scope, resource)) report(invalidField(path, selectorShape(selector), 'unsupported scope applied to resource'));
  if (withoutValues.has(scope) && operator !== 'Exists') {
    const detail =
      "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
    report(invalidField(below(path, 'operator'), text(operator), detail));
  }
  const at = below(path, 'values');
  const given = strings(values);
  if (operator === 'In' || operator === 'NotIn') {
    const detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
    if (given.length === 0) report(requiredField(at, detail));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    const detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
    if (given.length > 0) report(invalidField(at, given, detail));
  } else report(invalidField(below(path, 'operator'), text(operator), 'not a valid selector operator'));
}

export function validateQuotaStatus(next: Raw): StatusCause[] {
  const status = objectAt(next['status']);
  return collect(next, (report) => {
    for (const field of ['hard', 'used']) quotaAmounts(status[field], `status.${field}`, report);
  });
}

export function validateQuotaUpdate(next: Raw, old: Raw): StatusCause[] {
  const [now, was] = [next, old].map((object) => [...strings(objectAt(object['spec'])['scopes'])].sort()) as [string[], string[]];
  return now.join() === was.join() ? [] : [invalidField('spec.scopes', objectAt(next['spec'])['scopes'], 'field is immutable')];
}

export const quotaValidators: Validators = {
  'api.core.v1.ResourceQuotaSpec': { whole: quota },
};
