import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomInt, SeededRandom } from '../../clock/random.ts';
import { isStoreError, type Operation, prefixRange, type Store, type StoreEvent } from '../store.ts';
import type { Engine, StoreUnderTest } from './engine.ts';
import { assertSame, bytes, freshPrefix, modelOf, readUntil, withStore } from './harness.ts';
import { checkPast, finalRead, recordHistory, storeModel } from './history.ts';
import { isLinearizable } from './linearizability.ts';

export function registerConcurrency(engine: Engine): void {
  const rounds = Math.ceil((engine.runs ?? 100) / 5);

  test('of n concurrent commits that expect the same revision, exactly one succeeds; the others learn which', async () => {
    await withStore(engine, async (under) => {
      const stores = await clients(under);
      const key = `${freshPrefix()}k`;
      let expect = 0;
      for (let round = 0; round < rounds; round++) {
        const tries = Array.from({ length: 16 }, (_, i) => {
          const store = stores[i % stores.length] as Store;
          return store.commit([{ key, value: round % 3 === 2 ? undefined : bytes(`${round}/${i}`), expect }]);
        });
        const results = await Promise.all(tries);
        const won = results.filter((result) => result.ok);
        assert.equal(won.length, 1);
        const now = (await under.store.get(key)).item;
        for (const result of results) if (!result.ok) assert.equal(result.current.get(key)?.modRevision, now?.modRevision);
        expect = now?.modRevision ?? 0;
        if (round % 3 !== 2) assert.equal(expect, won[0]?.revision);
        else assert.equal(now, undefined);
      }
      await closeOthers(under, stores);
    });
  });

  test('no update is lost when clients read, add one and compare-and-set', async () => {
    await withStore(engine, async (under) => {
      const stores = await clients(under);
      const key = `${freshPrefix()}counter`;
      const each = Math.ceil(rounds / 2);
      await Promise.all(
        Array.from({ length: 6 }, async (_, client) => {
          const store = stores[client % stores.length] as Store;
          for (let i = 0; i < each; i++) await addOne(store, key);
        }),
      );
      const { item } = await under.store.get(key);
      assert.equal(new TextDecoder().decode(item?.value), String(6 * each));
      assert.equal(item?.version, 6 * each);
      await closeOthers(under, stores);
    });
  });

  test('every commit has a revision of its own, which grows with time', async () => {
    await withStore(engine, async (under) => {
      const stores = await clients(under);
      const prefix = freshPrefix();
      const revisions = new Set<number>();
      await Promise.all(
        Array.from({ length: 8 }, async (_, client) => {
          const store = stores[client % stores.length] as Store;
          let before = 0;
          for (let i = 0; i < rounds; i++) {
            const { revision } = await store.commit([{ key: `${prefix}${client}`, value: bytes(String(i)) }]);
            assert.ok(revision > before);
            assert.ok(!revisions.has(revision));
            revisions.add(revision);
            before = revision;
            assert.ok((await store.revision()) >= before);
          }
        }),
      );
      await closeOthers(under, stores);
    });
  });

  test('reads and commits of concurrent clients are linearizable', async () => {
    await withStore(engine, async (under) => {
      const stores = await clients(under);
      for (let round = 0; round < rounds; round++) {
        const prefix = freshPrefix();
        const calls = await recordHistory(stores, prefix, { seed: `${engine.name}/${round}`, calls: 12, past: true });
        const history = [...calls, await finalRead(under.store, prefix, calls)];
        assert.ok(isLinearizable(storeModel, history), `round ${round} is not linearizable: ${JSON.stringify(history)}`);
        assert.equal(checkPast(history), undefined);
      }
      await closeOthers(under, stores);
    });
  });

  test('compaction beside commits takes away nothing that may still be read', async () => {
    await withStore(engine, async ({ store }) => {
      const prefix = freshPrefix();
      const range = prefixRange(prefix);
      const model = await modelOf(store);
      const random = new SeededRandom(`${engine.name} compaction`);
      for (let round = 0; round < 2 * rounds; round++) {
        const writes = Array.from({ length: 6 }, (_, i): Operation => {
          return { key: `${prefix}${randomInt(random, 8)}`, value: random.next() < 0.5 ? undefined : bytes(`${round}/${i}`) };
        });
        const compacted = Math.max(model.compacted, model.revision - randomInt(random, 4));
        const work = writes.map((write) => store.commit([write], { record: bytes('r') }));
        const [results] = await Promise.all([Promise.all(work), store.compact(compacted)]);
        model.compacted = compacted;
        const order = writes.map((write, i) => ({ write, revision: results[i]?.revision ?? 0 })).sort((a, b) => a.revision - b.revision);
        // A write that changed nothing shares its revision with the one before it.
        for (const { write, revision } of order) {
          if (revision > model.revision && model.changes([write])) model.apply([write], revision, bytes('r'));
        }
        const { items, count } = await store.list(range, { limit: 1 });
        assertSame(items, model.list(range).slice(0, 1));
        assert.equal(count, model.list(range).length);
        for (let r = model.oldest; r <= model.revision; r++)
          assertSame((await store.list(range, { revision: r })).items, model.list(range, r));
      }
    });
  });

  test('a watch beside writers and compaction misses nothing and splits nothing, or says Compacted', async () => {
    await withStore(engine, async (under) => {
      const stores = await clients(under);
      const prefix = freshPrefix();
      let commits = 0;
      let ended = false;
      const slowly = async (): Promise<void> => {
        for (const until = commits + 20; commits < until && !ended; ) await turn();
      };
      const followers = [turn, slowly].map((pace, i) => follow(stores[i % stores.length] as Store, prefix, pace));
      const write = async (client: number): Promise<void> => {
        const random = new SeededRandom(`${engine.name}/${client}`);
        const store = stores[client % stores.length] as Store;
        for (let i = 0; i < 3 * rounds; i++) {
          const pair = `${prefix}${client}/${randomInt(random, 5)}`;
          const gone = i % 4 === 3 && (await store.get(`${pair}a`)).item !== undefined;
          await store.commit(pairOf(pair, gone ? undefined : bytes(`${client}/${i}`)));
          commits++;
          await turn();
          if (client === 0 && i % 5 === 0) await store.compact((await store.revision()) - randomInt(random, 3));
        }
      };
      await Promise.all([0, 1, 2, 3].map(write));
      await under.store.commit(pairOf(prefix + endOfStory, bytes('end')));
      ended = true;
      const { items } = await under.store.list(prefixRange(prefix));
      const expected = new Map(items.map(({ key, modRevision }) => [key, modRevision]));
      for (const state of await Promise.all(followers)) assertSame([...state].sort(), [...expected].sort());
      await closeOthers(under, stores);
    });
  });

  test('watches see the commits of concurrent clients whole, once, in the order of revisions', async () => {
    await withStore(engine, async (under) => {
      const stores = await clients(under);
      const prefix = freshPrefix();
      const stop = new AbortController();
      const from = (await under.store.revision()) + 1;
      const watches = stores.map((store) => store.watch(prefixRange(prefix), { from, signal: stop.signal }));
      const count = 8 * rounds;
      const readers = watches.map((watch) => readUntil(watch, (events) => events.length >= 2 * count));
      await Promise.all(
        Array.from({ length: 8 }, async (_, client) => {
          const store = stores[client % stores.length] as Store;
          for (let i = 0; i < rounds; i++) {
            const value = bytes(`${client}/${i}`);
            await store.commit([
              { key: `${prefix}a${client}`, value },
              { key: `${prefix}b${client}`, value },
            ]);
          }
        }),
      );
      const seen = await Promise.all(readers);
      for (const events of seen) {
        assert.equal(events.length, 2 * count);
        for (let i = 0; i < events.length; i += 2) assert.equal(events[i]?.revision, events[i + 1]?.revision);
        assert.deepEqual(events.map(describeEvent), seen[0]?.map(describeEvent));
      }
      stop.abort();
      await closeOthers(under, stores);
    });
  });
}

