/** Versions: `semver('1.2.3').isLessThan(semver('2.0.0'))`. https://semver.org */
import { opaque } from '../types/cel-type.ts';
import { traversal } from '../types/cost-rule.ts';
import { CelError, OpaqueValue } from '../values/value.ts';
import { f, m, type Overload } from './overload.ts';

class SemverValue extends OpaqueValue {
  readonly type = opaque('kubernetes.Semver');
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly prerelease: readonly string[];
  constructor(numbers: readonly [bigint, bigint, bigint], prerelease: readonly string[]) {
    super();
    this.numbers = numbers;
    this.prerelease = prerelease;
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof SemverValue && compare(this, other) === 0;
  }
}

const type = 'kubernetes.Semver';
type One = readonly [SemverValue];
type Two = readonly [SemverValue, SemverValue];

export const semvers: readonly Overload[] = [
  f('semver', `string -> ${type}`, (args: readonly [string]) => toSemver(args[0]), traversal()),
  f(
    'semver',
    `(string, bool) -> ${type}`,
    (args: readonly [string, boolean]) => toSemver(args[1] ? normalize(args[0]) : args[0]),
    traversal(),
  ),
  f('isSemver', 'string -> bool', (args: readonly [string]) => parse(args[0]) !== undefined, traversal()),
  f(
    'isSemver',
    '(string, bool) -> bool',
    (args: readonly [string, boolean]) => parse(args[1] ? normalize(args[0]) : args[0]) !== undefined,
    traversal(),
  ),
  m('major', `(${type}) -> int`, (args: One) => args[0].numbers[0]),
  m('minor', `(${type}) -> int`, (args: One) => args[0].numbers[1]),
  m('patch', `(${type}) -> int`, (args: One) => args[0].numbers[2]),
  m('isGreaterThan', `(${type}, ${type}) -> bool`, (args: Two) => compare(...args) > 0),
  m('isLessThan', `(${type}, ${type}) -> bool`, (args: Two) => compare(...args) < 0),
  m('compareTo', `(${type}, ${type}) -> int`, (args: Two) => BigInt(compare(...args))),
];

const maxNumber = 2n ** 63n;
const number = '(0|[1-9]\\d*)';
const identifiers = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const syntax = new RegExp(`^${number}\\.${number}\\.${number}(?:-(${identifiers}))?(?:\\+${identifiers})?$`);

function parse(text: string): SemverValue | undefined {
  const found = text.length <= 1024 ? syntax.exec(text) : null;
  if (!found) return undefined;
  const numbers = [found[1], found[2], found[3]].map((digits) => BigInt(digits ?? '0')) as [bigint, bigint, bigint];
  const prerelease = found[4] === undefined ? [] : found[4].split('.');
  const padded = prerelease.some((part) => /^0\d+$/.test(part));
  return padded || numbers.some((one) => one >= maxNumber) ? undefined : new SemverValue(numbers, prerelease);
}

function toSemver(text: string): SemverValue {
  const version = parse(text);
  if (!version) throw new CelError(`invalid semantic version ${JSON.stringify(text)}`);
  return version;
}

/** Without a leading `v` and leading zeros; what is missing of minor and patch is 0. */
function normalize(text: string): string {
  const found = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(.*)$/s.exec(text);
  if (!found) return text;
  const [, major, minor, patch, rest = ''] = found;
  // A short version has nothing after it.
  if (patch === undefined && /^[-+]/.test(rest)) return text;
  const plain = (digits = '0'): string => digits.replace(/^0+(?=\d)/, '');
  return `${plain(major)}.${plain(minor)}.${plain(patch)}${rest}`;
}

function compare(a: SemverValue, b: SemverValue): number {
  for (const index of [0, 1, 2] as const) if (a.numbers[index] !== b.numbers[index]) return a.numbers[index] < b.numbers[index] ? -1 : 1;
  // A release comes after all that lead up to it.
  if (a.prerelease.length === 0 || b.prerelease.length === 0) return Math.sign(b.prerelease.length - a.prerelease.length);
  for (let index = 0; index < Math.min(a.prerelease.length, b.prerelease.length); index++) {
    const order = comparePart(a.prerelease[index] ?? '', b.prerelease[index] ?? '');
    if (order !== 0) return order;
  }
  return Math.sign(a.prerelease.length - b.prerelease.length);
}

/** Numbers come before words. */
function comparePart(a: string, b: string): number {
  const [x, y] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (x && y) return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0;
  if (x !== y) return x ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
