import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isExpired } from '../../api/errors.ts';
import { parseFieldSelector, parseSelector } from '../../api/selectors.ts';
import type { RegistryEvent, WatchQuery } from '../contract.ts';
import { configMap, pod, relabelled, storageOf } from '../testing/objects.ts';
import { type TestRegistry, testRegistry } from '../testing/test-registry.ts';

type Told = { readonly type: string; readonly name: string; readonly revision: number };

/** Reads a watch until `count` events (bookmarks included) have come. */
async function read(made: TestRegistry, query: Partial<WatchQuery>, count: number, resource = 'configmaps'): Promise<Told[]> {
  const abort = new AbortController();
  const told: Told[] = [];
  const watch = storageOf(made.registry, resource).watch(made.context(), {
    namespace: '',
    bookmarks: false,
    ...query,
    signal: abort.signal,
  });
  for await (const batch of watch) {
    told.push(...batch.map(tell));
    if (told.length >= count) break;
  }
  abort.abort();
  return told;
}

function tell(event: RegistryEvent): Told {
  if (event.type === 'BOOKMARK') return { type: event.initialEventsEnd ? 'END' : 'BOOKMARK', name: '', revision: event.revision };
  assert.equal(event.entry.object.metadata.resourceVersion, String(event.entry.revision));
  return { type: event.type, name: event.entry.object.metadata.name, revision: event.entry.revision };
}

const types = (told: readonly Told[]): string => told.map(({ type, name }) => `${type} ${name}`.trim()).join(', ');

test('objects that move into and out of a selector are told as ADDED and DELETED, with the state that was selected', async () => {
  const made = await testRegistry();
  const storage = storageOf(made.registry, 'configmaps');
  const key = { namespace: 'default', name: 'a' };
  const { revision } = await storage.create(made.context(), 'default', configMap('a', { labels: { a: 'b' } }));
  await storage.update(made.context(), key, relabelled({ labels: { a: 'b', c: 'd' } }));
  await storage.update(made.context(), key, relabelled({ labels: { a: 'x' } }));
  await storage.update(made.context(), key, relabelled({ labels: { a: 'y' } }));
  await storage.update(made.context(), key, relabelled({ labels: { a: 'b' } }));
  await storage.delete(made.context(), key, {});
  const labels = parseSelector('a=b');
  const told = await read(made, { labels, resourceVersion: String(revision) }, 4);
  assert.equal(types(told), 'MODIFIED a, DELETED a, ADDED a, DELETED a');
  assert.deepEqual(
    told.map((event) => event.revision - revision),
    [1, 2, 4, 5],
  );
  await made.registry.close();
});

test('a watch of one node’s pods is told of a pod when it is bound, and of no other node’s', async () => {
  const made = await testRegistry();
  const pods = storageOf(made.registry, 'pods');
  await storageOf(made.registry, 'serviceaccounts').create(made.context(), 'default', { metadata: { name: 'default' } } as never);
  const fields = parseFieldSelector('spec.nodeName=node-1');
  const reading = read(made, { fields, resourceVersion: '0' }, 2, 'pods');
  for (const name of ['a', 'b']) await pods.create(made.context(), 'default', pod(name));
  const bind = (name: string, node: string) =>
    pods.update(
      made.context(),
      { namespace: 'default', name },
      () => ({ metadata: { name }, target: { kind: 'Node', name: node } }) as never,
      { subresource: 'binding' },
    );
  await bind('a', 'node-2');
  await bind('b', 'node-1');
  await pods.delete(made.context(), { namespace: 'default', name: 'a' }, { gracePeriodSeconds: 0 });
  await pods.delete(made.context(), { namespace: 'default', name: 'b' }, { gracePeriodSeconds: 0 });
  assert.equal(types(await reading), 'ADDED b, DELETED b');
  await made.registry.close();
});

test('initial events end with a bookmark when asked for, and a watch may begin with what comes next', async () => {
  const made = await testRegistry();
  const storage = storageOf(made.registry, 'configmaps');
  for (const name of ['b', 'a', 'c']) await storage.create(made.context(), 'default', configMap(name));
  const initial = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', bookmarks: true };
  const told = await read(made, initial, 4);
  assert.equal(types(told), 'ADDED a, ADDED b, ADDED c, END');
  assert.equal(told[3]?.revision, await made.store.revision());
  const reading = read(made, { sendInitialEvents: false, resourceVersionMatch: 'NotOlderThan' }, 1);
  await made.clock.turn();
  await storage.create(made.context(), 'default', configMap('d'));
  assert.equal(types(await reading), 'ADDED d');
  await made.registry.close();
});

test('a quiet watch is told every minute where it stands', async () => {
  const made = await testRegistry();
  const start = String(await made.store.revision());
  const reading = read(made, { bookmarks: true, resourceVersion: start }, 1);
  await made.clock.turn();
  await storageOf(made.registry, 'secrets').create(made.context(), 'default', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
  } as never);
  const revision = await made.store.revision();
  await made.clock.advance(61_000);
  assert.deepEqual(await reading, [{ type: 'BOOKMARK', name: '', revision }]);
  await made.registry.close();
  assert.equal(made.clock.pendingTimers, 0);
});

