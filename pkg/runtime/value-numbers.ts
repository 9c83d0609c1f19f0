/** What a schema may ask of a number: limits, multiples, and whether it fits into the type that its format names. */
import type { JSONSchemaProps } from '../api/generated/apiextensions-v1.ts';
import { type Findings, refused, refusedWhole } from './value-findings.ts';

const int32 = 2n ** 31n;
const int64 = 2n ** 63n;
const maxFloat32 = 3.4028234663852886e38;

/**
 * Limits are checked, too: one that the type cannot hold is refused with every value. An integer is compared with what
 * is left of a limit without its fraction.
 */
export function checkNumber(value: number | bigint, schema: JSONSchemaProps, path: string, findings: Findings): void {
  const { minimum, maximum, exclusiveMinimum = false, exclusiveMaximum = false, multipleOf } = schema;
  const whole = typeof value === 'bigint' || Number.isInteger(value);
  const holds = (number: number | bigint, what: string): boolean => {
    if (inRange(number, schema)) return true;
    const { type = '', format } = schema;
    const kind = format === undefined ? '(default format)' : `with format ${format}`;
    findings.add(refusedWhole(`${what} value must be of type ${type} ${kind} in ${path}`));
    return false;
  };
  const limit = (given: number, held: boolean): number => (held && whole ? Math.trunc(given) : given);
  holds(value, 'Checked');
  if (multipleOf !== undefined) {
    const factor = limit(multipleOf, holds(multipleOf, 'MultipleOf'));
    if (factor <= 0) {
      const text = `factor MultipleOf declared for ${path} must be positive: ${factor}`;
      findings.add({ text, cause: (at) => ({ ...refused(path, factor, '').cause(at), message: `Invalid value: ${factor}: ${text}` }) });
    } else if (!isMultiple(value, factor)) findings.add(refused(path, value, `should be a multiple of ${factor}`));
  }
  if (minimum !== undefined) {
    const least = limit(minimum, holds(minimum, 'Minimum boundary'));
    if (exclusiveMinimum ? value <= least : value < least) {
      findings.add(refused(path, value, `should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${least}`));
    }
  }
  if (maximum !== undefined) {
    const most = limit(maximum, holds(maximum, 'Maximum boundary'));
    if (exclusiveMaximum ? value >= most : value > most) {
      findings.add(refused(path, value, `should be less than ${exclusiveMaximum ? '' : 'or equal to '}${most}`));
    }
  }
}

function inRange(value: number | bigint, { type, format }: JSONSchemaProps): boolean {
  if (type === 'number') return format !== 'float' || Math.abs(Number(value)) <= maxFloat32;
  if (type !== 'integer') return true;
  if (typeof value === 'number' && !Number.isInteger(value)) return false;
  const most = format === 'int32' ? int32 : int64;
  return BigInt(value) >= -most && BigInt(value) < most;
}

function isMultiple(value: number | bigint, of: number): boolean {
  if (typeof value === 'bigint') return Number.isInteger(of) && value % BigInt(of) === 0n;
  const times = of < 1 ? (1 / of) * value : value / of;
  return Math.abs(times - Math.round(times)) < 1e-9;
}
