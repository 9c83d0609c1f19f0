/**
 * Quantities such as `250m`, `1.5Gi`, `1e3`: exact decimal numbers with a suffix.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
import { badRequest } from './errors.ts';

/** The exact value is `nanos` / 10^9: Kubernetes keeps no more digits than that, and rounds up what is finer. */
export interface Quantity {
  readonly nanos: bigint;
  readonly format: 'decimal' | 'binary' | 'exponent';
}

const nano = 1_000_000_000n;
const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const syntax = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d{1,4})?$/;

/** Values beyond this are brought down to it, as in Kubernetes. */
const largest = (2n ** 63n - 1n) * nano;

/** No sensible quantity is longer, and the work grows with the square of the digits. */
const maxLength = 256;

/** Few different quantities exist in a cluster, and they are read over and over. */
const known = new Map<string, Quantity & { readonly canonical: string }>();
const maxKnown = 4096;

function lookUp(text: string): Quantity & { readonly canonical: string } {
  let quantity = known.get(text);
  if (!quantity) {
    const parsed = parse(text);
    quantity = { ...parsed, canonical: formatQuantity(parsed) };
    if (known.size >= maxKnown) known.clear();
    known.set(text, quantity);
  }
  return quantity;
}

/** Throws BadRequest, in Kubernetes' words, for what is no quantity. */
export function parseQuantity(text: string): Quantity {
  return lookUp(text);
}

function parse(text: string): Quantity {
  const match = text.length <= maxLength && syntax.exec(text);
  if (!match) {
    throw badRequest(`quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`);
  }
  const [, sign, digits, suffix = ''] = match as unknown as [string, string, string, string | undefined];
  const [whole = '', fraction = ''] = digits.split('.');
  // value = mantissa × 10^-fraction.length × scale, brought to nanos and rounded away from zero
  let numerator = BigInt(whole + fraction || '0') * nano;
  let denominator = 10n ** BigInt(fraction.length);
  let format: Quantity['format'] = 'decimal';
  if (binarySuffixes.indexOf(suffix) > 0) {
    numerator *= 1024n ** BigInt(binarySuffixes.indexOf(suffix));
    format = 'binary';
  } else if (/^[eE]/.test(suffix) && suffix.length > 1) {
    const exponent = Math.max(-30, Math.min(30, Number(suffix.slice(1))));
    if (exponent >= 0) numerator *= 10n ** BigInt(exponent);
    else denominator *= 10n ** BigInt(-exponent);
    format = 'exponent';
  } else {
    const power = (decimalSuffixes.indexOf(suffix) - 3) * 3;
    if (power >= 0) numerator *= 10n ** BigInt(power);
    else denominator *= 10n ** BigInt(-power);
  }
  const exact = (numerator + denominator - 1n) / denominator;
  const nanos = exact > largest ? largest : exact;
  return { nanos: sign === '-' ? -nanos : nanos, format };
}

export function isQuantity(text: string): boolean {
  return text.length <= maxLength && syntax.test(text);
}

/** The canonical form: no fraction, the largest suffix that leaves none, the family of suffix it was written in. */
export function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return '0';
  const negative = nanos < 0n;
  const value = negative ? -nanos : nanos;
  const sign = negative ? '-' : '';
  // Binary suffixes hold no fractions, and below 1024 need none: both are written in decimal form.
  if (format === 'binary' && value % nano === 0n && value / nano >= 1024n) {
    let whole = value / nano;
    let power = 0;
    while (power < binarySuffixes.length - 1 && whole % 1024n === 0n) {
      whole /= 1024n;
      power++;
    }
    return `${sign}${whole}${binarySuffixes[power]}`;
  }
  let mantissa = value;
  let power = 0;
  while (power < decimalSuffixes.length - 1 && mantissa % 1000n === 0n) {
    mantissa /= 1000n;
    power++;
  }
  if (format === 'exponent') return `${sign}${mantissa}${power === 3 ? '' : `e${(power - 3) * 3}`}`;
  return `${sign}${mantissa}${decimalSuffixes[power]}`;
}

/** As Kubernetes stores it. Throws BadRequest for what is no quantity. */
export function canonicalQuantity(text: string): string {
  return lookUp(text).canonical;
}

/** In whole units, rounded up: bytes, pods. Absent: 0. */
export function quantityValue(text: string | undefined): number {
  if (text === undefined) return 0;
  return Number(ceilDiv(parseQuantity(text).nanos, nano));
}

/** In thousandths, rounded up: CPU millicores. Absent: 0. */
export function quantityMillis(text: string | undefined): number {
  if (text === undefined) return 0;
  return Number(ceilDiv(parseQuantity(text).nanos, 1_000_000n));
}

/** Negative, zero or positive, as a is below, equal to or above b. */
export function compareQuantities(a: string, b: string): number {
  const difference = parseQuantity(a).nanos - parseQuantity(b).nanos;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function ceilDiv(a: bigint, b: bigint): bigint {
  return a >= 0n ? (a + b - 1n) / b : -(-a / b);
}
