/**
 * Rules as values, so that what a type must keep to reads as a table: `fields({ name: neededName(dnsLabel) })`. Rules
 * say nothing about what is absent, unless they are there to ask for it.
 */
import enums from '../../api/facts/enums.json' with { type: 'json' };
import {
  duplicateField,
  forbiddenField,
  invalidField,
  requiredField,
  tooLongField,
  tooManyField,
  unsupportedField,
} from '../../runtime/field-errors.ts';
import { isObject, objects, type Raw, text } from '../raw.ts';
import { dnsSubdomain, type NameCheck, regexHint } from './names.ts';
import { below, type Report, type Validator } from './validator.ts';

/** What the value of a field must keep to; `value` is undefined where the field is absent. */
export type Rule<R extends Report = Report> = (value: unknown, path: string, report: R) => void;

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === '' || (Array.isArray(value) && value.length === 0) || (isObject(value) && isEmptyObject(value));

function isEmptyObject(value: Raw): boolean {
  for (const _ in value) return false;
  return true;
}

/** Each field by its rule, in the order of the table. */
export function fields<R extends Report = Report>(rules: Readonly<Record<string, Rule<R>>>): Validator<R> {
  const entries = Object.entries(rules);
  return (value, path, report) => {
    for (const [field, rule] of entries) rule(value[field], below(path, field), report);
  };
}

export function both<R extends Report = Report>(...rules: readonly Rule<R>[]): Rule<R> {
  return (value, path, report) => {
    for (const rule of rules) rule(value, path, report);
  };
}

export function validators<R extends Report = Report>(...all: readonly Validator<R>[]): Validator<R> {
  return (value, path, report) => {
    for (const validate of all) validate(value, path, report);
  };
}

/** There must be a text, a list with something in it, or a structure that says something. */
export function needed(detail = ''): Rule {
  return (value, path, report) => {
    if (isEmpty(value)) report(requiredField(path, detail));
  };
}

/** There must be a structure, be it an empty one. */
export function present(detail = ''): Rule {
  return (value, path, report) => {
    if (value === undefined) report(requiredField(path, detail));
  };
}

export function named(check: NameCheck): Rule {
  return (value, path, report) => {
    const name = text(value);
    if (name !== '') for (const reason of check(name)) report(invalidField(path, name, reason));
  };
}

export function neededName(check: NameCheck, detail = ''): Rule {
  return both(needed(detail), named(check));
}

/** Asked for, and wrong in the words of its syntax when it is missing. */
export function strictName(check: NameCheck): Rule {
  return (value, path, report) => {
    for (const reason of check(text(value))) report(invalidField(path, text(value), reason));
  };
}

export function oneOf(supported: readonly string[]): Rule {
  return (value, path, report) => {
    if (value !== undefined && value !== '' && !supported.includes(value as string)) report(unsupportedField(path, value, supported));
  };
}

/** Said, and one of these: an empty text is asked for. */
export function neededOneOf(supported: readonly string[], detail = ''): Rule {
  return both(needed(detail), oneOf(supported));
}

/** One of these, and an empty text is none of them. */
export function strictOneOf(supported: readonly string[]): Rule {
  return (value, path, report) => {
    if (!supported.includes(text(value))) report(unsupportedField(path, value ?? '', supported));
  };
}

type EnumName<Key = keyof typeof enums> = Key extends `api.${infer Name}` ? Name : never;

/** The values of one of the API's own types, sorted: `enumOf('batch.v1.ConcurrencyPolicy')`. */
export function enumOf(type: EnumName): readonly string[] {
  return [...enums[`api.${type}`]].sort();
}

export function atLeast(min: number, detail = `must be greater than or equal to ${min}`): Rule {
  return (value, path, report) => {
    if (typeof value === 'number' && value < min) report(invalidField(path, value, detail));
  };
}

/** Must not be there. */
export function forbidden(detail: string): Rule {
  return (value, path, report) => {
    if (value !== undefined) report(forbiddenField(path, detail));
  };
}

export const notNegative = atLeast(0);
/** Above zero; a number that is missing is zero. */
export function positive(detail = 'must be greater than zero'): Rule {
  return (value, path, report) => {
    const number = value ?? 0;
    if (typeof number === 'number' && number <= 0) report(invalidField(path, number, detail));
  };
}

export function between(min: number, max: number, detail = `must be between ${min} and ${max}, inclusive`): Rule {
  return (value, path, report) => {
    if (typeof value === 'number' && (value < min || value > max)) report(invalidField(path, value, detail));
  };
}

export function each<R extends Report = Report>(rule: Rule<R>): Rule<R> {
  return (value, path, report) => {
    if (Array.isArray(value)) for (const [i, item] of value.entries()) rule(item, `${path}[${i}]`, report);
  };
}

/** A list of structures. */
export function items<R extends Report = Report>(validate: Validator<R>): Rule<R> {
  return each(object(validate));
}

/** A rule for structures, where there is one. */
export function object<R extends Report = Report>(validate: Validator<R>): Rule<R> {
  return (value, path, report) => {
    if (isObject(value)) validate(value, path, report);
  };
}

/** Of a map. */
export function eachKey(check: NameCheck): Rule {
  return (value, path, report) => {
    if (isObject(value)) for (const key in value) for (const reason of check(key)) report(invalidField(path, key, reason));
  };
}

/** A list of more is not looked at any further. */
export function atMost(max: number, rule?: Rule): Rule {
  return (value, path, report) => {
    if (Array.isArray(value) && value.length > max) report(tooManyField(path, value.length, max));
    else rule?.(value, path, report);
  };
}

export function noLongerThan(max: number): Rule {
  return (value, path, report) => {
    if (text(value).length > max) report(tooLongField(path, max));
  };
}

/** Texts that stand once each. */
export const unique: Rule = (value, path, report) => {
  if (!Array.isArray(value)) return;
  const seen = new Set<unknown>();
  for (const [i, item] of value.entries()) {
    if (seen.has(item)) report(duplicateField(`${path}[${i}]`, item));
    seen.add(item);
  }
};

/** Structures of which one field stands once; an empty one does not count. */
export function uniqueBy(field: string, at: 'item' | 'field' = 'field'): Rule {
  return (value, path, report) => {
    const seen = new Set<unknown>();
    for (const [i, item] of objects(value).entries()) {
      const key = item[field];
      if (key === undefined || key === '') continue;
      if (seen.has(key)) report(duplicateField(at === 'item' ? `${path}[${i}]` : `${path}[${i}].${field}`, key));
      seen.add(key);
    }
  };
}

const urlPath = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const urlPathSyntax = new RegExp(`^${urlPath}$`);

/** A domain, a slash, and a path: `acme.io/foo`. */
export const domainPrefixedPath: Rule = (value, path, report) => {
  const given = text(value);
  if (given === '') {
    report(requiredField(path));
    return;
  }
  const slash = given.indexOf('/');
  const [domain, rest] = [given.slice(0, slash), given.slice(slash + 1)];
  if (slash <= 0 || rest === '') {
    report(invalidField(path, given, 'must be a domain-prefixed path (such as "acme.io/foo")'));
    return;
  }
  strictName(dnsSubdomain)(domain, path, report);
  if (!urlPathSyntax.test(rest)) report(invalidField(path, rest, regexHint('Invalid path', urlPath)));
};
