/** Parts of a Kubernetes object as values, by the types of its schema. Nothing is copied: a part is converted when it is asked for. */

import { type CelType, opaque } from '../types/cel-type.ts';
import type { SchemaType } from '../types/schema-type.ts';
import { decodeBase64 } from './base64.ts';
import { parseDate, parseLooseDuration, parseTimestamp } from './time.ts';
import { ArrayList, CelError, type CelValue, type ListIdentity, ListValue, MapValue, OpaqueValue } from './value.ts';

/** Throws CelError for what the schema does not allow: validation by schema has its own words for it. */
export function fromJson(value: unknown, type: SchemaType): CelValue {
  if (value === null || value === undefined) {
    if (type.nullable) return null;
    throw new CelError('invalid data, got null for schema with nullable=false');
  }
  switch (type.shape) {
    case 'object':
      return new JsonObject(object(value), type);
    case 'map':
      return new JsonMap(object(value), type);
    case 'list':
      if (!Array.isArray(value)) throw new CelError('invalid data, expected an array for the provided schema with type=array');
      return new JsonList(value, type);
    case 'int-or-string':
      if (typeof value === 'string') return value;
      return integer(value, 'invalid data, expected XIntOrString value to be either a string or integer');
    case 'int':
      return integer(value, `invalid data, expected int, got ${kindOf(value)}`);
    case 'double':
      if (typeof value !== 'number' && typeof value !== 'bigint') throw new CelError(`invalid data, expected float, got ${kindOf(value)}`);
      return Number(value);
    case 'bool':
      if (typeof value !== 'boolean') throw new CelError(`invalid data, expected bool, got ${kindOf(value)}`);
      return value;
    default:
      return fromText(value, type);
  }
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CelError('invalid data, expected a map for the provided schema with type=object');
  }
  return value as Readonly<Record<string, unknown>>;
}

function integer(value: unknown, otherwise: string): bigint {
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))) {
    const exact = BigInt(value);
    if (BigInt.asIntN(64, exact) === exact) return exact;
  }
  throw new CelError(otherwise);
}

function fromText(value: unknown, type: SchemaType): CelValue {
  if (typeof value !== 'string') throw new CelError(`invalid data, expected string, got ${kindOf(value)}`);
  switch (type.shape) {
    case 'bytes':
      return decodeBase64(value, `Invalid byte formatted string ${value}: illegal base64 data`);
    case 'duration':
      return parseLooseDuration(value);
    case 'date':
      return parseDate(value);
    case 'date-time':
      return parseTimestamp(value);
    default:
      return value;
  }
}

