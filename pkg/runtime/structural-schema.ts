/**
 * Whether the schema of a CustomResourceDefinition is structural: every value has a type of its own, and what is
 * combined by allOf, anyOf, oneOf and not only narrows values.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
import type { JSONSchemaProps } from '../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../api/generated/meta-v1.ts';
import { forbiddenField, invalidField, requiredField } from './field-errors.ts';
import { equalValues, isObject } from './values.ts';

/** What is wrong with a regular expression; undefined: nothing. */
export type PatternFault = (pattern: string) => string | undefined;
type Where = 'root' | 'field' | 'item';

/** Keywords that belong to the structure, with how Kubernetes says that what narrows it must not have them. */
const structureOnly = {
  type: 'empty',
  title: 'empty',
  description: 'empty',
  default: 'undefined',
  nullable: 'false',
  'x-kubernetes-preserve-unknown-fields': 'false',
  'x-kubernetes-embedded-resource': 'false',
  'x-kubernetes-int-or-string': 'false',
  'x-kubernetes-list-map-keys': 'empty',
  'x-kubernetes-list-type': 'undefined',
  'x-kubernetes-map-type': 'undefined',
  'x-kubernetes-validations': 'empty',
} as const;
const combiners = ['allOf', 'anyOf', 'oneOf'] as const;
/** The two alternatives of a value that is an integer or a string: the one place where types may be narrowed. */
const intOrString: readonly JSONSchemaProps[] = [{ type: 'integer' }, { type: 'string' }];
const unsupported = ['id', '$schema', '$ref', 'patternProperties', 'dependencies', 'additionalItems', 'definitions'] as const;

/** Why a schema has no structure at all, so that nothing can be said of it; undefined: it has. */
export function noStructure(schema: JSONSchemaProps): string | undefined {
  for (const keyword of unsupported) {
    const value = schema[keyword];
    if (value !== undefined && value !== '' && !(isObject(value) && keyword !== 'additionalItems' && Object.keys(value).length === 0))
      return `OpenAPIV3Schema '${keyword.replace('$schema', 'schema')}' is not supported`;
  }
  if (Array.isArray(schema.items)) return "OpenAPIV3Schema 'items' must be a schema, but is an array";
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
  }
  for (const inner of schemasIn(schema)) {
    const why = noStructure(inner);
    if (why !== undefined) return why;
  }
  return undefined;
}

function* schemasIn(schema: JSONSchemaProps): Generator<JSONSchemaProps> {
  yield* Object.values(schema.properties ?? {});
  for (const one of [schema.items, schema.additionalProperties, schema.not]) if (isObject(one)) yield one as JSONSchemaProps;
  for (const keyword of combiners) yield* schema[keyword] ?? [];
}

/** All faults, in the order of their texts. `path`: of the schema in the definition, `spec.validation.openAPIV3Schema`. */
export function structuralFaults(schema: JSONSchemaProps, path: string, patternFault: PatternFault): StatusCause[] {
  const faults: StatusCause[] = [];
  new StructureCheck(faults, patternFault).node(schema, path, 'root');
  checkComplete(schema, schema, { path, from: path }, faults);
  const text = ({ field, message }: StatusCause): string => `${field}: ${message}`;
  return faults.sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
}

class StructureCheck {
  readonly #faults: StatusCause[];
  readonly #patternFault: PatternFault;

  constructor(faults: StatusCause[], patternFault: PatternFault) {
    this.#faults = faults;
    this.#patternFault = patternFault;
  }

  node(schema: JSONSchemaProps, path: string, where: Where): void {
    const { items, properties = {}, additionalProperties } = schema;
    if (schema.type === 'array' && !isObject(items)) this.#faults.push(requiredField(`${path}.items`, 'must be specified'));
    if (isObject(items)) this.node(items as JSONSchemaProps, `${path}.items`, 'item');
    for (const [name, inner] of Object.entries(properties)) this.node(inner, `${path}.properties[${name}]`, 'field');
    if (additionalProperties !== undefined) {
      if (where === 'root') this.#faults.push(forbiddenField(`${path}.additionalProperties`, 'must not be used at the root'));
      if (isObject(additionalProperties)) this.node(additionalProperties as JSONSchemaProps, `${path}.additionalProperties`, 'field');
    }
    this.#extensions(schema, path);
    this.#narrowings(schema, path, { any: equalValues(schema.anyOf, intOrString), all: true });
    this.#type(schema, path, where);
    this.#identity(schema, path, where);
  }

