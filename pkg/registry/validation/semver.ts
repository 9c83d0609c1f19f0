/** Versions as https://semver.org orders them. */
export interface SemanticVersion {
  readonly numbers: readonly [major: bigint, minor: bigint, patch: bigint];
  /** What stands behind the hyphen: it comes before the version without it. */
  readonly before: readonly string[];
}

const number = '(0|[1-9]\\d*)';
const identifier = `(?:${number.replace('(', '(?:')}|\\d*[a-zA-Z-][0-9a-zA-Z-]*)`;
const syntax = new RegExp(
  `^${number}\\.${number}\\.${number}(?:-(${identifier}(?:\\.${identifier})*))?(?:\\+[0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*)?$`,
);

/** undefined: it is none. */
export function parseSemver(value: string): SemanticVersion | undefined {
  const match = syntax.exec(value);
  if (!match) return undefined;
  const [, major = '', minor = '', patch = '', before] = match;
  return { numbers: [BigInt(major), BigInt(minor), BigInt(patch)], before: before?.split('.') ?? [] };
}

const isNumber = (part: string): boolean => /^\d+$/.test(part);

/** Negative, zero or positive. Numbers come before names. */
function compareParts(a: string, b: string): number {
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : 1;
  if (isNumber(a)) return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0;
  return a < b ? -1 : a > b ? 1 : 0;
}

export function isOlder(a: SemanticVersion, b: SemanticVersion): boolean {
  for (const [i, own] of a.numbers.entries()) {
    const other = b.numbers[i] as bigint;
    if (own !== other) return own < other;
  }
  if (a.before.length === 0 || b.before.length === 0) return a.before.length > 0 && b.before.length === 0;
  for (const [i, own] of a.before.entries()) {
    const other = b.before[i];
    if (other === undefined) return false;
    const order = compareParts(own, other);
    if (order !== 0) return order < 0;
  }
  return a.before.length < b.before.length;
}
