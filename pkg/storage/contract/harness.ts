import assert from 'node:assert/strict';
import {
  type CommitOptions,
  isStoreError,
  type KeyRange,
  type Operation,
  type Store,
  type StoreErrorCode,
  type StoreEvent,
} from '../store.ts';
import type { Engine, StoreUnderTest } from './engine.ts';
import { ModelStore } from './model-store.ts';

let prefixes = 0;

/** A prefix that no other test in this process uses. */
export function freshPrefix(): string {
  return `/registry/contract${++prefixes}/`;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Opens a store of the engine for one test. */
export async function withStore(engine: Engine, body: (under: StoreUnderTest) => Promise<void>): Promise<void> {
  const under = await engine.open();
  try {
    await body(under);
  } finally {
    await under.dispose();
  }
}

export async function modelOf(store: Store): Promise<ModelStore> {
  return new ModelStore(await store.revision(), await store.compactedRevision());
}

/** Commits to the store and the model, which must agree on the outcome. Returns the store's revision. */
export async function commitBoth(
  store: Store,
  model: ModelStore,
  operations: readonly Operation[],
  options: CommitOptions = {},
): Promise<number> {
  const conflicts = model.conflicts(operations);
  const result = await store.commit(operations, options);
  if (!result.ok) {
    assert.ok(conflicts.size > 0, 'a commit whose expectations all hold must succeed');
    assertSame([...result.current].sort(), [...conflicts].sort());
    return result.revision;
  }
  assert.equal(conflicts.size, 0, 'a commit must fail when an expectation does not hold');
  if (!model.changes(operations)) {
    assert.equal(result.revision, await store.revision());
    return result.revision;
  }
  assert.ok(result.revision > model.revision, 'revisions must grow');
  model.apply(operations, result.revision, options.record);
  return result.revision;
}

/** Deep equality in which a Buffer and a Uint8Array of the same bytes are the same. */
export function assertSame(actual: unknown, expected: unknown): void {
  assert.deepEqual(plain(actual), plain(expected));
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${new TextDecoder('latin1').decode(value)}`;
  if (value instanceof Map) return plain([...value]);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .map(([k, v]) => [k, plain(v)]),
  );
}

export async function assertRejects(promise: Promise<unknown>, code: StoreErrorCode): Promise<void> {
  const error: unknown = await promise.then(
    (value) => new Error(`resolved with ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!isStoreError(error, code)) throw new assert.AssertionError({ message: `expected a StoreError ${code}, got: ${error}` });
}

/** Reads a watch from `from` until everything up to `to` has been delivered; checks the shape of its batches. */
export async function readWatch(store: Store, range: KeyRange, from: number, to: number): Promise<StoreEvent[]> {
  const stop = new AbortController();
  const watch = store.watch(range, { from, previous: true, signal: stop.signal });
  try {
    return await readUntil(watch, (events) => (events.at(-1)?.revision ?? 0) >= to);
  } finally {
    stop.abort();
  }
}

/** Collects events until `enough` says so, asserting that batches ascend and that none contradicts an earlier one. */
export async function readUntil(
  watch: AsyncIterable<{ revision: number; events: readonly StoreEvent[] }>,
  enough: (events: readonly StoreEvent[], revision: number) => boolean,
): Promise<StoreEvent[]> {
  const events: StoreEvent[] = [];
  let delivered = 0;
  if (enough(events, delivered)) return events;
  for await (const batch of watch) {
    assert.ok(batch.revision >= delivered, 'the revision of batches must not go back');
    for (const event of batch.events) {
      assert.ok(event.revision > delivered, 'an event at or before the last batch is a repetition, or a revision that was split');
      assert.ok(event.revision >= (events.at(-1)?.revision ?? 0), 'events must ascend');
      assert.ok(event.revision <= batch.revision, 'an event must not be newer than its batch');
      events.push(event);
    }
    delivered = batch.revision;
    if (enough(events, delivered)) break;
  }
  return events;
}
