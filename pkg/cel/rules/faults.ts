/** What is wrong with a rule, or with a value, as Kubernetes' `field.Error` words it. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';

const cause = (reason: string, field: string, message: string): StatusCause => ({ reason, field, message });
const withDetail = (head: string, detail: string): string => (detail === '' ? head : `${head}: ${detail}`);

export const required = (field: string, detail: string): StatusCause =>
  cause('FieldValueRequired', field, withDetail('Required value', detail));
export const forbidden = (field: string, detail: string): StatusCause =>
  cause('FieldValueForbidden', field, withDetail('Forbidden', detail));
/** `value` undefined: not shown. */
export const invalid = (field: string, value: unknown, detail: string): StatusCause =>
  cause('FieldValueInvalid', field, withDetail(shown('Invalid value', value), detail));
export const duplicate = (field: string, value: unknown): StatusCause =>
  cause('FieldValueDuplicate', field, shown('Duplicate value', value));
export const notSupported = (field: string, value: unknown, supported: readonly string[]): StatusCause =>
  cause(
    'FieldValueNotSupported',
    field,
    withDetail(shown('Unsupported value', value), `supported values: ${supported.map((one) => JSON.stringify(one)).join(', ')}`),
  );

const shown = (head: string, value: unknown): string => (value === undefined ? head : `${head}: ${toJson(value)}`);

function toJson(value: unknown): string {
  const text =
    typeof value === 'bigint'
      ? String(value)
      : JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? Number(part) : part));
  // Structures are written by Go's encoder, which escapes what could be taken for HTML.
  return typeof value === 'object' ? text.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`) : text;
}
