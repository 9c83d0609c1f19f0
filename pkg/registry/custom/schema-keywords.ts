/**
 * Whether the keywords of a CustomResourceDefinition's schema make sense, each where it stands and with those beside it.
 * What they say together, the structure, is another matter (`structural-schema.ts`).
 */
import type { JSONSchemaProps, ValidationRule } from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { isObject } from '../raw.ts';

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const identity = ['metadata', 'kind', 'apiVersion'];

export interface KeywordOptions {
  /** What is wrong with how a rule is written. Called for every rule. */
  readonly ruleFaults: (rule: ValidationRule, schema: JSONSchemaProps, path: string) => readonly StatusCause[];
}

export interface Keywords {
  readonly faults: readonly StatusCause[];
  /** Of what is wrong at a place or below it, nothing is said by rules: their types would be wrong, too. */
  readonly unsound: ReadonlySet<JSONSchemaProps>;
}

interface Place {
  /** Why nothing may have a default here. */
  readonly noDefaults?: string;
  readonly insideMeta: boolean;
}

export function checkKeywords(schema: JSONSchemaProps, path: string, options: KeywordOptions): Keywords {
  const check = new KeywordCheck(options);
  check.node(schema, path, { insideMeta: false }, true);
  return check;
}

class KeywordCheck implements Keywords {
  readonly faults: StatusCause[] = [];
  readonly unsound = new Set<JSONSchemaProps>();
  readonly #options: KeywordOptions;

  constructor(options: KeywordOptions) {
    this.#options = options;
  }

  node(schema: JSONSchemaProps, path: string, place: Place, root = false): void {
    const before = this.faults.length;
    this.#unsupported(schema, path, place);
    this.#properties(schema, path, place, root);
    this.#combined(schema, path, place);
    for (const [i, item] of (Array.isArray(schema.items) ? schema.items : []).entries()) this.node(item, `${path}.items[${i}]`, place);
    if (isObject(schema.items)) this.node(schema.items as JSONSchemaProps, `${path}.items`, place);
    for (const [name, inner] of Object.entries((schema.dependencies ?? {}) as Record<string, unknown>)) {
      if (isObject(inner)) this.node(inner as JSONSchemaProps, `${path}.dependencies[${name}]`, place);
    }
    if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
      this.faults.push(invalidField(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
    }
    this.#mapType(schema, path);
    this.#listType(schema, path);
    for (const [i, rule] of (schema['x-kubernetes-validations'] ?? []).entries()) {
      this.faults.push(...this.#options.ruleFaults(rule, schema, `${path}.x-kubernetes-validations[${i}]`));
    }
    if (this.faults.length > before) this.unsound.add(schema);
  }

  #unsupported(schema: JSONSchemaProps, path: string, { noDefaults, insideMeta }: Place): void {
    const { type = '' } = schema;
    const forbid = (keyword: string, why = `${keyword} is not supported`): void =>
      void this.faults.push(forbiddenField(`${path}.${keyword}`, why));
    const filled = (value: object | undefined): boolean => value !== undefined && Object.keys(value).length > 0;
    if (type !== '' && !types.includes(type)) this.faults.push(unsupportedField(`${path}.type`, type, types));
    if (schema.default !== undefined && noDefaults !== undefined) forbid('default', `must not be set ${noDefaults}`);
    if (schema.id) forbid('id');
    if (schema.additionalItems !== undefined) forbid('additionalItems');
    if (filled(schema.patternProperties)) forbid('patternProperties');
    if (filled(schema.definitions)) forbid('definitions');
    if (schema.dependencies !== undefined) forbid('dependencies');
    if (schema.$ref !== undefined) forbid('$ref');
    if (type === 'null') forbid('type', 'type cannot be set to null, use nullable as an alternative');
    if (Array.isArray(schema.items) && schema.items.length > 0) forbid('items', 'items must be a schema object and not an array');
    if (insideMeta && schema['x-kubernetes-embedded-resource'] === true) {
      forbid('x-kubernetes-embedded-resource', 'must not be used inside of resource meta');
    }
    if (schema.uniqueItems === true) {
      forbid('uniqueItems', 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic');
    }
  }

  #properties(schema: JSONSchemaProps, path: string, place: Place, root: boolean): void {
    const { properties = {}, additionalProperties } = schema;
    if (additionalProperties !== undefined) {
      if (Object.keys(properties).length > 0 && additionalProperties !== true) {
        const why = 'additionalProperties and properties are mutual exclusive';
        this.faults.push(forbiddenField(`${path}.additionalProperties`, why));
      }
      const noDefaults = 'inside additionalProperties applying to object metadata';
      if (isObject(additionalProperties)) {
        this.node(
          additionalProperties as JSONSchemaProps,
          `${path}.additionalProperties`,
          place.insideMeta ? { ...place, noDefaults } : place,
        );
      }
    }
    for (const [name, inner] of Object.entries(properties)) {
      const meta = (root || schema['x-kubernetes-embedded-resource'] === true) && identity.includes(name);
      const below = meta ? { ...place, insideMeta: true, ...(root ? { noDefaults: `in top-level ${name}` } : {}) } : place;
      this.node(inner, `${path}.properties[${name}]`, below);
    }
  }

  #combined({ not, allOf = [], oneOf = [], anyOf = [], definitions = {} }: JSONSchemaProps, path: string, place: Place): void {
    if (not) this.node(not, `${path}.not`, place);
    for (const [keyword, list] of Object.entries({ allOf, oneOf, anyOf })) {
      for (const [i, inner] of list.entries()) this.node(inner, `${path}.${keyword}[${i}]`, place);
    }
    for (const [name, inner] of Object.entries(definitions)) this.node(inner, `${path}.definitions[${name}]`, place);
  }

