import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isStoreError, type KeyRange, keyRange, type Operation, prefixRange, type Store, type StoreEvent } from '../store.ts';
import type { Engine } from './engine.ts';
import { assertRejects, assertSame, bytes, commitBoth, freshPrefix, modelOf, readWatch, withStore } from './harness.ts';
import type { ModelStore } from './model-store.ts';

/** Few names, so that they meet; some chosen to tell UTF-8 order from UTF-16 order, and prefixes from neighbours. */
const names = ['a', 'a\0', 'a/b', 'a0', 'b', 'b/c/d', 'ä', '\uffee', '\u{1f600}'];
const name = fc.constantFrom(...names);

interface OperationShape {
  readonly name: string;
  readonly value: string | undefined;
  readonly expect: 'nothing' | 'current' | 'absent' | 'stale';
}
const operation = fc.record<OperationShape>({
  name,
  value: fc.option(fc.string({ maxLength: 6 }), { nil: undefined, freq: 3 }),
  expect: fc.constantFrom('nothing', 'nothing', 'current', 'current', 'absent', 'stale'),
});
const operations = fc.uniqueArray(operation, { minLength: 1, maxLength: 4, selector: (o) => o.name });
const range = fc.tuple(fc.constantFrom('', ...names), fc.constantFrom(undefined, ...names)).map(([start, end]) => ({ start, end }));
const moment = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined });

