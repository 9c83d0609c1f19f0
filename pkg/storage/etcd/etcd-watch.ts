import type { ServiceError } from '@grpc/grpc-js';
import { rangeTest } from '../key-order.ts';
import { type KeyRange, StoreError, type StoreEvent, type WatchBatch } from '../store.ts';
import { type EtcdConnection, sleep } from './connection.ts';
import { decodeItem, encodeRange, isUserKey } from './key-space.ts';
import { deleteEvent, type WatchCall, type WatchResponse } from './protocol.ts';

/** To etcd, as a bound: no bound. */
const zero = Buffer.from([0]);

type Result = IteratorResult<WatchBatch, undefined>;

export interface EtcdWatchOptions {
  readonly previous: boolean;
  /** Have etcd send what happens to any key, so that every revision comes; only the range's events are handed on. */
  readonly everything?: boolean;
  readonly signal: AbortSignal;
  /** Events held for a reader that does not read, before etcd is made to wait. */
  readonly maxUnread: number;
  /** Called once, when the watch has ended. */
  readonly ended: () => void;
}

/**
 * One watch, on a gRPC stream of its own. When the stream breaks, it is opened again, at this member or another, from
 * the revision after the last one delivered; so the reader sees one unbroken sequence. A reader that falls behind
 * makes etcd wait, by HTTP/2's flow control; etcd then reads the rest from its history.
 */
export class EtcdWatch implements AsyncIterable<WatchBatch>, AsyncIterator<WatchBatch, undefined> {
  readonly range: KeyRange;
  readonly #connection: EtcdConnection;
  readonly #options: EtcdWatchOptions;
  readonly #holds: (key: string) => boolean;
  /** Invariant: every event of the range before #next has been returned by `next` or stands in #unread. */
  #next = 0;
  #unread: WatchBatch[] = [];
  #unreadEvents = 0;
  #waiting: PromiseWithResolvers<Result> | undefined;
  #end: { readonly error: StoreError | undefined } | undefined;
  #call: WatchCall | undefined;
  #answersProgress = false;
  /** A revision up to which somebody wants to know that all was delivered; asked for again until it has come. */
  #wanted = 0;
  #asking: ReturnType<typeof setInterval> | undefined;
  readonly #stop = new AbortController();
  readonly #onAbort = (): void => this.end(undefined);

  constructor(connection: EtcdConnection, range: KeyRange, options: EtcdWatchOptions) {
    this.range = range;
    this.#connection = connection;
    this.#options = options;
    this.#holds = rangeTest(range);
  }

  /** Begins with revision `from`, or with the one after that which `current` resolves to. */
  start(from: number | undefined, current: () => Promise<number>): void {
    if (this.#options.signal.aborted) {
      this.end(undefined);
      return;
    }
    this.#options.signal.addEventListener('abort', this.#onAbort, { once: true });
    void this.#run(from, current);
  }

