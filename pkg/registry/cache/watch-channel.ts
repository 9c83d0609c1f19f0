import type { Entry, RegistryEvent } from '../contract.ts';
import type { StoredEntry } from '../stored-entry.ts';
import type { Filter } from './filter.ts';
import type { WatchStream } from './watch-stream.ts';

/** One change of a cached object. `entry`: what it is now; for a deletion, what it was, at the deletion's revision. */
export interface CacheEvent {
  readonly revision: number;
  readonly deleted: boolean;
  readonly namespace: string;
  readonly name: string;
  readonly entry: StoredEntry;
  readonly previous: StoredEntry | undefined;
}

/** Turns a stored entry into the version that is served. */
export type View = (entry: StoredEntry) => Entry;

/** All watches that ask for the same: each event is judged once, and each batch is made once, for all of them. */
export class WatchChannel {
  readonly filter: Filter;
  readonly view: View;
  readonly streams = new Set<WatchStream>();
  #pending: RegistryEvent[] = [];

  constructor(filter: Filter, view: View) {
    this.filter = filter;
    this.view = view;
  }

  /** True when this is the first event of the batch that concerns the channel: call `flush` after the batch. */
  offer(event: CacheEvent): boolean {
    const told = this.tell(event);
    return told !== undefined && this.#pending.push(told) === 1;
  }

  flush(): void {
    const batch = this.#pending;
    this.#pending = [];
    for (const stream of this.streams) stream.push(batch);
  }

  /** What a watch with this filter is told; undefined: nothing. The scope's namespace must already hold. */
  tell(event: CacheEvent): RegistryEvent | undefined {
    const { filter } = this;
    if (filter.name !== undefined && filter.name !== event.name) return undefined;
    const was = event.previous !== undefined && this.#selects(event.previous);
    if (filter.tellsPrevious && event.previous) {
      return { type: event.deleted ? 'DELETED' : 'MODIFIED', entry: this.view(event.entry), previous: this.view(event.previous) };
    }
    if (event.deleted) return was ? { type: 'DELETED', entry: this.view(event.entry) } : undefined;
    if (this.#selects(event.entry)) return { type: was ? 'MODIFIED' : 'ADDED', entry: this.view(event.entry) };
    // It has moved out: told as a deletion, with the last state that was selected.
    return was ? { type: 'DELETED', entry: this.view((event.previous as StoredEntry).at(event.revision)) } : undefined;
  }

  #selects(entry: StoredEntry): boolean {
    const { matches } = this.filter;
    return matches === undefined || matches(entry);
  }
}
