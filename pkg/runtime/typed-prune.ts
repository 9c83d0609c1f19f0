/**
 * Brings a decoded value into the shape of its type, as decoding into Go's structs does: unknown fields are left out
 * and reported, a value of the wrong type is refused in the words of Go's decoder, null is "not set", Go's zero values
 * become absence, and quantities, times and bytes get their canonical form.
 */
import { type ApiError, badRequest } from '../api/errors.ts';
import { canonicalQuantity } from '../api/quantity.ts';
import type { Field, Schema } from './schema.ts';
import { copyValue, goKind, isObject, type JsonObject, normalBase64, normalMicroTime, normalTime, setKey } from './values.ts';

export interface PruneOptions {
  /** Strict: unknown and duplicate fields are refused. Ignore: not even collected. Default: Warn. */
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
  /** The keys that stood twice in the document, from `decodeBody`: reported together with the unknown fields. */
  readonly duplicates?: readonly string[];
  /** Keeps zero values, empty lists and empty maps: an apply configuration owns even those. */
  readonly keepZeros?: boolean;
  /**
   * Whose words a value of the wrong type is refused in: those of Go's JSON decoder, or of the converter that takes
   * what a strategic merge patch has made.
   */
  readonly words?: 'json' | 'structure';
  /** For the texts of errors; read from the value, or from the type, when left out. */
  readonly kind?: string;
  readonly version?: string;
}

export interface Pruned {
  /** A copy; nothing in it is shared with the value given. */
  readonly value: JsonObject;
  /** Paths of the fields that the type does not have: `spec.containers[0].foo`. Empty with Ignore. */
  readonly unknown: readonly string[];
  /**
   * The texts of `Warning` headers, and of what Strict refuses: `unknown field "spec.foo"`, `duplicate field "spec.x"`,
   * in the order of the document. Empty with Ignore.
   */
  readonly problems: readonly string[];
}

/** Throws BadRequest in the words of Go's decoder. */
export function pruneTyped(value: JsonObject, schema: Schema, options: PruneOptions = {}): Pruned {
  const pruner = new Pruner(options);
  const out = pruner.object(value, schema);
  return { value: out, unknown: pruner.unknown, problems: pruner.problems };
}

const int32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };
const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

class Pruner {
  readonly unknown: string[] = [];
  readonly problems: string[] = [];
  readonly #collect: boolean;
  /** Paths to be reported where they are met: Go does not look into fields that it does not know. */
  readonly #duplicates: ReadonlySet<string>;
  readonly #keepZeros: boolean;
  readonly #structure: boolean;
  /** Where we are: names of fields, keys of maps, indexes of lists. */
  readonly #path: (string | number)[] = [];
  /** Names of Go's fields only, as its decoder reports them. */
  readonly #fields: string[] = [];
  #struct = '';

  constructor(options: PruneOptions) {
    this.#collect = options.fieldValidation !== 'Ignore';
    this.#keepZeros = options.keepZeros ?? false;
    this.#structure = options.words === 'structure';
    const duplicates = this.#collect ? (options.duplicates ?? []) : [];
    // YAML's parser counts lines: it has seen them all before anything else is looked at.
    const early = duplicates.filter(isYamlDuplicate);
    this.problems.push(...early.map(duplicateText));
    this.#duplicates = new Set(duplicates.filter((duplicate) => !early.includes(duplicate)));
  }

  object(value: JsonObject, schema: Schema): JsonObject {
    const out: JsonObject = {};
    const outer = this.#struct;
    const { fields } = schema;
    for (const key in value) {
      const given = value[key];
      const field = fields.get(key);
      if (field === undefined) {
        if (schema.preserveUnknown) setKey(out, key, copyValue(given));
        else if (this.#collect) {
          const path = this.#here(key);
          this.unknown.push(path);
          this.problems.push(`unknown field "${path}"`);
        }
        continue;
      }
      if (this.#duplicates.size > 0) this.#reportDuplicate(key);
      if (given === null || given === undefined) {
        // Go takes null for "not set"; whoever applies it has said something all the same.
        if (given === null && this.#keepZeros) setKey(out, key, null);
        continue;
      }
      this.#struct = schema.goType;
      this.#path.push(key);
      this.#fields.push(key);
      const kept = this.value(given, field.schema);
      this.#path.pop();
      this.#fields.pop();
      if (this.#keepZeros || !isZero(kept, field)) setKey(out, key, kept);
    }
    this.#struct = outer;
    return out;
  }

  value(value: unknown, schema: Schema): unknown {
    switch (schema.kind) {
      case 'scalar':
        return this.#scalar(value, schema);
      case 'object':
        if (!isObject(value)) throw this.#mistyped(goKind(value), schema);
        return this.object(value, schema);
      case 'array':
        return this.#array(value, schema);
      case 'map':
        return this.#map(value, schema);
      case 'any':
        return this.#any(value, schema);
    }
  }

  #array(value: unknown, schema: Schema): unknown[] {
    if (!Array.isArray(value)) throw this.#mistyped(goKind(value), schema);
    const items = schema.items as Schema;
    const out: unknown[] = new Array(value.length);
    for (let i = 0; i < value.length; i++) {
      this.#path.push(i);
      const item: unknown = value[i];
      out[i] = item === null || item === undefined ? emptyOf(items) : this.value(item, items);
      this.#path.pop();
    }
    return out;
  }

  #map(value: unknown, schema: Schema): JsonObject {
    if (!isObject(value)) throw this.#mistyped(goKind(value), schema);
    const items = schema.items as Schema;
    const out: JsonObject = {};
    for (const key in value) {
      const item = value[key];
      if (this.#duplicates.size > 0) this.#reportDuplicate(key);
      this.#path.push(key);
      setKey(out, key, item === null || item === undefined ? emptyOf(items) : this.value(item, items));
      this.#path.pop();
    }
    return out;
  }

  #any(value: unknown, schema: Schema): unknown {
    const items = schema.items;
    if (!items) return copyValue(value);
    if (isObject(value)) return this.object(value, items);
    if (!Array.isArray(value)) return value;
    return value.map((item: unknown, index) => {
      if (!isObject(item)) return item;
      this.#path.push(index);
      const kept = this.object(item, items);
      this.#path.pop();
      return kept;
    });
  }

