import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ApiError } from '../api/errors.ts';
import { decodeProtobuf, encodeProtobuf } from '../runtime/protobuf.ts';
import { type Authenticator, inProcessAuthenticator } from './auth/authenticator.ts';
import { gzipCompressor } from './gzip.node.ts';
import { admin, readFrames, testServer } from './testing/test-server.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, data: Record<string, string> = { a: '1' }, labels?: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...(labels ? { labels } : {}) },
  data,
});

test('an object is created, read, changed in every way, listed and deleted', async () => {
  const { request, errors, withDefaults } = await testServer();
  await withDefaults();
  const created = await request('POST', configMaps, { body: configMap('a') });
  assert.equal(created.status, 201);
  assert.match(created.json.metadata.uid, /^[0-9a-f-]{36}$/);
  assert.equal(created.json.metadata.namespace, 'default');

  const got = await request('GET', `${configMaps}/a`);
  assert.deepEqual(got.json, created.json);

  const put = await request('PUT', `${configMaps}/a`, { body: { ...got.json, data: { a: '2' } } });
  assert.equal(put.json.data.a, '2');
  const stale = await request('PUT', `${configMaps}/a`, { body: { ...got.json, data: { a: '3' } } });
  assert.equal(stale.status, 409);
  assert.equal(stale.json.reason, 'Conflict');

  const patches: [string, unknown, string][] = [
    ['application/merge-patch+json', { data: { b: 'm', a: null } }, 'm'],
    ['application/strategic-merge-patch+json', { data: { b: 's' } }, 's'],
    ['application/json-patch+json', [{ op: 'replace', path: '/data/b', value: 'j' }], 'j'],
  ];
  for (const [type, body, expected] of patches) {
    const patched = await request('PATCH', `${configMaps}/a`, { body, headers: { 'content-type': type } });
    assert.equal(patched.status, 200, patched.text);
    assert.deepEqual(patched.json.data, { b: expected });
  }
  const list = await request('GET', configMaps);
  assert.equal(list.json.kind, 'ConfigMapList');
  assert.equal(list.json.items.length, 1);

  const deleted = await request('DELETE', `${configMaps}/a`);
  assert.equal(deleted.json.status, 'Success');
  assert.deepEqual(deleted.json.details, { name: 'a', kind: 'configmaps', uid: created.json.metadata.uid });
  const gone = await request('GET', `${configMaps}/a`);
  assert.equal(gone.status, 404);
  assert.equal(gone.json.message, 'configmaps "a" not found');
  assert.deepEqual(errors, []);
});

test('server-side apply creates, is refused on conflict, and takes over by force', async () => {
  const { request, withDefaults } = await testServer();
  await withDefaults();
  const apply = (manager: string, value: string, query = '') =>
    request('PATCH', `${configMaps}/a?fieldManager=${manager}${query}`, {
      body: `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: "${value}"}\n`,
      headers: { 'content-type': 'application/apply-patch+yaml' },
    });
  assert.equal((await apply('one', '1')).status, 201);
  assert.equal((await apply('one', '2')).status, 200);
  const conflict = await apply('two', '3');
  assert.equal(conflict.status, 409);
  assert.equal(conflict.json.details.causes[0].reason, 'FieldManagerConflict');
  assert.equal((await apply('two', '3', '&force=true')).json.data.a, '3');
  const nobody = await request('PATCH', `${configMaps}/a`, { body: {}, headers: { 'content-type': 'application/apply-patch+yaml' } });
  assert.equal(nobody.status, 422);
});

test('deletecollection deletes what the selector matches and answers with it', async () => {
  const { request, withDefaults } = await testServer();
  await withDefaults();
  for (const name of ['a', 'b', 'c'])
    await request('POST', configMaps, { body: configMap(name, {}, { keep: name === 'b' ? 'yes' : 'no' }) });
  const deleted = await request('DELETE', `${configMaps}?labelSelector=keep%3Dno`);
  assert.deepEqual(
    deleted.json.items.map((item: { metadata: { name: string } }) => item.metadata.name),
    ['a', 'c'],
  );
  assert.equal((await request('GET', configMaps)).json.items.length, 1);
});

