import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../api/errors.ts';
import type { ConfigMap } from '../api/generated/core-v1.ts';
import { configmaps } from '../api/generated/resources.ts';
import type { Informer } from './contract.ts';
import { createInformer } from './informer.ts';
import { createInformerFactory } from './informer-factory.ts';
import { createTestEnvironment, type TestEnvironment } from './testing.ts';

const api = (env: TestEnvironment) => env.client.resource(configmaps);
const draft = (name: string, value = '') =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { value } }, data: { value } }) as const;
const byValue = (object: ConfigMap): readonly string[] => [object.data?.['value'] ?? ''];

function record(informer: Informer<ConfigMap>): string[] {
  const log: string[] = [];
  const show = (object: ConfigMap): string => `${object.metadata.name}=${object.data?.['value']}`;
  informer.addHandler({
    onAdd: (object, causes) => log.push(`add ${show(object)} @${causes}`),
    onUpdate: (object, previous, causes) => log.push(`update ${show(previous)} to ${show(object)} @${causes}`),
    onDelete: (object, causes) => log.push(`delete ${show(object)} @${causes}`),
  });
  return log;
}

/** Runs it until the test's body has ended. */
async function running(
  env: TestEnvironment,
  informer: { run(signal: AbortSignal): Promise<void> },
  body: () => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const ended = informer.run(stop.signal);
  await env.clock.advance(0);
  try {
    await body();
  } finally {
    stop.abort(new Error('test over'));
    await ended;
    assert.equal(env.clock.pendingTimers, 0, 'no timer is left behind');
  }
}

/** What `change` does is seen by nobody, and forgotten by the server before anybody is back. */
async function outage(env: TestEnvironment, change: () => Promise<void>): Promise<void> {
  let down = true;
  env.server.intercept = ({ verb }) => {
    if (down && verb === 'watch') throw new ApiError('ServiceUnavailable', 'down');
  };
  env.server.breakWatches();
  await env.clock.advance(0);
  await change();
  env.server.compact();
  down = false;
  await env.clock.advance(5000);
}

test('handlers are told of every change with its revision as the cause; the lister shows it already', async () => {
  const env = createTestEnvironment();
  await api(env).create(draft('a', '1'));
  const informer = createInformer(env, configmaps);
  const log = record(informer);
  informer.addHandler({ onUpdate: (object) => assert.equal(informer.lister.get('default/a'), object) });
  await running(env, informer, async () => {
    assert.equal(informer.synced, true);
    await api(env).patch('a', { type: 'merge', body: { data: { value: '2' } } });
    await api(env).create(draft('b', '3'));
    await api(env).delete('a');
    await env.clock.advance(1);
    assert.deepEqual(log, ['add a=1 @1', 'update a=1 to a=2 @2', 'add b=3 @3', 'delete a=2 @4']);
    assert.deepEqual(
      informer.lister.list().map(({ metadata }) => metadata.name),
      ['b'],
    );
  });
});

test('what vanished during an outage comes as a deletion; what is unchanged is not told again', async () => {
  const env = createTestEnvironment();
  for (const name of ['a', 'b', 'c']) await api(env).create(draft(name, name));
  const informer = createInformer(env, configmaps);
  await running(env, informer, async () => {
    const log = record(informer);
    log.length = 0;
    await env.clock.advance(5000);
    await outage(env, async () => {
      await api(env).delete('b');
      await api(env).patch('c', { type: 'merge', body: { data: { value: 'C' } } });
    });
    assert.deepEqual(log.sort(), ['delete b=b @5', 'update c=c to c=C @5']);
  });
});

test('an object made anew under its old name comes as a deletion and an addition', async () => {
  const env = createTestEnvironment();
  await api(env).create(draft('a', 'old'));
  const informer = createInformer(env, configmaps);
  const log = record(informer);
  await running(env, informer, async () => {
    await env.clock.advance(2000);
    await outage(env, async () => {
      await api(env).delete('a');
      await api(env).create(draft('a', 'new'));
    });
    assert.deepEqual(log, ['add a=old @1', 'delete a=old @3', 'add a=new @3']);
  });
});

