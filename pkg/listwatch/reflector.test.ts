import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../api/errors.ts';
import type { ConfigMap } from '../api/generated/core-v1.ts';
import { configmaps } from '../api/generated/resources.ts';
import { keyOf } from '../api/object.ts';
import { randomInt } from '../clock/random.ts';
import type { Labels } from '../metrics/metrics.ts';
import { type Delta, type ReflectOptions, reflect } from './reflector.ts';
import { createTestEnvironment, type TestEnvironment } from './testing.ts';

const api = (env: TestEnvironment) => env.client.resource(configmaps);
const draft = (name: string, value = '') => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } }) as const;

/** Folds the stream as a consumer would, and keeps what it saw. */
function follow(env: TestEnvironment, options: ReflectOptions<ConfigMap> = {}) {
  const stop = new AbortController();
  const objects = new Map<string, ConfigMap>();
  const seen: Delta<ConfigMap>[] = [];
  let listed = new Set<string>();
  const ended = (async () => {
    for await (const delta of reflect(env, configmaps, { ...options, signal: stop.signal })) {
      seen.push(delta);
      if (delta.type === 'page') {
        if (delta.first) listed = new Set();
        for (const object of delta.objects) {
          listed.add(keyOf(object));
          objects.set(keyOf(object), object);
        }
        if (delta.last) for (const key of objects.keys()) if (!listed.has(key)) objects.delete(key);
      } else {
        for (const { type, object } of delta.events) {
          if (type === 'DELETED') objects.delete(keyOf(object));
          else objects.set(keyOf(object), object);
        }
      }
    }
  })();
  const end = async (): Promise<void> => {
    stop.abort(new Error('test over'));
    await ended;
  };
  return { objects, seen, end, ended };
}

const metric = (env: TestEnvironment, name: string, labels: Labels = {}): number =>
  env.metrics.value(name, { resource: 'configmaps', selector: '', ...labels });
const values = (objects: Iterable<ConfigMap>): string[] =>
  [...objects].map((object) => `${keyOf(object)}=${object.data?.['value']}`).sort();

test('a list comes in pages of 500, and the watch goes on from its revision', async () => {
  const env = createTestEnvironment();
  for (let i = 0; i < 1201; i++) await api(env).create(draft(`c${i}`));
  const { seen, objects, end } = follow(env);
  await env.clock.advance(10);
  assert.deepEqual(
    seen.map((delta) => (delta.type === 'page' ? [delta.objects.length, delta.first, delta.last] : delta.events.length)),
    [
      [500, true, false],
      [500, false, false],
      [201, false, true],
    ],
  );
  await api(env).delete('c7');
  await env.clock.advance(10);
  assert.equal(objects.size, 1200);
  assert.equal(env.server.calls.filter(({ verb }) => verb === 'list').length, 3);
  await end();
});

test('a broken watch is resumed from the last revision, without another list', async () => {
  const env = createTestEnvironment();
  await api(env).create(draft('a'));
  const { objects, end } = follow(env);
  await env.clock.advance(2000);
  env.server.breakWatches();
  await api(env).create(draft('b'));
  await env.clock.advance(60_000);
  assert.deepEqual([...objects.keys()], ['default/a', 'default/b']);
  assert.equal(env.server.calls.filter(({ verb }) => verb === 'list').length, 1);
  assert.equal(metric(env, 'reflector_reconnects_total'), 1);
  assert.equal(metric(env, 'reflector_errors_total', { operation: 'watch', reason: 'ServiceUnavailable' }), 1);
  assert.equal(metric(env, 'reflector_connected'), 1);
  await end();
  assert.equal(metric(env, 'reflector_connected'), 0);
});

test('a revision that is no longer kept leads to a new list, at once', async () => {
  const env = createTestEnvironment();
  await api(env).create(draft('a'));
  await api(env).create(draft('b'));
  const { objects, end } = follow(env);
  await env.clock.advance(2000);
  let down = true;
  env.server.intercept = () => {
    if (down) throw new ApiError('ServiceUnavailable', 'down');
  };
  env.server.breakWatches();
  await env.clock.advance(1);
  down = false;
  await api(env).delete('a');
  await api(env).create(draft('c'));
  env.server.compact();
  await env.clock.advance(60_000);
  assert.deepEqual([...objects.keys()], ['default/b', 'default/c']);
  assert.equal(metric(env, 'reflector_relists_total'), 1);
  assert.equal(metric(env, 'reflector_errors_total', { operation: 'watch', reason: 'Expired' }), 1);
  await end();
});

