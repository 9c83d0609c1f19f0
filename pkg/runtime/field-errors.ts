/** What is wrong with a field, in the words of Kubernetes' `field.Error`. */
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
export const invalidField = (field: string, value: unknown, detail: string): StatusCause =>
  cause('FieldValueInvalid', field, `Invalid value: ${quoteValue(value)}`, detail);
export const mistypedField = (field: string, type: string, detail: string): StatusCause =>
  cause('FieldValueTypeInvalid', field, `Invalid value: ${quoteValue(type)}`, detail);
export const unsupportedField = (field: string, value: unknown, supported: readonly string[]): StatusCause =>
  cause('FieldValueNotSupported', field, `Unsupported value: ${quoteValue(value)}`, `supported values: ${supported.join(', ')}`);
export const duplicateField = (field: string, value: unknown): StatusCause =>
  cause('FieldValueDuplicate', field, `Duplicate value: ${quoteValue(value)}`, '');
export const forbiddenField = (field: string, detail: string): StatusCause => cause('FieldValueForbidden', field, 'Forbidden', detail);
export const tooLongField = (field: string, max: number): StatusCause =>
  cause('FieldValueTooLong', field, 'Too long', `may not be more than ${max} bytes`);
export const tooManyField = (field: string, count: number, max: number): StatusCause =>
  cause('FieldValueTooMany', field, `Too many: ${count}`, `must have at most ${max} items`);