const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      operations,
      record: fc.option(fc.string({ maxLength: 4 }), { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('get' as const), name, at: moment }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('list' as const), range, at: moment, limit: fc.nat(5), countOnly: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('record' as const), name, at: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('watch' as const), range, at: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('changes' as const),
      range,
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      to: moment,
      limit: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

export function registerReadsAndCommits(engine: Engine): void {
  registerLongHistory(engine);
  registerShortHistories(engine);
  const numRuns = engine.runs ?? 100;

  test('one client sees what the model sees: reads now and then, commits, records, watches, compaction, restarts', async () => {
    await withStore(engine, async (under) => {
      const property = fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
        const prefix = freshPrefix();
        const model = await modelOf(under.store);
        for (const c of commands) {
          if (c.do === 'reopen') await under.reopen?.();
          else await runCommand(c, under.store, model, prefix);
        }
      });
      await fc.assert(property, { numRuns });
    });
  });

  test('reads of revisions that are compacted, or not yet written, are refused', async () => {
    await withStore(engine, async ({ store }) => {
      const prefix = freshPrefix();
      const model = await modelOf(store);
      for (let i = 0; i < 5; i++) await commitBoth(store, model, [{ key: `${prefix}k`, value: bytes(String(i)) }]);
      const now = await store.revision();
      await store.compact(now - 2);
      assert.equal(await store.compactedRevision(), now - 2);
      await store.compact(now - 3);
      assert.equal(await store.compactedRevision(), now - 2, 'compaction does not go back');
      await Promise.all(readsAt(store, `${prefix}k`, now - 3).map((read) => assertRejects(read, 'Compacted')));
      const refused = await store.get(`${prefix}k`, { revision: now - 3 }).catch((error: unknown) => error);
      assert.ok(isStoreError(refused) && refused.compactedRevision === now - 2);
      const future = (await store.revision()) + 1;
      await Promise.all(readsAt(store, `${prefix}k`, future).map((read) => assertRejects(read, 'FutureRevision')));
      await assertRejects(store.compact(future), 'FutureRevision');
      assertSame((await store.get(`${prefix}k`, { revision: now - 2 })).item, model.get(`${prefix}k`, now - 2));
    });
  });

  test('keys and commits that no store may take are refused, and change nothing', async () => {
    await withStore(engine, async ({ store }) => {
      const before = await store.revision();
      const value = bytes('x');
      const bad: (readonly Operation[])[] = [
        [{ key: '', value }],
        [{ key: 'x'.repeat(1025), value }],
        [{ key: `/registry/\ud800`, value }],
        [
          { key: '/registry/twice', value },
          { key: '/registry/twice', value: undefined },
        ],
        [{ key: '/registry/expect', value, expect: -1 }],
        Array.from({ length: 61 }, (_, i) => ({ key: `/registry/many/${i}`, value })),
      ];
      for (const operations of bad) await assertRejects(store.commit(operations), 'Invalid');
      const aborted = AbortSignal.abort(new Error('stop'));
      await assert.rejects(store.commit([{ key: '/registry/aborted', value }], { signal: aborted }), /stop/);
      await assert.rejects(store.get('/registry/aborted', { signal: aborted }), /stop/);
      assert.equal(await store.revision(), before);
    });
  });

  test('a key that cannot be stored is not there, and bounds may be longer than any key', async () => {
    await withStore(engine, async ({ store }) => {
      const prefix = freshPrefix();
      const model = await modelOf(store);
      const long = (c: string): string => prefix + c.repeat(1024 - prefix.length);
      await commitBoth(
        store,
        model,
        [long('a'), long('b'), long('c')].map((key) => ({ key, value: bytes(key) })),
      );
      for (const key of ['', '\ud800', 'x'.repeat(5_000), 'é'.repeat(1_000)]) {
        assert.equal((await store.get(key)).item, undefined);
        assert.equal(await store.record(key, model.revision), undefined);
      }
      for (const more of ['', 'a', 'é'.repeat(1_000), 'z'.repeat(5_000)]) {
        const range = { start: long('a') + more, end: long('b') + more };
        assertSame((await store.list(range)).items, model.list(range));
        assert.equal((await store.list(range, { countOnly: true })).count, model.list(range).length);
      }
    });
  });

  test('the largest commit, the longest key and a value of 1 MiB are kept whole', async () => {
    await withStore(engine, async (under) => {
      const prefix = freshPrefix();
      const longest = prefix + 'k'.repeat(1024 - prefix.length);
      const big = Uint8Array.from({ length: 2 ** 20 }, (_, i) => i * 31);
      const model = await modelOf(under.store);
      await commitBoth(under.store, model, [{ key: longest, value: big }], { record: bytes('r') });
      const many = Array.from({ length: 59 }, (_, i) => ({ key: `${prefix}${i}`, value: bytes(String(i)), expect: 0 }));
      await commitBoth(under.store, model, [...many, { key: longest, value: undefined }], { record: bytes('s') });
      await under.reopen?.();
      assertSame((await under.store.list(prefixRange(prefix))).items, model.list(prefixRange(prefix)));
      assertSame((await under.store.get(longest, { revision: model.revision - 1 })).item, model.get(longest, model.revision - 1));
      assertSame(await under.store.record(longest, model.revision), bytes('s'));
    });
  });

  test('the pages of a list at one revision add up to that list, whatever is written meanwhile', async () => {
    await withStore(engine, async ({ store }) => {
      const prefix = freshPrefix();
      const model = await modelOf(store);
      for (let i = 0; i < 25; i++) await commitBoth(store, model, [{ key: `${prefix}${String(i).padStart(2, '0')}`, value: bytes('v') }]);
      const whole = prefixRange(prefix);
      const first = await store.list(whole, { limit: 4 });
      const items = [...first.items];
      for (let page = 1; items.length < first.count; page++) {
        await commitBoth(store, model, [
          { key: `${prefix}${page}1`, value: undefined },
          { key: `${prefix}0${page}x`, value: bytes('new') },
        ]);
        const rest: KeyRange = { ...whole, start: `${items.at(-1)?.key}\0` };
        const result = await store.list(rest, { limit: 4, revision: first.revision });
        assert.equal(result.count, first.count - items.length);
        items.push(...result.items);
      }
      assertSame(items, model.list(whole, first.revision));
    });
  });

  test('size answers, close is idempotent, and a closed store refuses', async () => {
    await withStore(engine, async ({ store }) => {
      const prefix = freshPrefix();
      await store.commit([{ key: `${prefix}k`, value: bytes('v') }]);
      assert.ok((await store.size()) > 0);
      await Promise.all([store.close(), store.close()]);
      await store.close();
      await assertRejects(store.get(`${prefix}k`), 'Closed');
      await assertRejects(store.commit([{ key: `${prefix}k`, value: undefined }]), 'Closed');
      const watch = store.watch(prefixRange(prefix), { signal: new AbortController().signal });
      await assertRejects(watch[Symbol.asyncIterator]().next(), 'Closed');
    });
  });
}

