import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KeyRange, prefixRange, type StoreEvent, type WatchBatch } from './store.ts';
import { WatchHub } from './watch-hub.ts';

/** A hub over a history of one put per revision, of the keys given. */
class Stage {
  readonly keys: string[] = [];
  reads = 0;
  readonly hub: WatchHub;

  constructor(maxUnread?: number) {
    const history = {
      revision: () => this.keys.length,
      read: (range: KeyRange, from: number): WatchBatch => {
        this.reads++;
        const revision = Math.min(this.keys.length, from + 9);
        return { revision, events: this.events(from, revision).filter((event) => event.key.startsWith(range.start)) };
      },
    };
    this.hub = new WatchHub(history, maxUnread === undefined ? {} : { maxUnread });
  }

  events(from: number, to: number): StoreEvent[] {
    return this.keys.slice(from - 1, to).map((key, i) => {
      const revision = from + i;
      return { type: 'put', key, revision, item: { key, value: new Uint8Array(), createRevision: 1, modRevision: revision, version: 1 } };
    });
  }

  write(...keys: string[]): void {
    const from = this.keys.length + 1;
    this.keys.push(...keys);
    this.hub.publish(this.keys.length, this.events(from, this.keys.length));
  }

  open(prefix: string, signal: AbortSignal, from?: number): AsyncIterator<WatchBatch> {
    return this.hub.open(prefixRange(prefix), { signal, ...(from !== undefined && { from }) })[Symbol.asyncIterator]();
  }
}

const revisions = (result: IteratorResult<WatchBatch>): number[] => result.value.events.map((event: StoreEvent) => event.revision);

test('all watches of one range share one batch; others are not woken', async () => {
  const stage = new Stage();
  const { signal } = new AbortController();
  const watches = Array.from({ length: 1_000 }, () => stage.open('/a/', signal));
  const other = stage.open('/b/', signal);
  await Promise.all([...watches, other].map((watch) => watch.next()));
  const waiting = watches.map((watch) => watch.next());
  let woken = false;
  const otherWaiting = other.next().then(() => {
    woken = true;
  });
  stage.write('/a/1', '/c/1', '/a/2');
  const batches = await Promise.all(waiting);
  assert.deepEqual(revisions(batches[0] as IteratorResult<WatchBatch>), [1, 3]);
  assert.ok(batches.every((batch) => batch.value === batches[0]?.value));
  assert.equal(woken, false);
  stage.hub.close();
  await assert.rejects(otherWaiting, { code: 'Closed' });
});

test('a reader that falls behind costs no memory: it reads from history, and goes live again', async () => {
  const stage = new Stage(10);
  const stop = new AbortController();
  const watch = stage.open('/', stop.signal);
  const seen: number[] = [];
  const take = async (): Promise<void> => void seen.push(...revisions(await watch.next()));
  await take();
  for (let i = 1; i <= 35; i++) stage.write(`/${i}`);
  while (seen.length < 35) await take();
  assert.ok(stage.reads > 0);
  const { reads } = stage;
  for (let i = 36; i <= 40; i++) {
    stage.write(`/${i}`);
    await take();
  }
  assert.equal(stage.reads, reads, 'history is not read any more');
  assert.deepEqual(
    seen,
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
  stop.abort();
  assert.equal(stage.hub.size, 0);
});

test('a watch from the past goes over into the present without a gap', async () => {
  const stage = new Stage();
  const stop = new AbortController();
  for (let i = 1; i <= 25; i++) stage.write(`/${i}`);
  const watch = stage.open('/', stop.signal, 3);
  const seen: number[] = [];
  for (let i = 26; seen.length < 40; i++) {
    seen.push(...revisions(await watch.next()));
    stage.write(`/${i}`);
  }
  assert.deepEqual(
    seen.slice(0, 40),
    Array.from({ length: 40 }, (_, i) => i + 3),
  );
  stop.abort();
});

test('progress is told to watches that the range touches, and merged with what is unread', async () => {
  const stage = new Stage();
  const stop = new AbortController();
  const watch = stage.open('/a/', stop.signal);
  stage.write('/a/1', '/b/2');
  stage.hub.progress(prefixRange('/b/'), 2);
  stage.write('/b/3');
  stage.hub.progress(prefixRange('/'), 3);
  assert.deepEqual((await watch.next()).value, { revision: 0, events: [] });
  const batch = await watch.next();
  assert.deepEqual([batch.value.revision, revisions(batch)], [3, [1]]);
  stop.abort();
});

test('aborting, returning and closing leave nothing behind', async () => {
  const stage = new Stage();
  const stop = new AbortController();
  const aborted = stage.open('/', stop.signal);
  const returned = stage.open('/', new AbortController().signal);
  const waiting = aborted.next().then(() => aborted.next());
  await Promise.resolve();
  stop.abort();
  assert.deepEqual(await waiting, { done: true, value: undefined });
  await returned.return?.();
  assert.deepEqual(await returned.next(), { done: true, value: undefined });
  assert.equal(stage.hub.size, 0);
  stage.hub.close();
  await assert.rejects(stage.open('/', new AbortController().signal).next(), { code: 'Closed' });
  assert.equal(stage.hub.size, 0);
});
