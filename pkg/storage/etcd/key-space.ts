/**
 * How the store's keys lie in etcd: as they are. What the store keeps beside them lies below, under `!gokube/`, which
 * sorts before every key that the store accepts:
 *
 *   !gokube/record<key>    the record of the write that put the key's present value there
 *   !gokube/deleted<key>   the record of the key's last deletion, until that is compacted
 *   !gokube/erased<key>    nothing: the key was last deleted without a record; until that is compacted
 */
import { isKey } from '../key-order.ts';
import { type KeyRange, type KeyValue, prefixRange, StoreError } from '../store.ts';
import type { EtcdKeyValue } from './protocol.ts';

/** The store's keys begin here: '"' is the character after '!'. */
const first = '"';

export const recordPrefix = '!gokube/record';
export const deletedPrefix = '!gokube/deleted';
export const erasedPrefix = '!gokube/erased';

/** Where nothing is. */
export const anyKey = Buffer.from('!gokube/nothing');

export function recordKey(key: string): Buffer {
  return Buffer.from(recordPrefix + key);
}

export function deletedKey(key: string): Buffer {
  return Buffer.from(deletedPrefix + key);
}

export function erasedKey(key: string): Buffer {
  return Buffer.from(erasedPrefix + key);
}

/** The companion keys of a range of keys. */
export function companionRange(prefix: string, range: KeyRange): { key: Buffer; range_end: Buffer } {
  const end = range.end === undefined ? (prefixRange(prefix).end as string) : prefix + range.end;
  return { key: Buffer.from(prefix + range.start), range_end: Buffer.from(end) };
}

/** True for a key that this store can hold: one that does not lie among its own. */
export function isUserKey(key: string): boolean {
  return isKey(key) && key >= first;
}

/** Throws `Invalid` for a key that lies among the store's own. */
export function encodeKey(key: string): Buffer {
  if (isUserKey(key)) return Buffer.from(key);
  throw new StoreError('Invalid', `the key ${JSON.stringify(key)} sorts before '${first}': there the store keeps its own`);
}

/** undefined: no key can be in this range. */
export function encodeRange(range: KeyRange): { key: Buffer; range_end: Buffer } | undefined {
  const key = Buffer.from(range.start < first ? first : range.start);
  // To etcd, an end of one zero byte means that there is none.
  const end = range.end === undefined ? Buffer.from([0]) : Buffer.from(range.end);
  return range.end !== undefined && Buffer.compare(key, end) >= 0 ? undefined : { key, range_end: end };
}

export function decodeItem(kv: EtcdKeyValue): KeyValue {
  return {
    key: kv.key.toString(),
    value: kv.value,
    createRevision: kv.create_revision,
    modRevision: kv.mod_revision,
    version: kv.version,
  };
}
