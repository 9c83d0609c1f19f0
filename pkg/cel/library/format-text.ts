/** `'%s has %d'.format([name, n])`: the clauses of CEL's extension of strings. */
import { formatType, resolve } from '../types/cel-type.ts';
import type { Budget } from '../values/budget.ts';
import { formatDuration, formatTimestamp } from '../values/time.ts';
import { typeOf } from '../values/type-of.ts';
import { CelError, type CelValue, Duration, ListValue, MapValue, Timestamp, TypeValue, Uint } from '../values/value.ts';
import { decodeUtf8 } from './conversions.ts';

const clause = /%(?:%|(?:\.(\d+))?(.?))/gs;
const maxPrecision = 1000;

export function formatText(template: string, args: ListValue, budget: Budget): string {
  let next = 0;
  budget.work(template.length >> 4);
  const text = template.replace(clause, (whole, precision: string | undefined, verb: string | undefined) => {
    if (whole === '%%') return '%';
    if (next >= args.size) throw new CelError(`index ${next} out of range`);
    if (precision !== undefined && Number(precision) > maxPrecision)
      throw new CelError(`precision ${precision} is greater than ${maxPrecision}`);
    const shown = show(args.at(next++), verb ?? '', { precision: Number(precision ?? '6'), budget });
    budget.work(shown.length >> 4);
    return shown;
  });
  if (next < args.size) throw new CelError('too many arguments supplied to string.format');
  return text;
}

function show(value: CelValue, verb: string, { precision, budget }: { precision: number; budget: Budget }): string {
  switch (verb) {
    case 's':
      return display(value, budget);
    case 'd':
      if (typeof value === 'number') return Number.isFinite(value) ? fail('d', value) : special(value);
      return String(whole(value, 'd'));
    case 'f':
      return special(double(value, 'f')) || fixed(double(value, 'f'), Math.min(precision, 100));
    case 'e':
      return special(double(value, 'e')) || scientific(double(value, 'e'), Math.min(precision, 100));
    case 'b':
      return typeof value === 'boolean' ? String(Number(value)) : whole(value, 'b').toString(2);
    case 'o':
      return whole(value, 'o').toString(8);
    case 'x':
    case 'X': {
      const text = hexadecimal(value, verb);
      return verb === 'X' ? text.toUpperCase() : text;
    }
    default:
      throw new CelError(`could not parse formatting clause: unrecognized formatting clause ${JSON.stringify(verb)}`);
  }
}

function fail(verb: string, value: CelValue): never {
  throw new CelError(`error during formatting: %${verb} cannot be used with ${formatType(typeOf(value))}`);
}

function whole(value: CelValue, verb: string): bigint {
  if (typeof value === 'bigint') return value;
  return value instanceof Uint ? value.value : fail(verb, value);
}

function double(value: CelValue, verb: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  return value instanceof Uint ? Number(value.value) : fail(verb, value);
}

/** Halves go to the even neighbour; JavaScript's go up. */
function fixed(value: number, precision: number): string {
  const scaled = value * 10 ** precision;
  const down = Math.floor(scaled);
  return scaled - down === 0.5 && down % 2 === 0 ? (down / 10 ** precision).toFixed(precision) : value.toFixed(precision);
}

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** `3.14×10⁰⁰`. */
function scientific(value: number, precision: number): string {
  const [mantissa, exponent = '0'] = value.toExponential(precision).split('e');
  const digits = exponent
    .replace(/^[+-]/, '')
    .padStart(2, '0')
    .replace(/\d/g, (digit) => superscripts[Number(digit)] as string);
  return `${mantissa}×10${exponent.startsWith('-') ? '⁻' : ''}${digits}`;
}

/** What has no digits. */
const special = (value: number): string =>
  Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? '' : value > 0 ? 'Infinity' : '-Infinity';

function hexadecimal(value: CelValue, verb: string): string {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  if (bytes instanceof Uint8Array) return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return whole(value, verb).toString(16);
}

function display(value: CelValue, budget: Budget): string {
  budget.work(1);
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return special(value) || String(value);
  if (value === null || typeof value !== 'object') return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Uint8Array) return decodeUtf8(value);
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof ListValue) return `[${[...value].map((element) => display(element, budget)).join(', ')}]`;
  if (value instanceof MapValue) {
    const entries = [...value.keys()].map((key) => `${display(key, budget)}: ${display(value.get(key) ?? null, budget)}`);
    return `{${entries.sort().join(', ')}}`;
  }
  if (value instanceof TypeValue) return formatType(resolve(value.type));
  return fail('s', value);
}
