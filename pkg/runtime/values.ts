/**
 * JSON values: what they are called, whether they are equal, and their scalars in the form in which Kubernetes keeps
 * them.
 */
import { badRequest } from '../api/errors.ts';

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Sets an own property whatever its name: `__proto__` is a name like any other in a map of Kubernetes. */
export function setKey(object: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  else object[key] = value;
}

/** The own property of that name, never an inherited one. */
export function getKey(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Deep equality of JSON values; the order of an object's keys does not count, and 1n equals 1. */
export function equalValues(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    // biome-ignore lint/suspicious/noDoubleEquals: compares a bigint with a number, which is wanted.
    return typeof a === 'bigint' || typeof b === 'bigint' ? typeof a !== 'string' && typeof b !== 'string' && a == b : false;
  }
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!equalValues(a[i], b[i])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  let count = 0;
  for (const key in a) {
    if (!Object.hasOwn(b, key) || !equalValues((a as JsonObject)[key], (b as JsonObject)[key])) return false;
    count++;
  }
  for (const _ in b) count--;
  return count === 0;
}

/** A deep copy; `__proto__` is copied as a key. */
export function copyValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyValue);
  const out: JsonObject = {};
  for (const key in value) setKey(out, key, copyValue((value as JsonObject)[key]));
  return out;
}

/** What Go's decoder calls a JSON value. */
export function goKind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
    case 'number':
      return 'number';
    case 'string':
      return 'string';
    default:
      return 'object';
  }
}

/** Years 0 to 9999, which RFC 3339 can write. */
const earliest = Date.parse('0000-01-01T00:00:00Z');
const latest = Date.parse('9999-12-31T23:59:59Z');
const days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const plainTime = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;

/** RFC 3339 in UTC, whole seconds. Throws BadRequest, worded as Go words it. */
export function normalTime(text: string): string {
  return formatTime(parseTime(text, '2006-01-02T15:04:05Z07:00'), false);
}

/** RFC 3339 in UTC, with microseconds, which must be there. */
export function normalMicroTime(text: string): string {
  const parsed = parseTime(text, '2006-01-02T15:04:05.000000Z07:00');
  if (parsed.micros.length !== 6) throw cannotParse(text, '2006-01-02T15:04:05.000000Z07:00', text.slice(19), '.000000');
  return formatTime(parsed, true);
}

interface ParsedTime {
  readonly text: string;
  /** Milliseconds since 1970, whole seconds; undefined when `text` is in UTC already. */
  readonly shifted: number | undefined;
  readonly micros: string;
}

function parseTime(text: string, layout: string): ParsedTime {
  const match = plainTime.exec(text);
  if (!match) throw misfit(text, layout);
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [number, number, number, number, number, number];
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const outOfRange = (what: string): Error => badRequest(`parsing time ${JSON.stringify(text)}: ${what} out of range`);
  if (month < 1 || month > 12) throw outOfRange('month');
  if (day < 1 || day > (month === 2 && leap ? 29 : (days[month - 1] as number))) throw outOfRange('day');
  if (hour > 23) throw outOfRange('hour');
  if (minute > 59) throw outOfRange('minute');
  if (second > 59) throw outOfRange('second');
  const micros = match[7] ?? '';
  const zone = match[8] as string;
  if (zone === 'Z') return { text, shifted: undefined, micros };
  const shifted = Date.parse(text.slice(0, 19) + zone);
  if (Number.isNaN(shifted) || shifted < earliest || shifted > latest) throw outOfRange('year');
  return { text, shifted, micros };
}

function formatTime({ text, shifted, micros }: ParsedTime, withMicros: boolean): string {
  if (shifted === undefined && !withMicros && text.length === 20) return text;
  const seconds = shifted === undefined ? text.slice(0, 19) : new Date(shifted).toISOString().slice(0, 19);
  return withMicros ? `${seconds}.${micros.slice(0, 6).padEnd(6, '0')}Z` : `${seconds}Z`;
}

/** Go's parser names the first part of the layout that does not fit. */
function misfit(text: string, layout: string): Error {
  const parts: readonly [RegExp, string][] = [
    [/^\d{4}/, '2006'],
    [/^-/, '-'],
    [/^\d\d/, '01'],
    [/^-/, '-'],
    [/^\d\d/, '02'],
    [/^T/, 'T'],
    [/^\d\d/, '15'],
    [/^:/, ':'],
    [/^\d\d/, '04'],
    [/^:/, ':'],
    [/^\d\d([.,]\d+)?/, '05'],
    [/^(Z|[+-]\d\d:\d\d)/, 'Z07:00'],
  ];
  let rest = text;
  for (const [syntax, part] of parts) {
    const match = syntax.exec(rest);
    if (!match) return cannotParse(text, layout, rest, part);
    rest = rest.slice(match[0].length);
  }
  return badRequest(`parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`);
}

function cannotParse(text: string, layout: string, rest: string, part: string): Error {
  return badRequest(`parsing time ${JSON.stringify(text)} as "${layout}": cannot parse ${JSON.stringify(rest)} as "${part}"`);
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Standard base64 with padding; line breaks within are dropped, as Go's decoder drops them. Throws BadRequest. */
export function normalBase64(text: string): string {
  if (base64.test(text)) return text;
  const joined = text.replace(/[\r\n]/g, '');
  if (base64.test(joined)) return joined;
  throw badRequest(`illegal base64 data at input byte ${misfitOfBase64(joined)}`);
}

function misfitOfBase64(text: string): number {
  const valid = /^[A-Za-z0-9+/]*/.exec(text) as RegExpExecArray;
  const end = valid[0].length;
  // A quantum that ends too early is reported where the text ends; padding in the wrong place, where it stands.
  if (end === text.length) return end - (end % 4);
  if (text[end] === '=' && end % 4 >= 2 && text.slice(end, end + 4 - (end % 4)) === '='.repeat(4 - (end % 4))) return end + 4 - (end % 4);
  return end;
}

/** As Go's `%+v` prints what JSON decodes to: `map[spec:map[replicas:a]]`. */
export function goPrinted(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goPrinted).join(' ')}]`;
  if (!isObject(value)) return String(value);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${key}:${goPrinted(value[key])}`);
  return `map[${members.join(' ')}]`;
}