const endOfStory = 'end';
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Both keys of a pair are always written together. */
function pairOf(name: string, value: Uint8Array | undefined): Operation[] {
  return ['a', 'b'].map((half) => ({ key: name + half, value }));
}

/**
 * Follows a range as a client does: a list, the watch after it, and again from the list on after `Compacted`, until
 * the last pair has come. Checks every event against what stood there before it. `pace` is awaited between batches.
 */
async function follow(store: Store, prefix: string, pace: () => Promise<void>): Promise<ReadonlyMap<string, number>> {
  for (;;) {
    const { items, revision } = await store.list(prefixRange(prefix));
    const state = new Map(items.map(({ key, modRevision }) => [key, modRevision]));
    const stop = new AbortController();
    try {
      const watch = store.watch(prefixRange(prefix), { from: revision + 1, previous: true, signal: stop.signal });
      if (state.has(`${prefix}${endOfStory}b`)) return state;
      for await (const { events } of watch) {
        for (const [i, event] of events.entries()) {
          assert.equal(
            event.previous?.modRevision,
            state.get(event.key),
            `what stood under ${event.key} before revision ${event.revision}`,
          );
          if (event.type === 'put') state.set(event.key, event.revision);
          else state.delete(event.key);
          const partner = events[i % 2 === 0 ? i + 1 : i - 1];
          assert.equal(partner?.revision, event.revision, `revision ${event.revision} was split`);
        }
        if (state.has(`${prefix}${endOfStory}b`)) return state;
        await pace();
      }
      assert.fail('the watch has ended by itself');
    } catch (error) {
      if (!isStoreError(error, 'Compacted') && !isStoreError(error, 'SlowWatcher')) throw error;
    } finally {
      stop.abort();
    }
  }
}

async function clients(under: StoreUnderTest): Promise<Store[]> {
  return under.another ? [under.store, await under.another()] : [under.store];
}

async function closeOthers(under: StoreUnderTest, stores: readonly Store[]): Promise<void> {
  for (const store of stores) if (store !== under.store) await store.close();
}

async function addOne(store: Store, key: string): Promise<void> {
  for (;;) {
    const { item } = await store.get(key);
    const next = bytes(String(Number(new TextDecoder().decode(item?.value)) + 1));
    if ((await store.commit([{ key, value: next, expect: item?.modRevision ?? 0 }])).ok) return;
  }
}

function describeEvent(event: StoreEvent): string {
  return `${event.revision} ${event.type} ${event.key}`;
}
