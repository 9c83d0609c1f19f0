/** For tests: values as an expression would write them. */
import { typeName } from '../types/cel-type.ts';
import { formatDuration, formatTimestamp } from '../values/time.ts';
import { type CelValue, Duration, ListValue, MapValue, OptionalValue, Timestamp, TypeValue, Uint } from '../values/value.ts';

export function displayValue(value: CelValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}.0` : String(value);
  if (value === null || typeof value !== 'object') return String(value);
  if (value instanceof Uint) return `${value.value}u`;
  if (value instanceof ListValue) return `[${[...value].map(displayValue).join(', ')}]`;
  if (value instanceof MapValue)
    return `{${[...value.keys()].map((key) => `${displayValue(key)}: ${displayValue(value.get(key) ?? null)}`).join(', ')}}`;
  if (value instanceof Uint8Array) return `b[${[...value].join(' ')}]`;
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof OptionalValue) return value.value === undefined ? 'none' : `optional(${displayValue(value.value)})`;
  if (value instanceof TypeValue) return typeName(value.type);
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
}
