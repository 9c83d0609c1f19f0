/**
 * What happened in the past, by plain reads of it. etcd tells events to watches alone, and a watch from the past has to
 * wait for its server's next look at such watches (every 100 ms), which then reads everything since; an etcd that does
 * not answer progress requests says besides nowhere that there is no more to come. The two questions that a history
 * asks have shorter ways: of one key, from each version to the one before; of one revision, what has it for its own.
 *
 * Both rest on the records: who keeps them leaves a trace of every write and of every deletion (`key-space.ts`).
 * undefined is answered where that is not so, and where the way would be a long one; then a watch has to tell.
 */
import type { KeyRange, KeyValue, StoreEvent } from '../store.ts';
import {
  anyKey,
  companionRange,
  decodeItem,
  deletedKey,
  deletedPrefix,
  encodeKey,
  encodeRange,
  erasedKey,
  recordKey,
  recordPrefix,
} from './key-space.ts';
import type { RangeRequest, RangeResponse } from './protocol.ts';

/** Several reads at one moment. */
export type ReadTogether = (ranges: readonly RangeRequest[]) => Promise<readonly RangeResponse[]>;

export interface Span {
  readonly from: number;
  readonly to: number;
  readonly previous: boolean;
}

/** Versions that are walked one by one; a watch reads more of them faster. */
const mostVersions = 500;
/** Keys that etcd may look at to find those of one revision: some milliseconds. */
const mostKeys = 4_000;

/** What happened to one key, oldest first. Throws `Compacted`. */
export async function changesOfKey(read: ReadTogether, key: string, { from, to, previous }: Span): Promise<StoreEvent[] | undefined> {
  // Refused where `from` is not after the compacted revision; an etcd begins at 1, with nothing in it.
  await read([{ key: anyKey, count_only: true, revision: Math.max(1, from - 1) }]);
  const events: StoreEvent[] = [];
  for (let at = to; at >= Math.max(1, from); at = (events[0] as StoreEvent).revision - 1) {
    const { item, recorded, deleted } = await standingAt(read, key, at);
    if (item && item.modRevision < from) break;
    // Who writes without a record may have deleted without a trace.
    if (item ? !recorded || item.version > mostVersions : recorded) return undefined;
    if (item) events.unshift({ type: 'put', key, revision: item.modRevision, item });
    else if (deleted >= from) events.unshift({ type: 'delete', key, revision: deleted });
    else break;
  }
  return previous ? withPrevious(read, events) : events;
}

/**
 * What happened to the keys of a range at one revision, if it was one thing: of several the order is not known. Throws
 * `Compacted` and `FutureRevision`.
 */
export async function changeAt(
  read: ReadTogether,
  range: KeyRange,
  { revision, previous }: { readonly revision: number; readonly previous: boolean },
): Promise<StoreEvent | undefined> {
  const encoded = encodeRange(range);
  if (!encoded || revision < 2) return undefined;
  // Refused where `revision` is not after the compacted one.
  const [counted] = await read([{ ...encoded, count_only: true, revision: revision - 1 }]);
  if ((counted?.count ?? 0) > mostKeys) return undefined;
  const own = { revision, min_mod_revision: revision, max_mod_revision: revision };
  const asked = [encoded, companionRange(recordPrefix, range), companionRange(deletedPrefix, range)];
  const answers = await read(asked.map((each) => ({ ...each, ...own })));
  const [puts = [], records = [], deletions = []] = answers.map(({ kvs }) => kvs);
  const [change] = [...puts, ...deletions];
  if (!change || puts.length + deletions.length > 1 || records.length !== puts.length) return undefined;
  const item = decodeItem(change);
  const event: StoreEvent =
    puts.length === 1
      ? { type: 'put', key: item.key, revision, item }
      : { type: 'delete', key: item.key.slice(deletedPrefix.length), revision };
  return previous ? (await withPrevious(read, [event]))[0] : event;
}

interface Standing {
  readonly item: KeyValue | undefined;
  /** There is the record of the put that made the item; without an item: of one that nobody has taken away. */
  readonly recorded: boolean;
  /** The last deletion known; 0: none. */
  readonly deleted: number;
}

async function standingAt(read: ReadTogether, key: string, revision: number): Promise<Standing> {
  const keys = [encodeKey(key), recordKey(key), deletedKey(key), erasedKey(key)];
  const answers = await read(keys.map((each) => ({ key: each, revision })));
  const [kv, record, deleted, erased] = answers.map(({ kvs }) => kvs[0]);
  const recorded = record !== undefined && (!kv || record.mod_revision === kv.mod_revision);
  return { item: kv && decodeItem(kv), recorded, deleted: Math.max(deleted?.mod_revision ?? 0, erased?.mod_revision ?? 0) };
}

/** Events of one key without a gap between them, each with what stood there before it. */
async function withPrevious(read: ReadTogether, events: readonly StoreEvent[]): Promise<StoreEvent[]> {
  const [first] = events;
  if (!first) return [];
  const { item } = await standingAt(read, first.key, first.revision - 1);
  return events.map((event, i) => {
    const before = i === 0 ? undefined : events[i - 1];
    const previous = i === 0 ? item : before?.type === 'put' ? before.item : undefined;
    return previous ? { ...event, previous } : event;
  });
}
