/** CEL's own operators and functions. https://github.com/google/cel-spec/blob/master/doc/langdef.md#list-of-standard-definitions */

import { typeName } from '../types/cel-type.ts';
import { comparison, concatenation, containment, free, listConcatenation, membership, traversal, unit } from '../types/cost-rule.ts';
import type { Budget } from '../values/budget.ts';
import { compareNumbers, equalValues, type Numeric } from '../values/equality.ts';
import { characterCount } from '../values/size.ts';
import { typeOf } from '../values/type-of.ts';
import {
  ArrayList,
  CelError,
  type CelValue,
  Duration,
  type ListIdentity,
  type ListValue,
  type MapValue,
  noSuchOverload,
  Timestamp,
  TypeValue,
  Uint,
} from '../values/value.ts';
import { f, m, type Overload } from './overload.ts';

/** `&&`, `||` and `?:` are evaluated by the evaluator, which need not look at every operand. */
const notCalled = (): CelValue => {
  throw new CelError('no such overload');
};

export const standard: readonly Overload[] = [
  f('_?_:_', '(bool, A, A) -> A', notCalled, free),
  f('_&&_', '(bool, bool) -> bool', notCalled, free),
  f('_||_', '(bool, bool) -> bool', notCalled, free),
  f('!_', 'bool -> bool', (args: readonly [boolean]) => !args[0]),
  f('_==_', '(A, A) -> bool', (args: readonly [CelValue, CelValue], budget) => equalValues(args[0], args[1], budget), comparison),
  f('_!=_', '(A, A) -> bool', (args: readonly [CelValue, CelValue], budget) => !equalValues(args[0], args[1], budget), comparison),
  ...arithmetic(),
  ...orders(),
  f('_[_]', '(list(A), int) -> A', (args: readonly [ListValue, CelValue]) => elementAt(args[0], args[1])),
  f('_[_]', '(map(A, B), A) -> B', (args: readonly [MapValue, CelValue]) => entryAt(args[0], args[1])),
  f(
    '@in',
    '(A, list(A)) -> bool',
    (args: readonly [CelValue, ListValue], budget) => {
      for (const element of args[1]) if (equalValues(args[0], element, budget)) return true;
      return false;
    },
    membership,
  ),
  f('@in', '(A, map(A, B)) -> bool', (args: readonly [CelValue, MapValue]) => args[1].get(args[0]) !== undefined),
  ...sizes(),
  f('type', 'A -> type(A)', (args: readonly [CelValue]) => new TypeValue(typeOf(args[0]))),
  m(
    'contains',
    '(string, string) -> bool',
    (args: readonly [string, string], budget) => {
      budget.work(args[0].length >> 6);
      return args[0].includes(args[1]);
    },
    containment,
  ),
  m('startsWith', '(string, string) -> bool', (args: readonly [string, string]) => args[0].startsWith(args[1]), traversal(1)),
  m('endsWith', '(string, string) -> bool', (args: readonly [string, string]) => args[0].endsWith(args[1]), traversal(1)),
];

