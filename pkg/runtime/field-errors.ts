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
  if (typeof value === 'string') return stringifyJson(value).replace(/\\u00[01][0-9a-f]|\u007f/g, goEscape);
  return value === undefined || value === null ? 'null' : stringifyJson(value);
}

/** Control characters as Go writes them in a string. */
function goEscape(escaped: string): string {
  const code = escaped.length === 1 ? escaped.charCodeAt(0) : Number.parseInt(escaped.slice(2), 16);
  if (code === 7) return '\\a';
  return code === 11 ? '\\v' : `\\x${code.toString(16).padStart(2, '0')}`;
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
