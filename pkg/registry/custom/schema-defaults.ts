/** Whether the defaults of a structural schema are values that the server would take and keep. */
import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { invalidField } from '../../runtime/field-errors.ts';
import { validateValue } from '../../runtime/value-validation.ts';
import { isObject } from '../raw.ts';
import { defaultViolations } from './custom-rules.ts';
import { embeddedFaults } from './embedded-validation.ts';

const identity = ['metadata', 'apiVersion', 'kind'];

interface Place {
  /** It belongs to the resource itself. */
  readonly resource: boolean;
  /** Makes the resource around a value within what it says of itself; undefined: it stands elsewhere. */
  readonly around: ((value: unknown) => unknown) | undefined;
}

export function defaultFaults(schema: JSONSchemaProps, path: string): StatusCause[] {
  const faults: StatusCause[] = [];
  visit(schema, path, { resource: true, around: undefined }, faults);
  return faults;
}

function visit(schema: JSONSchemaProps, path: string, place: Place, faults: StatusCause[]): void {
  const resource = place.resource || schema['x-kubernetes-embedded-resource'] === true;
  const around = resource ? undefined : place.around;
  if (schema.default !== undefined) faults.push(...faultsOf(schema, `${path}.default`, { resource, around }));
  if (isObject(schema.items)) {
    visit(schema.items as JSONSchemaProps, `${path}.items`, { resource: false, around: around && ((value) => around([value])) }, faults);
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    let innerAround: Place['around'];
    if (around) innerAround = (value) => around({ [name]: value });
    else if (resource && identity.includes(name)) {
      innerAround = (value) => ({ apiVersion: 'validation/v1', kind: 'Validation', [name]: value });
    }
    visit(inner, `${path}.properties[${name}]`, { resource: false, around: innerAround }, faults);
  }
}

function faultsOf(schema: JSONSchemaProps, path: string, { resource, around }: Place): StatusCause[] {
  const value = schema.default;
  const faults: StatusCause[] = [];
  if (around) {
    const inMetadata = embeddedFaults(around(value), {}, { resource: true });
    if (inMetadata.length > 0) {
      const all = inMetadata.map(({ field, message }) => `${field}: ${message}`);
      const shown = all.length === 1 ? all[0] : `[${all.join(', ')}]`;
      return [invalidField(path, value, `must result in valid metadata: ${shown}`)];
    }
  } else {
    if (hasUnknown(value, schema, resource)) faults.push(invalidField(path, value, 'must not have unknown fields'));
    const embedded = embeddedFaults(value, schema, { path, resource });
    if (embedded.length > 0) return [...faults, ...embedded];
  }
  const mistaken = validateValue(value, schema, { path });
  return [...faults, ...(mistaken.length > 0 ? mistaken : defaultViolations(schema, value, path))];
}

/** Whether pruning would take something away. `resource`: what it says of itself is another's business. */
export function hasUnknown(value: unknown, schema: JSONSchemaProps | undefined, resource = false): boolean {
  const open = schema?.['x-kubernetes-preserve-unknown-fields'] === true;
  if (Array.isArray(value)) {
    const items = isObject(schema?.items) ? (schema.items as JSONSchemaProps) : undefined;
    return (!open || items !== undefined) && value.some((item) => hasUnknown(item, items));
  }
  if (!isObject(value)) return false;
  const { properties = {}, additionalProperties } = schema ?? {};
  const own = resource || schema?.['x-kubernetes-embedded-resource'] === true;
  return Object.entries(value).some(([key, inner]) => {
    if (own && identity.includes(key)) return false;
    if (Object.hasOwn(properties, key)) return hasUnknown(inner, properties[key]);
    if (additionalProperties === undefined) return !open;
    return hasUnknown(inner, isObject(additionalProperties) ? (additionalProperties as JSONSchemaProps) : undefined);
  });
}
