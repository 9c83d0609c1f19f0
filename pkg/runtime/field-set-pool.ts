/**
 * Equal field sets kept once. Pods of one ReplicaSet have the same managedFields, which as objects weigh twice what all
 * the rest of a pod does.
 */
import type { ManagedFieldsEntry } from '../api/generated/meta-v1.ts';
import { deepFreeze, type Mutable } from '../api/object.ts';
import type { FieldSet } from './field-set.ts';
import { inOrder } from './field-set-order.ts';
import { stringifyJson } from './json.ts';

/** Some megabytes at most; the oldest go first. What has left the pool stays shared by those who have it. */
const maxSets = 1000;
const pool = new Map<string, FieldSet>();

/** The same set, in order, frozen, and shared with whoever has an equal one. */
export function pooled(set: FieldSet): FieldSet {
  const key = stringifyJson(set);
  let shared = pool.get(key);
  if (!shared) {
    const ordered = inOrder(set);
    shared = ordered === set ? deepFreeze(set) : pooled(ordered);
    if (pool.size >= maxSets)
      for (const oldest of pool.keys()) {
        pool.delete(oldest);
        break;
      }
    pool.set(key, shared);
  }
  return shared;
}

/** Shares the field sets of an object that was just parsed, in place. */
export function poolManagedFields(object: { readonly metadata: { readonly managedFields?: readonly ManagedFieldsEntry[] } }): void {
  for (const entry of (object.metadata.managedFields ?? []) as Mutable<ManagedFieldsEntry>[]) {
    if (entry.fieldsV1 !== undefined) entry.fieldsV1 = pooled(entry.fieldsV1 as FieldSet) as Record<string, unknown>;
  }
}
