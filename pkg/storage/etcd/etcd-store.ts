/**
 * The store in an etcd cluster, over gRPC. Keys lie in etcd as they are, values too; the record of a write is put in
 * a companion key by the same transaction (`key-space.ts`). Several stores, in one process or many, may share one
 * etcd: they behave as one. A commit is one transaction, sent once: whatever leaves its outcome open is reported as
 * `Unknown`. Reads are linearizable. `connection.ts` finds a member that answers; `etcd-watch.ts` holds watches
 * together over broken streams.
 */
import { checkSpan, wholeRevisions } from '../changes.ts';
import { checkOperations, checkRange, checkRevision, compactedError } from '../commit-check.ts';
import { RangeIndex } from '../range-index.ts';
import {
  type ChangesOptions,
  type CommitOptions,
  type CommitResult,
  type GetResult,
  isStoreError,
  type KeyRange,
  type KeyValue,
  keyRange,
  type ListOptions,
  type ListResult,
  type Operation,
  type ReadOptions,
  type Store,
  StoreError,
  type StoreEvent,
  type WatchBatch,
  type WatchOptions,
} from '../store.ts';
import { EtcdConnection, type EtcdOptions } from './connection.ts';
import { changeAt, changesOfKey, type ReadTogether } from './etcd-past.ts';
import { EtcdWatch } from './etcd-watch.ts';
import {
  anyKey,
  companionRange,
  decodeItem,
  deletedKey,
  deletedPrefix,
  encodeKey,
  encodeRange,
  erasedKey,
  erasedPrefix,
  isUserKey,
  recordKey,
} from './key-space.ts';
import {
  type Compare,
  compareResult,
  compareTarget,
  type EtcdKeyValue,
  type RangeRequest,
  type RangeResponse,
  type RequestOp,
  type TxnRequest,
} from './protocol.ts';

export interface EtcdStoreOptions extends EtcdOptions {
  /** Events of one watch that are held for its reader, before etcd is made to wait; default 16,384. */
  readonly maxUnread?: number;
}

export class EtcdStore implements Store {
  readonly #connection: EtcdConnection;
  readonly #maxUnread: number;
  readonly #watches = new RangeIndex<EtcdWatch>();
  /** Watches that are about to learn where they begin: this store's commits wait, so that they will see them. */
  readonly #starting = new Set<Promise<unknown>>();
  readonly #calls = new Set<Promise<unknown>>();
  /** The revision of this store's latest compaction. */
  #compacted = 0;
  #closing: Promise<void> | undefined;

  /** Connects at the first call. Throws `Invalid` for endpoints that are none. */
  constructor(options: EtcdStoreOptions) {
    this.#connection = new EtcdConnection(options);
    this.#maxUnread = options.maxUnread ?? 16_384;
  }

  async revision(): Promise<number> {
    return (await this.#range({ key: anyKey, count_only: true })).header.revision;
  }

  async get(key: string, options: ReadOptions = {}): Promise<GetResult> {
    const wanted = isUserKey(key) ? encodeKey(key) : anyKey;
    const { header, kvs } = await this.#range({ key: wanted, ...atRevision(options) }, options);
    return { revision: header.revision, item: kvs[0] && decodeItem(kvs[0]) };
  }

  async list(range: KeyRange, options: ListOptions = {}): Promise<ListResult> {
    checkRange(range);
    const encoded = encodeRange(range);
    if (!encoded) {
      const { header } = await this.#range({ key: anyKey, count_only: true, ...atRevision(options) }, options);
      return { revision: header.revision, items: [], count: 0 };
    }
    if (options.countOnly) {
      const { header, count } = await this.#range({ ...encoded, count_only: true, ...atRevision(options) }, options);
      return { revision: header.revision, items: [], count };
    }
    for (let tries = 1; ; tries++) {
      try {
        return await this.#listPages(encoded, options);
      } catch (error) {
        // What is newest at the first page can be compacted at the last.
        if (options.revision !== undefined || tries === 3 || !isStoreError(error, 'Compacted')) throw error;
      }
    }
  }

  async commit(operations: readonly Operation[], options: CommitOptions = {}): Promise<CommitResult> {
    this.#checkOpen();
    options.signal?.throwIfAborted();
    checkOperations(operations);
    const request = commitRequest(operations, options.record);
    while (this.#starting.size > 0) await Promise.allSettled(this.#starting);
    const { header, succeeded, responses } = await this.#track(
      this.#connection.call('Txn', request, { repeatable: false, signal: options.signal }),
    );
    if (succeeded) return { ok: true, revision: header.revision };
    const current = new Map<string, KeyValue | undefined>();
    const expecting = operations.filter((operation) => operation.expect !== undefined);
    for (const [i, { key, expect }] of expecting.entries()) {
      const kv = responses[i]?.response_range?.kvs[0];
      if ((kv?.mod_revision ?? 0) !== expect) current.set(key, kv && decodeItem(kv));
    }
    return { ok: false, revision: header.revision, current };
  }

  watch(range: KeyRange, options: WatchOptions): AsyncIterable<WatchBatch> {
    checkRange(range);
    if (options.from !== undefined) checkRevision(options.from);
    const watch = new EtcdWatch(this.#connection, range, {
      previous: options.previous ?? false,
      signal: options.signal,
      maxUnread: this.#maxUnread,
      ended: () => this.#watches.delete(watch),
    });
    this.#watches.add(range, watch);
    if (this.#closing) {
      watch.end(closed());
      return watch;
    }
    watch.start(options.from, () => {
      const revision = this.revision();
      this.#starting.add(revision);
      return revision.finally(() => this.#starting.delete(revision));
    });
    return watch;
  }

  async progress(range: KeyRange): Promise<number | undefined> {
    if (!(await this.#track(this.#connection.answersProgress()))) return undefined;
    const revision = await this.revision();
    let all = true;
    this.#watches.overlapping(range, (watch) => {
      if (!watch.requestProgress(revision)) all = false;
    });
    return all ? revision : undefined;
  }

  async record(key: string, revision: number): Promise<Uint8Array | undefined> {
    const at = atRevision({ revision });
    const wanted = isUserKey(key) ? [Buffer.from(key), recordKey(key), deletedKey(key)] : [anyKey];
    const answers = await this.#readTogether(
      wanted.map((each) => ({ key: each, ...at })),
      { revision },
    );
    const [item, record, deleted] = answers.map(({ kvs }) => kvs[0]);
    if (!item) return deleted?.value;
    return record?.mod_revision === item.mod_revision ? record.value : undefined;
  }