  #extensions(schema: JSONSchemaProps, path: string): void {
    if (schema['x-kubernetes-int-or-string'] !== true) return;
    for (const keyword of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const) {
      if (schema[keyword] !== true) continue;
      this.#faults.push(invalidField(`${path}.${keyword}`, true, 'must be false if x-kubernetes-int-or-string is true'));
    }
  }

  #type(schema: JSONSchemaProps, path: string, where: Where): void {
    const { type = '' } = schema;
    const at = `${path}.type`;
    const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
    if (schema['x-kubernetes-embedded-resource'] === true) {
      const why = 'must be object if x-kubernetes-embedded-resource is true';
      if (type !== 'object') this.#faults.push(type === '' ? requiredField(at, why) : invalidField(at, type, why));
      if (schema.additionalProperties !== undefined) {
        this.#faults.push(forbiddenField(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set'));
      }
      if (!open && Object.keys(schema.properties ?? {}).length === 0) {
        const either = 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
        this.#faults.push(requiredField(`${path}.properties`, either));
      }
    } else if (type === '' && schema['x-kubernetes-int-or-string'] !== true && !open) {
      const what = { root: 'at the root', item: 'for specified array items', field: 'for specified object fields' }[where];
      this.#faults.push(requiredField(at, `must not be empty ${what}`));
    }
    if (where === 'root' && type !== '' && type !== 'object') this.#faults.push(invalidField(at, type, 'must be object at the root'));
  }

  /** The server knows these fields itself; at the root, a schema may say more of the names alone. */
  #identity({ properties = {}, ...schema }: JSONSchemaProps, path: string, where: Where): void {
    const resource = where === 'root' || schema['x-kubernetes-embedded-resource'] === true;
    const at = (name: string): string => `${path}.properties[${name}]`;
    for (const name of ['kind', 'apiVersion', 'metadata']) {
      const type = Object.hasOwn(properties, name) ? (properties[name]?.type ?? '') : undefined;
      const expected = name === 'metadata' ? 'object' : 'string';
      if (resource && type !== undefined && type !== expected) {
        this.#faults.push(invalidField(`${at(name)}.type`, type, `must be ${expected}`));
      }
    }
    if (where !== 'root' || !properties['metadata']) return;
    const { type: _type, default: _default, properties: fields = {}, ...more } = properties['metadata'];
    if (Object.keys(more).length > 0 || Object.keys(fields).some((name) => name !== 'name' && name !== 'generateName')) {
      const why = 'must not specify anything other than name and generateName, but metadata is implicitly specified';
      this.#faults.push(forbiddenField(at('metadata'), why));
    }
  }

  /** `free`: an anyOf that says nothing but that the value is an integer or a string, of the schema or of its first allOf. */
  #narrowings(schema: JSONSchemaProps, path: string, free: { readonly any: boolean; readonly all: boolean }): void {
    if (!free.any) for (const [i, inner] of (schema.anyOf ?? []).entries()) this.#narrowing(inner, `${path}.anyOf[${i}]`);
    for (const [i, inner] of (schema.allOf ?? []).entries()) {
      this.#narrowing(inner, `${path}.allOf[${i}]`, free.all && i === 0 && equalValues(inner.anyOf, intOrString));
    }
    for (const [i, inner] of (schema.oneOf ?? []).entries()) this.#narrowing(inner, `${path}.oneOf[${i}]`);
    if (schema.not) this.#narrowing(schema.not, `${path}.not`);
    if (!schema.pattern) return;
    const why = this.#patternFault(schema.pattern);
    if (why === undefined) return;
    this.#faults.push(invalidField(`${path}.pattern`, schema.pattern, `must be a valid regular expression, but isn't: ${why}`));
  }

  #narrowing(schema: JSONSchemaProps, path: string, freeAny = false): void {
    this.#narrowings(schema, path, { any: freeAny, all: false });
    if (isObject(schema.items)) this.#narrowing(schema.items as JSONSchemaProps, `${path}.items`);
    const { properties = {}, additionalProperties } = schema;
    for (const [name, inner] of Object.entries(properties)) this.#narrowing(inner, `${path}.properties[${name}]`);
    if (additionalProperties !== undefined && additionalProperties !== false) {
      this.#faults.push(forbiddenField(`${path}.additionalProperties`, 'must be undefined to be structural'));
    }
    for (const [keyword, expected] of Object.entries(structureOnly)) {
      const value = schema[keyword as keyof typeof structureOnly];
      const unsaid =
        value === undefined || (expected === 'empty' ? (value as string | unknown[]).length === 0 : expected === 'false' && !value);
      if (!unsaid) this.#faults.push(forbiddenField(`${path}.${keyword}`, `must be ${expected} to be structural`));
    }
    if (Object.hasOwn(properties, 'metadata')) {
      this.#faults.push(forbiddenField(`${path}.properties[metadata]`, 'must not be specified in a nested context'));
    }
  }
}

interface Narrowed {
  /** Of the structure. */
  readonly path: string;
  /** Of what narrows it. */
  readonly from: string;
}

/** Whatever is narrowed must be there in the structure. Only the root is asked: what stands below it narrows its own. */
function checkComplete(
  { allOf = [], anyOf = [], oneOf = [], not }: JSONSchemaProps,
  structure: JSONSchemaProps,
  { path, from }: Narrowed,
  faults: StatusCause[],
): void {
  if (not) checkPlace(not, structure, { path, from: `${from}.not` }, faults);
  for (const [keyword, list] of Object.entries({ allOf, anyOf, oneOf })) {
    for (const [i, inner] of list.entries()) checkPlace(inner, structure, { path, from: `${from}.${keyword}[${i}]` }, faults);
  }
}

function checkPlace(schema: JSONSchemaProps, structure: unknown, { path, from }: Narrowed, faults: StatusCause[]): void {
  if (!isObject(structure)) {
    faults.push(requiredField(path, `because it is defined in ${from}`));
    return;
  }
  const { items, properties = {} } = structure as JSONSchemaProps;
  checkComplete(schema, structure as JSONSchemaProps, { path, from }, faults);
  if (isObject(schema.items)) {
    checkPlace(schema.items as JSONSchemaProps, items, { path: `${path}.items`, from: `${from}.items` }, faults);
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const step = `.properties[${name}]`;
    checkPlace(inner, Object.hasOwn(properties, name) ? properties[name] : undefined, { path: path + step, from: from + step }, faults);
  }
}
