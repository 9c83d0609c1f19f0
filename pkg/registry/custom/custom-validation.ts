/**
 * The one place where custom resources are validated: metadata, the schema of their version, what their Scale says, the
 * metadata of objects that are embedded, lists that may hold nothing twice, and rules, which come last.
 */
import type { CustomResourceSubresourceScale, JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { invalidField } from '../../runtime/field-errors.ts';
import { listFaults } from '../../runtime/list-validation.ts';
import { validateValue } from '../../runtime/value-validation.ts';
import type { CustomFacts } from '../contract.ts';
import { isObject, metadataOf, type Raw } from '../raw.ts';
import { validateMetadata } from '../validation/metadata.ts';
import type { Report } from '../validation/validator.ts';
import { ruleViolations } from './custom-rules.ts';
import { embeddedFaults } from './embedded-validation.ts';
import { parseSimplePath } from './simple-path.ts';

/** `old`: what is there now, of an update; both in the version of the request. */
export function validateCustomResource(
  { schema, scale }: CustomFacts,
  object: Raw,
  { old, subresource = '' }: { readonly old?: Raw; readonly subresource?: string } = {},
): StatusCause[] {
  const source = schema.source as JSONSchemaProps;
  const causes: StatusCause[] = [];
  const report: Report = Object.assign((cause: StatusCause) => void causes.push(cause), { root: object });
  validateMetadata(metadataOf(object), 'metadata', report);
  // Of a write to the status, all the rest is as it was.
  if (subresource === 'status') causes.push(...statusFaults(object, old, source));
  else causes.push(...validateValue(object, source, { old }), ...specScaleFaults(object, scale));
  causes.push(...statusScaleFaults(object, scale));
  if (subresource !== 'status') causes.push(...embeddedFaults(object, source));
  // Who has such a list already may keep it.
  if (old === undefined || listFaults(old, source).length === 0) causes.push(...listFaults(object, source));
  causes.push(...ruleViolations(source, object, { old, before: causes }));
  return causes;
}

function statusFaults(object: Raw, old: Raw | undefined, { properties = {} }: JSONSchemaProps): StatusCause[] {
  const { status } = properties;
  if (!status || object['status'] === undefined) return [];
  return validateValue(object['status'], status, { path: 'status', old: old?.['status'] });
}

function specScaleFaults(object: Raw, scale: CustomResourceSubresourceScale | undefined): StatusCause[] {
  return scale ? replicaFaults(object, scale.specReplicasPath) : [];
}

function statusScaleFaults(object: Raw, scale: CustomResourceSubresourceScale | undefined): StatusCause[] {
  if (!scale) return [];
  const faults = replicaFaults(object, scale.statusReplicasPath);
  const path = scale.labelSelectorPath;
  const found = path ? follow(object, path) : undefined;
  if (!path || !found) return faults;
  if ('fault' in found) faults.push(invalidField(path, '', found.fault));
  else if (typeof found.value !== 'string') faults.push(invalidField(path, '', otherType(path, found.value, 'string')));
  return faults;
}

const maxReplicas = 2 ** 31 - 1;

function replicaFaults(object: Raw, path: string): StatusCause[] {
  const found = follow(object, path);
  if (!found) return [];
  if ('fault' in found) return [invalidField(path, 0, found.fault)];
  const { value } = found;
  const whole = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
  if (!whole) return [invalidField(path, 0, otherType(path, value, 'int64'))];
  if (value < 0) return [invalidField(path, value, 'should be a non-negative integer')];
  return value > maxReplicas ? [invalidField(path, value, `should be less than or equal to ${maxReplicas}`)] : [];
}

/** undefined: nothing stands there. */
function follow(object: Raw, path: string): { readonly value: unknown } | { readonly fault: string } | undefined {
  let value: unknown = object;
  for (const name of parseSimplePath(path) ?? []) {
    if (!isObject(value)) return { fault: otherType(path, value, 'map[string]interface {}') };
    if (!Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return { value };
}

function otherType(path: string, value: unknown, expected: string): string {
  return `${path} accessor error: ${goShown(value)} is of the type ${goType(value)}, expected ${expected}`;
}

function goType(value: unknown): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'object') return 'map[string]interface {}';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  return typeof value === 'bigint' || Number.isInteger(value) ? 'int64' : 'float64';
}

function goShown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goShown).join(' ')}]`;
  if (value === null) return '<nil>';
  if (!isObject(value)) return String(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, each]) => `${key}:${goShown(each)}`).join(' ')}]`;
}