test('a handler that is added late learns of everything that is there', async () => {
  const env = createTestEnvironment();
  await api(env).create(draft('a', '1'));
  const informer = createInformer(env, configmaps);
  await running(env, informer, async () => {
    assert.deepEqual(record(informer), ['add a=1 @1']);
  });
});

test('an index follows its objects, also when it is added late', async () => {
  const env = createTestEnvironment();
  const factory = createInformerFactory(env);
  const informer = factory.informer(configmaps, { indexes: { byValue } });
  const byName = (object: ConfigMap): readonly string[] => [object.metadata.name];
  await running(env, factory, async () => {
    await api(env).create(draft('b', 'x'));
    await api(env).create(draft('a', 'x'));
    await env.clock.advance(1);
    assert.equal(factory.informer(configmaps, { indexes: { byName } }), informer);
    const names = (value: string): string[] => informer.lister.byIndex('byValue', value).map(({ metadata }) => metadata.name);
    assert.deepEqual(names('x'), ['a', 'b']);
    await api(env).patch('a', { type: 'merge', body: { data: { value: 'y' } } });
    await env.clock.advance(1);
    assert.deepEqual([names('x'), names('y')], [['b'], ['a']]);
    assert.equal(informer.lister.byIndex('byName', 'b').length, 1);
    assert.throws(() => factory.informer(configmaps, { indexes: { byName: () => [] } }), /defined before/);
    assert.throws(() => informer.lister.byIndex('byNode', 'n'), /byValue, byName/);
  });
});

test('a selector is the server’s work: what no longer matches is deleted here', async () => {
  const env = createTestEnvironment();
  await api(env).create(draft('a', '1'));
  const informer = createInformer(env, configmaps, { labelSelector: 'value=1' });
  const log = record(informer);
  await running(env, informer, async () => {
    await api(env).patch('a', { type: 'merge', body: { metadata: { labels: { value: '2' } } } });
    await env.clock.advance(1);
    assert.deepEqual(log, ['add a=1 @1', 'delete a=1 @2']);
  });
});

test('a factory shares one informer per resource and selector, and starts late ones at once', async () => {
  const env = createTestEnvironment();
  const factory = createInformerFactory(env);
  assert.equal(factory.informer(configmaps), factory.informer(configmaps));
  assert.notEqual(factory.informer(configmaps), factory.informer(configmaps, { namespace: 'a' }));
  await running(env, factory, async () => {
    await factory.whenSynced();
    const late = factory.informer(configmaps, { namespace: 'late' });
    await env.clock.advance(1);
    assert.equal(late.synced, true);
  });
});

test('a handler that throws ends the factory with its error', async () => {
  const env = createTestEnvironment();
  const factory = createInformerFactory(env);
  factory.informer(configmaps).addHandler({
    onAdd() {
      throw new Error('a bug');
    },
  });
  const other = factory.informer(configmaps, { namespace: 'other' });
  const ended = factory.run(new AbortController().signal);
  const failed = assert.rejects(ended, /a bug/);
  await api(env).create(draft('a'));
  await env.clock.advance(1);
  await failed;
  await env.clock.advance(1);
  assert.equal(other.synced, true);
  assert.equal(env.clock.pendingTimers, 0);
});

test('waiting for the first list ends with the signal’s reason, or when the informer ends', async () => {
  const env = createTestEnvironment();
  env.server.intercept = () => new Promise(() => {});
  const informer = createInformer(env, configmaps);
  await assert.rejects(informer.whenSynced(AbortSignal.abort(new Error('enough'))), /enough/);
  const stop = new AbortController();
  const waiting = assert.rejects(informer.whenSynced(stop.signal), /over/);
  stop.abort(new Error('over'));
  await waiting;
});