  async changes(range: KeyRange, options: ChangesOptions): Promise<readonly StoreEvent[]> {
    checkRange(range);
    const { from, limit = Number.POSITIVE_INFINITY, previous = false, signal } = options;
    signal?.throwIfAborted();
    const read: ReadTogether = (ranges) => this.#readTogether(ranges, { revision: from, signal });
    if (from === options.to) {
      checkRevision(from);
      const event = await changeAt(read, range, { revision: from, previous });
      if (event) return [event];
    }
    const to = checkSpan(options, await this.revision());
    if (from > to) return [];
    if (range.end === `${range.start}\0` && isUserKey(range.start)) {
      const told = await changesOfKey(read, range.start, { from, to, previous });
      if (told) return wholeRevisions(told, limit);
    }
    const stop = new AbortController();
    // An etcd that does not answer progress requests says where it stands only by events: every revision has some.
    const everything = !(await this.#track(this.#connection.answersProgress()));
    const watch = new EtcdWatch(this.#connection, range, {
      previous,
      everything,
      signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
      maxUnread: this.#maxUnread,
      ended: () => this.#watches.delete(watch),
    });
    this.#watches.add(range, watch);
    const events: StoreEvent[] = [];
    try {
      watch.start(from, () => this.revision());
      if (!everything) watch.requestProgress(to);
      for await (const batch of watch) {
        for (const event of batch.events) if (event.revision <= to) events.push(event);
        if (batch.revision >= to || events.length >= limit) break;
      }
    } finally {
      stop.abort();
    }
    signal?.throwIfAborted();
    return wholeRevisions(events, limit);
  }

  async compact(revision: number): Promise<void> {
    this.#checkOpen();
    checkRevision(revision);
    if (revision === 0) return;
    if (revision > (await this.revision())) throw new StoreError('FutureRevision', `etcd: revision ${revision} has not been written yet`);
    await this.#forgetDeletions(deletedPrefix, revision);
    await this.#forgetDeletions(erasedPrefix, revision);
    try {
      await this.#track(this.#connection.call('Compact', { revision, physical: true }, { repeatable: true, timeout: compactTimeout }));
    } catch (error) {
      if (!isStoreError(error, 'Compacted')) throw error;
    }
    this.#compacted = Math.max(this.#compacted, revision);
  }

