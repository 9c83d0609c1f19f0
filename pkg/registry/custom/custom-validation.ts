/**
 * The one place where custom resources are validated: metadata, the schema of their version, the metadata of objects
 * that are embedded, lists that may hold nothing twice, and rules, which come last.
 */
import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { listFaults } from '../../runtime/list-validation.ts';
import { validateValue } from '../../runtime/value-validation.ts';
import type { CustomFacts } from '../contract.ts';
import { metadataOf, type Raw } from '../raw.ts';
import { validateMetadata } from '../validation/metadata.ts';
import type { Report } from '../validation/validator.ts';
import { ruleViolations } from './custom-rules.ts';
import { embeddedFaults } from './embedded-validation.ts';

/** `old`: what is there now, of an update; both in the version of the request. */
export function validateCustomResource({ schema }: CustomFacts, object: Raw, old: Raw | undefined): StatusCause[] {
  const source = schema.source as JSONSchemaProps;
  const causes: StatusCause[] = [];
  const report: Report = Object.assign((cause: StatusCause) => void causes.push(cause), { root: object });
  validateMetadata(metadataOf(object), 'metadata', report);
  causes.push(...validateValue(object, source, { old }));
  causes.push(...embeddedFaults(object, source));
  // Who has such a list already may keep it.
  if (old === undefined || listFaults(old, source).length === 0) causes.push(...listFaults(object, source));
  causes.push(...ruleViolations(source, object, { old, before: causes }));
  return causes;
}
