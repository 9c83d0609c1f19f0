/**
 * Values while an expression is evaluated. Scalars are JavaScript's own: `bigint` is int, `number` is double. Lists and
 * maps are interfaces, so that parts of a Kubernetes object are looked at where they are, and converted when asked for.
 */
import type { CelType } from '../types/cel-type.ts';

export type CelValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | Uint
  | Timestamp
  | Duration
  | ListValue
  | MapValue
  | OptionalValue
  | TypeValue
  | OpaqueValue;

/** Evaluation has failed: `no such key: x`, `division by zero`. The words are cel-go's. */
export class CelError extends Error {
  override readonly name = 'CelError';
}

export const noSuchOverload = (): CelError => new CelError('no such overload');

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** Years 1 to 9999, in nanoseconds since 1970. */
export class Timestamp {
  readonly nanos: bigint;
  /** Of the time zone in which it was written, in minutes: it is written in it again. */
  readonly offset: number;
  constructor(nanos: bigint, offset = 0) {
    if (nanos < minTimestamp || nanos > maxTimestamp) throw new CelError('timestamp overflow');
    this.nanos = nanos;
    this.offset = offset;
  }
}
const billion = 1_000_000_000n;
const minTimestamp = -62_135_596_800n * billion;
const maxTimestamp = 253_402_300_799n * billion + 999_999_999n;

/** As Go's durations: nanoseconds in 64 bits. */
export class Duration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    if (BigInt.asIntN(64, nanos) !== nanos) throw new CelError('duration overflow');
    this.nanos = nanos;
  }
}

export abstract class ListValue {
  abstract readonly size: number;
  /** `index` is within the list. */
  abstract at(index: number): CelValue;
  /** How lists with `x-kubernetes-list-type` are compared and added. */
  get identity(): ListIdentity | undefined {
    return undefined;
  }

  *[Symbol.iterator](): Generator<CelValue> {
    for (let index = 0; index < this.size; index++) yield this.at(index);
  }
}

/** Elements of a set, or of a list keyed like a map, are the same where their keys are. */
export interface ListIdentity {
  readonly kind: 'set' | 'map';
  keyOf(element: CelValue): string;
}

export class ArrayList extends ListValue {
  readonly elements: readonly CelValue[];
  readonly #identity: ListIdentity | undefined;
  constructor(elements: readonly CelValue[], identity?: ListIdentity) {
    super();
    this.elements = elements;
    this.#identity = identity;
  }
  override get identity(): ListIdentity | undefined {
    return this.#identity;
  }
  get size(): number {
    return this.elements.length;
  }
  at(index: number): CelValue {
    return this.elements[index] as CelValue;
  }
}

export abstract class MapValue {
  abstract readonly size: number;
  /** Undefined: there is no such key. */
  abstract get(key: CelValue): CelValue | undefined;
  abstract keys(): Iterable<CelValue>;
  /** Of an object with declared fields: what it is, for `type()` and equality. */
  get objectType(): CelType | undefined {
    return undefined;
  }
}

/** A map that an expression built. */
export class HashMap extends MapValue {
  readonly #entries: ReadonlyMap<string, readonly [CelValue, CelValue]>;

  constructor(entries: ReadonlyMap<string, readonly [CelValue, CelValue]>) {
    super();
    this.#entries = entries;
  }
  get size(): number {
    return this.#entries.size;
  }
  get(key: CelValue): CelValue | undefined {
    return this.#entries.get(mapKey(key))?.[1];
  }
  *keys(): Generator<CelValue> {
    for (const [key] of this.#entries.values()) yield key;
  }
}

/** Numbers that are equal are one key, whatever their type. */
export function mapKey(key: CelValue): string {
  switch (typeof key) {
    case 'string':
      return `s${key}`;
    case 'boolean':
      return `b${key}`;
    case 'bigint':
      return `n${key}`;
    case 'number':
      return Number.isInteger(key) ? `n${BigInt(key)}` : `d${key}`;
    default:
      if (key instanceof Uint) return `n${key.value}`;
      throw new CelError(`unsupported key type`);
  }
}

export class OptionalValue {
  /** Undefined: none. */
  readonly value: CelValue | undefined;
  constructor(value: CelValue | undefined) {
    this.value = value;
  }
}
export const none = new OptionalValue(undefined);

export class TypeValue {
  readonly type: CelType;
  constructor(type: CelType) {
    this.type = type;
  }
}

/** What a library brings: quantities, addresses, formats. */
export abstract class OpaqueValue {
  abstract readonly type: CelType;
  abstract equals(other: OpaqueValue): boolean;
}

export const isContainer = (value: CelValue): value is ListValue | MapValue => value instanceof ListValue || value instanceof MapValue;

/** How messages and `string()` in Go's `%v` show a value. */
export function displayValue(value: CelValue): string {
  if (value instanceof Uint) return String(value.value);
  if (value instanceof ListValue) return `[${[...value].map(displayValue).join(', ')}]`;
  return typeof value === 'object' && value !== null ? '{...}' : String(value);
}