test('a watch from before what is kept is expired, and from what only the store keeps is complete', async () => {
  const made = await testRegistry();
  const storage = storageOf(made.registry, 'configmaps');
  const first = await storage.create(made.context(), 'default', configMap('a', { labels: { n: '0' } }));
  const key = { namespace: 'default', name: 'a' };
  const changes = 3_000;
  for (let i = 1; i <= changes; i++) await storage.update(made.context(), key, relabelled({ labels: { n: String(i) } }));
  // The first read fills the cache now: its own history begins here.
  const told = await read(made, { resourceVersion: String(first.revision) }, changes);
  assert.equal(told.length, changes);
  assert.ok(told.every((event, i) => event.revision === first.revision + i + 1));
  await made.store.compact(first.revision + 10);
  await assert.rejects(read(made, { resourceVersion: String(first.revision) }, 1), isExpired);
  await made.registry.close();
});

test('a reader that does not read is cut after what fits, without a gap before', async () => {
  const made = await testRegistry();
  const storage = storageOf(made.registry, 'configmaps');
  const abort = new AbortController();
  const watch = storage.watch(made.context(), { namespace: '', resourceVersion: '0', bookmarks: false, signal: abort.signal });
  const events = watch[Symbol.asyncIterator]();
  const first = events.next();
  await storage.create(made.context(), 'default', configMap('a', { labels: { n: '0' } }));
  await first;
  const key = { namespace: 'default', name: 'a' };
  for (let i = 1; i <= 9_000; i++) await storage.update(made.context(), key, relabelled({ labels: { n: String(i) } }));
  let seen = 0;
  for (let step = await events.next(); !step.done; step = await events.next()) {
    for (const event of step.value) {
      seen++;
      assert.equal(event.type === 'BOOKMARK' ? '' : event.entry.object.metadata.labels?.['n'], String(seen));
    }
  }
  assert.ok(seen >= 8_000 && seen < 9_000);
  await made.registry.close();
});

interface Change {
  readonly name: string;
  readonly namespace: string;
  readonly label: string | undefined;
}
const change = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  namespace: fc.constantFrom('default', 'kube-system'),
  label: fc.option(fc.constantFrom('x', 'y'), { nil: undefined }),
});

async function apply(made: TestRegistry, { name, namespace, label }: Change): Promise<void> {
  const storage = storageOf(made.registry, 'configmaps');
  const exists = (await storage.list(made.context(), { namespace })).entries.some((entry) => entry.object.metadata.name === name);
  if (label === undefined) {
    if (exists) await storage.delete(made.context(), { namespace, name }, {});
  } else if (exists) await storage.update(made.context(), { namespace, name }, relabelled({ labels: { l: label } }));
  else await storage.create(made.context(), namespace, configMap(name, { labels: { l: label } }));
}

test('a list folded with the watch that follows it is the later list, for every selector', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { maxLength: 12 }),
      fc.array(change, { maxLength: 20 }),
      fc.constantFrom('', 'default'),
      fc.constantFrom('', 'l=x', 'l!=x', 'l in (x,y)'),
      fc.constantFrom('', 'metadata.name=a', 'metadata.name!=a'),
      async (before, after, namespace, label, field) => {
        const made = await testRegistry();
        const storage = storageOf(made.registry, 'configmaps');
        const query = { namespace, labels: parseSelector(label), fields: parseFieldSelector(field) };
        for (const one of before) await apply(made, one);
        const list = await storage.list(made.context(), query);
        const state = new Map(
          list.entries.map((entry) => [`${entry.object.metadata.namespace}/${entry.object.metadata.name}`, entry.revision]),
        );
        for (const one of after) await apply(made, one);
        const last = (await storage.list(made.context(), query)).revision;
        const abort = new AbortController();
        const done = storage.watch(made.context(), {
          ...query,
          resourceVersion: String(list.revision),
          bookmarks: true,
          signal: abort.signal,
        });
        let revision = list.revision;
        const reading = (async () => {
          for await (const batch of done) {
            for (const event of batch) {
              if (event.type === 'BOOKMARK') return abort.abort();
              assert.ok(event.entry.revision > revision, 'events come in order, none twice');
              revision = event.entry.revision;
              const { namespace: ns, name } = event.entry.object.metadata;
              assert.equal(event.type === 'ADDED', !state.has(`${ns}/${name}`), `${event.type} ${name}`);
              if (event.type === 'DELETED') state.delete(`${ns}/${name}`);
              else state.set(`${ns}/${name}`, event.entry.revision);
            }
          }
        })();
        await made.clock.advance(61_000);
        await reading;
        const later = await storage.list(made.context(), query);
        assert.equal(later.revision, last);
        assert.deepEqual(
          [...state].sort(),
          later.entries
            .map((entry) => [`${entry.object.metadata.namespace}/${entry.object.metadata.name}`, entry.revision] as const)
            .sort(),
        );
        await made.registry.close();
      },
    ),
    { numRuns: 60 },
  );
});
