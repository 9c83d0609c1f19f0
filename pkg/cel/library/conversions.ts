/** From one type to another: `int('5')`, `string(x)`, `dyn(x)`. */
import { conversion } from '../types/cost-rule.ts';
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp } from '../values/time.ts';
import { CelError, type CelValue, type Duration, Timestamp, type Uint } from '../values/value.ts';
import { f, type Overload } from './overload.ts';
import { toInt, toUint } from './standard.ts';

const same = (args: readonly [CelValue]): CelValue => args[0];

export const conversions: readonly Overload[] = [
  f('dyn', 'A -> dyn', same),
  f('bool', 'bool -> bool', same),
  f('bool', 'string -> bool', (args: readonly [string]) => parseBool(args[0])),
  f('bytes', 'bytes -> bytes', same),
  f('bytes', 'string -> bytes', (args: readonly [string]) => new TextEncoder().encode(args[0]), conversion(4)),
  f('double', 'double -> double', same),
  f('double', 'int -> double', (args: readonly [bigint]) => Number(args[0])),
  f('double', 'uint -> double', (args: readonly [Uint]) => Number(args[0].value)),
  f('double', 'string -> double', (args: readonly [string]) => parseDouble(args[0])),
  f('duration', 'duration -> duration', same),
  f('duration', 'string -> duration', (args: readonly [string]) => converted(args[0], parseDuration, 'Duration')),
  f('int', 'int -> int', same),
  f('int', 'uint -> int', (args: readonly [Uint]) => toInt(args[0].value)),
  f('int', 'double -> int', (args: readonly [number]) => toInt(truncate(args[0], -(2 ** 63), 'integer overflow'))),
  f('int', 'string -> int', (args: readonly [string]) => toInt(parseWhole(args[0], /^[+-]?\d+$/, 'int'))),
  f('int', 'timestamp -> int', (args: readonly [Timestamp]) => floorDivide(args[0].nanos, 1_000_000_000n)),
  f('int', 'duration -> int', (args: readonly [Duration]) => args[0].nanos),
  f('uint', 'uint -> uint', same),
  f('uint', 'int -> uint', (args: readonly [bigint]) => toUint(args[0])),
  f('uint', 'double -> uint', (args: readonly [number]) => toUint(truncate(args[0], -Number.MIN_VALUE, 'unsigned integer overflow'))),
  f('uint', 'string -> uint', (args: readonly [string]) => toUint(parseWhole(args[0], /^\d+$/, 'uint'))),
  f('string', 'string -> string', same),
  f('string', 'bool -> string', (args: readonly [boolean]) => String(args[0])),
  f('string', 'int -> string', (args: readonly [bigint]) => String(args[0])),
  f('string', 'uint -> string', (args: readonly [Uint]) => String(args[0].value)),
  f('string', 'double -> string', (args: readonly [number]) => formatDouble(args[0])),
  f('string', 'bytes -> string', (args: readonly [Uint8Array]) => decodeUtf8(args[0]), conversion(1)),
  f('string', 'timestamp -> string', (args: readonly [Timestamp]) => formatTimestamp(args[0])),
  f('string', 'duration -> string', (args: readonly [Duration]) => formatDuration(args[0])),
  f('timestamp', 'timestamp -> timestamp', same),
  f('timestamp', 'int -> timestamp', (args: readonly [bigint]) => new Timestamp(args[0] * 1_000_000_000n)),
  f('timestamp', 'string -> timestamp', (args: readonly [string]) => converted(args[0], parseTimestamp, 'Timestamp')),
];

function converted<T extends CelValue>(text: string, parse: (text: string) => T, type: string): T {
  try {
    return parse(text);
  } catch (cause) {
    throw new CelError(`type conversion error from 'string' to 'google.protobuf.${type}'`, { cause });
  }
}

/** What Go's strconv takes for a truth. */
function parseBool(text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  throw new CelError(`type conversion error from 'string' to 'bool'`);
}

/** Longer texts are no numbers that fit. */
const maxDigits = 400;

function parseDouble(text: string): number {
  const infinite = /^([+-]?)(inf|infinity)$/i.exec(text);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  const value = text.length <= maxDigits && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) throw new CelError(`type conversion error from 'string' to 'double'`);
  return value;
}

function parseWhole(text: string, shape: RegExp, type: 'int' | 'uint'): bigint {
  const value = text.length <= maxDigits && shape.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined;
  const fits = value !== undefined && (type === 'int' ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value)) === value;
  if (!fits) throw new CelError(`type conversion error from 'string' to '${type}'`);
  return value;
}

/** Towards zero; a double as large as a limit may stand for what is beyond it. */
function truncate(value: number, above: number, otherwise: string): bigint {
  if (!Number.isFinite(value) || value <= above) throw new CelError(otherwise);
  return BigInt(Math.trunc(value));
}

const floorDivide = (a: bigint, b: bigint): bigint => (a >= 0n || a % b === 0n ? a / b : a / b - 1n);

/** As Go's `%g`: an exponent of two digits at least, from 21 digits on and below a ten-thousandth. */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-4 && size < 1e6)) return plain(value);
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

function plain(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toFixed(20).replace(/0+$/, '') : text;
}

export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new CelError('invalid UTF-8 in bytes, cannot convert to string', { cause });
  }
}
