/**
 * The store: etcd's model and nothing more. Keys are strings in byte order of their UTF-8; values are opaque
 * bytes; every commit gets one revision, strictly growing, also across restarts. A store keeps old revisions until
 * they are compacted, so that the past can be read.
 *
 * What every Store guarantees (the contract suite in `store-contract.ts` checks each point on every engine):
 *  1. An acknowledged commit survives a crash at any moment; a read never shows what is not durable.
 *     (MemoryStore has no crash to survive.)
 *  2. One revision per commit, strictly growing. Reads and commits are linearizable.
 *  3. A failed or timed-out commit happened wholly or not at all.
 *  4. Watches are ordered, unique, gapless and atomic: the events of one revision come in one batch. They can be
 *     resumed from the last revision + 1, carry previous values when asked, and fail with `Compacted` rather than skip.
 *  5. A batch's `revision` means that every event up to and including it has been delivered.
 *  6. Of n concurrent commits that expect the same revision of one key, exactly one succeeds.
 *  7. list at r, then watch from r + 1, folded, equals list later; every page of a list can share one revision.
 *
 * Ownership: bytes handed to or received from a store must not be changed afterwards by either side.
 */
export interface Store {
  /** The revision of the newest commit that reads can see. A store that was never written is at 0 (etcd: at 1). */
  revision(): Promise<number>;
  /**
   * One key as of `options.revision` (default: newest); a key that cannot be stored is not there. Throws `Compacted`
   * or `FutureRevision`.
   */
  get(key: string, options?: ReadOptions): Promise<GetResult>;
  /** Keys in [range.start, range.end), ascending. Throws `Compacted` or `FutureRevision`. */
  list(range: KeyRange, options?: ListOptions): Promise<ListResult>;
  /**
   * Applies all operations in one revision, or none. A key may appear once; at most 60 operations. With `record`,
   * the bytes are kept with each key written, in the same transaction, and compacted with it. A commit that changes
   * nothing succeeds at the present revision and makes none.
   * Throws `Unavailable` (did not happen), `Unknown` (cannot be known; never repeated by the store), `NoSpace`, or
   * `Invalid` (a key that is empty, longer than 1,024 bytes, or appears twice). A commit whose signal is aborted
   * rejects with the signal's reason if nothing was done, else ends as if it had not been aborted, or as `Unknown`.
   */
  commit(operations: readonly Operation[], options?: CommitOptions): Promise<CommitResult>;
  /**
   * Events of the range from `options.from` on (default: the next revision). The first batch may come at once and
   * be empty: it says from where the watch stands. The watch stands from the moment of this call, read or not (where
   * several stores share one etcd, from its first batch on for what the others write); one reader, whose calls of
   * `next` do not overlap. Ends when the signal is aborted; throws `Compacted` when `from` is
   * not after the compacted revision, `Closed` when the store is closed. A reader that falls behind costs no memory:
   * beyond its bound the engine reads from history again, or throws `SlowWatcher` where it cannot; go on from the
   * last revision + 1.
   */
  watch(range: KeyRange, options: WatchOptions): AsyncIterable<WatchBatch>;
  /**
   * Makes every open watch that touches `range` say where it stands: each delivers (to a reader that reads) a batch
   * whose revision is at least the one returned. So a cache fed by a watch knows when it is as fresh as the store.
   * undefined: this engine cannot be asked (an etcd that is too old); read from the store itself instead.
   */
  progress(range: KeyRange): Promise<number | undefined>;
  /**
   * The record kept with the newest write of `key` at or before `revision`; of a deletion too, but it may be gone
   * once that is compacted. Throws `Compacted` or `FutureRevision`.
   */
  record(key: string, revision: number): Promise<Uint8Array | undefined>;
  /**
   * What happened in the range from revision `from` to `to`, both included, as a watch would tell it; for a key's
   * history, or for what one commit did: all of it is in memory at once. `limit`: stops after the revision in which so
   * many events have been found. Throws `Compacted` when `from` is not after the compacted revision, and
   * `FutureRevision`.
   */
  changes(range: KeyRange, options: ChangesOptions): Promise<readonly StoreEvent[]>;
  /** Forgets what only reads before `revision` could see; works in small steps. Idempotent. */
  compact(revision: number): Promise<void>;
  /** The oldest revision that can still be read; watches can start at the next one. 0: nothing was compacted. */
  compactedRevision(): Promise<number>;
  /** Bytes in use on the medium, for quotas and metrics. */
  size(): Promise<number>;
  /** Waits for work under way, ends all watches with `Closed`, releases everything. Idempotent. */
  close(): Promise<void>;
}

