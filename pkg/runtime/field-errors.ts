/**
 * What is wrong with a field, in the words of Kubernetes' `field.Error`: a reason from a closed set, the path, and a
 * message that quotes the value.
 */
import type { StatusCause } from '../api/generated/meta-v1.ts';
import { stringifyJson } from './json.ts';

function cause(reason: string, field: string, head: string, detail: string): StatusCause {
  return { reason, message: detail === '' ? head : `${head}: ${detail}`, field };
}

/** Strings quoted, structures as JSON. */
export function quoteValue(value: unknown): string {
  return value === undefined || value === null ? 'null' : stringifyJson(value);
}

export const requiredField = (field: string, detail = ''): StatusCause => cause('FieldValueRequired', field, 'Required value', detail);
export const invalidField = (field: string, value: unknown, detail = ''): StatusCause =>
  cause('FieldValueInvalid', field, `Invalid value: ${quoteValue(value)}`, detail);
export const mistypedField = (field: string, type: string, detail: string): StatusCause =>
  cause('FieldValueTypeInvalid', field, `Invalid value: ${quoteValue(type)}`, detail);
/** The supported values are listed in the order given. */
export function unsupportedField(field: string, value: unknown, supported: readonly unknown[]): StatusCause {
  const known = supported.map(quoteValue).join(', ');
  return cause('FieldValueNotSupported', field, `Unsupported value: ${quoteValue(value)}`, `supported values: ${known}`);
}
export const duplicateField = (field: string, value: unknown, detail = ''): StatusCause =>
  cause('FieldValueDuplicate', field, `Duplicate value: ${quoteValue(value)}`, detail);
export const notFoundField = (field: string, value: unknown): StatusCause =>
  cause('FieldValueNotFound', field, `Not found: ${quoteValue(value)}`, '');
export const forbiddenField = (field: string, detail = ''): StatusCause => cause('FieldValueForbidden', field, 'Forbidden', detail);
export const tooLongField = (field: string, max: number): StatusCause =>
  cause('FieldValueTooLong', field, 'Too long', `may not be more than ${max} ${max === 1 ? 'byte' : 'bytes'}`);
export const tooManyField = (field: string, count: number, max: number): StatusCause =>
  cause('FieldValueTooMany', field, `Too many: ${count}`, `must have at most ${max} ${max === 1 ? 'item' : 'items'}`);