  #scalar(value: unknown, schema: Schema): unknown {
    switch (schema.type) {
      case 'string':
        if (typeof value === 'string') return value;
        break;
      case 'bool':
        if (typeof value === 'boolean') return value;
        break;
      case 'int32':
        if (typeof value === 'number') {
          if (Number.isInteger(value) && value >= int32.min && value <= int32.max) return value;
          throw this.#mistyped(`number ${value}`, schema);
        }
        if (typeof value === 'bigint') throw this.#mistyped(`number ${value}`, schema);
        break;
      case 'int64':
        if (typeof value === 'number') {
          if (Number.isSafeInteger(value)) return value;
          throw this.#mistyped(`number ${value}`, schema);
        }
        if (typeof value === 'bigint') {
          if (value < int64.min || value > int64.max) throw this.#mistyped(`number ${value}`, schema);
          return BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value;
        }
        break;
      case 'double':
        if (typeof value === 'number') return value;
        if (typeof value === 'bigint') return Number(value);
        break;
      case 'byte':
        if (typeof value === 'string') return normalBase64(value);
        break;
      case 'quantity':
        if (typeof value === 'string') return canonicalQuantity(value);
        return canonicalQuantity(typeof value === 'number' || typeof value === 'bigint' ? String(value) : goKind(value));
      case 'int-or-string':
        if (typeof value === 'string') return value;
        if (typeof value === 'number' && Number.isInteger(value) && value >= int32.min && value <= int32.max) return value;
        throw unmarshal(typeof value === 'number' ? `number ${value}` : goKind(value), 'int32');
      case 'time':
        if (typeof value === 'string') return normalTime(value);
        throw unmarshal(goKind(value), 'string');
      case 'micro-time':
        if (typeof value === 'string') return normalMicroTime(value);
        throw unmarshal(goKind(value), 'string');
    }
    throw this.#mistyped(goKind(value), schema);
  }

  #mistyped(found: string, schema: Schema): ApiError {
    if (this.#structure) return unconvertible(found, schema);
    const struct = this.#struct.split('.').pop();
    if (this.#fields.length === 0) return unmarshal(found, schema.goType);
    return badRequest(`json: cannot unmarshal ${found} into Go struct field ${struct}.${this.#fields.join('.')} of type ${schema.goType}`);
  }

  #reportDuplicate(key: string): void {
    const path = this.#here(key);
    if (this.#duplicates.has(path)) this.problems.push(duplicateText(path));
  }

  #here(key: string): string {
    let text = '';
    for (const part of this.#path) text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`;
    return text === '' ? key : `${text}.${key}`;
  }
}

/** `line 10: key "replicas" already set in map`: how YAML's duplicates come. */
function isYamlDuplicate(duplicate: string): boolean {
  return /^line \d+: key /.test(duplicate);
}

export function duplicateText(duplicate: string): string {
  return isYamlDuplicate(duplicate) ? duplicate : `duplicate field "${duplicate}"`;
}

function unmarshal(found: string, type: string): ApiError {
  return badRequest(`json: cannot unmarshal ${found} into Go value of type ${type}`);
}

/** `found`: `string`, `bool`, `number 1.5`, `array`, `object`. */
function unconvertible(found: string, { kind, type, goType }: Schema): ApiError {
  const go = /^number .*[.e]/.test(found) ? 'float64' : found.startsWith('number') ? 'int64' : (goNames[found] ?? found);
  if (kind === 'array') return badRequest(`cannot restore slice from ${go}`);
  if (kind === 'map') return badRequest(`cannot restore map from ${go}`);
  if (kind === 'object') return badRequest(`cannot restore struct from: ${go}`);
  const numeric = type === 'int32' || type === 'int64' || type === 'double';
  if (go === 'int64' ? numeric || type === 'string' : go === 'float64' && numeric) return badRequest(`cannot convert ${go} to ${goType}`);
  return badRequest(`unrecognized type: ${goType}`);
}

const goNames: Readonly<Record<string, string>> = { array: 'slice', object: 'map', number: 'int64' };

/** What null stands for as the element of a list or map. */
function emptyOf(schema: Schema): unknown {
  switch (schema.kind) {
    case 'object':
      return {};
    case 'scalar':
      if (schema.type === 'bool') return false;
      if (schema.type === 'quantity') return '0';
      return schema.type === 'int32' || schema.type === 'int64' || schema.type === 'double' || schema.type === 'int-or-string'
        ? 0
        : schema.type === 'time' || schema.type === 'micro-time'
          ? null
          : '';
    default:
      return null;
  }
}

/** Whether Go would not write the field: its zero value, where the field is no pointer and marked omitempty. */
function isZero(value: unknown, field: Field): boolean {
  if (!field.omitEmpty) return false;
  if (typeof value === 'object') {
    if (Array.isArray(value)) return value.length === 0 && field.schema.kind === 'array';
    if (field.schema.kind !== 'map') return false;
    for (const _ in value) return false;
    return true;
  }
  return (
    field.value &&
    (value === '' || value === 0 || value === false) &&
    field.schema.kind === 'scalar' &&
    field.schema.type !== 'quantity' &&
    field.schema.type !== 'int-or-string'
  );
}