test('a watch tells of every change in order, over HTTP and in the process alike', async () => {
  const { request, client, withDefaults } = await testServer();
  await withDefaults();
  const { metadata } = (await request('GET', configMaps)).json;
  const watch = await request('GET', `${configMaps}?watch=true&resourceVersion=${metadata.resourceVersion}`);
  assert.equal(watch.headers['content-type'], 'application/json');
  const frames = readFrames(watch.response, 3);
  const { configmaps } = await import('../api/generated/resources.ts');
  const controller = new AbortController();
  const direct = client()
    .resource(configmaps)
    .watch({ signal: controller.signal, namespace: 'default', resourceVersion: metadata.resourceVersion });
  const types: string[] = [];
  const reading = (async () => {
    for await (const batch of direct) {
      for (const event of batch) types.push(event.type);
      if (types.length >= 3) controller.abort();
    }
  })();
  await request('POST', configMaps, { body: configMap('a') });
  await request('PATCH', `${configMaps}/a`, { body: { data: { b: '2' } }, headers: { 'content-type': 'application/merge-patch+json' } });
  await request('DELETE', `${configMaps}/a`);
  const seen = await frames;
  assert.deepEqual(
    seen.map(({ type }) => type),
    ['ADDED', 'MODIFIED', 'DELETED'],
  );
  assert.deepEqual(seen[1]?.object['data'], { a: '1', b: '2' });
  await reading;
  assert.deepEqual(types, ['ADDED', 'MODIFIED', 'DELETED']);
});

test('watches end after their timeout, and a revision that is gone is told as an ERROR event', async () => {
  const { request, store, clock, withDefaults } = await testServer();
  await withDefaults();
  const watch = await request('GET', `${configMaps}?watch=true&timeoutSeconds=5&resourceVersion=0`);
  let ended = false;
  const reading = (async () => {
    for await (const _ of watch.response.body as AsyncIterable<Uint8Array>);
    ended = true;
  })();
  await clock.advance(4900);
  assert.equal(ended, false);
  await clock.advance(200);
  await reading;
  await request('POST', configMaps, { body: configMap('a') });
  await store.compact(await store.revision());
  const late = await request('GET', `${configMaps}?watch=true&resourceVersion=1`);
  const [frame] = await readFrames(late.response, 1);
  assert.equal(frame?.type, 'ERROR');
  assert.equal(frame?.object['code'], 410);
});

test('watches come as Tables and as metadata alone, the columns with the first event only', async () => {
  const { request, withDefaults } = await testServer();
  await withDefaults();
  for (const name of ['a', 'b']) await request('POST', configMaps, { body: configMap(name) });
  const watch = (accept: string) => request('GET', `${configMaps}?watch=true`, { headers: { accept } });
  const tables = await readFrames((await watch('application/json;as=Table;v=v1;g=meta.k8s.io')).response, 2);
  assert.equal(tables[0]?.object['kind'], 'Table');
  assert.notDeepEqual(tables[0]?.object['columnDefinitions'], []);
  assert.deepEqual(tables[1]?.object['columnDefinitions'], null);
  const partial = await readFrames((await watch('application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io')).response, 2);
  assert.deepEqual(Object.keys(partial[0]?.object ?? {}).sort(), ['apiVersion', 'kind', 'metadata']);
  const yaml = await request('GET', `${configMaps}?watch=true`, { headers: { accept: 'application/yaml' } });
  assert.equal(yaml.status, 406);
});

