import { checkKey } from './key-order.ts';
import { type KeyRange, type Operation, StoreError } from './store.ts';

/** Operations in one commit. etcd takes 128 in a transaction: two each (value and record), and a few for nesting. */
export const maxOperations = 60;

/** Throws `Invalid` for a commit that no engine may accept. */
export function checkOperations(operations: readonly Operation[]): void {
  if (operations.length > maxOperations) {
    throw new StoreError('Invalid', `a commit of ${operations.length} operations: ${maxOperations} are allowed`);
  }
  for (const { key, expect } of operations) {
    checkKey(key);
    if (expect !== undefined) checkRevision(expect);
  }
  if (operations.length > 1 && new Set(operations.map((operation) => operation.key)).size < operations.length) {
    throw new StoreError('Invalid', 'a key appears twice in one commit');
  }
}

/** Throws `Invalid` for what cannot be a revision. */
export function checkRevision(revision: number): void {
  if (!Number.isSafeInteger(revision) || revision < 0) throw new StoreError('Invalid', `${revision} is not a revision`);
}

/** Throws `Invalid` for bounds that have no UTF-8. */
export function checkRange(range: KeyRange): void {
  if (range.start.isWellFormed() && (range.end === undefined || range.end.isWellFormed())) return;
  throw new StoreError('Invalid', `the range ${JSON.stringify(range)} is not well-formed Unicode`);
}

export function compactedError(revision: number, compacted: number): StoreError {
  const message = `revision ${revision} has been compacted; the oldest one kept is ${compacted}`;
  return new StoreError('Compacted', message, { compactedRevision: compacted });
}

export function futureError(revision: number, current: number): StoreError {
  return new StoreError('FutureRevision', `revision ${revision} lies in the future; the newest one is ${current}`);
}