  async compactedRevision(): Promise<number> {
    this.#checkOpen();
    try {
      const oldest = { key: anyKey, revision: 1, count_only: true };
      await this.#track(this.#connection.call('Range', oldest, { repeatable: true }));
      return this.#compacted;
    } catch (error) {
      if (!isStoreError(error, 'Compacted')) throw error;
    }
    // etcd says how far only to a watch that asks for too much.
    const stop = new AbortController();
    const watch = new EtcdWatch(this.#connection, keyRange(anyKey.toString()), {
      previous: false,
      signal: stop.signal,
      maxUnread: 1,
      ended: () => {},
    });
    watch.start(1, () => this.revision());
    const refusal = await this.#track(watch.next()).catch((error: unknown) => error);
    stop.abort();
    if (isStoreError(refusal, 'Compacted')) return refusal.compactedRevision ?? this.#compacted;
    throw new StoreError('Unavailable', 'etcd did not say how far it is compacted', { cause: refusal });
  }

  async size(): Promise<number> {
    const { db_size: size, db_size_in_use: inUse } = await this.#track(this.#connection.call('Status', {}, { repeatable: true }));
    return inUse || size;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const watch of [...this.#watches.items()]) watch.end(closed());
    await Promise.allSettled(this.#calls);
    this.#connection.close();
  }

  /** Pages of 10,000, so that no response grows beyond what gRPC and both sides' memory bear. */
  async #listPages(range: { key: Buffer; range_end: Buffer }, options: ListOptions): Promise<ListResult> {
    const items: KeyValue[] = [];
    let key = range.key;
    let at = atRevision(options);
    let first: RangeResponse | undefined;
    for (;;) {
      const limit = Math.min(options.limit ? options.limit - items.length : pageSize, pageSize);
      const page = await this.#range({ ...range, key, limit, ...at }, options);
      first ??= page;
      for (const kv of page.kvs) items.push(decodeItem(kv));
      if (!page.more || items.length === options.limit) return { revision: first.header.revision, items, count: first.count };
      key = Buffer.concat([(page.kvs.at(-1) as EtcdKeyValue).key, Buffer.from([0])]);
      at = { revision: options.revision ?? first.header.revision };
    }
  }

  /** Companion keys of deletions up to `revision` go before the deletions themselves do. */
  async #forgetDeletions(prefix: string, revision: number): Promise<void> {
    const range = companionRange(prefix, { start: '' });
    for (;;) {
      const page = await this.#range({ ...range, limit: forgetBatch, keys_only: true, max_mod_revision: revision });
      if (page.kvs.length === 0) return;
      // One that has been written again since is left alone.
      const success = page.kvs.map(({ key, mod_revision }): RequestOp => {
        const compare: Compare = { result: compareResult.equal, target: compareTarget.modRevision, key, mod_revision };
        return { request_txn: { compare: [compare], success: [{ request_delete_range: { key } }], failure: [] } };
      });
      await this.#track(this.#connection.call('Txn', { compare: [], success, failure: [] }, { repeatable: true }));
    }
  }

  async #range(request: RangeRequest, options: ReadOptions = {}): Promise<RangeResponse> {
    return this.#read(
      (connection) => connection.call('Range', request, { repeatable: true, signal: options.signal }),
      request.revision ?? 0,
    );
  }

  /** Reads at one moment. */
  async #readTogether(ranges: readonly RangeRequest[], options: ReadOptions): Promise<readonly RangeResponse[]> {
    const success = ranges.map((each): RequestOp => ({ request_range: each }));
    const { responses } = await this.#read(
      (connection) => connection.call('Txn', { compare: [], success, failure: [] }, { repeatable: true, signal: options.signal }),
      options.revision ?? 0,
    );
    return responses.map(({ response_range: answer }) => answer as RangeResponse);
  }

  /** A read; an error that says Compacted is completed with the oldest revision that is left. */
  async #read<T>(call: (connection: EtcdConnection) => Promise<T>, revision: number): Promise<T> {
    this.#checkOpen();
    try {
      return await this.#track(call(this.#connection));
    } catch (error) {
      if (!isStoreError(error, 'Compacted') || this.#closing) throw error;
      throw compactedError(revision, await this.compactedRevision());
    }
  }

  async #track<T>(call: Promise<T>): Promise<T> {
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  #checkOpen(): void {
    if (this.#closing) throw closed();
  }
}

const pageSize = 10_000;
const forgetBatch = 100;
/** A physical compaction of a large database takes a while. */
const compactTimeout = 300_000;

function closed(): StoreError {
  return new StoreError('Closed', 'the store has been closed');
}

/** Revision 0 is the store before its first write; an etcd begins at 1, and takes 0 for "newest". */
function atRevision(options: ReadOptions): { revision?: number } {
  if (options.revision === undefined) return {};
  checkRevision(options.revision);
  return { revision: Math.max(1, options.revision) };
}

/** If all expectations hold, all changes; otherwise, what stands under each key that had one. */
function commitRequest(operations: readonly Operation[], record: Uint8Array | undefined): TxnRequest {
  const compare: Compare[] = [];
  const success: RequestOp[] = [];
  const failure: RequestOp[] = [];
  for (const { key: name, value, expect } of operations) {
    const key = encodeKey(name);
    if (expect !== undefined) {
      compare.push({ result: compareResult.equal, target: compareTarget.modRevision, key, mod_revision: expect });
      failure.push({ request_range: { key } });
    }
    if (value) {
      success.push({ request_put: { key, value } }, putOrDelete(recordKey(name), record));
    } else if (expect !== 0) {
      const changes = [
        { request_delete_range: { key } },
        { request_delete_range: { key: recordKey(name) } },
        putOrDelete(deletedKey(name), record),
        // The trace of a deletion of which nothing else is left.
        ...(record ? [] : [{ request_put: { key: erasedKey(name), value: Buffer.alloc(0) } }]),
      ];
      // Deleting what is not there must not leave a record of it.
      const exists: Compare = { result: compareResult.greater, target: compareTarget.createRevision, key, create_revision: 0 };
      success.push({ request_txn: { compare: [exists], success: changes, failure: [] } });
    }
  }
  return { compare, success, failure };
}

function putOrDelete(key: Buffer, value: Uint8Array | undefined): RequestOp {
  return value ? { request_put: { key, value } } : { request_delete_range: { key } };
}