test('objects come as JSON, YAML, protobuf, Table and metadata alone; what nobody offers is 406, what nobody reads 415', async () => {
  const { request, withDefaults } = await testServer();
  await withDefaults();
  await request('POST', configMaps, { body: configMap('a') });
  const get = (accept: string, path = `${configMaps}/a`) => request('GET', path, { headers: { accept } });
  assert.match((await get('application/yaml')).text, /^apiVersion: v1\ndata:\n/);
  const protobuf = await get('application/vnd.kubernetes.protobuf,application/json');
  assert.equal(protobuf.headers['content-type'], 'application/vnd.kubernetes.protobuf');
  assert.deepEqual(decodeProtobuf(protobuf.bytes)['data'], { a: '1' });
  const table = await get('application/json;as=Table;v=v1;g=meta.k8s.io,application/json', configMaps);
  assert.equal(table.json.kind, 'Table');
  assert.equal(table.json.rows[0].cells[0], 'a');
  assert.equal(table.json.rows[0].object.kind, 'PartialObjectMetadata');
  const list = await get('application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', configMaps);
  assert.equal(list.json.kind, 'PartialObjectMetadataList');
  assert.equal((await get('text/html')).status, 406);
  assert.equal((await get('text/html,*/*;q=0.1')).status, 200);
  const unread = await request('POST', configMaps, { body: 'x', headers: { 'content-type': 'text/html' } });
  assert.equal(unread.status, 415);
  const patch = await request('PATCH', `${configMaps}/a`, { body: {}, headers: { 'content-type': 'application/json' } });
  assert.equal(patch.status, 415);
  const bytes = encodeProtobuf(configMap('p'));
  const posted = await request('POST', configMaps, { body: bytes, headers: { 'content-type': 'application/vnd.kubernetes.protobuf' } });
  assert.equal(posted.status, 201, posted.text);
});

