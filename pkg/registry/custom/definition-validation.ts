/**
 * What is wrong with a CustomResourceDefinition, in Kubernetes' words. Its schemas are looked at in
 * `definition-schema.ts`. Paths are those of Kubernetes' internal form: what all versions say alike stands above them
 * (`spec.validation`, `spec.subresources`, ...), as it once did in v1beta1.
 */
import type {
  CustomResourceColumnDefinition,
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  JSONSchemaProps,
  SelectableField,
} from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { byteLength } from '../../api/qualified-name.ts';
import { duplicateField, forbiddenField, invalidField, requiredField, tooManyField, unsupportedField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { objectAt, type Raw, text } from '../raw.ts';
import { dns1035Label, dnsSubdomain, type NameCheck } from '../validation/names.ts';
import { bytesOf, isSequence, pemBlocks } from '../validation/pem.ts';
import type { Report } from '../validation/validator.ts';
import { webhookClient } from '../validation/webhooks.ts';
import { approvalFault } from './api-approval.ts';
import { fieldAlong, schemaFaults } from './definition-schema.ts';
import { hasCondition } from './definition-status.ts';
import { internalVersion } from './internal-form.ts';

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
const maxSelectableFields = 8;
const maxDeprecationWarning = 256;
const reviewVersions = ['v1', 'v1beta1'];

/** `old`: what is there now, of an update. What has not changed since was checked when it was written. */
export function validateDefinition(definition: CustomResourceDefinition, old?: CustomResourceDefinition): StatusCause[] {
  const { metadata, spec, status } = definition;
  const causes: StatusCause[] = [];
  for (const field of old ? [] : (['generateName', 'name'] as const)) {
    const name = metadata[field];
    if ((field === 'generateName' && !name) || name === `${spec.names.plural}.${spec.group}`) continue;
    causes.push(invalidField(`metadata.${field}`, name, 'must be spec.names.plural+"."+spec.group'));
  }
  checkSpec(definition, old, causes);
  checkNames(status.acceptedNames, 'status.acceptedNames', causes);
  checkStoredVersions(definition, causes);
  causes.push(...approvalFault(definition));
  if (spec.preserveUnknownFields === true) {
    const instead = 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
    causes.push(invalidField('spec.preserveUnknownFields', true, instead));
  }
  return causes;
}

export function validateDefinitionStatus({ status }: CustomResourceDefinition): StatusCause[] {
  const causes: StatusCause[] = [];
  checkNames(status.acceptedNames, 'status.acceptedNames', causes);
  return causes;
}

function checkSpec(definition: CustomResourceDefinition, old: CustomResourceDefinition | undefined, causes: StatusCause[]): void {
  const { spec } = definition;
  const { group = '', scope = '', names, conversion } = spec;
  const versions = new VersionCheck(spec.versions, old?.spec.versions ?? [], causes);
  if (group === '') causes.push(requiredField('spec.group'));
  else if (dnsSubdomain(group).length > 0) causes.push(invalidField('spec.group', group, dnsSubdomain(group).join(',')));
  else if (!group.includes('.')) causes.push(invalidField('spec.group', group, 'should be a domain with at least one dot'));
  checkEnum('spec.scope', scope, ['Cluster', 'Namespaced'], causes);
  versions.each();
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if (!names[field]) causes.push(requiredField(`spec.names.${field}`));
  }
  checkNames(names, 'spec.names', causes);
  versions.alike();
  checkConversion(conversion, old, causes);
  if (old) checkUnchanged(definition, old, causes);
}

function checkUnchanged(next: CustomResourceDefinition, old: CustomResourceDefinition, causes: StatusCause[]): void {
  const immutable = (field: string, value: unknown, before: unknown): void => {
    if (!equalValues(value, before)) causes.push(invalidField(field, value, 'field is immutable'));
  };
  if (hasCondition(old, 'Established')) {
    immutable('spec.scope', next.spec.scope, old.spec.scope);
    immutable('spec.names.kind', next.spec.names.kind, old.spec.names.kind);
  }
  immutable('spec.group', next.spec.group, old.spec.group);
  immutable('spec.names.plural', next.spec.names.plural, old.spec.names.plural);
}

type VersionField = keyof CustomResourceDefinitionVersion;
type Versions = readonly CustomResourceDefinitionVersion[];

class VersionCheck {
  readonly #given: Versions | undefined;
  readonly #versions: Versions;
  readonly #old: Versions;
  readonly #causes: StatusCause[];

  constructor(given: Versions | undefined, old: Versions, causes: StatusCause[]) {
    this.#given = given;
    this.#versions = given ?? [];
    this.#old = old;
    this.#causes = causes;
  }

