/** Texts: CEL's extension of strings. Positions count characters. */
import { conversion, joining, replacement, splitting, traversal } from '../types/cost-rule.ts';
import type { Budget } from '../values/budget.ts';
import { ArrayList, CelError, type ListValue } from '../values/value.ts';
import { formatText } from './format-text.ts';
import { f, m, type Overload } from './overload.ts';

/** Longer strings are not made. */
const maxLength = 16 * 1024 * 1024;

export const strings: readonly Overload[] = [
  m('charAt', '(string, int) -> string', (args: readonly [string, bigint], budget) => charAt(args[0], args[1], budget)),
  m(
    'indexOf',
    '(string, string) -> int',
    (args: readonly [string, string], budget) => indexOf(args[0], args[1], { from: 0n, budget }),
    traversal(),
  ),
  m(
    'indexOf',
    '(string, string, int) -> int',
    (args: readonly [string, string, bigint], budget) => indexOf(args[0], args[1], { from: args[2], budget }),
    traversal(),
  ),
  m(
    'lastIndexOf',
    '(string, string) -> int',
    (args: readonly [string, string], budget) => lastIndexOf(args[0], args[1], { budget }),
    traversal(),
  ),
  m(
    'lastIndexOf',
    '(string, string, int) -> int',
    (args: readonly [string, string, bigint], budget) => lastIndexOf(args[0], args[1], { from: args[2], budget }),
    traversal(),
  ),
  m(
    'lowerAscii',
    '(string) -> string',
    (args: readonly [string]) => args[0].replace(/[A-Z]+/g, (letters) => letters.toLowerCase()),
    traversal(0, { keeps: true }),
  ),
  m(
    'upperAscii',
    '(string) -> string',
    (args: readonly [string]) => args[0].replace(/[a-z]+/g, (letters) => letters.toUpperCase()),
    traversal(0, { keeps: true }),
  ),
  m(
    'trim',
    '(string) -> string',
    (args: readonly [string]) => args[0].replace(/^[\p{White_Space}]+/u, '').replace(/[\p{White_Space}]+$/u, ''),
    traversal(0, { keeps: true }),
  ),
  m(
    'substring',
    '(string, int) -> string',
    (args: readonly [string, bigint], budget) => substring(args[0], budget, args[1]),
    traversal(0, { keeps: true }),
  ),
  m(
    'substring',
    '(string, int, int) -> string',
    (args: readonly [string, bigint, bigint], budget) => substring(args[0], budget, args[1], args[2]),
    traversal(0, { keeps: true }),
  ),
  m(
    'replace',
    '(string, string, string) -> string',
    (args: readonly [string, string, string], budget) => replace(args, -1n, budget),
    replacement,
  ),
  m(
    'replace',
    '(string, string, string, int) -> string',
    (args: readonly [string, string, string, bigint], budget) => replace(args, args[3], budget),
    replacement,
  ),
  m(
    'split',
    '(string, string) -> list(string)',
    (args: readonly [string, string], budget) => split(args[0], args[1], { limit: -1n, budget }),
    splitting,
  ),
  m(
    'split',
    '(string, string, int) -> list(string)',
    (args: readonly [string, string, bigint], budget) => split(args[0], args[1], { limit: args[2], budget }),
    splitting,
  ),
  m('join', '(list(string)) -> string', (args: readonly [ListValue]) => join(args[0], ''), joining),
  m('join', '(list(string), string) -> string', (args: readonly [ListValue, string]) => join(args[0], args[1]), joining),
  m(
    'format',
    '(string, list(dyn)) -> string',
    (args: readonly [string, ListValue], budget) => formatText(args[0], args[1], budget),
    traversal(),
  ),
  f('strings.quote', 'string -> string', (args: readonly [string]) => quote(args[0]), conversion(2, 2)),
];

function characters(text: string, budget: Budget): string[] {
  budget.work(text.length >> 2);
  return [...text];
}

