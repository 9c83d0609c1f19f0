/** What a namespace may use: ResourceQuotas and LimitRanges. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { compareQuantities, isQuantity, parseQuantity } from '../../api/quantity.ts';
import { duplicateField, forbiddenField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { qualifiedName } from './names.ts';
import { checkAmountOf } from './resource-amounts.ts';
import { below, checkName, type Report, seenAbove, type Validator, type Validators } from './validator.ts';

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

function checkHard(hard: unknown, path: string, report: Report): void {
  for (const [name, quantity] of Object.entries(objectAt(hard))) {
    const at = `${path}[${name}]`;
    checkName(report, at, name, qualifiedName);
    const known = name.includes('/') || ofQuotas.has(name) || /^(requests\.)?hugepages-/.test(name);
    if (!known) report(invalidField(at, name, 'must be a standard resource for quota'));
    checkAmountOf(report, at, name, quantity);
  }
}

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
  return ofPods.has(resource) || resource.includes('/') || resource.includes('hugepages-');
}
const conflicts = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;

function checkScopes(given: readonly string[], hard: readonly string[], report: (detail: string) => void): void {
  for (const scope of given) {
    if (!scopes.includes(scope)) report('unsupported scope');
    else if (hard.some((resource) => !counts(scope, resource))) report('unsupported scope applied to resource');
  }
  if (conflicts.some(([one, other]) => given.includes(one) && given.includes(other))) report('conflicting scopes');
}

const quota: Validator = (spec, path, report) => {
  checkHard(spec['hard'], below(path, 'hard'), report);
  const hard = Object.keys(objectAt(spec['hard']));
  const at = below(path, 'scopes');
  const given = strings(spec['scopes']);
  checkScopes(given, hard, (detail) => report(invalidField(at, given, detail)));
  if (!isObject(spec['scopeSelector'])) return;
  const expressions = objects(spec['scopeSelector']['matchExpressions']);
  const where = below(path, 'scopeSelector.matchExpressions');
  for (const expression of expressions) checkExpression(expression, where, report);
  const named = expressions.map((expression) => text(expression['scopeName'])).filter((scope) => scopes.includes(scope));
  checkScopes(named, hard, (detail) => report(invalidField(where, expressions, detail)));
};

function checkExpression({ scopeName, operator, values }: Raw, path: string, report: Report): void {
  const scope = text(scopeName);
  if (scope === '') report(requiredField(below(path, 'scopeName'), 'must be specified'));
  else if (!scopes.includes(scope)) report(invalidField(below(path, 'scopeName'), scope, 'unsupported scope'));
  if (withoutValues.has(scope) && operator !== 'Exists') {
    const detail =
      "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
    report(invalidField(below(path, 'operator'), operator, detail));
  }
  const at = below(path, 'values');
  const given = strings(values);
  if (operator === 'In' || operator === 'NotIn') {
    const detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
    if (given.length === 0) report(requiredField(at, detail));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    const detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
    if (given.length > 0) report(invalidField(at, given, detail));
  } else report(invalidField(below(path, 'operator'), operator ?? '', 'not a valid selector operator'));
}

export function validateQuotaUpdate(next: Raw, old: Raw): StatusCause[] {
  const [now, was] = [next, old].map((object) => [...strings(objectAt(object['spec'])['scopes'])].sort()) as [string[], string[]];
  return now.join() === was.join() ? [] : [invalidField('spec.scopes', objectAt(next['spec'])['scopes'], 'field is immutable')];
}

/** From least to most: each is at most the next that is given. */
const ordered = ['min', 'defaultRequest', 'default', 'max'];

const limits: Validator = (spec, path, report) => {
  const types = new Set<string>();
  for (const [i, item] of objects(spec['limits']).entries()) {
    const at = `${below(path, 'limits')}[${i}]`;
    const type = text(item['type']);
    checkName(report, below(at, 'type'), type, qualifiedName);
    if (types.has(type)) report(duplicateField(below(at, 'type'), type));
    types.add(type);
    checkLimits(item, type, at, report);
  }
};

function checkLimits(item: Raw, type: string, path: string, report: Report): void {
  if (type === 'Pod') {
    for (const field of ['default', 'defaultRequest']) {
      if (Object.keys(objectAt(item[field])).length > 0)
        report(forbiddenField(below(path, field), "may not be specified when `type` is 'Pod'"));
    }
  }
  const [min, max] = [objectAt(item['min']), objectAt(item['max'])];
  if (type === 'PersistentVolumeClaim' && min['storage'] === undefined && max['storage'] === undefined) {
    const detail = 'either minimum or maximum storage value is required, but neither was provided';
    report(requiredField(below(path, 'limits'), detail));
  }
  const fields = [...ordered, 'maxLimitRequestRatio'];
  for (const field of fields) checkNames(item[field], type, below(path, field), report);
  for (const name of new Set(fields.flatMap((field) => Object.keys(objectAt(item[field]))))) checkOrder(item, name, path, report);
}

function checkNames(list: unknown, type: string, path: string, report: Report): void {
  for (const [name, quantity] of Object.entries(objectAt(list))) {
    const at = `${path}[${name}]`;
    checkName(report, at, name, qualifiedName);
    const ofContainers = type === 'Pod' || type === 'Container';
    if (ofContainers && !name.includes('/') && !computed.includes(name) && !name.startsWith('hugepages-')) {
      report(invalidField(at, name, 'must be a standard limit type or fully qualified'));
    }
    checkAmountOf(report, at, name, quantity);
  }
}

function checkOrder(item: Raw, name: string, path: string, report: Report): void {
  const given = ordered.flatMap((field) => {
    const quantity = text(objectAt(item[field])[name]);
    return isQuantity(quantity) ? [{ field, quantity }] : [];
  });
  for (const [i, low] of given.entries()) {
    for (const high of given.slice(i + 1)) {
      if (compareQuantities(low.quantity, high.quantity) <= 0) continue;
      // Both ends of a default are looked at from the default.
      const at = low.field === 'min' && high.field !== 'max' ? high : low;
      report(invalidField(`${below(path, at.field)}[${name}]`, at.quantity, wrongOrder(low, high)));
    }
  }
  const ratio = text(objectAt(item['maxLimitRequestRatio'])[name]);
  if (isQuantity(ratio) && parseQuantity(ratio).nanos < 1_000_000_000n) {
    report(invalidField(`${below(path, 'maxLimitRequestRatio')}[${name}]`, ratio, `ratio ${ratio} is less than 1`));
  }
}

const words: Readonly<Record<string, string>> = { min: 'min', defaultRequest: 'default request', default: 'default', max: 'max' };

interface Bound {
  readonly field: string;
  readonly quantity: string;
}

function wrongOrder(low: Bound, high: Bound): string {
  const [least, most] = [`${words[low.field]} value ${low.quantity}`, `${words[high.field]} value ${high.quantity}`];
  if (low.field === 'defaultRequest' && high.field === 'default') {
    return `default request value ${low.quantity} is greater than default limit value ${high.quantity}`;
  }
  return `${least} is greater than ${most}`;
}

export const quotaValidators: Validators = {
  'api.core.v1.ResourceQuotaSpec': quota,
  'api.core.v1.ScopedResourceSelectorRequirement': seenAbove,
  'api.core.v1.LimitRangeSpec': limits,
  'api.core.v1.LimitRangeItem': seenAbove,
};
