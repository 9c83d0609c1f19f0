/**
 * Label and field selectors.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
import { badRequest } from './errors.ts';
import type { LabelSelector } from './generated/meta-v1.ts';

type LabelMap = Readonly<Record<string, string>> | undefined;

/** All requirements must hold. `in` and `notin` carry values; for `=` there is one, for existence none. */
export interface Requirement {
  readonly key: string;
  readonly operator: 'in' | 'notin' | 'exists' | 'absent' | 'gt' | 'lt';
  readonly values: readonly string[];
}

export interface Selector {
  readonly requirements: readonly Requirement[];
  matches(labels: LabelMap): boolean;
  /** In the canonical form of the query parameter. */
  toString(): string;
}

export const everything: Selector = selectorOf([]);
/** What an absent LabelSelector selects. */
export const nothing: Selector = { requirements: [], matches: () => false, toString: () => '' };

export function selectorOf(requirements: readonly Requirement[]): Selector {
  return {
    requirements,
    matches: (labels) => requirements.every((requirement) => holds(requirement, labels)),
    toString: () => requirements.map(format).join(','),
  };
}

/** Every pair must be there: a Service's `spec.selector`, a ReplicationController's. An empty map selects everything. */
export function selectorFromMap(map: LabelMap): Selector {
  return selectorOf(Object.entries(map ?? {}).map(([key, value]) => ({ key, operator: 'in', values: [value] })));
}

/** `metav1.LabelSelector`: absent selects nothing, empty selects everything. Throws on an unknown operator. */
export function selectorFromLabelSelector(selector: LabelSelector | undefined): Selector {
  if (!selector) return nothing;
  const requirements: Requirement[] = [...selectorFromMap(selector.matchLabels).requirements];
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    switch (operator) {
      case 'In':
        requirements.push({ key, operator: 'in', values });
        break;
      case 'NotIn':
        requirements.push({ key, operator: 'notin', values });
        break;
      case 'Exists':
        requirements.push({ key, operator: 'exists', values: [] });
        break;
      case 'DoesNotExist':
        requirements.push({ key, operator: 'absent', values: [] });
        break;
      default:
        throw badRequest(`"${operator}" is not a valid label selector operator`);
    }
  }
  return selectorOf(requirements);
}

function holds({ key, operator, values }: Requirement, labels: LabelMap): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'in':
      return value !== undefined && values.includes(value);
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case 'absent':
      return value === undefined;
    case 'gt':
      return value !== undefined && /^-?\d+$/.test(value) && BigInt(value) > BigInt(values[0] as string);
    case 'lt':
      return value !== undefined && /^-?\d+$/.test(value) && BigInt(value) < BigInt(values[0] as string);
  }
}

function format({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'in':
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${[...values].sort().join(',')})`;
    case 'notin':
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${[...values].sort().join(',')})`;
    case 'exists':
      return key;
    case 'absent':
      return `!${key}`;
    case 'gt':
      return `${key}>${values[0]}`;
    case 'lt':
      return `${key}<${values[0]}`;
  }
}

const nameSyntax = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const prefixSyntax = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** A label's key: an optional DNS prefix and a name of at most 63 characters. */
export function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  return name.length <= 63 && nameSyntax.test(name) && (prefix === undefined || (prefix.length <= 253 && prefixSyntax.test(prefix)));
}

export function isLabelValue(value: string): boolean {
  return value === '' || (value.length <= 63 && nameSyntax.test(value));
}

/** Parses `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1,m<2`. Throws BadRequest with the offending part quoted. */
export function parseSelector(text: string): Selector {
  const tokens = tokenize(text);
  let at = 0;
  const next = (): string => tokens[at++] ?? '';
  const fail = (why: string): never => {
    throw badRequest(`unable to parse requirement: ${why} in the selector ${JSON.stringify(text)}`);
  };
  const key = (token: string): string => (isLabelKey(token) ? token : fail(`${JSON.stringify(token)} is not a valid label key`));
  const value = (token: string): string => (isLabelValue(token) ? token : fail(`${JSON.stringify(token)} is not a valid label value`));
  const word = (token: string | undefined): boolean => token !== undefined && !/^(,|=|==|!=|!|\(|\)|<|>)$/.test(token);
  const valueToken = (): string => (word(tokens[at]) ? value(next()) : '');

  const requirements: Requirement[] = [];
  while (at < tokens.length) {
    if (tokens[at] === '!') {
      at++;
      requirements.push({ key: key(next()), operator: 'absent', values: [] });
    } else {
      const name = key(next());
      const operator = tokens[at];
      if (operator === undefined || operator === ',') {
        requirements.push({ key: name, operator: 'exists', values: [] });
      } else if (operator === '=' || operator === '==' || operator === '!=') {
        at++;
        requirements.push({ key: name, operator: operator === '!=' ? 'notin' : 'in', values: [valueToken()] });
      } else if (operator === '<' || operator === '>') {
        at++;
        const bound = next();
        if (!/^-?\d+$/.test(bound)) fail(`${JSON.stringify(bound)} is not an integer`);
        requirements.push({ key: name, operator: operator === '<' ? 'lt' : 'gt', values: [bound] });
      } else if (operator === 'in' || operator === 'notin') {
        at++;
        if (next() !== '(') fail(`expected "(" after "${operator}"`);
        const values = [valueToken()];
        while (tokens[at] === ',') {
          at++;
          values.push(valueToken());
        }
        if (next() !== ')') fail('expected ")"');
        requirements.push({ key: name, operator, values });
      } else {
        fail(`found ${JSON.stringify(operator)}, expected an operator`);
      }
    }
    if (at < tokens.length) {
      if (tokens[at] !== ',') fail(`found ${JSON.stringify(tokens[at])}, expected ","`);
      at++;
      if (at === tokens.length) fail('nothing follows the last ","');
    }
  }
  return requirements.length === 0 ? everything : selectorOf(requirements);
}

function tokenize(text: string): string[] {
  return text.match(/==|!=|[=!(),<>]|[^\s=!(),<>]+/g) ?? [];
}

/** One term of a field selector: `status.phase!=Running`. */
export interface FieldTerm {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

/** Parses `metadata.name=a,status.phase!=b`; backslash escapes `,`, `=` and itself. Throws BadRequest. */
export function parseFieldSelector(text: string): FieldTerm[] {
  if (text === '') return [];
  const terms: FieldTerm[] = [];
  for (const part of text.match(/(?:\\.|[^,\\])+/g) ?? []) {
    const split = /^((?:\\.|[^=!\\])*)(==|!=|=)(.*)$/s.exec(part);
    if (!split) throw badRequest(`invalid selector: ${JSON.stringify(text)}; can't understand ${JSON.stringify(part)}`);
    terms.push({
      field: (split[1] as string).trim(),
      equal: split[2] !== '!=',
      value: (split[3] as string).replace(/\\([\\,=])/g, '$1'),
    });
  }
  return terms;
}

export function formatFieldSelector(terms: readonly FieldTerm[]): string {
  return terms.map(({ field, equal, value }) => `${field}${equal ? '=' : '!='}${value.replace(/[\\,=]/g, '\\$&')}`).join(',');
}
