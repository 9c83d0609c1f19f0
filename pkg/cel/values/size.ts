/** Sizes as costs count them. Of a string: its UTF-16 units, which are known without looking at it. */
import { type CelValue, ListValue, MapValue, OptionalValue } from './value.ts';

export function sizeOf(value: CelValue): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof ListValue || value instanceof MapValue) return value.size;
  if (value instanceof Uint8Array) return value.length;
  if (value instanceof OptionalValue && value.value !== undefined) return sizeOf(value.value);
  return 1;
}

/** Of looking at a whole value once. */
export function traversalCost(value: CelValue): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return Math.floor(value.length * 0.1);
  let cost = 0;
  if (value instanceof ListValue) {
    for (const element of value) cost += traversalCost(element);
    return cost;
  }
  if (value instanceof MapValue) {
    for (const key of value.keys()) cost += traversalCost(key) + traversalCost(value.get(key) ?? null);
    return cost;
  }
  return 1;
}

/** Of a string: how many characters it has. */
export function characterCount(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xd800 && unit < 0xdc00 && index + 1 < text.length) index++;
    count++;
  }
  return count;
}
