import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configmaps, deployments } from '../api/generated/resources.ts';
import { readHistory } from '../client/read-history.ts';
import { causesHeader } from '../trace/cause.ts';
import { chainsOf, type ObjectHistory } from '../trace/object-history.ts';
import type { Authorizer } from './auth/authorizer.ts';
import { testServer } from './testing/test-server.ts';

const path = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, data: string) => ({ metadata: { name }, data: { data } });

/** c is made, changed because of d, deleted, and made again; then the store forgets what was before the change. */
async function withHistory(options: Parameters<typeof testServer>[0] = {}) {
  const server = await testServer(options);
  await server.withDefaults();
  const { request } = server;
  const rv = (answer: { json: { metadata: { resourceVersion: string } } }): number => Number(answer.json.metadata.resourceVersion);
  const made = rv(await request('POST', path, { body: configMap('c', '1'), headers: { 'user-agent': 'kubectl/v1' } }));
  const cause = rv(await request('POST', path, { body: configMap('d', '1'), headers: { 'user-agent': 'kubectl/v1' } }));
  const further = rv(
    await request('PUT', `${path}/d`, {
      body: configMap('d', '2'),
      headers: { [causesHeader]: String(cause), 'user-agent': 'first-loop' },
    }),
  );
  const changed = rv(await request('PUT', `${path}/c`, { body: configMap('c', '2'), headers: { [causesHeader]: String(further) } }));
  await request('DELETE', `${path}/c`);
  const gone = await server.store.revision();
  await request('POST', path, { body: configMap('other', '1') });
  const again = rv(await request('POST', path, { body: configMap('c', '3') }));
  const history = async (query = '', name = 'c'): Promise<ObjectHistory> =>
    (await request('GET', `/debug/history${path}/${name}${query}`)).json;
  return { ...server, history, made, cause, further, changed, gone, again };
}

test('the history of an object has every revision, deletions too, with who wrote it and the object as it was', async () => {
  const { history, made, changed, gone, again, errors } = await withHistory();
  const { items, object, oldestRevision, earlier } = await history();
  assert.deepEqual(object, { apiVersion: 'v1', kind: 'ConfigMap', resource: 'configmaps', namespace: 'default', name: 'c' });
  assert.deepEqual(
    items.map(({ revision, type, record }) => [revision, type, record?.verb, record?.actor]),
    [
      [made, 'created', 'create', 'kubernetes-admin'],
      [changed, 'updated', 'update', 'kubernetes-admin'],
      [gone, 'deleted', 'delete', 'kubernetes-admin'],
      [again, 'created', 'create', 'kubernetes-admin'],
    ],
  );
  assert.equal(items[0]?.record?.agent, 'kubectl');
  const data = items.map((item) => (item.object as { data?: { data: string } } | undefined)?.data?.data);
  assert.deepEqual(data, ['1', '2', undefined, '3']);
  assert.deepEqual([oldestRevision, earlier], [0, false]);
  assert.deepEqual((await history('', 'never')).items, []);
  assert.deepEqual(errors, []);
});

test('causes are followed back to the first request, and name the objects', async () => {
  const { history, cause, further, changed } = await withHistory();
  const whole = await history();
  const item = whole.items.find(({ revision }) => revision === changed);
  const [chain = []] = chainsOf(whole, item ?? {});
  assert.deepEqual(
    chain.map(({ revision, write }) => [revision, write?.objects[0]?.name, write?.objects[0]?.type, write?.record?.agent]),
    [
      [cause, 'd', 'created', 'kubectl'],
      [further, 'd', 'updated', 'first-loop'],
    ],
  );
});

test('pages go back from the newest, and add up to the whole', async () => {
  const { history, client, again, made } = await withHistory();
  const newest = await history('?limit=1');
  assert.deepEqual([newest.items.map(({ revision }) => revision), newest.earlier], [[again], true]);
  const older = await history(`?limit=3&before=${again}`);
  assert.deepEqual([older.items.length, older.items[0]?.revision, older.earlier], [3, made, false]);
  for (const limit of [1, 2, 4, 9]) {
    const read = await readHistory(client(), configmaps, 'c', { namespace: 'default', limit });
    assert.equal(read.items.length, Math.min(limit, 4));
    assert.equal(read.earlier, limit < 4);
  }
});

test('of what is compacted, what still stood is told, and causes that are not kept are missing', async () => {
  const { history, store, cause, changed, further, gone, made } = await withHistory();
  await store.compact(made);
  assert.deepEqual((await history()).items[0]?.type, 'created');
  await store.compact(changed);
  const whole = await history();
  assert.equal(whole.oldestRevision, changed);
  assert.deepEqual(whole.items.map(({ revision, type }) => [revision, type]).slice(0, 2), [
    [changed, 'updated'],
    [gone, 'deleted'],
  ]);
  assert.deepEqual(Object.keys(whole.causes), []);
  assert.deepEqual(whole.items[0]?.record?.causes, [further]);
  assert.ok(cause < further);
  await store.compact(gone);
  assert.equal((await history()).items.length, 1);
});

test('who may get an object may read its history; causes that he may not get stay nameless', async () => {
  const may: Authorizer = {
    authorize: ({ user, verb, resource }) => {
      const allowed = user.name !== 'alice' || (verb === 'get' && resource?.name === 'c' && resource.subresource === '');
      return { allowed, reason: '' };
    },
  };
  const { request, changed, further } = await withHistory({ authorizer: may });
  const alice = { name: 'alice', groups: [] };
  const answer = await request('GET', `/debug/history${path}/c`, { user: alice });
  assert.equal(answer.status, 200);
  const { items, causes } = answer.json as ObjectHistory;
  assert.ok(items.some(({ revision }) => revision === changed));
  assert.deepEqual(causes, { [further]: { revision: further, objects: [], hidden: true } });
  const refused = await request('GET', `/debug/history${path}/d`, { user: alice });
  assert.equal(refused.status, 403);
  assert.match(refused.json.message, /configmaps "d" is forbidden: User "alice" cannot get resource "configmaps"/);
});

test('an object is told at the version that is asked for', async () => {
  const { request, client } = await testServer();
  await request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default' } } });
  await request('POST', '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers', {
    body: {
      metadata: { name: 'h' },
      spec: {
        maxReplicas: 3,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        targetCPUUtilizationPercentage: 50,
      },
    },
  });
  const at = async (version: string) =>
    (await request('GET', `/debug/history/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers/h`)).json.items[0].object;
  assert.equal((await at('v1')).spec.targetCPUUtilizationPercentage, 50);
  assert.equal((await at('v2')).spec.metrics[0].resource.target.averageUtilization, 50);
  assert.deepEqual((await readHistory(client(), deployments, 'none', { namespace: 'default' })).items, []);
});

test('what is no history is refused as any other path is', async () => {
  const { request } = await withHistory();
  const status = async (method: string, at: string): Promise<number> => (await request(method, at)).status;
  assert.equal(await status('GET', `/debug/history${path}`), 404);
  assert.equal(await status('GET', `/debug/history/debug/history${path}/c`), 404);
  assert.equal(await status('GET', '/debug/history/api/v1/namespaces/default/unknown/c'), 404);
  assert.equal(await status('GET', `/debug/history${path}/c/status`), 404);
  assert.equal(await status('GET', `/debug/history${path}/c?limit=0`), 400);
  assert.equal(await status('GET', `/debug/history${path}/c?before=x`), 400);
  assert.equal(await status('GET', '/debug/history'), 404);
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) assert.equal(await status(method, `/debug/history${path}/c`), 405, method);
});
