/**
 * Hands the events of an engine's commits to its watches. Flow: the engine calls `publish` once a commit (or a group
 * of commits) is visible; the events are sorted by the ranges they touch; each touched range gets one batch, shared
 * by all its watches. A watch therefore costs nothing for events outside its range, and one reference (not one
 * promise an event) for those inside.
 *
 * A watch is either live, and fed by `publish`, or reading history: from its start when that lies in the past, and
 * again when its reader has fallen behind by more than the bound, so that a reader that does not read costs no
 * memory. It goes live in the same synchronous step in which history is exhausted; nothing can come between.
 */
import { RangeIndex } from './range-index.ts';
import { type KeyRange, StoreError, type StoreEvent, type WatchBatch, type WatchOptions } from './store.ts';

/** What the hub reads the past from. */
export interface History {
  /** The newest revision published. */
  revision(): number;
  /**
   * Events of the range from revision `from` on, whole revisions, as many as fit one step; everything up to and
   * including the batch's revision (which is at least `from`) is in it. Called with from <= revision(). Throws
   * `Compacted` when `from` is no longer kept.
   */
  read(range: KeyRange, from: number, previous: boolean): WatchBatch;
  /** Awaited between two steps of reading history, so that others can run in between. */
  pause?(): Promise<void>;
}

export interface HubOptions {
  /** Unread events of one live watch before it goes back to reading history. 16,384 of 1 KB: 16 MB at most. */
  readonly maxUnread?: number;
}

/** All watches of one range. */
interface Channel {
  readonly range: KeyRange;
  readonly streams: Set<WatchStream>;
  /** Events collected during one `publish`. */
  pending: StoreEvent[];
}

export class WatchHub {
  readonly #history: History;
  readonly #maxUnread: number;
  readonly #channels = new Map<string, Channel>();
  readonly #index = new RangeIndex<Channel>();
  readonly #streams = new Set<WatchStream>();
  #closed: StoreError | undefined;

  constructor(history: History, options: HubOptions = {}) {
    this.#history = history;
    this.#maxUnread = options.maxUnread ?? 16_384;
  }

  /** Number of watches, for metrics and for tests that nothing is left behind. */
  get size(): number {
    return this.#streams.size;
  }

  /** A watch that stands before revision `from` (default: the next) from this moment on, read or not. */
  open(range: KeyRange, options: WatchOptions): AsyncIterable<WatchBatch> {
    const from = options.from ?? this.#history.revision() + 1;
    const read = (next: number): WatchBatch => this.#history.read(range, next, options.previous ?? false);
    const stream = new WatchStream(
      range,
      from,
      { ...this.#history, read },
      {
        attach: (s) => this.#attach(s),
        detach: (s) => this.#detach(s),
        ended: (s) => {
          this.#detach(s);
          this.#streams.delete(s);
        },
        maxUnread: this.#maxUnread,
      },
    );
    this.#streams.add(stream);
    if (this.#closed) stream.end(this.#closed);
    else stream.follow(options.signal);
    return stream;
  }

  /** Events of whole revisions, ascending, up to `revision`, which is visible now. */
  publish(revision: number, events: readonly StoreEvent[]): void {
    if (this.#channels.size === 0) return;
    const touched: Channel[] = [];
    for (const event of events) {
      this.#index.at(event.key, (channel) => {
        if (channel.pending.push(event) === 1) touched.push(channel);
      });
    }
    for (const channel of touched) {
      const batch: WatchBatch = { revision, events: channel.pending };
      channel.pending = [];
      for (const stream of channel.streams) stream.push(batch);
    }
  }

  /** Tells the live watches that touch `range` that they have everything up to `revision`. */
  progress(range: KeyRange, revision: number): void {
    const batch: WatchBatch = { revision, events: [] };
    this.#index.overlapping(range, (channel) => {
      for (const stream of channel.streams) stream.push(batch);
    });
  }

  /** Ends all watches with this error. */
  fail(error: StoreError): void {
    for (const stream of [...this.#streams]) stream.end(error);
  }

  /** Ends all watches, and those still to come, with `Closed`. */
  close(): void {
    this.#closed = new StoreError('Closed', 'the store has been closed');
    this.fail(this.#closed);
  }

  #attach(stream: WatchStream): void {
    const name = channelName(stream.range);
    let channel = this.#channels.get(name);
    if (!channel) {
      channel = { range: stream.range, streams: new Set(), pending: [] };
      this.#channels.set(name, channel);
      this.#index.add(stream.range, channel);
    }
    channel.streams.add(stream);
  }

  #detach(stream: WatchStream): void {
    const name = channelName(stream.range);
    const channel = this.#channels.get(name);
    if (!channel?.streams.delete(stream) || channel.streams.size > 0) return;
    this.#channels.delete(name);
    this.#index.delete(channel);
  }
}

