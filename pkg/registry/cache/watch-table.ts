import type { KubeObject } from '../../api/object.ts';
import type { RegistryEvent } from '../contract.ts';
import type { Filter } from './filter.ts';
import { type CacheEvent, type View, WatchChannel } from './watch-channel.ts';
import type { WatchStream } from './watch-stream.ts';

/**
 * The channels of one resource, found by what an event can concern: its namespace, its name, the value of the
 * indexed field now and before. A watch of one node's pods is never offered another node's.
 */
export class WatchTable {
  readonly #byView = new Map<View, Map<string, WatchChannel>>();
  /** By place: `*`, a namespace, `namespace/name`, or `=` and an index value. */
  readonly #places = new Map<string, Set<WatchChannel>>();
  #size = 0;

  /** Number of watches. */
  get size(): number {
    return this.#size;
  }

  /** The channel of all watches that select the same and see it in the same version. */
  channel(filter: Filter, view: View): WatchChannel {
    return this.#byView.get(view)?.get(filter.id) ?? new WatchChannel(filter, view);
  }

  add(channel: WatchChannel, stream: WatchStream): void {
    this.#size++;
    if (channel.streams.size === 0) this.#attach(channel);
    channel.streams.add(stream);
  }

  remove(channel: WatchChannel, stream: WatchStream): void {
    if (!channel.streams.delete(stream)) return;
    this.#size--;
    if (channel.streams.size === 0) this.#detach(channel);
  }

  dispatch(events: readonly CacheEvent[], indexOf: ((object: KubeObject) => string) | undefined): void {
    if (this.#size === 0) return;
    const touched: WatchChannel[] = [];
    const offer = (place: string, event: CacheEvent): void => {
      const channels = this.#places.get(place);
      if (channels) for (const channel of channels) if (concerns(channel.filter, event) && channel.offer(event)) touched.push(channel);
    };
    for (const event of events) {
      offer('*', event);
      if (event.namespace !== '') offer(event.namespace, event);
      offer(`${event.namespace}/${event.name}`, event);
      if (!indexOf) continue;
      const now = indexOf(event.entry.peek());
      offer(`=${now}`, event);
      const before = event.previous && indexOf(event.previous.peek());
      if (before !== undefined && before !== now) offer(`=${before}`, event);
    }
    for (const channel of touched) channel.flush();
  }

  bookmark(revision: number): void {
    const batch: readonly RegistryEvent[] = [{ type: 'BOOKMARK', revision }];
    for (const channels of this.#byView.values()) {
      for (const channel of channels.values()) for (const stream of channel.streams) if (stream.bookmarks) stream.push(batch);
    }
  }

  endAll(): void {
    for (const channels of [...this.#byView.values()]) {
      for (const channel of [...channels.values()]) for (const stream of [...channel.streams]) stream.end();
    }
  }

  #attach(channel: WatchChannel): void {
    const { view, filter } = channel;
    let byFilter = this.#byView.get(view);
    if (!byFilter) {
      byFilter = new Map();
      this.#byView.set(view, byFilter);
    }
    byFilter.set(filter.id, channel);
    const place = placeOf(filter);
    const channels = this.#places.get(place);
    if (channels) channels.add(channel);
    else this.#places.set(place, new Set([channel]));
  }

  #detach(channel: WatchChannel): void {
    const byFilter = this.#byView.get(channel.view);
    if (byFilter?.get(channel.filter.id) === channel) byFilter.delete(channel.filter.id);
    const place = placeOf(channel.filter);
    const channels = this.#places.get(place);
    channels?.delete(channel);
    if (channels?.size === 0) this.#places.delete(place);
  }
}

/** Where the channel waits: the narrowest of its conditions. */
function placeOf(filter: Filter): string {
  if (filter.indexed !== undefined) return `=${filter.indexed}`;
  if (filter.name !== undefined && (filter.namespace !== '' || !filter.namespaced)) return `${filter.namespace}/${filter.name}`;
  return filter.namespace === '' ? '*' : filter.namespace;
}

function concerns(filter: Filter, event: CacheEvent): boolean {
  return filter.namespace === '' || filter.namespace === event.namespace;
}