function arithmetic(): Overload[] {
  const int = (compute: (a: bigint, b: bigint) => bigint) => (args: readonly [bigint, bigint]) => toInt(compute(args[0], args[1]));
  const uint = (compute: (a: bigint, b: bigint) => bigint) => (args: readonly [Uint, Uint]) =>
    toUint(compute(args[0].value, args[1].value));
  const double = (compute: (a: number, b: number) => number) => (args: readonly [number, number]) => compute(args[0], args[1]);
  const divide = (a: bigint, b: bigint): bigint => a / nonZero(b, 'division by zero');
  const modulo = (a: bigint, b: bigint): bigint => a % nonZero(b, 'modulus by zero');
  type Time = Timestamp | Duration;
  return [
    f(
      '_+_',
      '(int, int) -> int',
      int((a, b) => a + b),
    ),
    f(
      '_+_',
      '(uint, uint) -> uint',
      uint((a, b) => a + b),
    ),
    f(
      '_+_',
      '(double, double) -> double',
      double((a, b) => a + b),
    ),
    f('_+_', '(string, string) -> string', (args: readonly [string, string]) => args[0] + args[1], concatenation),
    f('_+_', '(bytes, bytes) -> bytes', (args: readonly [Uint8Array, Uint8Array], budget) => addBytes(args, budget), concatenation),
    f(
      '_+_',
      '(list(A), list(A)) -> list(A)',
      (args: readonly [ListValue, ListValue], budget) => addLists(args[0], args[1], budget),
      listConcatenation,
    ),
    f('_+_', '(timestamp, duration) -> timestamp', (args: readonly [Timestamp, Duration]) => later(args[0], args[1].nanos)),
    f('_+_', '(duration, timestamp) -> timestamp', (args: readonly [Duration, Timestamp]) => later(args[1], args[0].nanos)),
    f('_+_', '(duration, duration) -> duration', (args: readonly [Time, Time]) => new Duration(args[0].nanos + args[1].nanos)),
    f(
      '_-_',
      '(int, int) -> int',
      int((a, b) => a - b),
    ),
    f(
      '_-_',
      '(uint, uint) -> uint',
      uint((a, b) => a - b),
    ),
    f(
      '_-_',
      '(double, double) -> double',
      double((a, b) => a - b),
    ),
    f('_-_', '(timestamp, timestamp) -> duration', (args: readonly [Time, Time]) => new Duration(args[0].nanos - args[1].nanos)),
    f('_-_', '(timestamp, duration) -> timestamp', (args: readonly [Timestamp, Duration]) => later(args[0], -args[1].nanos)),
    f('_-_', '(duration, duration) -> duration', (args: readonly [Time, Time]) => new Duration(args[0].nanos - args[1].nanos)),
    f(
      '_*_',
      '(int, int) -> int',
      int((a, b) => a * b),
    ),
    f(
      '_*_',
      '(uint, uint) -> uint',
      uint((a, b) => a * b),
    ),
    f(
      '_*_',
      '(double, double) -> double',
      double((a, b) => a * b),
    ),
    f('_/_', '(int, int) -> int', int(divide)),
    f('_/_', '(uint, uint) -> uint', uint(divide)),
    f(
      '_/_',
      '(double, double) -> double',
      double((a, b) => a / b),
    ),
    f('_%_', '(int, int) -> int', int(modulo)),
    f('_%_', '(uint, uint) -> uint', uint(modulo)),
    f('-_', 'int -> int', (args: readonly [bigint]) => toInt(-args[0])),
    f('-_', 'double -> double', (args: readonly [number]) => -args[0]),
  ];
}

const later = ({ nanos, offset }: Timestamp, by: bigint): Timestamp => new Timestamp(nanos + by, offset);

export function toInt(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw new CelError('integer overflow');
  return value;
}

export function toUint(value: bigint): Uint {
  if (BigInt.asUintN(64, value) !== value) throw new CelError('unsigned integer overflow');
  return new Uint(value);
}

function nonZero(value: bigint, otherwise: string): bigint {
  if (value === 0n) throw new CelError(otherwise);
  return value;
}

function addBytes([a, b]: readonly [Uint8Array, Uint8Array], budget: Budget): Uint8Array {
  budget.work((a.length + b.length) >> 4);
  const sum = new Uint8Array(a.length + b.length);
  sum.set(a);
  sum.set(b, a.length);
  return sum;
}

/** Of sets the union; of lists keyed like maps, elements of the second take the place of those with their key. */
function addLists(a: ListValue, b: ListValue, budget: Budget): ListValue {
  budget.work(a.size + b.size);
  if (!a.identity) return new ArrayList([...a, ...b]);
  const identity: ListIdentity = a.identity;
  const elements = new Map([...a].map((element) => [identity.keyOf(element), element]));
  for (const element of b) {
    const key = identity.keyOf(element);
    if (identity.kind === 'map' || !elements.has(key)) elements.set(key, element);
  }
  return new ArrayList([...elements.values()], identity);
}

