import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type KeyRange, type KeyValue, keyRange, prefixRange, type StoreEvent } from '../store.ts';
import type { Engine } from './engine.ts';
import { assertRejects, assertSame, bytes, commitBoth, freshPrefix, modelOf, readUntil, readWatch, withStore } from './harness.ts';

const names = ['a/1', 'a/2', 'b/1', 'b/2', 'c'];
const ranges = ['', 'a/', 'b/', 'a/1', 'c'];

/** A watch opened after `after` commits, from so many revisions back (absent: from the next one on). */
const watchShape = fc.record({ range: fc.constantFrom(...ranges), after: fc.nat(20), back: fc.option(fc.nat(10), { nil: undefined }) });
const write = fc.uniqueArray(fc.record({ name: fc.constantFrom(...names), remove: fc.boolean() }), {
  minLength: 1,
  maxLength: 3,
  selector: (w) => w.name,
});

export function registerWatches(engine: Engine): void {
  const numRuns = engine.runs ?? 100;

  test('watches are ordered, unique, gapless, atomic and filtered, from wherever they start', async () => {
    await withStore(engine, async ({ store }) => {
      const property = fc.asyncProperty(
        fc.array(write, { maxLength: 20 }),
        fc.array(watchShape, { maxLength: 5 }),
        async (writes, shapes) => {
          const prefix = freshPrefix();
          const model = await modelOf(store);
          const stop = new AbortController();
          const watches: { range: KeyRange; from: number; events: AsyncIterable<{ revision: number; events: readonly StoreEvent[] }> }[] =
            [];
          for (let i = 0; i <= writes.length; i++) {
            for (const shape of shapes.filter((s) => Math.min(s.after, writes.length) === i)) {
              const range = shape.range === 'c' ? keyRange(`${prefix}c`) : prefixRange(prefix + shape.range);
              const from = shape.back === undefined ? undefined : Math.max(model.oldest + 1, model.revision - shape.back);
              const events = store.watch(range, { previous: true, signal: stop.signal, ...(from !== undefined && { from }) });
              watches.push({ range, from: from ?? model.revision + 1, events });
            }
            const operations = writes[i]?.map((w) => ({ key: prefix + w.name, value: w.remove ? undefined : bytes(String(i)) }));
            if (operations) await commitBoth(store, model, operations);
          }
          for (const { range, from, events } of watches) {
            const expected = model.events(range, from);
            const last = expected.at(-1)?.revision ?? 0;
            assertSame(await readUntil(events, (seen) => (seen.at(-1)?.revision ?? 0) >= last), expected);
          }
          stop.abort();
        },
      );
      await fc.assert(property, { numRuns });
    });
  });

  test('progress comes to every watch that the range touches, after all events before it', async (t) => {
    await withStore(engine, async ({ store }) => {
      const prefix = freshPrefix();
      const model = await modelOf(store);
      const stop = new AbortController();
      if ((await store.progress(prefixRange(prefix))) === undefined) {
        await store.close();
        t.skip('this engine cannot be asked for progress; etcd can from 3.4.31 and 3.5.13 on');
        return;
      }
      const watches = ['', 'a/', 'c'].map((name) => ({ name, watch: store.watch(prefixRange(prefix + name), { signal: stop.signal }) }));
      for (let round = 0; round < 5; round++) {
        await commitBoth(store, model, [{ key: `${prefix}a/1`, value: bytes(String(round)) }]);
        const asked = await store.progress(prefixRange(prefix));
        assert.ok(asked !== undefined && asked >= model.revision);
        for (const { name, watch } of watches) {
          const expected = model.events(prefixRange(prefix + name), model.revision).length;
          const seen = await readUntil(reread(watch), (_, revision) => revision >= asked);
          assert.equal(seen.filter((event) => event.revision === model.revision).length, expected, `watch of "${name}"`);
        }
      }
      stop.abort();
    });
  });

  test('a list, folded with the watch that begins after it, is the later list', async () => {
    await withStore(engine, async ({ store }) => {
      const property = fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 20 }), fc.nat(19), async (writes, at) => {
        const prefix = freshPrefix();
        const model = await modelOf(store);
        const whole = prefixRange(prefix);
        let folded = new Map<string, KeyValue>();
        let listed = model.revision;
        for (const [i, operations] of writes.entries()) {
          await commitBoth(
            store,
            model,
            operations.map((w) => ({ key: prefix + w.name, value: w.remove ? undefined : bytes(String(i)) })),
          );
          if (i !== at % writes.length) continue;
          const list = await store.list(whole);
          folded = new Map(list.items.map((item) => [item.key, item]));
          listed = list.revision;
        }
        const later = await store.list(whole);
        const last = model.events(whole, listed + 1).at(-1)?.revision ?? 0;
        for (const event of await readWatch(store, whole, listed + 1, last)) {
          if (event.type === 'put') folded.set(event.key, event.item);
          else folded.delete(event.key);
        }
        assertSame([...folded].sort(), later.items.map((item) => [item.key, item]).sort());
      });
      await fc.assert(property, { numRuns: Math.ceil(numRuns / 2) });
    });
  });

  test('a watch can be resumed after any batch and misses nothing', async () => {
    await withStore(engine, async ({ store }) => {
      const prefix = freshPrefix();
      const model = await modelOf(store);
      const base = model.revision;
      for (let i = 0; i < 30; i++)
        await commitBoth(store, model, [{ key: `${prefix}${i % 7}`, value: i % 5 === 4 ? undefined : bytes(String(i)) }]);
      const events: StoreEvent[] = [];
      for (let next = base + 1; next <= model.revision; ) {
        const stop = new AbortController();
        for await (const batch of store.watch(prefixRange(prefix), { from: next, previous: true, signal: stop.signal })) {
          events.push(...batch.events);
          next = batch.revision + 1;
          break;
        }
        stop.abort();
      }
      assertSame(events, model.events(prefixRange(prefix), base + 1));
    });
  });

  test('the history of one key can be read, however many versions it has', async () => {
    await withStore(engine, async ({ store }) => {
      const prefix = freshPrefix();
      const model = await modelOf(store);
      const base = model.revision;
      for (let i = 0; i < 80; i++) {
        await commitBoth(store, model, [
          { key: `${prefix}k`, value: i % 9 === 8 ? undefined : bytes(String(i)) },
          { key: `${prefix}other`, value: bytes(String(i)) },
        ]);
      }
      const key = keyRange(`${prefix}k`);
      for (const from of [base + 1, base + 35, model.revision]) {
        assertSame(await readWatch(store, key, from, model.revision), model.events(key, from));
      }
      await store.compact(base + 40);
      assertSame(await readWatch(store, key, base + 41, model.revision), model.events(key, base + 41));
    });
  });

  test('a watch from a revision yet to come begins there', async () => {
    await withStore(engine, async ({ store }) => {
      const prefix = freshPrefix();
      const model = await modelOf(store);
      const stop = new AbortController();
      const from = model.revision + 4;
      const watch = store.watch(prefixRange(prefix), { from, previous: true, signal: stop.signal });
      const write = (i: number): Promise<number> => commitBoth(store, model, [{ key: `${prefix}k`, value: bytes(String(i)) }]);
      for (let i = 0; i < 2; i++) await write(i);
      // What is committed together may be delivered together; the watch begins in its middle.
      const together = await Promise.all([2, 3, 4].map((i) => store.commit([{ key: `${prefix}k`, value: bytes(String(i)) }])));
      const order = together.map(({ revision }, i) => ({ revision, value: bytes(String(i + 2)) })).sort((a, b) => a.revision - b.revision);
      for (const { revision, value } of order) model.apply([{ key: `${prefix}k`, value }], revision, undefined);
      await write(5);
      const seen = await readUntil(watch, (events) => events.length === 3);
      assertSame(seen, model.events(prefixRange(prefix), from));
      stop.abort();
    });
  });

  test('a watch from a compacted revision says Compacted, and one from the next revision misses nothing', async () => {
    await withStore(engine, async ({ store }) => {
      const prefix = freshPrefix();
      const model = await modelOf(store);
      for (let i = 0; i < 6; i++)
        await commitBoth(store, model, [{ key: `${prefix}${i % 2}`, value: i === 3 ? undefined : bytes(String(i)) }]);
      const at = model.revision - 2;
      await store.compact(at);
      const signal = new AbortController().signal;
      for (const from of [at - 1, at]) {
        await assertRejects(
          readUntil(store.watch(prefixRange(prefix), { from, signal }), () => false),
          'Compacted',
        );
      }
      assertSame(await readWatch(store, prefixRange(prefix), at + 1, model.revision), model.events(prefixRange(prefix), at + 1));
    });
  });

  test('a reader that pauses while thousands of events pass still gets each of them once', async () => {
    await withStore(engine, async ({ store }) => {
      const prefix = freshPrefix();
      const base = await store.revision();
      const stop = new AbortController();
      const watch = store.watch(prefixRange(prefix), { signal: stop.signal })[Symbol.asyncIterator]();
      await watch.next();
      const writes = (engine.runs ?? 100) * 20;
      const count = writes * 10;
      for (let i = 0; i < writes; i++) {
        const operations = Array.from({ length: 10 }, (_, k) => ({ key: `${prefix}${k}`, value: bytes(`${i}`) }));
        assert.ok((await store.commit(operations)).ok);
      }
      const seen = await readUntil({ [Symbol.asyncIterator]: () => watch }, (events) => events.length >= count);
      assert.equal(seen.length, count);
      assert.ok(seen.every((event, i) => event.revision > base && event.key === `${prefix}${i % 10}` && event.type === 'put'));
      assert.ok(
        seen.every((event, i) => event.type === 'put' && new TextDecoder().decode(event.item.value) === String(Math.floor(i / 10))),
      );
      stop.abort();
    });
  });

  test('an aborted watch ends, at once or before it began, and leaves the store working', async () => {
    await withStore(engine, async ({ store }) => {
      const prefix = freshPrefix();
      assert.deepEqual(await readUntil(store.watch(prefixRange(prefix), { signal: AbortSignal.abort() }), () => false), []);
      const stop = new AbortController();
      const reading = readUntil(store.watch(prefixRange(prefix), { signal: stop.signal }), () => false);
      await store.commit([{ key: `${prefix}k`, value: bytes('v') }]);
      stop.abort();
      assert.ok((await reading).length <= 1);
      assert.ok((await store.commit([{ key: `${prefix}k`, value: undefined }])).ok);
    });
  });

  test('closing the store ends its watches with Closed', async () => {
    await withStore(engine, async ({ store }) => {
      const reading = readUntil(store.watch(prefixRange(freshPrefix()), { signal: new AbortController().signal }), () => false);
      const refused = assertRejects(reading, 'Closed');
      await store.revision();
      await store.close();
      await refused;
    });
  });
}

/** A watch that is left and taken up again: leaving a for-await loop would end it. */
function reread<T>(watch: AsyncIterable<T>): AsyncIterable<T> {
  const iterator = watch[Symbol.asyncIterator]();
  return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) };
}