async function runCommand(c: Exclude<Command, { do: 'reopen' }>, store: Store, model: ModelStore, prefix: string): Promise<void> {
  const revisionAt = (at: number): number => model.oldest + Math.round(at * (model.revision - model.oldest));
  const scoped = (r: { start: string; end: string | undefined }): KeyRange =>
    r.end === undefined ? { ...prefixRange(prefix), start: prefix + r.start } : { start: prefix + r.start, end: prefix + r.end };
  switch (c.do) {
    case 'commit': {
      const list = c.operations.map((o) => operationOf(o, model, prefix));
      await commitBoth(store, model, list, c.record === undefined ? {} : { record: bytes(c.record) });
      return;
    }
    case 'get': {
      const revision = c.at === undefined ? undefined : revisionAt(c.at);
      const result = await store.get(prefix + c.name, revision === undefined ? {} : { revision });
      assert.ok(result.revision >= model.revision);
      assertSame(result.item, model.get(prefix + c.name, revision));
      return;
    }
    case 'list': {
      const revision = c.at === undefined ? undefined : revisionAt(c.at);
      const options = { limit: c.limit, countOnly: c.countOnly, ...(revision !== undefined && { revision }) };
      const result = await store.list(scoped(c.range), options);
      const expected = model.list(scoped(c.range), revision);
      assert.equal(result.count, expected.length);
      assertSame(result.items, c.countOnly ? [] : expected.slice(0, c.limit || undefined));
      return;
    }
    case 'record': {
      const revision = revisionAt(c.at);
      const record = await store.record(prefix + c.name, revision);
      if (record !== undefined || !model.recordMayBeGone(prefix + c.name, revision)) {
        assertSame(record, model.record(prefix + c.name, revision));
      }
      return;
    }
    case 'compact': {
      const revision = revisionAt(c.at);
      await store.compact(revision);
      model.compacted = Math.max(model.compacted, revision);
      assert.equal(await store.compactedRevision(), model.compacted);
      return;
    }
    case 'changes': {
      const from = revisionAt(c.at) + 1;
      const to = c.to === undefined ? undefined : revisionAt(c.to);
      const happened = model.events(scoped(c.range), from, to);
      const last = happened[(c.limit ?? Number.POSITIVE_INFINITY) - 1]?.revision ?? Number.POSITIVE_INFINITY;
      const options = { from, previous: true, ...(to !== undefined && { to }), ...(c.limit !== undefined && { limit: c.limit }) };
      assertSame(
        await store.changes(scoped(c.range), options),
        happened.filter((event) => event.revision <= last),
      );
      return;
    }
    case 'watch': {
      const from = revisionAt(c.at) + 1;
      const expected = model.events(scoped(c.range), from);
      assertSame(await readWatch(store, scoped(c.range), from, expected.at(-1)?.revision ?? 0), expected);
      return;
    }
  }
}

function operationOf(shape: OperationShape, model: ModelStore, prefix: string): Operation {
  const key = prefix + shape.name;
  const current = model.get(key)?.modRevision ?? 0;
  const expect = { nothing: undefined, current, absent: 0, stale: current + 1 }[shape.expect];
  return { key, value: shape.value === undefined ? undefined : bytes(shape.value), ...(expect !== undefined && { expect }) };
}

