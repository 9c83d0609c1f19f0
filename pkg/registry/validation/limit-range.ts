/** What each container, pod or claim of a namespace may ask for: https://kubernetes.io/docs/concepts/policy/limit-range/ */
import { compareQuantities, isQuantity, parseQuantity } from '../../api/quantity.ts';
import { duplicateField, forbiddenField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { objectAt, objects, type Raw, text } from '../raw.ts';
import { qualifiedName } from './names.ts';
import { checkContainerResource, checkResourceName, isExtendedResource } from './resource-amounts.ts';
import { below, type Report, type Validator, type Validators } from './validator.ts';

const types = ['Container', 'PersistentVolumeClaim', 'Pod'];

const limits: Validator = (spec, path, report) => {
  const seen = new Set<string>();
  for (const [i, item] of objects(spec['limits']).entries()) {
    const at = `${below(path, 'limits')}[${i}]`;
    const type = text(item['type']);
    checkType(type, below(at, 'type'), report);
    if (seen.has(type)) report(duplicateField(below(at, 'type'), type));
    seen.add(type);
    checkItem(item, at, report);
  }
};

function checkType(type: string, path: string, report: Report): void {
  const reasons = qualifiedName(type);
  for (const reason of reasons) report(invalidField(path, type, reason));
  if (reasons.length === 0 && !type.includes('/') && !types.includes(type))
    report(invalidField(path, type, 'must be a standard limit type or fully qualified'));
}

function checkItem(item: Raw, path: string, report: Report): void {
  const type = text(item['type']);
  const check = type === 'Pod' || type === 'Container' ? checkContainerResource : checkResourceName;
  const names = (field: string): void => {
    for (const name of Object.keys(objectAt(item[field]))) check(report, `${below(path, field)}[${name}]`, name);
  };
  names('max');
  names('min');
  for (const field of ['default', 'defaultRequest']) {
    if (type !== 'Pod') names(field);
    else if (Object.keys(objectAt(item[field])).length > 0)
      report(forbiddenField(below(path, field), "may not be specified when `type` is 'Pod'"));
  }
  const storage = ['min', 'max'].some((field) => objectAt(item[field])['storage'] !== undefined);
  if (type === 'PersistentVolumeClaim' && !storage)
    report(requiredField(below(path, 'limits'), 'either minimum or maximum storage value is required, but neither was provided'));
  names('maxLimitRequestRatio');
  const fields = ['max', 'min', ...(type === 'Pod' ? [] : ['default', 'defaultRequest']), 'maxLimitRequestRatio'];
  const all = new Set(fields.flatMap((field) => Object.keys(objectAt(item[field]))));
  for (const name of all) checkAmounts(item, name, { path, report, pod: type === 'Pod' });
}

interface AmountsCall {
  readonly path: string;
  readonly report: Report;
  /** Of a pod, which has no defaults. */
  readonly pod: boolean;
}

/** Of one resource: from the least to the most, in the order in which Kubernetes compares. */
function checkAmounts(item: Raw, name: string, { path, report, pod }: AmountsCall): void {
  const amountOf = (field: string): string | undefined => {
    const amount = text(objectAt(item[field])[name]);
    return isQuantity(amount) ? amount : undefined;
  };
  const [min, max, ratio] = [amountOf('min'), amountOf('max'), amountOf('maxLimitRequestRatio')];
  const [limit, request] = pod ? [undefined, undefined] : [amountOf('default'), amountOf('defaultRequest')];
  const above = (one: string | undefined, other: string | undefined): boolean =>
    one !== undefined && other !== undefined && compareQuantities(one, other) > 0;
  const say = (field: string, value: string | undefined, detail: string): void =>
    report(invalidField(`${below(path, field)}[${name}]`, value, detail));
  if (above(min, max)) say('min', min, `min value ${min} is greater than max value ${max}`);
  if (above(min, request)) say('defaultRequest', request, `min value ${min} is greater than default request value ${request}`);
  if (above(request, max)) say('defaultRequest', request, `default request value ${request} is greater than max value ${max}`);
  if (above(request, limit))
    say('defaultRequest', request, `default request value ${request} is greater than default limit value ${limit}`);
  if (above(min, limit)) say('default', min, `min value ${min} is greater than default value ${limit}`);
  if (above(limit, max)) say('default', max, `default value ${limit} is greater than max value ${max}`);
  if (ratio !== undefined && compareQuantities(ratio, '1') < 0) say('maxLimitRequestRatio', ratio, `ratio ${ratio} is less than 1`);
  checkRatio({ min, max, ratio }, say);
  const exact = isExtendedResource(name) || name.startsWith('hugepages-');
  if (exact && limit !== undefined && request !== undefined && compareQuantities(limit, request) !== 0)
    say('defaultRequest', request, `default value ${limit} must equal to defaultRequest value ${request} in ${name}`);
}

interface Bounds {
  readonly min: string | undefined;
  readonly max: string | undefined;
  readonly ratio: string | undefined;
}

/** A limit can be no more times a request than the most is of the least. */
function checkRatio({ min, max, ratio }: Bounds, say: (field: string, value: string, detail: string) => void): void {
  if (min === undefined || max === undefined || ratio === undefined) return;
  const [least, most, times] = [min, max, ratio].map((amount) => Number(parseQuantity(amount).nanos) / 1e9) as [number, number, number];
  const possible = most / least;
  if (!(times > possible)) return;
  say('maxLimitRequestRatio', ratio, `ratio ${ratio} is greater than max/min = ${goFloat(possible)}`);
}

/** As Go prints it with `%f`. */
function goFloat(value: number): string {
  if (Number.isFinite(value)) return value.toFixed(6);
  return value > 0 ? '+Inf' : '-Inf';
}

export const limitRangeValidators: Validators = { 'api.core.v1.LimitRangeSpec': { whole: limits } };