  /** What each version says for itself. */
  each(): void {
    const versions = this.#versions;
    const causes = this.#causes;
    for (const [i, { schema }] of versions.entries()) {
      if (schema?.openAPIV3Schema === undefined) causes.push(requiredField(`spec.versions[${i}].schema.openAPIV3Schema`));
    }
    for (const [i, version] of versions.entries()) {
      const at = `spec.versions[${i}]`;
      checkName(`${at}.name`, version.name ?? '', dns1035Label, causes);
      checkDeprecation(version, at, causes);
      const statusApart = version.subresources?.status !== undefined;
      if (!this.#shared('schema')) this.#schema(version, `${at}.schema`, statusApart);
      if (!this.#shared('subresources')) checkSubresources(version.subresources, `${at}.subresources`, causes);
      if (!this.#shared('additionalPrinterColumns')) checkColumns(version, `${at}.additionalPrinterColumns`, causes);
      if (!this.#shared('selectableFields')) this.#selectableFields(version, `${at}.selectableFields`);
    }
    const names = versions.map(({ name = '' }) => name);
    const shown = this.#given?.map((version) => internalVersion(version, (field) => !this.#shared(field)));
    if (new Set(names).size < names.length) causes.push(invalidField('spec.versions', shown, 'must contain unique version names'));
    if (versions.filter(({ storage }) => storage).length !== 1) {
      causes.push(invalidField('spec.versions', shown, 'must have exactly one version marked as storage version'));
    }
    const [first = ''] = names;
    if (first !== '') checkName('spec.version', first, dns1035Label, causes);
  }

  /** What all versions say alike, once. */
  alike(): void {
    const [version] = this.#versions;
    if (!version) return;
    const causes = this.#causes;
    if (this.#shared('schema')) this.#schema(version, 'spec.validation', statusApartIn(this.#versions));
    if (this.#shared('subresources')) checkSubresources(version.subresources, 'spec.subresources', causes);
    if (this.#shared('additionalPrinterColumns')) checkColumns(version, 'spec.additionalPrinterColumns', causes);
    if (this.#shared('selectableFields')) this.#selectableFields(version, 'spec.selectableFields');
  }

  #shared(field: VersionField): boolean {
    const [first, ...others] = this.#versions;
    return others.every((version) => equalValues(version[field], first?.[field]));
  }

  #before({ name }: CustomResourceDefinitionVersion): CustomResourceDefinitionVersion | undefined {
    return this.#old.find((version) => version.name === name);
  }

  #schema(version: CustomResourceDefinitionVersion, at: string, statusApart: boolean): void {
    const schema = version.schema?.openAPIV3Schema;
    const before = this.#before(version)?.schema?.openAPIV3Schema;
    if (!schema || (before && equalValues(schema, before) && (!statusApart || statusApartIn(this.#old)))) return;
    this.#causes.push(...schemaFaults(schema, `${at}.openAPIV3Schema`, statusApart));
  }

  #selectableFields(version: CustomResourceDefinitionVersion, at: string): void {
    const fields = version.selectableFields ?? [];
    if (fields.length === 0) return;
    const schema = version.schema?.openAPIV3Schema;
    // Either both stand above the versions, or neither does.
    if (!schema || this.#shared('schema') !== this.#shared('selectableFields')) {
      const own = !this.#shared('selectableFields');
      const when = own ? '`version.schema.openAPIV3Schema` is not included' : 'validations.schema is included';
      this.#causes.push(invalidField(at, '', `may only be set when ${when}`));
      return;
    }
    const unchanged = equalValues(this.#before(version)?.selectableFields, fields);
    checkSelectableFields({ fields, schema, unchanged }, at, this.#causes);
  }
}

const statusApartIn = (versions: Versions): boolean => versions.some(({ subresources }) => subresources?.status !== undefined);

function checkColumns({ additionalPrinterColumns = [] }: CustomResourceDefinitionVersion, at: string, causes: StatusCause[]): void {
  for (const [k, column] of additionalPrinterColumns.entries()) checkColumn(column, `${at}[${k}]`, causes);
}

function checkDeprecation({ deprecated, deprecationWarning }: CustomResourceDefinitionVersion, at: string, causes: StatusCause[]): void {
  if (deprecationWarning === undefined) return;
  const refuse = (why: string): void => void causes.push(invalidField(`${at}.deprecationWarning`, deprecationWarning, why));
  if (!deprecated) {
    refuse('can only be set for deprecated versions');
    return;
  }
  if (byteLength(deprecationWarning) > maxDeprecationWarning) refuse(`must be <= ${maxDeprecationWarning} characters long`);
  if (deprecationWarning === '') refuse('must not be an empty string');
  const index = deprecationWarning.search(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u);
  if (index >= 0) {
    const at = byteLength(deprecationWarning.slice(0, index));
    refuse(`must only contain printable UTF-8 characters; non-printable character found at index ${at}`);
  }
}

function checkSubresources(subresources: CustomResourceSubresources | undefined, at: string, causes: StatusCause[]): void {
  const scale = subresources?.scale;
  if (!scale) return;
  const check = (field: string, path: string, roots: readonly string[], where: string): void => {
    const fault = simplePathFault(path);
    if (fault) causes.push(invalidField(`${at}.scale.${field}`, path, fault));
    else if (!roots.some((root) => path.startsWith(root))) causes.push(invalidField(`${at}.scale.${field}`, path, where));
  };
  if (!scale.specReplicasPath) causes.push(requiredField(`${at}.scale.specReplicasPath`));
  else check('specReplicasPath', scale.specReplicasPath, ['.spec.'], 'should be a json path under .spec');
  if (!scale.statusReplicasPath) causes.push(requiredField(`${at}.scale.statusReplicasPath`));
  else check('statusReplicasPath', scale.statusReplicasPath, ['.status.'], 'should be a json path under .status');
  if (scale.labelSelectorPath) {
    check('labelSelectorPath', scale.labelSelectorPath, ['.spec.', '.status.'], 'should be a json path under either .spec or .status');
  }
}

function simplePathFault(path: string): string | undefined {
  return path.startsWith('.') ? undefined : 'must be a simple json path starting with .';
}

function checkColumn({ name, type, format, jsonPath }: CustomResourceColumnDefinition, at: string, causes: StatusCause[]): void {
  if (!name) causes.push(requiredField(`${at}.name`));
  const oneOf = (list: readonly string[]): string => `must be one of ${list.join(',')}`;
  if (!type) causes.push(requiredField(`${at}.type`, oneOf(columnTypes)));
  else if (!columnTypes.includes(type)) causes.push(invalidField(`${at}.type`, type, oneOf(columnTypes)));
  if (format && !columnFormats.includes(format)) causes.push(invalidField(`${at}.format`, format, oneOf(columnFormats)));
  if (!jsonPath) causes.push(requiredField(`${at}.JSONPath`));
  else {
    const fault = simplePathFault(jsonPath);
    if (fault) causes.push(invalidField(`${at}.JSONPath`, jsonPath, fault));
  }
}

interface SelectableFields {
  readonly fields: readonly SelectableField[];
  readonly schema: JSONSchemaProps;
  /** They stood there before. */
  readonly unchanged: boolean;
}

function checkSelectableFields({ fields, schema, unchanged }: SelectableFields, at: string, causes: StatusCause[]): void {
  const seen = new Set<string>();
  for (const [i, { jsonPath }] of fields.entries()) {
    const where = `${at}[${i}].jsonPath`;
    if (!jsonPath) {
      causes.push(requiredField(where));
      continue;
    }
    const found = fieldAlong(jsonPath, schema);
    if ('fault' in found) {
      causes.push(invalidField(where, jsonPath, `is an invalid path: ${found.fault}`));
      continue;
    }
    const { names, field } = found;
    if (names[0] === 'metadata') causes.push(invalidField(where, jsonPath, 'must not point to fields in metadata'));
    if (!['string', 'boolean', 'integer'].includes(text(objectAt(field)['type']))) {
      const allowed = 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
      causes.push(invalidField(where, jsonPath, allowed));
    }
    const path = names.join('.');
    if (seen.has(path)) causes.push(duplicateField(where, jsonPath));
    seen.add(path);
  }
  if (seen.size > maxSelectableFields && !unchanged) causes.push(tooManyField(at, seen.size, maxSelectableFields));
}

function checkName(field: string, name: string, check: NameCheck, causes: StatusCause[], prefix = ''): void {
  const reasons = check(name);
  if (reasons.length > 0) causes.push(invalidField(field, name, prefix + reasons.join(',')));
}

function checkNames(names: CustomResourceDefinitionNames, at: string, causes: StatusCause[]): void {
  const { plural, singular, kind, listKind, shortNames = [], categories = [] } = names;
  if (plural) checkName(`${at}.plural`, plural, dns1035Label, causes);
  if (singular) checkName(`${at}.singular`, singular, dns1035Label, causes);
  const kindCheck: NameCheck = (name) => dns1035Label(name.toLowerCase());
  const mixed = 'may have mixed case, but should otherwise match: ';
  if (kind) checkName(`${at}.kind`, kind, kindCheck, causes, mixed);
  if (listKind) checkName(`${at}.listKind`, listKind, kindCheck, causes, mixed);
  for (const [i, name] of shortNames.entries()) checkName(`${at}.shortNames[${i}]`, name, dns1035Label, causes);
  if (kind && kind === listKind) causes.push(invalidField(`${at}.listKind`, listKind, 'kind and listKind may not be the same'));
  for (const [i, name] of categories.entries()) checkName(`${at}.categories[${i}]`, name, dns1035Label, causes);
}

function checkConversion(
  conversion: CustomResourceConversion | undefined,
  old: CustomResourceDefinition | undefined,
  causes: StatusCause[],
): void {
  if (!conversion) return;
  const { strategy = '', webhook } = conversion;
  const at = 'spec.conversion';
  checkEnum(`${at}.strategy`, strategy, ['None', 'Webhook'], causes);
  if (strategy !== 'Webhook') {
    const why = 'should not be set when strategy is not set to Webhook';
    if (webhook?.clientConfig) causes.push(forbiddenField(`${at}.webhookClientConfig`, why));
    if (webhook?.conversionReviewVersions?.length) causes.push(forbiddenField(`${at}.conversionReviewVersions`, why));
    return;
  }
  if (!webhook?.clientConfig) causes.push(requiredField(`${at}.webhookClientConfig`, 'required when strategy is set to Webhook'));
  else {
    const report: Report = Object.assign((cause: StatusCause) => void causes.push(cause), { root: {} });
    webhookClient(webhook.clientConfig as unknown as Raw, `${at}.webhookClientConfig`, report);
    checkBundle(conversion, old, causes);
  }
  const versions = webhook?.conversionReviewVersions ?? [];
  if (versions.length === 0) {
    causes.push(requiredField(`${at}.conversionReviewVersions`));
    return;
  }
  for (const [i, version] of versions.entries()) {
    if (versions.indexOf(version) < i) causes.push(invalidField(`${at}.conversionReviewVersions[${i}]`, version, 'duplicate version'));
    else for (const why of dns1035Label(version)) causes.push(invalidField(`${at}.conversionReviewVersions[${i}]`, version, why));
  }
  const before = old?.spec.conversion?.webhook?.conversionReviewVersions ?? [];
  const unheardOf = (list: readonly string[]): boolean => list.length > 0 && !list.some((version) => reviewVersions.includes(version));
  if (unheardOf(versions) && !unheardOf(before)) {
    causes.push(invalidField(`${at}.conversionReviewVersions`, versions, `must include at least one of ${reviewVersions.join(', ')}`));
  }
}

/** Resources that are served already may not lose their webhook by a bundle that trusts nobody. */
function checkBundle({ webhook }: CustomResourceConversion, old: CustomResourceDefinition | undefined, causes: StatusCause[]): void {
  const bundle = webhook?.clientConfig?.caBundle;
  const before = old?.spec.conversion?.webhook?.clientConfig?.caBundle;
  if (!old || !hasCondition(old, 'Established') || !bundle || holdsCertificate(bundle)) return;
  if (before && !holdsCertificate(before)) return;
  const why = 'unable to load root certificates: unable to parse bytes as PEM block';
  causes.push(invalidField('spec.conversion.webhookClientConfig.caBundle', bundle, why));
}

function holdsCertificate(bundle: string): boolean {
  const blocks = pemBlocks(new TextDecoder().decode(bytesOf(bundle) ?? new Uint8Array()));
  return blocks.some(({ type, hasHeaders, bytes }) => type === 'CERTIFICATE' && !hasHeaders && isSequence(bytes));
}

/** A version in which objects may be stored must stay, until somebody says that none are. */
function checkStoredVersions({ spec, status }: CustomResourceDefinition, causes: StatusCause[]): void {
  const at = 'status.storedVersions';
  const stored = status.storedVersions ?? [];
  const versions = spec.versions ?? [];
  if (stored.length === 0) {
    causes.push(invalidField(at, status.storedVersions, 'must have at least one stored version'));
    return;
  }
  for (const { name, storage } of versions) {
    if (storage && !stored.includes(name)) causes.push(invalidField(at, stored, `must have the storage version ${name}`));
  }
  for (const [i, name] of stored.entries()) {
    if (versions.some((version) => version.name === name)) continue;
    const why =
      `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a ` +
      `storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    causes.push(invalidField(`${at}[${i}]`, name, why));
  }
}

function checkEnum(field: string, value: string, known: readonly string[], causes: StatusCause[]): void {
  if (value === '') causes.push(requiredField(field));
  else if (!known.includes(value)) causes.push(unsupportedField(field, value, known));
}
