import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isApiError, isExpired, isInvalid } from '../../api/errors.ts';
import { parseFieldSelector, parseSelector } from '../../api/selectors.ts';
import type { Entry, ListQuery } from '../contract.ts';
import { configMap, object, relabelled, storageOf } from '../testing/objects.ts';
import { testRegistry } from '../testing/test-registry.ts';
import { formatContinue, parseContinue } from './continue-token.ts';

const names = (entries: readonly Entry[]): string[] => entries.map(({ object: { metadata } }) => `${metadata.namespace}/${metadata.name}`);

test('pages of any size, put together, are the list as it was when the first was read', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'configmaps');
  for (let i = 0; i < 23; i++) {
    await storage.create(context(), i % 3 ? 'default' : 'kube-system', configMap(`m-${i}`, { labels: { even: String(i % 2 === 0) } }));
  }
  let n = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 25 }),
      fc.constantFrom('', 'default', 'kube-system'),
      fc.constantFrom('', 'even=true', 'even=false', 'odd'),
      async (limit, namespace, label) => {
        const query: ListQuery = { namespace, labels: parseSelector(label) };
        const whole = await storage.list(context(), query);
        const pages: Entry[] = [];
        let page = await storage.list(context(), { ...query, limit });
        for (;;) {
          assert.ok(page.entries.length <= limit);
          assert.equal(page.revision, whole.revision);
          pages.push(...page.entries);
          if (label === '') assert.equal(page.remaining ?? 0, whole.entries.length - pages.length);
          else assert.equal(page.remaining, undefined);
          if (page.continue === undefined) break;
          // What happens between two pages is not seen by the later ones.
          await storage.create(context(), 'default', configMap(`later-${n++}`, { labels: { even: 'true' } }));
          await storage.delete(context(), { namespace: 'default', name: `later-${n - 1}` }, {});
          page = await storage.list(context(), { ...query, limit, continue: page.continue });
        }
        assert.deepEqual(names(pages), names(whole.entries));
      },
    ),
    { numRuns: 50 },
  );
  await registry.close();
});

test('once its revision is compacted a list cannot go on, but tells where it could in the present', async () => {
  const { registry, context, store } = await testRegistry();
  const storage = storageOf(registry, 'configmaps');
  for (let i = 0; i < 5; i++) await storage.create(context(), 'default', configMap(`m-${i}`));
  const first = await storage.list(context(), { namespace: 'default', limit: 2 });
  await storage.create(context(), 'default', configMap('m-9'));
  await store.compact(await store.revision());
  let token = '';
  await assert.rejects(storage.list(context(), { namespace: 'default', limit: 2, continue: first.continue ?? '' }), (error) => {
    assert.ok(isApiError(error, 'Expired'));
    token = error.metadata.continue ?? '';
    return true;
  });
  const rest = await storage.list(context(), { namespace: 'default', continue: token });
  assert.deepEqual(names(rest.entries), ['default/m-2', 'default/m-3', 'default/m-4', 'default/m-9']);
  await registry.close();
});

test('a list that is paged through for more than five minutes goes on in the present, if anything was written since', async () => {
  const { registry, context, clock } = await testRegistry();
  const storage = storageOf(registry, 'configmaps');
  for (let i = 0; i < 4; i++) await storage.create(context(), 'default', configMap(`m-${i}`));
  const first = await storage.list(context(), { namespace: 'default', limit: 2 });
  const next = () => storage.list(context(), { namespace: 'default', limit: 2, continue: first.continue ?? '' });
  await clock.advance(20 * 60_000);
  assert.deepEqual(names((await next()).entries), ['default/m-2', 'default/m-3']);
  await storage.delete(context(), { namespace: 'default', name: 'm-2' }, {});
  await clock.advance(4 * 60_000);
  assert.deepEqual(names((await next()).entries), ['default/m-2', 'default/m-3']);
  await clock.advance(3 * 60_000);
  await assert.rejects(next(), isExpired);
  await registry.close();
});

test('an exact revision reads the past, whole and in pages, until it is compacted', async () => {
  const { registry, context, store } = await testRegistry();
  const storage = storageOf(registry, 'configmaps');
  const { revision } = await storage.create(context(), 'default', configMap('a', { labels: { v: '1' } }));
  await storage.update(context(), { namespace: 'default', name: 'a' }, relabelled({ labels: { v: '2' } }));
  await storage.create(context(), 'default', configMap('b'));
  const exact = { namespace: '', resourceVersion: String(revision), resourceVersionMatch: 'Exact' };
  const past = await storage.list(context(), exact);
  assert.deepEqual(
    past.entries.map((entry) => entry.object.metadata.labels),
    [{ v: '1' }],
  );
  assert.equal(past.revision, revision);
  assert.equal((await storage.list(context(), { namespace: '', resourceVersion: String(revision) })).entries.length, 2, 'not older than');
  assert.equal((await storage.list(context(), { namespace: '', limit: 5, resourceVersion: String(revision) })).entries.length, 1);
  await store.compact(await store.revision());
  await assert.rejects(storage.list(context(), exact), isExpired);
  await registry.close();
});

test('a revision of the future is refused after a while, a combination without meaning at once', async () => {
  const { registry, context, clock } = await testRegistry();
  const storage = storageOf(registry, 'configmaps');
  const future = assert.rejects(
    storage.list(context(), { namespace: '', resourceVersion: '1000' }),
    /Too large resource version: 1000, current: \d+/,
  );
  await clock.advance(3_000);
  await future;
  const refused = (query: Partial<ListQuery>) => assert.rejects(storage.list(context(), { namespace: '', ...query }), isInvalid);
  await refused({ resourceVersionMatch: 'Exact' });
  await refused({ resourceVersionMatch: 'Exact', resourceVersion: '0' });
  await refused({ resourceVersionMatch: 'Newest', resourceVersion: '1' });
  const bad = (query: Partial<ListQuery>) =>
    assert.rejects(storage.list(context(), { namespace: '', ...query }), (e) => isApiError(e, 'BadRequest'));
  await bad({ resourceVersion: 'x' });
  await bad({ continue: 'x' });
  await bad({ continue: formatContinue({ revision: 2, after: 'a' }), resourceVersion: '3' });
  await bad({ fields: parseFieldSelector('spec.color=red') });
  await registry.close();
});

test('every continue token is read back as it was written, and no text crashes its reader', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 52 }), fc.stringMatching(/^[a-z0-9.]{1,30}\/?[^/\0]{0,30}$/), (revision, after) => {
      fc.pre(!after.split('/').includes('..') && after.isWellFormed());
      assert.deepEqual(parseContinue(formatContinue({ revision, after })), { revision, after });
    }),
  );
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
      try {
        parseContinue(text);
      } catch (error) {
        assert.ok(isApiError(error, 'BadRequest'));
      }
    }),
  );
});

test('field selectors find what the same test on every object finds', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'secrets');
  for (let i = 0; i < 9; i++)
    await storage.create(context(), 'default', object('v1', 'Secret', `s-${i}`, { type: i % 2 ? 'Opaque' : 'a/b' }));
  const found = async (text: string) =>
    (await storage.list(context(), { namespace: 'default', fields: parseFieldSelector(text) })).entries.length;
  assert.equal(await found('type=a/b'), 5);
  assert.equal(await found('type!=a/b'), 4);
  assert.equal(await found('type=Opaque,metadata.name=s-1'), 1);
  assert.equal(await found('type=Opaque,metadata.name=s-2'), 0);
  assert.equal(await found('metadata.namespace=default,metadata.name!=s-2'), 8);
  await registry.close();
});
