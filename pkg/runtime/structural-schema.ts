/**
 * Whether the schema of a CustomResourceDefinition is structural: every value has a type of its own, and what is
 * combined by allOf, anyOf, oneOf and not only narrows values.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
import type { JSONSchemaProps } from '../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../api/generated/meta-v1.ts';
import { schemaFromOpenApi } from './custom-schema.ts';
import { forbiddenField, invalidField, requiredField, unsupportedField } from './field-errors.ts';
import { compilePattern } from './pattern.ts';
import { pruneToSchema } from './prune.ts';
import { listFaults, validateValue } from './value-validation.ts';
import { equalValues, isObject } from './values.ts';

type Where = 'root' | 'field' | 'item';
const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
/** Keywords of JSON schema that structural schemas do without. */
const unsupported = ['$ref', 'additionalItems', 'definitions', 'dependencies', 'id', 'patternProperties'] as const;
/** What may stand in the structure alone, and not in what narrows it. */
const structureOnly = ['additionalProperties', 'default', 'description', 'nullable', 'title', 'type'] as const;
const combiners = ['allOf', 'anyOf', 'oneOf'] as const;

/** All faults; `path`: of the schema in the definition, `spec.versions[0].schema.openAPIV3Schema`. */
export function structuralFaults(schema: JSONSchemaProps, path: string): StatusCause[] {
  const faults: StatusCause[] = [];
  checkNode(schema, path, 'root', faults);
  if (faults.length === 0) checkDefaults(schema, path, faults);
  return faults;
}

