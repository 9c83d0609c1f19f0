/**
 * Objects within custom resources (`x-kubernetes-embedded-resource`), and custom resources themselves: each says what it
 * is, and has fitting metadata.
 */
import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { invalidField, requiredField } from '../../runtime/field-errors.ts';
import { isObject, objectAt, type Raw, text } from '../raw.ts';
import { validateEmbeddedMetadata } from '../validation/metadata.ts';
import { dns1035Label } from '../validation/names.ts';
import { below, type Report } from '../validation/validator.ts';

/** `path`: where the value stands; empty for the whole object. `resource`: it is an object itself, whatever its schema says. */
export function embeddedFaults(
  value: unknown,
  schema: JSONSchemaProps,
  { path = '', resource = false }: { readonly path?: string; readonly resource?: boolean } = {},
): StatusCause[] {
  const causes: StatusCause[] = [];
  visit(value, resource ? { ...schema, 'x-kubernetes-embedded-resource': true } : schema, path, causes);
  return causes;
}

function visit(value: unknown, schema: JSONSchemaProps, path: string, causes: StatusCause[]): void {
  if (Array.isArray(value)) {
    if (!isObject(schema.items)) return;
    for (const [i, item] of value.entries()) visit(item, schema.items as JSONSchemaProps, `${path}[${i}]`, causes);
    return;
  }
  if (!isObject(value)) return;
  if (schema['x-kubernetes-embedded-resource'] === true) checkEmbedded(value, path, causes);
  const { properties = {}, additionalProperties } = schema;
  for (const [key, inner] of Object.entries(value)) {
    if (Object.hasOwn(properties, key)) visit(inner, properties[key] as JSONSchemaProps, below(path, key), causes);
    else if (isObject(additionalProperties)) visit(inner, additionalProperties as JSONSchemaProps, `${path}[${key}]`, causes);
  }
}

/** Its finalizers are its own business, whatever it says it is. */
const unknownKind: Raw = {};

function checkEmbedded(object: Raw, path: string, causes: StatusCause[]): void {
  for (const field of ['apiVersion', 'kind']) if (object[field] === undefined) causes.push(requiredField(below(path, field)));
  for (const field of ['apiVersion', 'kind'] as const) {
    const value = object[field];
    const fault = value === undefined ? undefined : nameFault(field, value);
    if (fault !== undefined) causes.push(invalidField(below(path, field), value, fault));
  }
  if (object['metadata'] === undefined) return;
  const report: Report = Object.assign((cause: StatusCause) => void causes.push(cause), { root: unknownKind });
  validateEmbeddedMetadata(objectAt(object['metadata']), below(path, 'metadata'), report);
}

function nameFault(field: 'apiVersion' | 'kind', value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a string';
  if (value === '') return 'must not be empty';
  if (field === 'apiVersion') return value.split('/').length > 2 ? `unexpected GroupVersion string: ${text(value)}` : undefined;
  const reasons = dns1035Label(value.toLowerCase());
  return reasons.length > 0 ? `may have mixed case, but should otherwise match: ${reasons.join(',')}` : undefined;
}
