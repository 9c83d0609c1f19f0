/** Equality across types, as CEL has it at run time: never an error, numbers by their value, lists and maps by parts. */

import { sameType } from '../types/cel-type.ts';
import type { Budget } from './budget.ts';
import { type CelValue, Duration, ListValue, MapValue, OpaqueValue, OptionalValue, Timestamp, TypeValue, Uint } from './value.ts';

export function equalValues(a: CelValue, b: CelValue, budget: Budget): boolean {
  budget.work(1);
  if (a === b && typeof a !== 'object') return true;
  if (isNumeric(a)) return isNumeric(b) && compareNumbers(a, b) === 0;
  if (typeof a === 'string') {
    budget.work(a.length >> 6);
    return a === b;
  }
  if (a === null || typeof a !== 'object') return a === b;
  if (a instanceof ListValue) return b instanceof ListValue && equalLists(a, b, budget);
  if (a instanceof MapValue) return b instanceof MapValue && equalMaps(a, b, budget);
  if (a instanceof Uint8Array) {
    budget.work(a.length >> 4);
    return b instanceof Uint8Array && a.length === b.length && a.every((byte, index) => byte === b[index]);
  }
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof OptionalValue) {
    if (!(b instanceof OptionalValue)) return false;
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return equalValues(a.value, b.value, budget);
  }
  if (a instanceof TypeValue) return b instanceof TypeValue && sameType(a.type, b.type);
  return a instanceof OpaqueValue && b instanceof OpaqueValue && a.equals(b);
}

function equalLists(a: ListValue, b: ListValue, budget: Budget): boolean {
  if (a.size !== b.size) return false;
  const identity = a.identity ?? b.identity;
  if (identity) return equalByIdentity(a, b, { identity, budget });
  for (let index = 0; index < a.size; index++) if (!equalValues(a.at(index), b.at(index), budget)) return false;
  return true;
}

/** The order of a set, and of a list keyed like a map, does not matter. */
function equalByIdentity(
  a: ListValue,
  b: ListValue,
  { identity, budget }: { identity: NonNullable<ListValue['identity']>; budget: Budget },
): boolean {
  const elements = new Map([...a].map((element) => [identity.keyOf(element), element]));
  budget.work(a.size * 4);
  const seen = new Set<string>();
  for (const element of b) {
    const key = identity.keyOf(element);
    const mine = elements.get(key);
    if (mine === undefined || !equalValues(mine, element, budget)) return false;
    seen.add(key);
  }
  return seen.size === elements.size;
}

function equalMaps(a: MapValue, b: MapValue, budget: Budget): boolean {
  if (a.size !== b.size) return false;
  for (const key of a.keys()) {
    const [mine, other] = [a.get(key), b.get(key)];
    if (mine === undefined || other === undefined || !equalValues(mine, other, budget)) return false;
  }
  return true;
}

export type Numeric = bigint | number | Uint;
export const isNumeric = (value: CelValue): value is Numeric =>
  typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint;

/** Against a double everything is a double, as in cel-go. NaN: undefined. */
export function compareNumbers(a: Numeric, b: Numeric): number | undefined {
  const doubles = typeof a === 'number' || typeof b === 'number';
  const x = plain(a, doubles);
  const y = plain(b, doubles);
  if ((typeof x === 'number' && Number.isNaN(x)) || (typeof y === 'number' && Number.isNaN(y))) return undefined;
  return x < y ? -1 : x > y ? 1 : 0;
}

function plain(value: Numeric, double: boolean): bigint | number {
  const exact = value instanceof Uint ? value.value : value;
  return double ? Number(exact) : exact;
}
