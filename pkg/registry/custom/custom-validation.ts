/**
 * The one place where custom resources are validated: metadata, then the schema of their version.
 * `old` is what is there now, of an update.
 */
import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { validateValue } from '../../runtime/value-validation.ts';
import type { CustomFacts } from '../contract.ts';
import { metadataOf, type Raw } from '../raw.ts';
import { metadataValidators } from '../validation/metadata.ts';
import type { Report } from '../validation/validator.ts';

export function validateCustomResource({ schema }: CustomFacts, object: Raw, _old: Raw | undefined): StatusCause[] {
  const causes: StatusCause[] = [];
  const report: Report = Object.assign((cause: StatusCause) => void causes.push(cause), { root: object });
  metadataValidators['apimachinery.pkg.apis.meta.v1.ObjectMeta']?.(metadataOf(object), 'metadata', report);
  causes.push(...validateValue(object, schema.source as JSONSchemaProps));
  return causes;
}
