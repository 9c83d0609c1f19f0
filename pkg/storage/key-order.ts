/**
 * Keys are ordered as the bytes of their UTF-8, which is the order of code points. JavaScript compares strings by
 * UTF-16 code units, which differs in one place: surrogates (code points from U+10000 on) come before U+E000 to
 * U+FFFF. Engines that keep strings in order therefore keep `sortKey(key)` and compare that with `<`.
 */
import { type KeyRange, StoreError } from './store.ts';

/** Longest key in bytes of UTF-8; LMDB holds 1,978 with its prefix and suffix, Kubernetes needs about 650. */
export const maxKeyBytes = 1024;

/**
 * A string that compares by `<` as `key` does in UTF-8, the key itself for nearly all keys. A bijection: the two
 * blocks of code units change places.
 */
export function sortKey(key: string): string {
  if (!beyondSurrogates.test(key)) return key;
  let out = '';
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    out += String.fromCharCode(unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);
  }
  return out;
}

const beyondSurrogates = /[\ud800-\uffff]/;

/** Negative, zero or positive as `a` comes before, is, or comes after `b`. */
export function compareKeys(a: string, b: string): number {
  const x = sortKey(a);
  const y = sortKey(b);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** A test for keys of the range, in key order. */
export function rangeTest(range: KeyRange): (key: string) => boolean {
  const start = sortKey(range.start);
  const end = range.end === undefined ? undefined : sortKey(range.end);
  return (key) => {
    const sort = sortKey(key);
    return sort >= start && (end === undefined || sort < end);
  };
}

/** True for a key that can be stored: not empty, not too long, well-formed. Others are simply never there. */
export function isKey(key: string): boolean {
  if (key === '' || !key.isWellFormed()) return false;
  // A UTF-16 code unit takes 3 bytes at most.
  return key.length * 3 <= maxKeyBytes || utf8.encode(key).length <= maxKeyBytes;
}

/** Throws `Invalid` for a key that cannot be stored. */
export function checkKey(key: string): void {
  if (isKey(key)) return;
  const shown = JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}…` : key);
  throw new StoreError('Invalid', `${shown} is no key: keys are well-formed Unicode of 1 to ${maxKeyBytes} bytes`);
}

const utf8 = new TextEncoder();