function checkNode(schema: JSONSchemaProps, path: string, where: Where, faults: StatusCause[]): void {
  checkType(schema, path, where, faults);
  checkKeywords(schema, path, faults);
  checkLists(schema, path, faults);
  if (schema.properties !== undefined && schema.additionalProperties !== undefined) {
    faults.push(forbiddenField(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    if (where === 'root' || schema['x-kubernetes-embedded-resource'] === true) {
      checkIdentity(name, inner, { path: `${path}.properties[${name}]`, atRoot: where === 'root' }, faults);
    }
    checkNode(inner, `${path}.properties[${name}]`, 'field', faults);
  }
  if (isObject(schema.additionalProperties))
    checkNode(schema.additionalProperties as JSONSchemaProps, `${path}.additionalProperties`, 'field', faults);
  if (isObject(schema.items)) checkNode(schema.items as JSONSchemaProps, `${path}.items`, 'item', faults);
  for (const keyword of combiners) {
    for (const [index, narrowing] of (schema[keyword] ?? []).entries())
      checkNarrowing(narrowing, schema, `${path}.${keyword}[${index}]`, faults);
  }
  if (schema.not) checkNarrowing(schema.not, schema, `${path}.not`, faults);
}

function checkType(schema: JSONSchemaProps, path: string, where: Where, faults: StatusCause[]): void {
  const { type } = schema;
  const either = schema['x-kubernetes-int-or-string'] === true;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (where === 'root' && type !== 'object') {
    faults.push(
      type
        ? invalidField(`${path}.type`, type, 'must be object at the root')
        : requiredField(`${path}.type`, 'must not be empty at the root'),
    );
  } else if (!type && !either && !open) {
    faults.push(requiredField(`${path}.type`, `must not be empty for specified ${where === 'item' ? 'array items' : 'object fields'}`));
  } else if (type && either) {
    faults.push(invalidField(`${path}.x-kubernetes-int-or-string`, true, 'type must be empty if x-kubernetes-int-or-string is true'));
  } else if (type && !types.includes(type)) {
    faults.push(unsupportedField(`${path}.type`, type, types));
  }
  if (schema['x-kubernetes-embedded-resource'] === true) {
    if (type !== 'object')
      faults.push(invalidField(`${path}.type`, type ?? '', 'must be object if x-kubernetes-embedded-resource is true'));
    if (!open && schema.properties === undefined) {
      faults.push(
        requiredField(
          `${path}.properties`,
          'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
        ),
      );
    }
  }
  if (open && type && type !== 'object')
    faults.push(invalidField(`${path}.type`, type, 'must be object if x-kubernetes-preserve-unknown-fields is true'));
}

function checkKeywords(schema: JSONSchemaProps, path: string, faults: StatusCause[]): void {
  for (const keyword of unsupported)
    if (schema[keyword] !== undefined) faults.push(forbiddenField(`${path}.${keyword}`, `${keyword} is not supported`));
  if (schema.uniqueItems === true) {
    faults.push(forbiddenField(`${path}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'));
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    faults.push(invalidField(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  }
  if (schema.additionalProperties === false) {
    faults.push(forbiddenField(`${path}.additionalProperties`, 'additionalProperties cannot be set to false'));
  }
  checkPattern(schema, path, faults);
}

function checkPattern({ pattern }: JSONSchemaProps, path: string, faults: StatusCause[]): void {
  if (pattern === undefined) return;
  try {
    compilePattern(pattern);
  } catch (error) {
    faults.push(
      invalidField(
        `${path}.pattern`,
        pattern,
        `must be a valid regular expression, but isn't: ${error instanceof Error ? error.message : String(error)}`,
      ),
    );
  }
}

function checkLists(schema: JSONSchemaProps, path: string, faults: StatusCause[]): void {
  const kind = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const items = isObject(schema.items) ? (schema.items as JSONSchemaProps) : undefined;
  if (Array.isArray(schema.items)) faults.push(forbiddenField(`${path}.items`, 'items must be a schema object and not an array'));
  else if (schema.type === 'array' && !items) faults.push(requiredField(`${path}.items`, 'must be specified'));
  if (kind !== undefined) {
    if (schema.type !== 'array') faults.push(wrongType(schema, path, 'must be array if x-kubernetes-list-type is specified'));
    if (!['atomic', 'set', 'map'].includes(kind)) {
      faults.push(unsupportedField(`${path}.x-kubernetes-list-type`, kind, ['atomic', 'set', 'map']));
    }
  }
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType !== undefined) {
    if (schema.type !== 'object') faults.push(wrongType(schema, path, 'must be object if x-kubernetes-map-type is specified'));
    if (mapType !== 'atomic' && mapType !== 'granular') {
      faults.push(unsupportedField(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']));
    }
  }
  if (keys.length > 0 && kind !== 'map') {
    const why = 'must be map if x-kubernetes-list-map-keys is non-empty';
    const at = `${path}.x-kubernetes-list-type`;
    faults.push(kind === undefined ? requiredField(at, why) : invalidField(at, kind, why));
  }
  if ((kind === 'set' || kind === 'map') && items?.nullable === true) {
    faults.push(forbiddenField(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${kind}`));
  }
  if (kind === 'set' && items) checkSet(items, `${path}.items`, faults);
  if (kind === 'map') checkMapList(items, keys, path, faults);
}

function wrongType({ type }: JSONSchemaProps, path: string, why: string): StatusCause {
  return type ? invalidField(`${path}.type`, type, why) : requiredField(`${path}.type`, why);
}

/** The elements of a set are compared as wholes. */
function checkSet(items: JSONSchemaProps, path: string, faults: StatusCause[]): void {
  const why = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const list = items['x-kubernetes-list-type'];
  if (items.type === 'array' && list !== undefined && list !== 'atomic') {
    faults.push(invalidField(`${path}.x-kubernetes-list-type`, list, why));
  }
  const map = items['x-kubernetes-map-type'];
  if (items.type === 'object' && map !== 'atomic') faults.push(invalidField(`${path}.x-kubernetes-map-type`, map ?? null, why));
}

function checkMapList(items: JSONSchemaProps | undefined, keys: readonly string[], path: string, faults: StatusCause[]): void {
  const keysAt = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) faults.push(requiredField(keysAt, 'must not be empty if x-kubernetes-list-type is map'));
  if (!items) return;
  if (items.type !== 'object') {
    faults.push(invalidField(`${path}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map"));
    return;
  }
  for (const [index, key] of keys.entries()) {
    if (keys.indexOf(key) < index) faults.push(invalidField(keysAt, keys, 'must not contain duplicate entries'));
    const property = items.properties?.[key];
    if (!property) {
      faults.push(invalidField(keysAt, keys, 'entries must all be names of item properties'));
      continue;
    }
    const at = `${path}.items.properties[${key}]`;
    if (property.type === 'array' || property.type === 'object') {
      faults.push(invalidField(`${at}.type`, property.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"));
    }
    if (!items.required?.includes(key) && property.default === undefined) {
      const why = 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
      faults.push(requiredField(`${at}.default`, why));
    }
    if (property.nullable === true) {
      faults.push(forbiddenField(`${at}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'));
    }
  }
}

/** The server knows these fields itself; a schema may say more of the names alone. */
function checkIdentity(
  name: string,
  schema: JSONSchemaProps,
  { path, atRoot }: { readonly path: string; readonly atRoot: boolean },
  faults: StatusCause[],
): void {
  if (name !== 'metadata' && name !== 'apiVersion' && name !== 'kind') return;
  const type = name === 'metadata' ? 'object' : 'string';
  if (schema.type !== undefined && schema.type !== type) faults.push(invalidField(`${path}.type`, schema.type, `must be ${type}`));
  if (atRoot) forbidDefaults(schema, path, name, faults);
  if (name !== 'metadata' || !atRoot) return;
  for (const inner of Object.keys(schema.properties ?? {})) {
    if (inner !== 'name' && inner !== 'generateName') {
      const why = 'must not specify anything other than name and generateName, but metadata is implicitly specified';
      faults.push(forbiddenField(path, why));
      return;
    }
  }
}

function forbidDefaults(schema: JSONSchemaProps, path: string, name: string, faults: StatusCause[]): void {
  if (schema.default !== undefined) faults.push(forbiddenField(`${path}.default`, `must not be set in top-level ${name}`));
  for (const [inner, props] of Object.entries(schema.properties ?? {})) forbidDefaults(props, `${path}.properties[${inner}]`, name, faults);
}

function checkNarrowing(schema: JSONSchemaProps, structure: JSONSchemaProps, path: string, faults: StatusCause[]): void {
  const either = structure['x-kubernetes-int-or-string'] === true;
  for (const keyword of structureOnly) {
    if (schema[keyword] === undefined || schema[keyword] === false || (keyword === 'type' && either)) continue;
    faults.push(forbiddenField(`${path}.${keyword}`, 'must be undefined to be structural'));
  }
  if ((schema['x-kubernetes-validations'] ?? []).length > 0) {
    faults.push(forbiddenField(`${path}.x-kubernetes-validations`, 'must be empty to be structural'));
  }
  checkPattern(schema, path, faults);
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const own = structure.properties?.[name];
    const at = `${path}.properties[${name}]`;
    if (own) checkNarrowing(inner, own, at, faults);
    else if (structure['x-kubernetes-preserve-unknown-fields'] !== true) {
      faults.push(requiredField(at.replace(/\.(allOf|anyOf|oneOf)\[\d+\]|\.not/, ''), `because it is defined in ${at}`));
    }
  }
  if (isObject(schema.items) && isObject(structure.items)) {
    checkNarrowing(schema.items as JSONSchemaProps, structure.items as JSONSchemaProps, `${path}.items`, faults);
  }
  for (const keyword of combiners) {
    for (const [index, inner] of (schema[keyword] ?? []).entries())
      checkNarrowing(inner, structure, `${path}.${keyword}[${index}]`, faults);
  }
  if (schema.not) checkNarrowing(schema.not, structure, `${path}.not`, faults);
}

/** A default must be a value that the server would take and keep. */
function checkDefaults(schema: JSONSchemaProps, path: string, faults: StatusCause[]): void {
  const value = schema.default;
  if (value !== undefined) {
    const wrapped = { type: 'object', properties: { value: schema } };
    const kept = pruneToSchema({ value }, schemaFromOpenApi(wrapped, { group: '', version: '', kind: '' })).value['value'];
    if (!equalValues(kept, value)) faults.push(invalidField(`${path}.default`, value, 'must not have unknown fields'));
    for (const { field = '', message = '' } of [...validateValue(value, schema), ...listFaults(value, schema)]) {
      const at = field === '<root>' ? '' : `.${field}`;
      faults.push({ reason: 'FieldValueInvalid', field: `${path}.default${at}`, message });
    }
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {})) checkDefaults(inner, `${path}.properties[${name}]`, faults);
  if (isObject(schema.additionalProperties))
    checkDefaults(schema.additionalProperties as JSONSchemaProps, `${path}.additionalProperties`, faults);
  if (isObject(schema.items)) checkDefaults(schema.items as JSONSchemaProps, `${path}.items`, faults);
}