/** Half-open: start <= key < end. `end` absent: no upper bound. */
export interface KeyRange {
  readonly start: string;
  readonly end?: string;
}

export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  /** 1 for the write that created the key. */
  readonly version: number;
}

export interface ReadOptions {
  readonly revision?: number;
  readonly signal?: AbortSignal;
}
export interface ListOptions extends ReadOptions {
  /** At most so many items; 0 or absent: all. */
  readonly limit?: number;
  /** Count only: `items` stays empty. */
  readonly countOnly?: boolean;
}
export interface GetResult {
  /** The store's revision at the moment of the read (not the revision asked for). */
  readonly revision: number;
  readonly item: KeyValue | undefined;
}
export interface ListResult {
  readonly revision: number;
  readonly items: readonly KeyValue[];
  /** All keys in the range at that revision, whatever the limit. */
  readonly count: number;
}

export interface Operation {
  readonly key: string;
  /** The new value; undefined deletes the key (deleting an absent key without `expect` is no change for that key). */
  readonly value: Uint8Array | undefined;
  /** The modRevision that the key must have now; 0: it must not exist. Absent: whatever it is. */
  readonly expect?: number;
}
export interface CommitOptions {
  readonly record?: Uint8Array;
  readonly signal?: AbortSignal;
}
export type CommitResult =
  | { readonly ok: true; readonly revision: number }
  /** `current`: what stands under each key whose expectation failed. */
  | { readonly ok: false; readonly revision: number; readonly current: ReadonlyMap<string, KeyValue | undefined> };

export interface WatchOptions {
  readonly from?: number;
  /** Deliver previous values with puts and deletes; an engine that has them at hand does so unasked. */
  readonly previous?: boolean;
  readonly signal: AbortSignal;
}
export interface ChangesOptions {
  readonly from: number;
  /** Default: the newest revision. */
  readonly to?: number;
  readonly limit?: number;
  /** As with a watch. */
  readonly previous?: boolean;
  readonly signal?: AbortSignal;
}
export interface WatchBatch {
  /** Everything up to and including this revision has been delivered, for this range. */
  readonly revision: number;
  /** Ascending by revision, then in the order of operations; whole revisions only; empty for a progress notification. */
  readonly events: readonly StoreEvent[];
}
export type StoreEvent =
  | { readonly type: 'put'; readonly key: string; readonly revision: number; readonly item: KeyValue; readonly previous?: KeyValue }
  | { readonly type: 'delete'; readonly key: string; readonly revision: number; readonly previous?: KeyValue };

export type StoreErrorCode =
  | 'Compacted'
  | 'FutureRevision'
  | 'SlowWatcher'
  | 'Unavailable'
  | 'Unknown'
  | 'NoSpace'
  | 'Closed'
  | 'Damaged'
  | 'InUse'
  | 'WrongVersion'
  | 'Invalid';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  /** With `Compacted`: the oldest revision that can still be read. */
  readonly compactedRevision: number | undefined;

  constructor(code: StoreErrorCode, message: string, options: ErrorOptions & { compactedRevision?: number } = {}) {
    super(message, options);
    this.code = code;
    this.compactedRevision = options.compactedRevision;
  }
}

export function isStoreError(error: unknown, code?: StoreErrorCode): error is StoreError {
  return error instanceof StoreError && (code === undefined || error.code === code);
}

/** All keys that begin with `prefix`. */
export function prefixRange(prefix: string): KeyRange {
  return prefix === '' ? { start: '' } : { start: prefix, end: prefixEnd(prefix) };
}

/** Just this key. */
export function keyRange(key: string): KeyRange {
  return { start: key, end: `${key}\0` };
}

/** The smallest key after every key that begins with `prefix` (keys are ASCII at their last character). */
function prefixEnd(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}