  #ofType(schema: JSONSchemaProps, path: string, expected: string, keyword: string): boolean {
    const { type = '' } = schema;
    if (type === expected) return true;
    const why = `must be ${expected} if ${keyword} is specified`;
    this.faults.push(type === '' ? requiredField(`${path}.type`, why) : invalidField(`${path}.type`, type, why));
    return false;
  }

  #mapType(schema: JSONSchemaProps, path: string): void {
    const keyword = 'x-kubernetes-map-type';
    const kind = schema[keyword];
    if (kind === undefined) return;
    this.#ofType(schema, path, 'object', keyword);
    const known = ['atomic', 'granular'];
    if (!known.includes(kind)) this.faults.push(unsupportedField(`${path}.${keyword}`, kind, known));
  }

  #listType(schema: JSONSchemaProps, path: string): void {
    const keyword = 'x-kubernetes-list-type';
    const kind = schema[keyword];
    const keys = schema['x-kubernetes-list-map-keys'] ?? [];
    const at = `${path}.${keyword}`;
    const items = isObject(schema.items) ? (schema.items as JSONSchemaProps) : undefined;
    if (kind !== undefined) {
      if (this.#ofType(schema, path, 'array', keyword) && kind === 'set' && items) {
        this.#setItems(items, `${path}.items`);
      }
      const known = ['atomic', 'set', 'map'];
      if (!known.includes(kind)) this.faults.push(unsupportedField(at, kind, known));
    }
    if (keys.length > 0 && kind !== 'map') {
      const why = 'must be map if x-kubernetes-list-map-keys is non-empty';
      this.faults.push(kind === undefined ? requiredField(at, why) : invalidField(at, kind, why));
    }
    if (kind === 'map') this.#mapItems(schema, items, path);
    this.faults.push(...elementFaults(schema, path));
  }

  /** The elements of a set are compared as wholes. */
  #setItems(items: JSONSchemaProps, path: string): void {
    const why = 'must be atomic as item of a list with x-kubernetes-list-type=set';
    const shown = items['x-kubernetes-list-type'] ?? null;
    if (items.type === 'array' && shown !== null && shown !== 'atomic') {
      this.faults.push(invalidField(`${path}.x-kubernetes-list-type`, shown, why));
    }
    if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
      this.faults.push(invalidField(`${path}.x-kubernetes-map-type`, shown, why));
    }
  }

  #mapItems(schema: JSONSchemaProps, items: JSONSchemaProps | undefined, path: string): void {
    const keys = schema['x-kubernetes-list-map-keys'] ?? [];
    const keysAt = `${path}.x-kubernetes-list-map-keys`;
    if (keys.length === 0) this.faults.push(requiredField(keysAt, 'must not be empty if x-kubernetes-list-type is map'));
    if (schema.items === undefined) {
      this.faults.push(requiredField(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'));
      return;
    }
    if (!items) {
      this.faults.push(invalidField(`${path}.items`, schema.items, 'must only have a single schema if x-kubernetes-list-type is map'));
      return;
    }
    if (items.type !== 'object') {
      const why = "must be object if parent array's x-kubernetes-list-type is map";
      this.faults.push(invalidField(`${path}.items.type`, items.type ?? '', why));
      return;
    }
    for (const [i, key] of keys.entries()) {
      const property = Object.hasOwn(items.properties ?? {}, key) ? items.properties?.[key] : undefined;
      if (!property) this.faults.push(invalidField(keysAt, keys, 'entries must all be names of item properties'));
      else if (property.type === 'array' || property.type === 'object') {
        const why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
        this.faults.push(invalidField(`${path}.items.properties[${key}].type`, items.type, why));
      }
      if (keys.indexOf(key) < i) this.faults.push(invalidField(keysAt, keys, 'must not contain duplicate entries'));
    }
  }
}

/** What would leave an element of a set or map without something to tell it from the others. */
function elementFaults(schema: JSONSchemaProps, path: string): StatusCause[] {
  const kind = schema['x-kubernetes-list-type'];
  if (!isObject(schema.items) || (kind !== 'set' && kind !== 'map')) return [];
  const items = schema.items as JSONSchemaProps;
  const faults: StatusCause[] = [];
  if (items.nullable === true) {
    faults.push(forbiddenField(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${kind}`));
  }
  for (const key of kind === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : []) {
    const property = Object.hasOwn(items.properties ?? {}, key) ? items.properties?.[key] : undefined;
    if (!property) continue;
    const at = `${path}.items.properties[${key}]`;
    if (!items.required?.includes(key) && property.default === undefined) {
      const why = 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
      faults.push(requiredField(`${at}.default`, why));
    }
    if (property.nullable === true) {
      faults.push(forbiddenField(`${at}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'));
    }
  }
  return faults;
}
