/**
 * What is wrong with a field, in the words of Kubernetes' `field.Error`: a reason from a closed set, the path, and a
 * message that quotes the value.
 */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { stringifyJson } from '../../runtime/json.ts';

const cause = (reason: string, field: string, message: string): StatusCause => ({ reason, message, field });
const joined = (head: string, detail: string): string => (detail === '' ? head : `${head}: ${detail}`);

/** As Go's `%v` prints it, but strings quoted and structures as JSON. */
export function quoted(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return stringifyJson(value);
}

export function required(field: string, detail = ''): StatusCause {
  return cause('FieldValueRequired', field, joined('Required value', detail));
}
export function invalidValue(field: string, value: unknown, detail = ''): StatusCause {
  return cause('FieldValueInvalid', field, joined(`Invalid value: ${quoted(value)}`, detail));
}
export function notSupported(field: string, value: unknown, supported: readonly string[]): StatusCause {
  const known = [...supported].sort().map((v) => JSON.stringify(v));
  return cause('FieldValueNotSupported', field, joined(`Unsupported value: ${quoted(value)}`, `supported values: ${known.join(', ')}`));
}
export function forbidden(field: string, detail = ''): StatusCause {
  return cause('FieldValueForbidden', field, joined('Forbidden', detail));
}
export function duplicate(field: string, value: unknown): StatusCause {
  return cause('FieldValueDuplicate', field, `Duplicate value: ${quoted(value)}`);
}
export function notFoundValue(field: string, value: unknown): StatusCause {
  return cause('FieldValueNotFound', field, `Not found: ${quoted(value)}`);
}
export function tooLong(field: string, maxBytes: number): StatusCause {
  return cause('FieldValueTooLong', field, `Too long: may not be more than ${maxBytes} bytes`);
}
export function tooMany(field: string, count: number, max: number): StatusCause {
  return cause('FieldValueTooMany', field, `Too many: ${count}: must have at most ${max} items`);
}
export function typeInvalid(field: string, value: unknown, detail: string): StatusCause {
  return cause('FieldValueTypeInvalid', field, joined(`Invalid value: ${quoted(value)}`, detail));
}
