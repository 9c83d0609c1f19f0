/**
 * Brings a custom resource into the shape of its structural schema: fields that it does not know are left out and
 * reported, a null that is no value is left out, and what an object says of itself is read as Go reads it. What is of
 * the wrong type is left to validation, which answers 422; what stands in it is left out there, too.
 */

import { badRequest, isApiError } from '../api/errors.ts';
import type { JSONSchemaProps } from '../api/generated/apiextensions-v1.ts';
import { quoteValue } from './field-errors.ts';
import { builtinSchema, type Schema } from './schema.ts';
import { sorted } from './sorted-json.ts';
import { duplicateText, type Pruned, type PruneOptions, pruneTyped } from './typed-prune.ts';
import { copyValue, goKind, isObject, type JsonObject, setKey } from './values.ts';

const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** `source`: the OpenAPI schema. Throws BadRequest. */
export function pruneCustom(value: JsonObject, source: JSONSchemaProps, { fieldValidation, duplicates = [] }: PruneOptions): Pruned {
  const collect = fieldValidation !== 'Ignore';
  const pruner = new CustomPruner(collect);
  const out = pruner.root(value, source);
  const unknown = [...pruner.ofMetadata, ...pruner.unknown.sort(), ...pruner.embedded.sort()];
  // Keys that stand twice are seen when the text is decoded, before anybody looks at the schema.
  const problems = collect ? [...duplicates.map(duplicateText), ...unknown.map((path) => `unknown field "${path}"`)] : [];
  return { value: out, unknown, problems };
}

/** undefined: nothing is known of the value, and nothing within it. */
type Known = JSONSchemaProps | undefined;

class CustomPruner {
  readonly ofMetadata: string[] = [];
  readonly unknown: string[] = [];
  readonly embedded: string[] = [];
  readonly #collect: boolean;
  /** Steps that lead here: `.spec`, `[0]`. */
  readonly #path: (string | number)[] = [];

  constructor(collect: boolean) {
    this.#collect = collect;
  }

  root(value: JsonObject, source: JSONSchemaProps): JsonObject {
    const { apiVersion, kind, metadata, ...fields } = value;
    const own: JsonObject = {};
    if (apiVersion !== undefined) own['apiVersion'] = apiVersion;
    if (kind !== undefined) own['kind'] = kind;
    if (metadata !== undefined) own['metadata'] = this.#metadata(metadata, this.ofMetadata);
    // The server reads them itself, whatever the schema says of them.
    return Object.assign(own, this.#object(fields, source, source['x-kubernetes-preserve-unknown-fields'] === true));
  }

  /** `open`: unknown fields stay, here; those of parts that the schema knows do not. */
  #value(value: unknown, schema: Known, open = schema?.['x-kubernetes-preserve-unknown-fields'] === true): unknown {
    if (Array.isArray(value)) return this.#array(value, schema, open);
    return isObject(value) ? this.#object(value, schema, open) : value;
  }

  #array(value: readonly unknown[], schema: Known, open: boolean): unknown[] {
    const items = isObject(schema?.items) ? (schema.items as JSONSchemaProps) : undefined;
    if (open && !items) return value.map((item) => copyValue(item));
    return value.map((item, index) => {
      if (typeof item !== 'object' || item === null) return item;
      this.#path.push(index);
      const kept = open ? this.#value(item, items, true) : this.#value(item, items);
      this.#path.pop();
      return kept;
    });
  }

  #object(value: JsonObject, schema: Known, open: boolean): JsonObject {
    const out: JsonObject = {};
    const properties = schema?.properties;
    const additional = schema?.additionalProperties;
    const resource = schema?.['x-kubernetes-embedded-resource'] === true && this.#path.length > 0;
    for (const key in value) {
      const given = value[key];
      if (resource && (key === 'apiVersion' || key === 'kind' || key === 'metadata')) {
        setKey(out, key, this.#identity(key, given));
        continue;
      }
      const known = properties !== undefined && Object.hasOwn(properties, key);
      if (!known && additional === undefined) {
        if (open) setKey(out, key, copyValue(given));
        else if (this.#collect) this.unknown.push(this.#here(key));
        continue;
      }
      const inner = known ? properties[key] : isObject(additional) ? (additional as JSONSchemaProps) : undefined;
      if (given === null) {
        if (keepsNull(inner)) setKey(out, key, null);
        continue;
      }
      if (given === undefined) continue;
      this.#path.push(key);
      setKey(out, key, this.#value(given, inner));
      this.#path.pop();
    }
    return out;
  }

  /** What an embedded object says of itself. */
  #identity(key: string, given: unknown): unknown {
    if (key !== 'metadata') {
      if (typeof given === 'string') return given;
      throw badRequest(`${this.#here(key)}: Invalid value: ${quoteValue(sorted(given))}: must be a string`);
    }
    try {
      return this.#metadata(given, this.embedded);
    } catch (error) {
      if (!isApiError(error, 'BadRequest')) throw error;
      throw badRequest(`${this.#here(key)}: Invalid value: ${quoteValue(sorted(given))}: ${error.message}`, error);
    }
  }

  #metadata(given: unknown, unknown: string[]): JsonObject {
    if (given !== null && !isObject(given)) throw badRequest(`json: cannot unmarshal ${goKind(given)} into Go value of type v1.ObjectMeta`);
    const schema: Schema = builtinSchema(objectMeta);
    const pruned = pruneTyped(given ?? {}, schema, { fieldValidation: this.#collect ? 'Warn' : 'Ignore' });
    unknown.push(...pruned.unknown.map((path) => this.#here(`metadata.${path}`)));
    return pruned.value;
  }

  #here(key: string): string {
    let text = '';
    for (const part of this.#path) text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`;
    return text === '' ? key : `${text}.${key}`;
  }
}

/** Null is a value where the schema says so or says nothing, and where it stands for the default. */
const keepsNull = (schema: Known): boolean => schema === undefined || schema.nullable === true || schema.default !== undefined;