test('a continue token that has expired leads to one list in a single piece', async () => {
  const env = createTestEnvironment();
  for (let i = 0; i < 700; i++) await api(env).create(draft(`c${i}`));
  let lists = 0;
  env.server.intercept = async ({ verb }) => {
    if (verb === 'list' && ++lists === 2) await api(env).create(draft('late'));
  };
  const { seen, objects, end } = follow(env);
  await env.clock.advance(10);
  assert.equal(objects.size, 701);
  assert.deepEqual(
    seen.map((delta) => delta.type === 'page' && delta.objects.length),
    [500, 701],
  );
  await end();
});

test('while the server is away, tries come further and further apart, up to the longest delay', async () => {
  const env = createTestEnvironment();
  const tries: number[] = [];
  env.server.intercept = () => {
    tries.push(env.clock.monotonic());
    throw new ApiError('ServiceUnavailable', 'down');
  };
  const { end } = follow(env, { retry: { initialMs: 100, maxMs: 1600, jitter: 0.5 } });
  await env.clock.advance(20_000);
  const gaps = tries.slice(1).map((time, i) => time - (tries[i] as number));
  for (const [i, gap] of gaps.entries()) {
    const least = Math.min(1600, 100 * 2 ** i);
    assert.ok(gap >= least && gap <= least * 1.5, `gap ${i} is ${gap} ms, wanted ${least} to ${least * 1.5}`);
  }
  assert.ok(gaps.length > 8);
  assert.ok(new Set(gaps.map(Math.round)).size > 6, 'jitter keeps them apart');
  await end();
  assert.equal(env.clock.pendingTimers, 0);
});

test('with a limit on retries the stream ends with the last error', async () => {
  const env = createTestEnvironment();
  env.server.intercept = () => {
    throw new ApiError('Forbidden', 'no');
  };
  const { ended } = follow(env, { retry: { maxRetries: 3 } });
  const outcome = ended.then(
    () => undefined,
    (error: unknown) => error,
  );
  await env.clock.advance(60_000);
  assert.equal(((await outcome) as ApiError).reason, 'Forbidden');
  assert.equal(env.server.calls.length, 4);
});

test('a server that ends each watch at once is not asked in a tight loop', async () => {
  const env = createTestEnvironment();
  env.server.sessionMs = 0;
  const { end } = follow(env);
  await env.clock.advance(60_000);
  assert.ok(env.server.calls.length < 20, `${env.server.calls.length} requests in a minute`);
  assert.ok(metric(env, 'reflector_short_watches_total') > 3);
  await end();
});

test('a server that asks for time (429, Retry-After) gets it', async () => {
  const env = createTestEnvironment();
  const tries: number[] = [];
  env.server.intercept = () => {
    tries.push(env.clock.monotonic());
    if (tries.length === 1) throw new ApiError('TooManyRequests', 'busy', { details: { retryAfterSeconds: 9 } });
  };
  const { end } = follow(env);
  await env.clock.advance(20_000);
  assert.equal((tries[1] as number) - (tries[0] as number), 9000);
  await end();
});

test('memory is bounded by the consumer: the next batch is not asked for before the last one is taken', async () => {
  const env = createTestEnvironment();
  const stop = new AbortController();
  const stream = reflect(env, configmaps, { signal: stop.signal });
  assert.equal((await stream.next()).value?.type, 'page');
  for (let i = 0; i < 50; i++) await api(env).create(draft(`c${i}`));
  await env.clock.advance(5000);
  assert.equal(env.server.calls.filter(({ verb }) => verb === 'watch').length, 0);
  const { value } = await stream.next();
  assert.equal(value?.type === 'events' && value.events.length, 50);
  await stream.return();
});

test('property: folded, the stream equals the server, whatever breaks on the way', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const env = createTestEnvironment({ seed });
      const random = env.random.fork('story');
      const { objects, end } = follow(env, { retry: { maxMs: 2000 } });
      for (let step = 0; step < 60; step++) {
        const name = `c${randomInt(random, 12)}`;
        const dice = random.next();
        if (dice < 0.35)
          await api(env)
            .create(draft(name, String(step)))
            .catch(() => {});
        else if (dice < 0.55)
          await api(env)
            .delete(name)
            .catch(() => {});
        else if (dice < 0.7)
          await api(env)
            .patch(name, { type: 'merge', body: { data: { value: String(step) } } })
            .catch(() => {});
        else if (dice < 0.8) env.server.breakWatches();
        else if (dice < 0.9) env.server.compact();
        else await env.clock.advance(random.next() * 3000);
      }
      await env.clock.advance(30_000);
      assert.deepEqual(values(objects.values()), values(env.server.all(configmaps)));
      await end();
      assert.equal(env.clock.pendingTimers, 0);
    }),
    { numRuns: 60 },
  );
});
