import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerEvent } from '../cri.ts';
import { EventHub } from './event-hub.ts';

const event = (id: number): ContainerEvent => ({ type: 'started', containerId: String(id), sandboxId: 's', podUid: 'u', at: id });

/** A reader that has begun to wait before anything is published. */
async function subscribe(
  hub: EventHub,
  signal: AbortSignal,
): Promise<AsyncIterator<readonly ContainerEvent[]> & { first: Promise<IteratorResult<readonly ContainerEvent[]>> }> {
  const reader = hub.subscribe(signal)[Symbol.asyncIterator]();
  const first = reader.next();
  await Promise.resolve();
  return Object.assign(reader, { first });
}

test('every reader gets every event, in order, in batches', async () => {
  const hub = new EventHub();
  const abort = new AbortController();
  const readers = [await subscribe(hub, abort.signal), await subscribe(hub, abort.signal)];
  for (let id = 0; id < 3; id++) hub.publish(event(id));
  for (const reader of readers) {
    const seen = [...((await reader.first).value as ContainerEvent[])];
    while (seen.length < 3) seen.push(...((await reader.next()).value as ContainerEvent[]));
    assert.deepEqual(seen, [0, 1, 2].map(event));
  }
});

test('a reader that falls behind is told to list again, and goes on from there', async () => {
  const hub = new EventHub();
  const abort = new AbortController();
  const slow = await subscribe(hub, abort.signal);
  hub.publish(event(0));
  await slow.first;
  for (let id = 1; id <= 1500; id++) hub.publish(event(id));
  const { value } = await slow.next();
  assert.deepEqual((value as ContainerEvent[])[0], { type: 'relist', at: 1001 });
  assert.equal((value as ContainerEvent[]).length, 500);
  assert.deepEqual((value as ContainerEvent[]).at(-1), event(1500));
});

test('a reader whose signal aborts ends, waiting or not', async () => {
  const hub = new EventHub();
  const abort = new AbortController();
  const reader = await subscribe(hub, abort.signal);
  abort.abort();
  assert.equal((await reader.first).done, true);
  for await (const batch of hub.subscribe(abort.signal)) assert.fail(`${batch.length} events after the end`);
});