/** More than an engine reads in one step, with revisions of many keys at its edges. */
function registerLongHistory(engine: Engine): void {
  test('what happened is told whole: of one key, of one revision, of a range, and not beyond what is kept', async () => {
    await withStore(engine, async (under) => {
      const prefix = freshPrefix();
      const { store } = under;
      const model = await modelOf(store);
      for (let i = 0; i < 130; i++) {
        const operations = Array.from({ length: 1 + ((i * 7) % 13) }, (_, k) => ({
          key: `${prefix}${k}`,
          value: (i + k) % 5 === 4 ? undefined : bytes(`${i}/${k}`),
        }));
        await commitBoth(store, model, operations);
      }
      const whole = prefixRange(prefix);
      const [first, last] = [model.oldest + 1, model.revision];
      assertSame(await store.changes(whole, { from: first, previous: true }), model.events(whole, first));
      for (const key of [`${prefix}0`, `${prefix}12`, `${prefix}never`]) {
        assertSame(await store.changes(keyRange(key), { from: first, previous: true }), model.events(keyRange(key), first));
      }
      for (let revision = last - 10; revision <= last; revision++) {
        const events = await store.changes({ start: '' }, { from: revision, to: revision });
        assertSame(events.map(describe), model.events(whole, revision, revision).map(describe));
      }
      assert.deepEqual(await store.changes(whole, { from: last + 1 }), []);
      assert.deepEqual(await store.changes(whole, { from: last, to: last - 1 }), []);
      await store.compact(last - 5);
      await assertRejects(store.changes(whole, { from: last - 5 }), 'Compacted');
      assertSame(await store.changes(whole, { from: last - 4, previous: true }), model.events(whole, last - 4));
      await assertRejects(store.changes(whole, { from: last, to: (await store.revision()) + 1 }), 'FutureRevision');
      await assert.rejects(store.changes(whole, { from: last, signal: AbortSignal.abort(new Error('stop')) }), /stop/);
    });
  });
}

/** The two questions that histories are read with; engines have ways of their own for them. */
function registerShortHistories(engine: Engine): void {
  const change = fc.record({
    keys: fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 3 }),
    remove: fc.boolean(),
    recorded: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  });

  test('the past of one key, and of one revision, is told whole, whether or not it was recorded', async () => {
    await withStore(engine, async ({ store }) => {
      const property = fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 12 }), fc.nat(11), async (changes, kept) => {
        const prefix = freshPrefix();
        const model = await modelOf(store);
        for (const [i, { keys, remove, recorded }] of changes.entries()) {
          const operations = keys.map((k) => ({ key: `${prefix}${k}`, value: remove ? undefined : bytes(String(i)) }));
          await commitBoth(store, model, operations, recorded ? { record: bytes(`r${i}`) } : {});
        }
        const compacted = Math.max(model.oldest, model.revision - kept);
        await store.compact(compacted);
        model.compacted = Math.max(model.compacted, compacted);
        for (const previous of [true, false]) {
          const expected = (range: KeyRange, from: number, to = model.revision): unknown[] =>
            model
              .events(range, from, to)
              .map(({ previous: before, ...event }) => ({ ...event, ...(previous && before ? { before } : {}) }));
          const told = async (range: KeyRange, from: number, to?: number): Promise<unknown[]> => {
            const events = await store.changes(range, { from, previous, ...(to === undefined ? {} : { to }) });
            return events.map(({ previous: before, ...event }) => ({ ...event, ...(previous && before ? { before } : {}) }));
          };
          for (const key of [0, 1, 2].map((k) => keyRange(`${prefix}${k}`)))
            assertSame(await told(key, model.oldest + 1), expected(key, model.oldest + 1));
          const whole = prefixRange(prefix);
          for (let revision = model.oldest + 1; revision <= model.revision; revision++)
            assertSame(await told(whole, revision, revision), expected(whole, revision, revision));
        }
        // At the first revision of an etcd nothing has been written yet.
        if (model.compacted <= 1) return;
        for (const range of [keyRange(`${prefix}0`), prefixRange(prefix)])
          await assertRejects(store.changes(range, { from: model.compacted, to: model.compacted }), 'Compacted');
      });
      await fc.assert(property, { numRuns: Math.ceil((engine.runs ?? 100) / 2) });
    });
  });
}

const describe = (event: StoreEvent): string => `${event.revision} ${event.type} ${event.key}`;

function readsAt(store: Store, key: string, revision: number): Promise<unknown>[] {
  return [store.get(key, { revision }), store.list(prefixRange(key), { revision }), store.record(key, revision)];
}
