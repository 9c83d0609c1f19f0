/**
 * Checks values against the OpenAPI schema of a custom resource, in the words in which Kubernetes refuses them, and in
 * their order. Rules in CEL (`x-kubernetes-validations`) are another matter, and not looked at here; nor are lists that
 * may hold nothing twice (`list-validation.ts`).
 */
import type { JSONSchemaProps } from '../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../api/generated/meta-v1.ts';
import { hasFormat, knownFormat } from './formats.ts';
import { elementFinder } from './list-validation.ts';
import { compilePattern } from './pattern.ts';
import { Findings, missing, mistyped, notListed, refused, refusedWhole, tooLong, tooMany } from './value-findings.ts';
import { checkNumber } from './value-numbers.ts';
import { equalValues, isObject, type JsonObject } from './values.ts';

export interface ValidationOptions {
  /** Where the value stands, `spec.a.default`; empty, the default, for the whole object. */
  readonly path?: string;
  /**
   * What stood there before. A value that has not changed since is not refused: rules that grow stricter do not hold up
   * those who change something else. https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-ratcheting
   */
  readonly old?: unknown;
}

/** All faults; none: an empty list. */
export function validateValue(value: unknown, schema: JSONSchemaProps, { path = '', old }: ValidationOptions = {}): StatusCause[] {
  const at = (inner: string): string => {
    const below = inner.replace(/^\./, '');
    return path === '' ? below || '<nil>' : below === '' ? path : `${path}.${below}`;
  };
  return check(value, schema, { path: '', old }).list.map(({ cause }) => cause(at));
}

interface Place {
  readonly path: string;
  readonly old: unknown;
}

function check(value: unknown, schema: JSONSchemaProps, { path, old }: Place): Findings {
  const findings = new Findings();
  const type = typesOf(schema);
  const format = formatOf(schema);
  if (value === null || value === undefined) {
    if (type.length > 0 && schema.nullable !== true) findings.add(mistyped(path, 'null', type.join(',')));
    else findings.matches++;
    if (schema.enum && schema.enum.length > 0) findings.add(notListed(path, null, schema.enum));
    return settled(findings, { value, old });
  }
  if (type.length > 0 || format !== '') {
    const wrong = typeFault(value, type, format);
    if (wrong) findings.add(mistyped(path, wrong.found, wrong.expected));
    else findings.matches++;
    findings.matches++;
  }
  checkCombinations(value, schema, path, findings);
  if (typeof value === 'string') checkText(value, schema, path, findings);
  else if (typeof value === 'number' || typeof value === 'bigint') {
    checkNumber(value, schema, path, findings);
    findings.matches += 2;
  } else if (Array.isArray(value)) {
    checkList(value, schema, { path, old }, findings);
    findings.matches += 2;
  }
  // Null, which has no type of its own here, is nobody's value.
  if (schema.enum && schema.enum.length > 0 && !schema.enum.some((one) => one !== null && equalValues(one, value))) {
    findings.add(notListed(path, value, schema.enum));
  }
  if (isObject(value)) {
    checkObject(value, schema, { path, old }, findings);
    findings.matches++;
  }
  findings.matches += 2;
  return settled(findings, { value, old });
}

/** What is as it was may stay, whatever is wrong with it. */
function settled(findings: Findings, { value, old }: { readonly value: unknown; readonly old: unknown }): Findings {
  if (!findings.fits && old !== undefined && equalValues(value, old)) findings.list.length = 0;
  return findings;
}

const typesOf = (schema: JSONSchemaProps): readonly string[] =>
  schema['x-kubernetes-int-or-string'] === true ? ['integer', 'string'] : schema.type ? [schema.type] : [];

/** The format, as far as it is one that the type can have. */
function formatOf(schema: JSONSchemaProps): string {
  const { format = '' } = schema;
  const types = typesOf(schema);
  return format !== '' && knownFormat(format, types.length === 1 ? (types[0] as string) : '') ? format : '';
}

/** The type, and the name that Go's has as a format. */
function typeOf(value: unknown): readonly [type: string, format: string] {
  if (Array.isArray(value)) return ['array', ''];
  switch (typeof value) {
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? ['integer', 'int64'] : ['number', 'float64'];
    case 'number':
      return Number.isSafeInteger(value) ? ['integer', 'int64'] : ['number', 'float64'];
    case 'object':
      return ['object', ''];
    default:
      return [typeof value, ''];
  }
}

function typeFault(value: unknown, types: readonly string[], format: string): { found: string; expected: string } | undefined {
  const [found, goFormat] = typeOf(value);
  const fits = types.includes(found) || (found === 'integer' && types.includes('number'));
  const textual = typeof value === 'string' || Array.isArray(value);
  if (format !== '' && !textual && !fits && goFormat !== format) return { found: goFormat, expected: format };
  // A format takes the place of the type: whether the text is of that format is looked at elsewhere.
  if (format !== '' && textual && !types.includes('number') && !types.includes('integer')) return undefined;
  return fits ? undefined : { found, expected: types.join(',') };
}