  async next(): Promise<Result> {
    const batch = this.#unread.shift();
    if (batch) {
      this.#unreadEvents -= batch.events.length;
      if (this.#unreadEvents <= this.#options.maxUnread / 2 && this.#call?.isPaused()) this.#call.resume();
      return { done: false, value: batch };
    }
    if (this.#end?.error) throw this.#end.error;
    if (this.#end) return { done: true, value: undefined };
    this.#waiting = Promise.withResolvers<Result>();
    return this.#waiting.promise;
  }

  return(): Promise<Result> {
    this.end(undefined);
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Makes etcd say when everything up to `revision` has been sent; false if this watch's server cannot. */
  requestProgress(revision: number): boolean {
    if (this.#end || revision < this.#next) return true;
    if (this.#call && !this.#answersProgress) return false;
    this.#wanted = Math.max(this.#wanted, revision);
    this.#call?.write({ progress_request: {} });
    // etcd does not answer while it is still sending history, and a member may lag behind: ask again.
    this.#asking ??= setInterval(() => this.#call?.write({ progress_request: {} }), 100);
    return true;
  }

  /** No batch follows; the reader sees the error, if there is one, at its next call. */
  end(error: StoreError | undefined): void {
    if (this.#end) return;
    this.#end = { error };
    this.#unread = [];
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    clearInterval(this.#asking);
    this.#stop.abort();
    this.#options.ended();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (error) waiting?.reject(error);
    else waiting?.resolve({ done: true, value: undefined });
  }

  async #run(from: number | undefined, current: () => Promise<number>): Promise<void> {
    let delay = 0;
    while (!this.#end) {
      try {
        if (this.#next === 0) {
          const revision = from === undefined ? await current() : undefined;
          this.#next = from ?? (revision as number) + 1;
          if (revision !== undefined) this.#push({ revision, events: [] });
        }
        const before = this.#next;
        await this.#stream();
        delay = this.#next > before ? 0 : delay;
      } catch (error) {
        if (error instanceof StoreError && error.code !== 'Unavailable' && error.code !== 'Unknown') this.end(error);
      }
      if (this.#end) return;
      await sleep(delay, this.#stop.signal).catch(() => undefined);
      delay = Math.min(1_000, Math.max(50, 2 * delay));
    }
  }

  /** Follows one stream until it breaks. */
  async #stream(): Promise<void> {
    const { call, answersProgress, leave } = await this.#connection.watch(this.#stop.signal);
    this.#answersProgress = answersProgress;
    const cancel = (): void => call.cancel();
    this.#stop.signal.addEventListener('abort', cancel, { once: true });
    this.#call = call;
    try {
      await new Promise<void>((resolve, reject) => {
        call.on('data', (response: WatchResponse) => {
          try {
            this.#receive(response);
          } catch (error) {
            reject(error);
            call.cancel();
          }
        });
        call.on('end', resolve);
        call.on('error', (error: ServiceError) => reject(new StoreError('Unavailable', `etcd: ${error.details}`, { cause: error })));
        const wanted = encodeRange(this.range) ?? { key: Buffer.from(this.range.start), range_end: Buffer.alloc(0) };
        const range = this.#options.everything ? { key: zero, range_end: zero } : wanted;
        // One revision more than needed: etcd refuses it exactly if `#next - 1` has been compacted, and its events
        // are dropped on arrival. From `#next` itself, etcd before 3.5.18 may leave out deletions at that revision.
        const start = Math.max(1, this.#next - 1);
        call.write({ create_request: { ...range, start_revision: start, prev_kv: this.#options.previous } });
        if (this.#wanted >= this.#next) call.write({ progress_request: {} });
      });
    } finally {
      this.#call = undefined;
      this.#stop.signal.removeEventListener('abort', cancel);
      if (!this.#end) leave();
    }
  }

  #receive(response: WatchResponse): void {
    const { canceled, compact_revision: compacted, cancel_reason: reason, created, header } = response;
    if (compacted > 0) {
      const message = `etcd: revision ${this.#next} has been compacted; the oldest one kept is ${compacted}`;
      throw new StoreError('Compacted', message, { compactedRevision: compacted });
    }
    if (canceled) throw new StoreError('Unavailable', `etcd ended the watch: ${reason}`);
    if (created) return;
    const last = response.events.at(-1)?.kv.mod_revision;
    // Without events it is an answer to a progress request: all watches of the stream have everything up to there.
    if (last === undefined && !this.#answersProgress) return;
    const revision = last ?? header.revision;
    if (revision < this.#next) return;
    const events: StoreEvent[] = [];
    for (const { type, kv, prev_kv } of response.events) {
      if (kv.mod_revision < this.#next) continue;
      const item = decodeItem(kv);
      if (this.#options.everything && !(this.#holds(item.key) && isUserKey(item.key))) continue;
      const previous = prev_kv ? { previous: decodeItem(prev_kv) } : undefined;
      const at = { key: item.key, revision: item.modRevision };
      events.push(type === deleteEvent ? { type: 'delete', ...at, ...previous } : { type: 'put', ...at, item, ...previous });
    }
    this.#push({ revision, events: encodeRange(this.range) ? events : [] });
    if (this.#unreadEvents > this.#options.maxUnread) this.#call?.pause();
  }

  #push(batch: WatchBatch): void {
    this.#next = Math.max(this.#next, batch.revision + 1);
    if (this.#next > this.#wanted) {
      clearInterval(this.#asking);
      this.#asking = undefined;
    }
    const waiting = this.#waiting;
    if (waiting) {
      this.#waiting = undefined;
      waiting.resolve({ done: false, value: batch });
      return;
    }
    this.#unread.push(batch);
    this.#unreadEvents += batch.events.length;
  }
}