test('large answers are compressed for those who ask, and only for them', async () => {
  const { request, withDefaults } = await testServer({ compressor: gzipCompressor });
  await withDefaults();
  for (let i = 0; i < 6; i++) await request('POST', configMaps, { body: configMap(`c${i}`, { a: 'x'.repeat(100_000) }) });
  const plain = await request('GET', configMaps);
  assert.equal(plain.headers['content-encoding'], undefined);
  const gzipped = await request('GET', configMaps, { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(gzipped.headers['content-encoding'], 'gzip');
  assert.deepEqual(JSON.parse(gunzipSync(gzipped.bytes).toString()), plain.json);
  const refused = await request('GET', configMaps, { headers: { 'accept-encoding': 'gzip;q=0' } });
  assert.equal(refused.headers['content-encoding'], undefined);
  const small = await request('GET', `${configMaps}/c0`, { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(small.headers['content-encoding'], undefined);
});

test('unknown and duplicate fields are warned of, refused or ignored, as asked', async () => {
  const { request, withDefaults } = await testServer();
  await withDefaults();
  const body = (name: string) => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"${name}"},"foo":1,"data":{"a":"1","a":"2"}}`;
  const warned = await request('POST', configMaps, { body: body('a') });
  assert.equal(warned.status, 201);
  assert.equal(warned.headers['warning'], '299 - "unknown field \\"foo\\"", 299 - "duplicate field \\"data.a\\""');
  const strict = await request('POST', `${configMaps}?fieldValidation=Strict`, { body: body('b') });
  assert.equal(strict.status, 400);
  assert.match(strict.json.message, /strict decoding error: unknown field "foo", duplicate field "data.a"/);
  const ignored = await request('POST', `${configMaps}?fieldValidation=Ignore`, { body: body('c') });
  assert.equal(ignored.headers['warning'], undefined);
  const wrong = await request('POST', `${configMaps}?fieldValidation=Nope`, { body: body('d') });
  assert.equal(wrong.status, 422);
});

test('a dry run changes nothing, for every verb', async () => {
  const { request, withDefaults } = await testServer();
  await withDefaults();
  await request('POST', configMaps, { body: configMap('a') });
  const before = (await request('GET', configMaps)).json;
  assert.equal((await request('POST', `${configMaps}?dryRun=All`, { body: configMap('b') })).status, 201);
  assert.equal((await request('PUT', `${configMaps}/a?dryRun=All`, { body: configMap('a', { x: 'y' }) })).json.data.x, 'y');
  const merge = { 'content-type': 'application/merge-patch+json' };
  assert.equal((await request('PATCH', `${configMaps}/a?dryRun=All`, { body: { data: { x: 'y' } }, headers: merge })).json.data.x, 'y');
  assert.equal((await request('DELETE', `${configMaps}/a?dryRun=All`)).status, 200);
  assert.equal((await request('DELETE', `${configMaps}?dryRun=All`)).status, 200);
  assert.deepEqual((await request('GET', configMaps)).json, before);
  assert.equal((await request('DELETE', `${configMaps}/a?dryRun=Some`)).status, 422);
});

test('what does not fit the path is refused: another kind, version, name or namespace, a body that is none', async () => {
  const { request, withDefaults } = await testServer();
  await withDefaults();
  const post = async (body: unknown) => {
    const { status, json } = await request('POST', configMaps, { body });
    return [status, json.message];
  };
  assert.deepEqual(await post({ ...configMap('a'), apiVersion: 'v2' }), [
    400,
    'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2"',
  ]);
  assert.match((await post({ ...configMap('a'), kind: 'Secret' }))[1], /cannot be handled as a ConfigMap/);
  assert.match((await post({ ...configMap('a'), metadata: { name: 'a', namespace: 'other' } }))[1], /namespace of the provided object/);
  assert.equal((await post('{'))[0], 400);
  assert.equal((await post('[]'))[0], 400);
  assert.equal((await request('POST', configMaps, {})).status, 400);
  assert.equal((await post({ ...configMap('a'), data: { a: 1 } }))[0], 400);
  const put = await request('PUT', `${configMaps}/b`, { body: configMap('a') });
  assert.equal(put.json.message, 'the name of the object (a) does not match the name on the URL (b)');
});

test('a patch that makes something else of the object is invalid, and says what does not fit', async () => {
  const { request, withDefaults } = await testServer();
  await withDefaults();
  await request('POST', configMaps, { body: configMap('a') });
  const patch = async (type: string, body: unknown, query = '') => {
    const answer = await request('PATCH', `${configMaps}/a${query}`, { body, headers: { 'content-type': `application/${type}` } });
    return [answer.status, answer.json.reason, answer.json.details?.causes?.[0]?.field, answer.json.message];
  };
  const wrongType = await patch('merge-patch+json', { data: { z: 1 } });
  assert.deepEqual(wrongType.slice(0, 3), [422, 'Invalid', 'patch']);
  assert.match(wrongType[3], /json: cannot unmarshal number into Go struct field ConfigMap.data of type string$/);
  const strict = await patch('merge-patch+json', { foo: 1 }, '?fieldValidation=Strict');
  assert.deepEqual(strict.slice(0, 3), [422, 'Invalid', 'patch']);
  assert.match(strict[3], /strict decoding error: unknown field "foo"$/);
  assert.deepEqual(await patch('merge-patch+json', '{"data":'), [
    400,
    'BadRequest',
    undefined,
    'error decoding patch: unexpected end of JSON input',
  ]);
  const misfit = await patch('json-patch+json', [{ op: 'test', path: '/data/a', value: 'no' }]);
  assert.deepEqual(misfit, [422, 'Invalid', undefined, 'the server rejected our request due to an error in our request']);
});

test('paths lead to resources or nowhere, and methods are allowed or not', async () => {
  const { request } = await testServer();
  const status = async (method: string, path: string) => (await request(method, path)).status;
  assert.equal(await status('GET', '/api/v1/pods/x'), 404);
  assert.equal(await status('GET', '/api/v1/namespaces/default/nodes'), 404);
  assert.equal(await status('GET', '/api/v1/nothing'), 404);
  assert.equal(await status('GET', '/apis/apps/v2/deployments'), 404);
  assert.equal(await status('GET', '/api/v1/namespaces/default/pods/x/y'), 404);
  assert.equal(await status('GET', '/nowhere'), 404);
  assert.equal(await status('POST', '/api/v1/pods'), 405);
  assert.equal(await status('PUT', configMaps), 405);
  assert.equal(await status('DELETE', '/api/v1/namespaces'), 405);
  assert.equal(await status('POST', '/api'), 405);
  assert.equal(await status('BREW', configMaps), 405);
  assert.equal(await status('GET', '/api/v1/namespaces/%zz/pods'), 400);
  assert.equal(
    (await request('GET', '/api/v1/watch/namespaces/default/configmaps?watch=true')).headers['content-type'],
    'application/json',
  );
});

test('bodies above 3 MiB are refused before they are read', async () => {
  const { server, request, withDefaults } = await testServer();
  await withDefaults();
  let sent = 0;
  async function* endless() {
    for (;;) {
      sent += 1 << 20;
      yield new Uint8Array(1 << 20);
    }
  }
  const answer = await server.handle({
    method: 'POST',
    path: configMaps,
    query: new URLSearchParams(),
    headers: { 'content-type': 'application/json' },
    body: endless(),
    peer: { user: admin },
    signal: new AbortController().signal,
  });
  assert.equal(answer.status, 413);
  assert.ok(sent <= 5 << 20);
  const announced = await request('POST', configMaps, { body: configMap('a'), headers: { 'content-length': '99999999' } });
  assert.equal(announced.json.reason, 'RequestEntityTooLarge');
});

test('above the ceiling requests wait, and above the waiting room they are told to come back', async () => {
  const { server, clock } = await testServer({ maxReadsInFlight: 2 });
  const finish: (() => void)[] = [];
  const blocking = { name: 'x', apply: () => new Promise<undefined>((resolve) => finish.push(() => resolve(undefined))) };
  (server.filters as unknown[]).push(blocking);
  const ask = (user: boolean) =>
    server.handle({
      method: 'GET',
      path: configMaps,
      query: new URLSearchParams(),
      headers: {},
      peer: user ? { user: admin } : { certificate: { commonName: 'kubernetes-admin', organizations: ['system:masters'] } },
      signal: new AbortController().signal,
    });
  const running = [ask(false), ask(false)];
  const waiting = Array.from({ length: 8 }, () => ask(false));
  await clock.advance(0);
  const refused = await ask(false);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers['retry-after'], '1');
  const inProcess = ask(true);
  await clock.advance(0);
  assert.equal(finish.length, 3); // callers in the process are not counted
  finish.shift()?.();
  await running[0];
  await clock.advance(0);
  assert.equal(finish.length, 3); // the first of those who waited runs now
  await clock.advance(15_000);
  assert.equal((await waiting[7])?.status, 429);
  for (const each of finish) each();
  assert.equal((await inProcess).status, 200);
});

test('a request that takes too long is answered with a timeout; a bug with a 500 and its stack in the log', async () => {
  const { server, clock, request, errors } = await testServer();
  const filters = server.filters as { name: string; apply: () => Promise<undefined> | undefined }[];
  filters.push({ name: 'slow', apply: () => new Promise(() => {}) });
  const slow = request('GET', configMaps);
  const quicker = request('GET', `${configMaps}?timeout=5s`);
  await clock.advance(7000);
  assert.equal((await quicker).status, 504);
  assert.equal((await quicker).json.message, 'Timeout: request did not complete within requested timeout - context deadline exceeded');
  for (const [timeout, why] of [
    ['5', 'time: missing unit in duration "5"'],
    ['5d', 'time: unknown unit "d" in duration "5d"'],
    ['x', 'time: invalid duration "x"'],
  ]) {
    const answer = await request('GET', `${configMaps}?timeout=${timeout}`);
    assert.deepEqual([answer.status, answer.json.message], [400, `invalid timeout specified in the request URL - ${why}`]);
  }
  await clock.advance(60_000);
  assert.equal((await slow).json.reason, 'Timeout');
  filters.pop();
  filters.push({
    name: 'bug',
    apply: () => {
      throw new TypeError('x is undefined');
    },
  });
  assert.equal((await request('GET', configMaps)).json.reason, 'InternalError');
  assert.equal(errors.length, 2);
  filters.pop();
  filters.push({
    name: 'refusal',
    apply: () => {
      throw new ApiError('ServiceUnavailable', 'no');
    },
  });
  assert.equal((await request('GET', configMaps, { headers: { accept: 'text/plain' } })).json.message, 'no');
});

test('every answer names the request; a given Audit-ID is kept if it is one', async () => {
  const { request } = await testServer();
  assert.match((await request('GET', '/version')).headers['audit-id'] ?? '', /^[0-9a-f-]{36}$/);
  assert.equal((await request('GET', '/version', { headers: { 'audit-id': 'my-id' } })).headers['audit-id'], 'my-id');
  assert.notEqual((await request('GET', '/version', { headers: { 'audit-id': 'a b' } })).headers['audit-id'], 'a b');
});

test('curl and browsers get JSON that can be read, others when they ask', async () => {
  const { request } = await testServer();
  assert.match((await request('GET', '/api/v1', { headers: { 'user-agent': 'curl/8' } })).text, /^{\n {2}"/);
  assert.match((await request('GET', '/api/v1?pretty=true')).text, /^{\n {2}"/);
  assert.doesNotMatch((await request('GET', '/api/v1')).text, /\n./);
  // Whoever asks for these two wants to read them.
  assert.match((await request('GET', '/version')).text, /^{\n {2}"/);
  assert.match((await request('GET', '/')).text, /^{\n {2}"/);
});

test('a WebSocket brings its token among its subprotocols; the answer is another one of them', async () => {
  const tokens: (string | undefined)[] = [];
  const token: Authenticator = {
    name: 'token',
    authenticate: ({ headers }) => {
      tokens.push(headers['authorization'], headers['sec-websocket-protocol']);
      return headers['authorization'] === 'Bearer jane>?' ? admin : undefined;
    },
  };
  const { request, withDefaults } = await testServer({ authenticators: [inProcessAuthenticator, token] });
  await withDefaults();
  const bearer = `base64url.bearer.authorization.k8s.io.${btoa('jane>?').replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`;
  const open = (protocols: string) =>
    request('GET', `${configMaps}?watch=true`, {
      user: null,
      headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-protocol': protocols },
    });
  const { response } = await open(`${bearer}, base64.binary.k8s.io`);
  assert.equal(response.upgrade?.protocol, 'base64.binary.k8s.io');
  assert.deepEqual(tokens, ['Bearer jane>?', 'base64.binary.k8s.io']);
  for (const wrong of [bearer, `${bearer}, ${bearer}, x`, 'base64url.bearer.authorization.k8s.io.*, x']) {
    assert.equal((await open(wrong)).status, 401, wrong);
  }
  assert.equal((await open('base64.binary.k8s.io')).status, 403);
});

test('a WebSocket watch sends one message an event', async () => {
  const { request, withDefaults } = await testServer();
  await withDefaults();
  await request('POST', configMaps, { body: configMap('a') });
  const { response } = await request('GET', `${configMaps}?watch=true`, { headers: { connection: 'Upgrade', upgrade: 'websocket' } });
  assert.equal(response.upgrade?.kind, 'websocket');
  const { createMessagePipe } = await import('../client/streams/message-pipe.ts');
  const [near, far] = createMessagePipe();
  const serving = response.upgrade?.kind === 'websocket' ? response.upgrade.run(far) : undefined;
  for await (const message of near.messages) {
    assert.equal(JSON.parse(String(message)).object.metadata.name, 'a');
    break;
  }
  await near.close();
  await serving;
});