function checkText(value: string, schema: JSONSchemaProps, path: string, findings: Findings): void {
  const { maxLength, minLength, pattern } = schema;
  // Lengths count characters, not units of UTF-16.
  const length = maxLength !== undefined || minLength !== undefined ? [...value].length : 0;
  if (maxLength !== undefined && length > maxLength) findings.add(tooLong(path, maxLength));
  else if (minLength !== undefined && length < minLength) {
    findings.add(refused(path, value, `should be at least ${minLength} chars long`));
  } else if (pattern && !compilePattern(pattern).test(value)) findings.add(refused(path, value, `should match '${pattern}'`));
  findings.matches++;
  const format = formatOf(schema);
  if (format === '') return;
  if (!hasFormat(value, format)) findings.add(mistyped(path, value, format));
  findings.matches++;
}

function checkList(value: readonly unknown[], schema: JSONSchemaProps, { path, old }: Place, findings: Findings): void {
  const { maxItems, minItems, items } = schema;
  if (isObject(items)) {
    const before = elementFinder(schema, old);
    for (const [index, item] of value.entries()) {
      findings.merge(check(item, items as JSONSchemaProps, { path: `${path}[${index}]`, old: before(item) }));
    }
  }
  if (minItems !== undefined && value.length < minItems) {
    findings.add(refused(path, value.length, `should have at least ${minItems} items`));
  }
  if (maxItems !== undefined && value.length > maxItems) findings.add(tooMany(path, value.length, { max: maxItems, what: 'items' }));
}

const apartFromOld = ['apiVersion', 'kind'];

function checkObject(value: JsonObject, schema: JSONSchemaProps, { path, old }: Place, findings: Findings): void {
  const { required = [], properties = {}, additionalProperties, maxProperties, minProperties } = schema;
  const count = Object.keys(value).length;
  if (minProperties !== undefined && count < minProperties) {
    findings.add(refused(path, count, `should have at least ${minProperties} properties`));
  }
  if (maxProperties !== undefined && count > maxProperties) {
    findings.add(tooMany(path, count, { max: maxProperties, what: 'properties' }));
  }
  // The version of an object is none of its own: old and new are shown in the same one.
  const before = (key: string): unknown =>
    isObject(old) && Object.hasOwn(old, key) && !(path === '' && apartFromOld.includes(key)) ? old[key] : undefined;
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(properties, key)) {
      const inner = path === '' ? key : `${path}.${key}`;
      findings.merge(check(value[key], properties[key] as JSONSchemaProps, { path: inner, old: before(key) }));
    } else if (isObject(additionalProperties)) {
      findings.merge(check(value[key], additionalProperties as JSONSchemaProps, { path: `${path}.${key}`, old: before(key) }));
    } else if (additionalProperties === false) {
      const text = `${path}.${key} in body is a forbidden property`;
      findings.add({ text, cause: refused(path, key, text).cause });
    }
  }
  for (const key of required) if (!Object.hasOwn(value, key)) findings.add(missing(`${path}.${key}`));
}

/** allOf, anyOf, oneOf and not: of structural schemas, conditions beside the structure. */
function checkCombinations(value: unknown, schema: JSONSchemaProps, path: string, findings: Findings): void {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  // What was there before is no excuse here.
  const judge = (one: JSONSchemaProps): Findings => check(value, one, { path, old: undefined });
  const say = (what: string): void => findings.add(refusedWhole(`${JSON.stringify(path)} must ${what}`));
  if (anyOf.length > 0) {
    const { best, fitting } = bestOf(anyOf.map(judge), true);
    if (fitting === 0) say('validate at least one schema (anyOf)');
    findings.merge(best);
  }
  if (oneOf.length > 0) {
    const { best, fitting } = bestOf(oneOf.map(judge), false);
    if (fitting !== 1) {
      const found = fitting === 0 ? 'Found none valid' : `Found ${fitting} valid alternatives`;
      say(`validate one and only one schema (oneOf). ${found}`);
    }
    if (fitting <= 1) findings.merge(best);
  }
  const all = allOf.map(judge);
  for (const one of all) findings.merge(one);
  const fitting = all.filter(({ fits }) => fits).length;
  if (fitting < all.length) say(`validate all the schemas (allOf)${fitting === 0 ? '. None validated' : ''}`);
  if (not && judge(not).fits) say('not validate the schema (not)');
  findings.matches += 2;
}

/** The first that fits, or else the one that matches most. `enough`: one that fits is. */
function bestOf(all: readonly Findings[], enough: boolean): { best: Findings; fitting: number } {
  let best = all[0] as Findings;
  let fitting = 0;
  for (const one of all) {
    if (one.fits) {
      if (fitting++ === 0) best = one;
      if (enough) break;
    } else if (fitting === 0 && one.matches > best.matches) best = one;
  }
  return { best, fitting };
}
