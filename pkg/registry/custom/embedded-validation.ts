/** Objects within custom resources (`x-kubernetes-embedded-resource`): each says what it is, and has fitting metadata. */
import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { invalidField, requiredField } from '../../runtime/field-errors.ts';
import { isObject, metadataOf, type Raw, text } from '../raw.ts';
import { validateMetadata } from '../validation/metadata.ts';
import { dns1035Label } from '../validation/names.ts';
import { below, type Report } from '../validation/validator.ts';

export function embeddedFaults(object: Raw, schema: JSONSchemaProps): StatusCause[] {
  const causes: StatusCause[] = [];
  visit(object, schema, '', causes);
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
    const own = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    if (isObject(own)) visit(inner, own as JSONSchemaProps, below(path, key), causes);
  }
}

function checkEmbedded(object: Raw, path: string, causes: StatusCause[]): void {
  const apiVersion = text(object['apiVersion']);
  if (apiVersion === '') causes.push(requiredField(below(path, 'apiVersion'), 'must not be empty'));
  else if (apiVersion.split('/').length > 2) {
    causes.push(invalidField(below(path, 'apiVersion'), apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  }
  const kind = text(object['kind']);
  if (kind === '') causes.push(requiredField(below(path, 'kind'), 'must not be empty'));
  else {
    const reasons = dns1035Label(kind.toLowerCase());
    if (reasons.length > 0) {
      causes.push(invalidField(below(path, 'kind'), kind, `may have mixed case, but should otherwise match: ${reasons.join(',')}`));
    }
  }
  const report: Report = Object.assign((cause: StatusCause) => void causes.push(cause), { root: object });
  // A name may be missing: whoever makes the object gives it one.
  validateMetadata(metadataOf({ ...object }), below(path, 'metadata'), report);
}