function channelName(range: KeyRange): string {
  return range.end === undefined ? `${range.start.length}:${range.start}` : `${range.start.length}:${range.start}:${range.end}`;
}

interface Owner {
  /** From now on `push` every batch of the stream's range. */
  attach(stream: WatchStream): void;
  detach(stream: WatchStream): void;
  ended(stream: WatchStream): void;
  readonly maxUnread: number;
}

/** The history of one stream's range. */
interface StreamHistory extends Omit<History, 'read'> {
  read(from: number): WatchBatch;
}

type Result = IteratorResult<WatchBatch, undefined>;

/** One watch, for one reader: calls of `next` must not overlap. */
class WatchStream implements AsyncIterable<WatchBatch>, AsyncIterator<WatchBatch, undefined> {
  readonly range: KeyRange;
  readonly #history: StreamHistory;
  readonly #owner: Owner;
  /** Invariant: every event of the range in [from, #next) has been returned by `next` or stands in #unread. */
  #next: number;
  #live = false;
  /** Steps of history read so far. */
  #steps = 0;
  #unread: WatchBatch[] = [];
  #unreadEvents = 0;
  #waiting: PromiseWithResolvers<Result> | undefined;
  #end: { readonly error: StoreError | undefined } | undefined;
  #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.end(undefined);

  constructor(range: KeyRange, from: number, history: StreamHistory, owner: Owner) {
    this.range = range;
    this.#next = from;
    this.#history = history;
    this.#owner = owner;
  }

  /** Starts, and stops when the signal is aborted. */
  follow(signal: AbortSignal): void {
    if (signal.aborted) {
      this.end(undefined);
      return;
    }
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (this.#next <= this.#history.revision()) return;
    this.#goLive();
    this.#unread.push({ revision: this.#history.revision(), events: [] });
  }

  /** A batch of the range; the part before #next is not for this watch. */
  push(batch: WatchBatch): void {
    if (batch.revision < this.#next) return;
    const events = batch.events;
    const whole = events.length === 0 || (events[0] as StoreEvent).revision >= this.#next;
    const mine = whole ? batch : { revision: batch.revision, events: events.filter((e) => e.revision >= this.#next) };
    if (this.#waiting) {
      this.#next = batch.revision + 1;
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting.resolve({ done: false, value: mine });
      return;
    }
    const last = this.#unread.at(-1);
    if (last && mine.events.length === 0) {
      this.#next = batch.revision + 1;
      this.#unread[this.#unread.length - 1] = { revision: batch.revision, events: last.events };
      return;
    }
    if (this.#unreadEvents + mine.events.length > this.#owner.maxUnread && last) {
      this.#goBack();
      return;
    }
    this.#next = batch.revision + 1;
    this.#unread.push(mine);
    this.#unreadEvents += mine.events.length;
  }

  async next(): Promise<Result> {
    for (let steps = this.#live ? 0 : this.#steps; ; steps++) {
      // One step of history at a time; others run in between.
      if (!this.#live && steps > 0) await this.#history.pause?.();
      if (this.#end?.error) throw this.#end.error;
      if (this.#end) return { done: true, value: undefined };
      const batch = this.#unread.shift();
      if (batch) {
        this.#unreadEvents -= batch.events.length;
        return { done: false, value: batch };
      }
      if (this.#live) {
        this.#waiting = Promise.withResolvers<Result>();
        return this.#waiting.promise;
      }
      this.#steps = steps + 1;
      const step = this.#readHistory();
      if (step) return { done: false, value: step };
    }
  }

  return(): Promise<Result> {
    this.end(undefined);
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** No batch follows; the reader sees the error, if there is one, at its next call. */
  end(error: StoreError | undefined): void {
    if (this.#end) return;
    this.#end = { error };
    this.#unread = [];
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#owner.ended(this);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (error) waiting?.reject(error);
    else waiting?.resolve({ done: true, value: undefined });
  }

  /** One step through the past; undefined when it held nothing and there is more to read. */
  #readHistory(): WatchBatch | undefined {
    let batch: WatchBatch;
    try {
      batch = this.#history.read(this.#next);
    } catch (error) {
      this.end(error instanceof StoreError ? error : new StoreError('Damaged', 'history cannot be read', { cause: error }));
      throw error;
    }
    this.#next = Math.max(this.#next, batch.revision + 1);
    const atEnd = this.#next > this.#history.revision();
    if (atEnd) this.#goLive();
    return atEnd || batch.events.length > 0 ? batch : undefined;
  }

  #goLive(): void {
    this.#live = true;
    this.#owner.attach(this);
  }

  /** Forgets what is unread; it will be read from history instead. */
  #goBack(): void {
    const first = this.#unread.find((batch) => batch.events.length > 0)?.events[0];
    if (first) this.#next = first.revision;
    this.#unread = [];
    this.#unreadEvents = 0;
    this.#live = false;
    this.#owner.detach(this);
  }
}
