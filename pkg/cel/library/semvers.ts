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
  f('isSemver', 'string -> bool', (args: readonly [string]) => isSemver(args[0]), traversal()),
  f(
    'isSemver',
    '(string, bool) -> bool',
    (args: readonly [string, boolean]) => isSemver(args[1] ? normalize(args[0]) : args[0]),
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
const names = ['major', 'minor', 'patch'] as const;

/** What is wrong with it, or the version. */
function read(text: string): SemverValue | string {
  if (text === '') return 'Version string empty';
  const [core = '', build] = cut(text, '+');
  const [plain = '', prerelease] = cut(core, '-');
  const parts = plain.split('.');
  if (parts.length !== 3 || text.length > 1024) return 'No Major.Minor.Patch elements found';
  for (const [index, part] of parts.entries()) {
    const name = names[index] ?? '';
    if (!/^\d+$/.test(part)) return `Invalid character(s) found in ${name} number ${JSON.stringify(part)}`;
    if (/^0\d/.test(part))
      return `${name[0]?.toUpperCase()}${name.slice(1)} number must not contain leading zeroes ${JSON.stringify(part)}`;
    if (BigInt(part) >= maxNumber) return `strconv.ParseUint: parsing ${JSON.stringify(part)}: value out of range`;
  }
  const identifiers = prerelease?.split('.') ?? [];
  for (const part of identifiers) {
    if (part === '') return 'Prerelease is empty';
    if (/^0\d+$/.test(part)) return `Numeric PreRelease version must not contain leading zeroes ${JSON.stringify(part)}`;
    if (!/^[0-9A-Za-z-]+$/.test(part)) return `Invalid character(s) found in prerelease ${JSON.stringify(part)}`;
  }
  for (const part of build?.split('.') ?? []) {
    if (part === '') return 'Build meta data is empty';
    if (!/^[0-9A-Za-z-]+$/.test(part)) return `Invalid character(s) found in build meta data ${JSON.stringify(part)}`;
  }
  return new SemverValue(parts.map(BigInt) as [bigint, bigint, bigint], identifiers);
}

function cut(text: string, at: string): readonly [string, string?] {
  const index = text.indexOf(at);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}

const isSemver = (text: string): boolean => typeof read(text) !== 'string';

function toSemver(text: string): SemverValue {
  const version = read(text);
  if (typeof version === 'string') throw new CelError(version);
  return version;
}

/** Without a leading `v` and leading zeros; what is missing of minor and patch is 0. */
function normalize(text: string): string {
  const found = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(.*)$/s.exec(text);
  // As it would be read: the version may still be none.
  if (!found) return /^[^.]*$/.test(text) ? `${text}.0.0` : text;
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
