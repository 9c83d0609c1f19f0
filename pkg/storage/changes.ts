import { checkRange, checkRevision, futureError } from './commit-check.ts';
import type { ChangesOptions, KeyRange, StoreEvent } from './store.ts';
import type { History } from './watch-hub.ts';

/** `Store.changes` over an engine's own history. The caller has checked that the store is open. */
export async function readChanges(history: History, range: KeyRange, options: ChangesOptions): Promise<readonly StoreEvent[]> {
  checkRange(range);
  const { limit = Number.POSITIVE_INFINITY, signal } = options;
  const to = checkSpan(options, history.revision());
  const events: StoreEvent[] = [];
  for (let next = options.from; next <= to && events.length < limit; ) {
    signal?.throwIfAborted();
    const batch = history.read(range, next, options.previous ?? false);
    for (const event of batch.events) if (event.revision <= to) events.push(event);
    next = batch.revision + 1;
    if (next <= to) await history.pause?.();
  }
  return wholeRevisions(events, limit);
}

/** Returns the last revision asked for. Throws `Invalid` and `FutureRevision`. */
export function checkSpan({ from, to }: ChangesOptions, newest: number): number {
  checkRevision(from);
  if (to === undefined) return newest;
  checkRevision(to);
  if (to > newest) throw futureError(to, newest);
  return to;
}

/** The first `limit` events, and those after them that share the last one's revision. */
export function wholeRevisions(events: readonly StoreEvent[], limit: number): readonly StoreEvent[] {
  if (events.length <= limit) return events;
  const last = events[limit - 1]?.revision;
  const rest = events.findIndex((event, i) => i >= limit && event.revision !== last);
  return rest < 0 ? events : events.slice(0, rest);
}