/** As Go names it. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  switch (typeof value) {
    case 'object':
      return 'map[string]interface {}';
    case 'boolean':
      return 'bool';
    case 'number':
      return Number.isInteger(value) ? 'int64' : 'float64';
    default:
      return typeof value === 'bigint' ? 'int64' : typeof value;
  }
}

class JsonList extends ListValue {
  readonly #value: readonly unknown[];
  readonly #type: SchemaType;
  readonly #identity: ListIdentity | undefined;

  constructor(value: readonly unknown[], type: SchemaType) {
    super();
    this.#value = value;
    this.#type = type;
    if (type.listType === 'set') this.#identity = setIdentity;
    else if (type.listType === 'map') this.#identity = mapIdentity(type);
  }
  override get identity(): ListIdentity | undefined {
    return this.#identity;
  }
  get size(): number {
    return this.#value.length;
  }
  at(index: number): CelValue {
    return fromJson(this.#value[index], this.#type.element as SchemaType);
  }
}

const setIdentity: ListIdentity = { kind: 'set', keyOf: identityKey };

function mapIdentity(type: SchemaType): ListIdentity {
  const fields = type.element?.fields;
  const keys = (type.listMapKeys ?? []).map((key) => [...(fields ?? [])].find(([, field]) => field.name === key)?.[0] ?? key);
  return {
    kind: 'map',
    keyOf: (element) => {
      if (!(element instanceof MapValue)) throw new CelError('unexpected data format for element of array with x-kubernetes-list-type=map');
      return JSON.stringify(keys.map((key) => identityKey(element.get(key) ?? null)));
    },
  };
}

function identityKey(value: CelValue): string {
  if (value instanceof ListValue) return `[${[...value].map(identityKey).join()}]`;
  if (value instanceof MapValue) {
    const entries = [...value.keys()].map((key) => `${identityKey(key)}:${identityKey(value.get(key) ?? null)}`);
    return `{${entries.sort().join()}}`;
  }
  return `${typeof value} ${typeof value === 'object' ? JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}` : part)) : JSON.stringify(String(value))}`;
}

class JsonMap extends MapValue {
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #element: SchemaType;
  #size: number | undefined;

  constructor(value: Readonly<Record<string, unknown>>, type: SchemaType) {
    super();
    this.#value = value;
    this.#element = type.element as SchemaType;
  }
  get size(): number {
    this.#size ??= Object.keys(this.#value).length;
    return this.#size;
  }
  get(key: CelValue): CelValue | undefined {
    return typeof key === 'string' && Object.hasOwn(this.#value, key) ? fromJson(this.#value[key], this.#element) : undefined;
  }
  keys(): Iterable<string> {
    return Object.keys(this.#value);
  }
}

class JsonObject extends MapValue {
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #type: SchemaType;

  constructor(value: Readonly<Record<string, unknown>>, type: SchemaType) {
    super();
    this.#value = value;
    this.#type = type;
  }
  override get objectType(): CelType {
    return this.#type.type;
  }
  get size(): number {
    return Object.keys(this.#value).length;
  }
  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string') return undefined;
    const field = this.#type.fields?.get(key);
    // A field that is null is as good as absent.
    if (field) return this.#has(field.name) ? fromJson(this.#value[field.name], field.type) : undefined;
    return Object.hasOwn(this.#value, key) ? new PreservedValue(this.#value[key]) : undefined;
  }
  #has(name: string): boolean {
    return Object.hasOwn(this.#value, name) && this.#value[name] !== null;
  }

  /** Escaped where they are declared. */
  *keys(): Generator<string> {
    const declared = new Set<string>();
    for (const [escaped, field] of this.#type.fields ?? []) {
      declared.add(field.name);
      if (this.#has(field.name)) yield escaped;
    }
    for (const name of Object.keys(this.#value)) if (!declared.has(name)) yield name;
  }
}

/** What the schema keeps but does not describe: it can only be compared, as a part of what holds it. */
class PreservedValue extends OpaqueValue {
  readonly type = opaque('unknown');
  readonly #value: unknown;
  constructor(value: unknown) {
    super();
    this.#value = value;
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof PreservedValue && equalJson(this.#value, other.#value);
  }
}

export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return (
      (typeof a === 'bigint' || typeof b === 'bigint') &&
      typeof a !== 'string' &&
      typeof b !== 'string' &&
      Number(a) === Number(b) &&
      String(a) === String(b)
    );
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((element, index) => equalJson(element, b[index]));
  }
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && equalJson((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
  );
}

/** Any JSON, without a schema: integers are ints, as Kubernetes' decoder has them. */
export function fromUntyped(value: unknown): CelValue {
  if (Array.isArray(value)) return new ArrayList(value.map(fromUntyped));
  if (typeof value === 'object' && value !== null) return new UntypedMap(value as Readonly<Record<string, unknown>>);
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint') return value;
  return null;
}

class UntypedMap extends MapValue {
  readonly #value: Readonly<Record<string, unknown>>;
  constructor(value: Readonly<Record<string, unknown>>) {
    super();
    this.#value = value;
  }
  get size(): number {
    return Object.keys(this.#value).length;
  }
  get(key: CelValue): CelValue | undefined {
    return typeof key === 'string' && Object.hasOwn(this.#value, key) ? fromUntyped(this.#value[key]) : undefined;
  }
  keys(): Iterable<string> {
    return Object.keys(this.#value);
  }
}