const outOfRange = (index: bigint): CelError => new CelError(`index out of range: ${index}`);

function charAt(text: string, index: bigint, budget: Budget): string {
  const chars = characters(text, budget);
  if (index < 0n || index > chars.length) throw outOfRange(index);
  return chars[Number(index)] ?? '';
}

/** Between positions that count characters and those that count UTF-16 units. */
function unitsBefore(text: string, index: number): number {
  let at = 0;
  for (let count = 0; count < index && at < text.length; count++) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return at;
}

function characterIndex(text: string, at: number): bigint {
  let count = 0n;
  for (let unit = 0; unit < at; unit += (text.codePointAt(unit) ?? 0) > 0xffff ? 2 : 1) count++;
  return count;
}

function indexOf(text: string, part: string, { from, budget }: { from: bigint; budget: Budget }): bigint {
  if (from < 0n) throw outOfRange(from);
  budget.work(text.length >> 4);
  const size = characterIndex(text, text.length);
  if (part === '') return from > size ? size : from;
  if (from >= size) return -1n;
  const at = text.indexOf(part, unitsBefore(text, Number(from)));
  return at < 0 ? -1n : characterIndex(text, at);
}

function lastIndexOf(text: string, part: string, { from, budget }: { from?: bigint; budget: Budget }): bigint {
  if (from !== undefined && from < 0n) throw outOfRange(from);
  budget.work(text.length >> 4);
  const size = characterIndex(text, text.length);
  if (part === '') return from === undefined || from > size ? size : from;
  if (from !== undefined && from >= size) return -1n;
  const at = text.lastIndexOf(part, from === undefined ? text.length : unitsBefore(text, Number(from)));
  return at < 0 ? -1n : characterIndex(text, at);
}

function substring(text: string, budget: Budget, ...[start, end]: readonly [bigint, bigint?]): string {
  budget.work(text.length >> 4);
  const size = characterIndex(text, text.length);
  if (end !== undefined && start > end) throw new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  if (start < 0n || start > size) throw outOfRange(start);
  if (end !== undefined && end > size) throw outOfRange(end);
  const first = unitsBefore(text, Number(start));
  return text.slice(first, end === undefined ? undefined : unitsBefore(text, Number(end)));
}

function replace([text, old, by]: readonly [string, string, string, ...unknown[]], limit: bigint, budget: Budget): string {
  if (limit === 0n) return text;
  // Between all characters: the parts are found without looking for them.
  const parts = old === '' ? ['', ...characters(text, budget), ''] : text.split(old);
  const places = parts.length - 1;
  const times = limit < 0n || limit > places ? places : Number(limit);
  const length = text.length + times * (by.length - old.length);
  if (length > maxLength) throw new CelError(`string too long: ${length} characters`);
  budget.work(places + (length >> 4));
  if (times === places) return parts.join(by);
  return (
    [...parts.slice(0, times + 1)].join(by) +
    parts
      .slice(times + 1)
      .map((part) => old + part)
      .join('')
  );
}

function split(text: string, separator: string, { limit, budget }: { limit: bigint; budget: Budget }): ArrayList {
  if (limit === 0n) return new ArrayList([]);
  const parts = separator === '' ? characters(text, budget) : text.split(separator);
  budget.work(parts.length);
  if (limit < 0n || limit >= parts.length) return new ArrayList(parts);
  const kept = Number(limit) - 1;
  return new ArrayList([...parts.slice(0, kept), parts.slice(kept).join(separator)]);
}

function join(list: ListValue, separator: string): string {
  const texts: string[] = [];
  for (const element of list) {
    if (typeof element !== 'string') throw new CelError('no such overload');
    texts.push(element);
  }
  return texts.join(separator);
}

const quoted: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};
const quote = (text: string): string => `"${text.replace(/[\x07\b\f\n\r\t\v\\"]/g, (char) => quoted[char] as string)}"`;