function orders(): Overload[] {
  const operators: Readonly<Record<string, (order: number) => boolean>> = {
    '_<_': (order) => order < 0,
    '_<=_': (order) => order <= 0,
    '_>_': (order) => order > 0,
    '_>=_': (order) => order >= 0,
  };
  const numeric = ['int', 'uint', 'double'];
  return Object.entries(operators).flatMap(([name, holds]) => [
    ...numeric.flatMap((a) =>
      numeric.map((b) =>
        f(name, `(${a}, ${b}) -> bool`, (args: readonly [Numeric, Numeric]) => {
          const order = compareNumbers(args[0], args[1]);
          if (order === undefined) throw new CelError('NaN values cannot be ordered');
          return holds(order);
        }),
      ),
    ),
    f(name, '(bool, bool) -> bool', (args: readonly [boolean, boolean]) => holds(Number(args[0]) - Number(args[1]))),
    f(name, '(string, string) -> bool', (args: readonly [string, string]) => holds(compareText(args[0], args[1])), comparison),
    f(name, '(bytes, bytes) -> bool', (args: readonly [Uint8Array, Uint8Array]) => holds(compareBytes(args[0], args[1])), comparison),
    ...['timestamp', 'duration'].map((type) =>
      f(name, `(${type}, ${type}) -> bool`, (args: readonly [Timestamp | Duration, Timestamp | Duration]) => {
        const difference = args[0].nanos - args[1].nanos;
        return holds(difference < 0n ? -1 : difference > 0n ? 1 : 0);
      }),
    ),
  ]);
}

/** By characters: what UTF-8's bytes give. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  let at = 0;
  while (at < a.length && at < b.length && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  // Halves of a pair sort where their character does.
  if (at > 0 && isHigh(a.charCodeAt(at - 1))) at--;
  const [x = -1, y = -1] = [a.codePointAt(at), b.codePointAt(at)];
  return x - y;
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < a.length && at < b.length; at++) if (a[at] !== b[at]) return (a[at] ?? 0) - (b[at] ?? 0);
  return a.length - b.length;
}

/** Operators and the oldest functions do not say what they were given. */
const silent = new Set(['contains', 'startsWith', 'endsWith', 'matches']);

export function noOverloadFor(name: string, values: readonly CelValue[]): CelError {
  if (silent.has(name) || !/^\w/.test(name) || /^_/.test(name)) return noSuchOverload();
  if (name === 'size') return new CelError('no such overload: size');
  return new CelError(`no such overload: ${name}(${values.map((value) => typeName(typeOf(value))).join(', ')})`);
}

export const noSuchKey = (key: CelValue): CelError => new CelError(`no such key: ${key instanceof Uint ? key.value : String(key)}`);

/** Doubles and uints that are whole numbers index too, where their type was not known before. */
export function listIndex(index: CelValue): number {
  if (typeof index === 'bigint') return Number(index);
  if (index instanceof Uint) return Number(index.value);
  if (typeof index === 'number' && Number.isInteger(index)) return index;
  throw new CelError(`unsupported index type '${typeName(typeOf(index))}' in list`);
}

export function elementAt(list: ListValue, index: CelValue): CelValue {
  const at = listIndex(index);
  if (at < 0 || at >= list.size) throw new CelError(`index out of bounds: ${at}`);
  return list.at(at);
}

export function entryAt(map: MapValue, key: CelValue): CelValue {
  const value = map.get(key);
  if (value === undefined) throw noSuchKey(key);
  return value;
}

function sizes(): Overload[] {
  const characters = (args: readonly [string], budget: Budget): bigint => {
    budget.work(args[0].length >> 5);
    return BigInt(characterCount(args[0]));
  };
  const elements = (args: readonly [ListValue | MapValue]): bigint => BigInt(args[0].size);
  const bytes = (args: readonly [Uint8Array]): bigint => BigInt(args[0].length);
  return [f, m].flatMap((declare) => [
    declare('size', '(string) -> int', characters, unit),
    declare('size', '(bytes) -> int', bytes, unit),
    declare('size', '(list(A)) -> int', elements, unit),
    declare('size', '(map(A, B)) -> int', elements, unit),
  ]);
}
