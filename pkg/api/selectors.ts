/**
 * Label and field selectors.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
import { badRequest } from './errors.ts';
import type { LabelSelector } from './generated/meta-v1.ts';
import { labelValue, qualifiedName } from './qualified-name.ts';

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

/** A label's key: an optional DNS prefix and a name of at most 63 characters. */
export function isLabelKey(key: string): boolean {
  return qualifiedName(key).length === 0;
}

export function isLabelValue(value: string): boolean {
  return labelValue(value).length === 0;
}

/** Parses `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1,m<2`. Throws BadRequest with what was found and what was expected. */
export function parseSelector(text: string): Selector {
  const requirements = new SelectorParser(text).parse();
  return requirements.length === 0 ? everything : selectorOf(requirements);
}

const symbols = new Set(['', ',', '=', '==', '!=', '!', '(', ')', '<', '>']);

class SelectorParser {
  /** Ends with an empty token, as each look behind the end gives. */
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = text.match(/==|!=|[=!(),<>]|[^ \t\r\n=!(),<>]+/g) ?? [];
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    if (this.#next === '') return requirements;
    for (;;) {
      if (!this.#isWord && this.#next !== '!') throw unexpected(this.#next, "!, identifier, or 'end of string'");
      requirements.push(this.#requirement());
      const separator = this.#take();
      if (separator === '') return requirements;
      if (separator !== ',') throw unexpected(separator, "',' or 'end of string'");
      if (!this.#isWord && this.#next !== '!') throw unexpected(this.#next, "identifier after ','");
    }
  }

  get #next(): string {
    return this.#tokens[this.#at] ?? '';
  }

  get #isWord(): boolean {
    return !symbols.has(this.#next);
  }

  #take(): string {
    return this.#tokens[this.#at++] ?? '';
  }

  #requirement(): Requirement {
    const absent = this.#next === '!';
    if (absent) this.#at++;
    if (!this.#isWord) throw unparsed(`found '${this.#next}', expected: identifier`);
    const key = this.#take();
    const faults = qualifiedName(key);
    if (faults.length > 0) throw unparsed(`<nil>: Invalid value: ${JSON.stringify(key)}: ${faults.join('; ')}`);
    if (absent) return { key, operator: 'absent', values: [] };
    if (this.#next === '' || this.#next === ',') return { key, operator: 'exists', values: [] };
    const operator = this.#take();
    switch (operator) {
      case '=':
      case '==':
        return { key, operator: 'in', values: checked(key, [this.#value()]) };
      case '!=':
        return { key, operator: 'notin', values: checked(key, [this.#value()]) };
      case '<':
      case '>':
        return { key, operator: operator === '<' ? 'lt' : 'gt', values: checkedInteger(key, this.#value()) };
      case 'in':
      case 'notin':
        return { key, operator, values: checked(key, this.#values()) };
      default:
        throw unparsed(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
    }
  }

  #value(): string {
    if (this.#next === '' || this.#next === ',') return '';
    if (!this.#isWord) throw unparsed(`found '${this.#next}', expected: identifier`);
    return this.#take();
  }

  /** `(a,b)`; an empty place stands for the empty value. */
  #values(): string[] {
    const open = this.#take();
    if (open !== '(') throw unparsed(`found '${open}' expected: '('`);
    const values = new Set<string>();
    if (!this.#isWord && this.#next !== ',' && this.#next !== ')')
      throw unparsed(`found '${this.#next}', expected: ',', ')' or identifier`);
    for (;;) {
      values.add(this.#isWord ? this.#take() : '');
      const after = this.#take();
      if (after === ')') return [...values].sort();
      if (after !== ',') throw unparsed(`found '${after}', expected: ',' or ')'`);
    }
  }
}

function checked(key: string, values: string[]): string[] {
  for (const [i, value] of values.entries()) {
    const faults = labelValue(value);
    if (faults.length > 0) throw unparsed(`values[${i}][${key}]: Invalid value: ${JSON.stringify(value)}: ${faults.join('; ')}`);
  }
  return values;
}

function checkedInteger(key: string, value: string): string[] {
  const range = /^[+-]?\d+$/.test(value) && BigInt.asIntN(64, BigInt(value)) === BigInt(value);
  if (range) return checked(key, [value]);
  throw unparsed(`values[0]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`);
}

function unparsed(why: string): Error {
  return badRequest(`unable to parse requirement: ${why}`);
}

function unexpected(found: string, expected: string): Error {
  return badRequest(`found '${found}', expected: ${expected}`);
}

/** One term of a field selector: `status.phase!=Running`. */
export interface FieldTerm {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

/** Parses `metadata.name=a,status.phase!=b`; backslash escapes `,`, `=` and itself. Throws BadRequest. */
export function parseFieldSelector(text: string): FieldTerm[] {
  const terms: FieldTerm[] = [];
  for (const part of splitTerms(text)) {
    if (part === '') continue;
    const split = /^(.*?)(!=|==|=)(.*)$/s.exec(part);
    if (!split) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
    const [, field, operator, value] = split as unknown as [string, string, string, string];
    terms.push({ field, equal: operator !== '!=', value: unescaped(value) });
  }
  return terms;
}

/** At every comma that no backslash stands before. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === ',') {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...terms, text.slice(start)];
}

function unescaped(value: string): string {
  let out = '';
  for (let at = 0; at < value.length; at++) {
    const character = value[at] as string;
    if (character === ',' || character === '=') {
      throw badRequest(`invalid field selector: unescaped character in value: ${character.codePointAt(0)}`);
    }
    if (character !== '\\') {
      out += character;
      continue;
    }
    const escaped = value[++at] ?? '';
    if (escaped !== '\\' && escaped !== ',' && escaped !== '=') {
      throw badRequest(`invalid field selector: invalid escape sequence: \\${escaped}`);
    }
    out += escaped;
  }
  return out;
}

export function formatFieldSelector(terms: readonly FieldTerm[]): string {
  return terms.map(({ field, equal, value }) => `${field}${equal ? '=' : '!='}${value.replace(/[\\,=]/g, '\\$&')}`).join(',');
}
