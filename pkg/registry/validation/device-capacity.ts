/** How much of a device's capacity one who shares it may ask for. */
import { compareQuantities, formatQuantity, isQuantity, parseQuantity } from '../../api/quantity.ts';
import { duplicateField, forbiddenField, invalidField, requiredField, tooManyField } from '../../runtime/field-errors.ts';
import { isObject, type Raw, strings, text } from '../raw.ts';
import { below, type Report } from './validator.ts';

const maxOptions = 10;

interface Call {
  readonly report: Report;
  /** The device may be given to several. */
  readonly shared: boolean;
}

export function capacityPolicy(capacity: Raw, path: string, { report, shared }: Call): void {
  const policy = capacity['requestPolicy'];
  const at = below(path, 'requestPolicy');
  if (!isObject(policy)) return;
  if (!shared) {
    report(forbiddenField(at, 'allowMultipleAllocations must be true'));
    return;
  }
  const options = strings(policy['validValues']);
  const range = policy['validRange'];
  const byDefault = policy['default'];
  const kind = options.length > 0 ? 'validValues' : 'validRange';
  if (options.length > 0 && range !== undefined) {
    const detail = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time';
    report(forbiddenField(at, detail));
  } else if (options.length === 0 && !isObject(range)) return;
  else if (typeof byDefault !== 'string') report(requiredField(below(at, 'default'), `required when ${kind} is defined`));
  else if (isObject(range)) checkRange(range, text(byDefault), text(capacity['value']), { at: below(at, kind), report });
  else checkOptions(options, text(byDefault), text(capacity['value']), { at: below(at, kind), report });
}

interface Where {
  readonly at: string;
  readonly report: Report;
}

/** Quantities of which one is none are in order: what is none is said where it stands. */
const exceeds = (a: string, b: string): boolean => isQuantity(a) && isQuantity(b) && compareQuantities(a, b) > 0;

function checkOptions(options: readonly string[], byDefault: string, whole: string, { at, report }: Where): void {
  if (options.length > maxOptions) {
    report(tooManyField(at, options.length, maxOptions));
    return;
  }
  for (const [i, option] of options.entries()) {
    const before = options[i - 1];
    if (before !== undefined && exceeds(before, option))
      report(invalidField(`${at}[${i}]`, option, 'values must be sorted in ascending order'));
  }
  for (const [i, option] of options.entries()) {
    if (exceeds(option, whole)) report(invalidField(`${at}[${i}]`, option, `option is larger than capacity value: ${whole}`));
  }
  for (const [i, option] of options.entries()) if (options.indexOf(option) < i) report(duplicateField(`${at}[${i}]`, option));
  if (!options.includes(byDefault)) report(invalidField(at, byDefault, 'default value is not valid according to the requestPolicy'));
}

function checkRange(range: Raw, byDefault: string, whole: string, { at, report }: Where): void {
  const [min, max, step] = ['min', 'max', 'step'].map((field) => text(range[field])) as [string, string, string];
  if (min === '') {
    report(requiredField(below(at, 'min'), 'required when validRange is defined'));
    return;
  }
  const say = (field: string, value: string, detail: string): void => report(invalidField(below(at, field), value, detail));
  if (exceeds(min, whole)) say('min', min, `min is larger than capacity value: ${whole}`);
  if (exceeds(min, byDefault)) say('min', byDefault, `default is less than min: ${min}`);
  if (exceeds(min, max)) say('max', min, `min is larger than max: ${max}`);
  if (exceeds(max, whole)) say('max', max, `max is larger than capacity value: ${whole}`);
  if (exceeds(byDefault, max)) say('max', byDefault, `default is more than max: ${max}`);
  if (!isQuantity(step) || !isQuantity(min)) return;
  const one = sumOf(min, step);
  if (exceeds(one, whole)) say('step', step, `one step ${one} is larger than capacity value: ${whole}`);
  const [from, by] = [wholeOf(min), wholeOf(step)];
  for (const value of [byDefault, max]) {
    if (!isQuantity(value) || by === 0n || (wholeOf(value) - from) % by === 0n) continue;
    say('step', value, `value is not a multiple of a given step (${step}) from (${min})`);
  }
}

function sumOf(a: string, b: string): string {
  const [first, second] = [parseQuantity(a), parseQuantity(b)];
  return formatQuantity({ nanos: first.nanos + second.nanos, format: first.format });
}

const unit = 1_000_000_000n;
/** In whole units, rounded up. */
const wholeOf = (value: string): bigint => {
  const { nanos } = parseQuantity(value);
  return (nanos + (nanos > 0n ? unit - 1n : 0n)) / unit;
};
