import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MemoryStore } from '../storage/memory-store.ts';
import { encodeRecord } from '../trace/cause.ts';
import { revisionAt } from './revision-at.ts';

const step = fc.record({ pause: fc.nat(3), recorded: fc.boolean() });

test('the revision at a time is the newest whose record says that it was written by then', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.nat(10), async (steps, forgotten) => {
      const store = new MemoryStore();
      const times: number[] = [];
      let now = 1_000;
      for (const { pause } of steps) {
        now += pause;
        times.push(now);
        await store.commit([{ key: `/k/${pause}`, value: new Uint8Array(1) }], {
          record: encodeRecord({ actor: 'a', verb: 'v', request: 'r', time: now }),
        });
      }
      const compacted = Math.min(forgotten, times.length);
      await store.compact(compacted);
      for (const time of [0, 1_000, ...times, now + 1]) {
        const written = times.filter((each) => each <= time).length;
        assert.equal(await revisionAt(store, time), written > compacted ? written : undefined);
      }
    }),
  );
});

test('writes without a record count to the one after them', async () => {
  const store = new MemoryStore();
  const record = (time: number) => ({ record: encodeRecord({ actor: 'a', verb: 'v', request: 'r', time }) });
  const put = [{ key: '/k', value: new Uint8Array(1) }];
  await store.commit(put, record(10));
  for (let i = 0; i < 5; i++) await store.commit(put);
  await store.commit(put, record(20));
  assert.deepEqual([await revisionAt(store, 9), await revisionAt(store, 10), await revisionAt(store, 20)], [undefined, 1, 7]);
  assert.ok(((await revisionAt(store, 15)) ?? 0) >= 1);
  assert.ok(((await revisionAt(store, 15)) ?? 0) < 7);
});
