/** `'%s has %d'.format([name, n])`: the clauses of CEL's extension of strings. */
import { type CelType, resolve, typeName } from '../types/cel-type.ts';
import type { Budget } from '../values/budget.ts';
import { formatDuration, formatTimestamp } from '../values/time.ts';
import { typeOf } from '../values/type-of.ts';
import { CelError, type CelValue, Duration, ListValue, MapValue, Timestamp, TypeValue, Uint } from '../values/value.ts';
import { decodeUtf8, formatDouble } from './conversions.ts';

const clause = /%(?:%|(?:\.(\d+))?(.?))/gs;
const maxPrecision = 1000;

/** What a clause takes, and what is said of anything else. */
const clauses: Readonly<Record<string, { readonly takes: readonly CelType['kind'][]; readonly otherwise: string }>> = {
  s: {
    takes: ['list', 'map', 'object', 'int', 'uint', 'double', 'bool', 'string', 'timestamp', 'bytes', 'duration', 'type', 'null'],
    otherwise: 'string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps',
  },
  d: { takes: ['int', 'uint'], otherwise: 'decimal clause can only be used on integers' },
  f: { takes: ['double', 'string'], otherwise: 'fixed-point clause can only be used on doubles' },
  e: { takes: ['double', 'string'], otherwise: 'scientific clause can only be used on doubles' },
  b: { takes: ['int', 'uint', 'bool'], otherwise: 'only integers and bools can be formatted as binary' },
  o: { takes: ['int', 'uint'], otherwise: 'octal clause can only be used on integers' },
  x: { takes: ['int', 'uint', 'string', 'bytes'], otherwise: 'only integers, byte buffers, and strings can be formatted as hex' },
};

const complaint = (verb: string, type: CelType): string =>
  `error during formatting: ${clauses[verb.toLowerCase()]?.otherwise ?? ''}, was given ${typeName(type)}`;

/** What can be said before anything is known but types. `argument`: the one that is meant; undefined: the whole. */
export function formatFault(
  template: string,
  types: readonly CelType[],
): { readonly message: string; readonly argument?: number } | undefined {
  let next = 0;
  for (const [whole, precision, verb = ''] of template.matchAll(clause)) {
    if (whole === '%%') continue;
    const type = types[next];
    if (whole === '%') return { message: 'unexpected end of string' };
    if (!type) return { message: `index ${next} out of range` };
    const known = clauses[verb === 'X' ? 'x' : verb];
    if (!known) return { message: `could not parse formatting clause: unrecognized formatting clause "${verb}"` };
    if (Number(precision ?? 0) > maxPrecision)
      return { message: `could not parse formatting clause: precision ${precision} exceeds maximum allowed precision ${maxPrecision}` };
    if (type.kind !== 'dyn' && !known.takes.includes(type.kind)) return { message: complaint(verb, type), argument: next };
    next++;
  }
  if (next < types.length) return { message: `too many arguments supplied to string.format (expected ${next}, got ${types.length})` };
  return undefined;
}

export function formatText(template: string, args: ListValue, budget: Budget): string {
  let next = 0;
  budget.work(template.length >> 4);
  const text = template.replace(clause, (whole, precision: string | undefined, verb: string | undefined) => {
    if (whole === '%%') return '%';
    if (next >= args.size) throw new CelError(`index ${next} out of range`);
    if (precision !== undefined && Number(precision) > maxPrecision) {
      throw new CelError(`could not parse formatting clause: precision ${precision} exceeds maximum allowed precision ${maxPrecision}`);
    }
    const shown = show(args.at(next++), verb ?? '', { precision: Number(precision ?? '6'), budget });
    budget.work(shown.length >> 4);
    return shown;
  });
  if (next < args.size) throw new CelError(`too many arguments supplied to string.format (expected ${next}, got ${args.size})`);
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
  throw new CelError(complaint(verb, typeOf(value)));
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
  if (typeof value === 'number') return formatDouble(value);
  if (value instanceof Uint8Array) return decodeUtf8(value);
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof TypeValue) return typeName(resolve(value.type));
  return displayInner(value, budget);
}

/** Within lists and maps a value is written as an expression would write it. */
function displayInner(value: CelValue, budget: Budget): string {
  budget.work(1);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return special(value) ? JSON.stringify(special(value)) : value.toFixed(6);
  if (value === null || typeof value !== 'object') return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Uint8Array) return `b${JSON.stringify(decodeUtf8(value))}`;
  if (value instanceof Timestamp) return `timestamp("${formatTimestamp(value)}")`;
  if (value instanceof Duration) return `duration("${formatDuration(value)}")`;
  if (value instanceof TypeValue) return typeName(resolve(value.type));
  if (value instanceof ListValue) return `[${[...value].map((element) => displayInner(element, budget)).join(', ')}]`;
  if (value instanceof MapValue) {
    const entries = [...value.keys()].map((key) => `${displayInner(key, budget)}:${displayInner(value.get(key) ?? null, budget)}`);
    return `{${entries.sort().join(', ')}}`;
  }
  return fail('s', value);
}
