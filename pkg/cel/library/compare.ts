/** The order of two values of one type. */
import { compareNumbers, isNumeric } from '../values/equality.ts';
import { CelError, type CelValue, Duration, Timestamp } from '../values/value.ts';
import { compareBytes, compareText } from './standard.ts';

/** Throws CelError for what has no order. */
export function compareValues(a: CelValue, b: CelValue): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (isNumeric(a) && isNumeric(b)) {
    const order = compareNumbers(a, b);
    if (order === undefined) throw new CelError('NaN values cannot be ordered');
    return order;
  }
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b);
  if ((a instanceof Timestamp && b instanceof Timestamp) || (a instanceof Duration && b instanceof Duration)) {
    return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
  }
  throw new CelError('no such overload');
}
