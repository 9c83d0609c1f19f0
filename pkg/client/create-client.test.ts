import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isApiError, isExpired, isNotFound } from '../api/errors.ts';
import type { Pod } from '../api/generated/core-v1.ts';
import { nodes, pods } from '../api/generated/resources.ts';
import type { ApiRequest, ApiResponse, WatchEvent } from '../api/http.ts';
import type { Draft } from '../api/object.ts';
import type { Transport, TransportRequest } from './client.ts';
import { createClient } from './create-client.ts';
import { InProcessTransport } from './in-process-transport.ts';
import { readBody } from './read-body.ts';

const user = { name: 'system:kube-scheduler', groups: ['system:authenticated'] };
const encoder = new TextEncoder();

/** A transport that keeps what was sent and answers what the test says. */
function recording(direct: boolean, answer: (request: TransportRequest) => ApiResponse | Promise<ApiResponse>) {
  const sent: TransportRequest[] = [];
  const transport: Transport = {
    direct,
    async send(request) {
      sent.push(request);
      return answer(request);
    },
  };
  return { transport, sent };
}

const json = (value: unknown, status = 200): ApiResponse => ({ status, headers: {}, body: encoder.encode(JSON.stringify(value)) });
const status404 = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', message: 'pods "x" not found', code: 404 };

test('items of a list that came over the wire say what they are, though the server leaves that to the list', async () => {
  const list = { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '7' }, items: [{ metadata: { name: 'a' } }] };
  const { items, metadata } = await createClient(recording(false, () => json(list)).transport, { agent: 'test' })
    .resource(pods)
    .list();
  assert.deepEqual(items, [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } }]);
  assert.equal(metadata.resourceVersion, '7');
  assert.ok(Object.isFrozen(items) && Object.isFrozen(items[0]));
});

test('verbs become the paths, queries and bodies of the Kubernetes API', async () => {
  const { transport, sent } = recording(false, () => json({ kind: 'Pod', metadata: { name: 'a' }, items: [] }));
  const client = createClient(transport, { agent: 'test' });
  const resource = client.resource(pods);
  const draft: Draft<Pod> = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'ns' } };
  await resource.get('a', { namespace: 'ns', resourceVersion: '0' });
  await resource.list({ labelSelector: 'a=b', limit: 5 });
  await resource.create(draft, { dryRun: true, fieldManager: 'me' });
  await resource.updateStatus(draft);
  await resource.patch('a', { type: 'apply', body: draft }, { namespace: 'ns', force: true });
  await resource.delete('a', { namespace: 'ns', gracePeriodSeconds: 0 });
  await resource.createSubresource('a', 'binding', {}, { namespace: 'ns' });
  await client.resource(nodes).get('n/1');
  const lines = sent.map((r) => `${r.method} ${r.path}?${r.query}`);
  assert.deepEqual(lines, [
    'GET /api/v1/namespaces/ns/pods/a?resourceVersion=0',
    'GET /api/v1/pods?labelSelector=a%3Db&limit=5',
    'POST /api/v1/namespaces/ns/pods?dryRun=All&fieldManager=me',
    'PUT /api/v1/namespaces/ns/pods/a/status?',
    'PATCH /api/v1/namespaces/ns/pods/a?force=true',
    'DELETE /api/v1/namespaces/ns/pods/a?',
    'POST /api/v1/namespaces/ns/pods/a/binding?',
    'GET /api/v1/nodes/n%2F1?',
  ]);
  assert.equal(sent[4]?.headers['content-type'], 'application/apply-patch+yaml');
  const body = JSON.parse(new TextDecoder().decode(await readBody(sent[5]?.body)));
  assert.deepEqual(body, { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 });
});

test('a direct transport gets the object itself and gives the answer itself', async () => {
  const answer = Object.freeze({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } });
  const { transport, sent } = recording(true, () => ({ status: 201, headers: {}, object: answer }));
  const draft: Draft<Pod> = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'ns' } };
  const created = await createClient(transport, { agent: 'test' }).resource(pods).create(draft);
  assert.equal(created, answer);
  assert.equal(sent[0]?.direct?.object, draft);
  assert.equal(sent[0]?.body, undefined);
});

test('a bound client names its causes and its agent', async () => {
  const { transport, sent } = recording(true, () => ({ status: 200, headers: {}, object: {} }));
  const client = createClient(transport, { agent: 'a' });
  await client.because([7, 9]).as('b').resource(nodes).get('n');
  await client.resource(nodes).get('n');
  assert.deepEqual(sent[0]?.headers, { 'user-agent': 'b', 'gokube-causes': '7,9' });
  assert.deepEqual(sent[1]?.headers, { 'user-agent': 'a' });
});

test('a refusal is thrown as the ApiError that the server meant; raw too; an empty name never leaves', async () => {
  const { transport, sent } = recording(false, () => json(status404, 404));
  const client = createClient(transport, { agent: 'test' });
  await assert.rejects(client.resource(pods).get('x', { namespace: 'ns' }), isNotFound);
  await assert.rejects(client.raw({ path: '/api/v1/pods' }), isNotFound);
  await assert.rejects(client.resource(pods).get('', { namespace: 'ns' }), (error) => isApiError(error, 'BadRequest'));
  await assert.rejects(client.resource(pods).get('x'), (error) => isApiError(error, 'BadRequest'));
  assert.equal(sent.length, 2);
});

test('a server that cannot be reached is ServiceUnavailable with the reason as its cause', async () => {
  const cause = new Error('ECONNREFUSED');
  const { transport } = recording(false, () => Promise.reject(cause));
  const client = createClient(transport, { agent: 'test' });
  await assert.rejects(client.resource(nodes).get('x'), (error) => isApiError(error, 'ServiceUnavailable') && error.cause === cause);
});

test('watch events are split at lines whatever the chunks, and an ERROR event is thrown after what came before it', async () => {
  const expired = { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410, message: 'too old resource version: 1 (5)' };
  const event = (name: string): string => `${JSON.stringify({ type: 'ADDED', object: { metadata: { name } } })}\n`;
  const bytes = encoder.encode(`${event('ä')}${event('b')}${event('c')}${JSON.stringify({ type: 'ERROR', object: expired })}\n`);
  for (let size = 1; size < bytes.length; size += 7) {
    async function* chunks() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    }
    const { transport } = recording(false, () => ({ status: 200, headers: {}, body: chunks() }));
    const names: string[] = [];
    const read = async (): Promise<void> => {
      const watch = createClient(transport, { agent: 't' }).resource(pods).watch({ signal: new AbortController().signal });
      for await (const batch of watch) for (const e of batch) names.push((e.object as Pod).metadata.name);
    };
    await assert.rejects(read(), isExpired);
    assert.deepEqual(names, ['ä', 'b', 'c']);
  }
});

/** A server whose watches deliver what `push` is given, until their signal is aborted. */
function watchServer() {
  const seen: ApiRequest[] = [];
  let push: (batch: readonly WatchEvent[]) => void = () => {};
  async function* stream(signal: AbortSignal): AsyncGenerator<readonly WatchEvent[]> {
    const queue: (readonly WatchEvent[])[] = [];
    let wake = (): void => {};
    push = (batch) => {
      queue.push(batch);
      wake();
    };
    signal.addEventListener('abort', () => wake());
    while (!signal.aborted) {
      const next = queue.shift();
      if (next) yield next;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  }
  return {
    seen,
    push: (batch: readonly WatchEvent[]) => push(batch),
    async handle(request: ApiRequest): Promise<ApiResponse> {
      seen.push(request);
      if (request.query.get('watch')) return { status: 200, headers: {}, events: stream(request.signal) };
      if (request.path.endsWith('/slow')) await new Promise((resolve) => request.signal.addEventListener('abort', resolve));
      return { status: 200, headers: {}, object: {} };
    },
  };
}

test('cutting the line refuses requests, rejects what is under way and breaks open watches; mending it lets all go on', async () => {
  const server = watchServer();
  const transport = new InProcessTransport({ server, user });
  const client = createClient(transport, { agent: 'test' });
  const watch = client.resource(nodes).watch({ signal: new AbortController().signal })[Symbol.asyncIterator]();
  const first = watch.next();
  await Promise.resolve().then(() => Promise.resolve());
  server.push([{ type: 'ADDED', object: { metadata: { name: 'n' } } }]);
  assert.equal((await first).value?.length, 1);
  const pending = watch.next();
  const slow = client.resource(nodes).get('slow');
  transport.connected = false;
  const unavailable = (error: unknown): boolean => isApiError(error, 'ServiceUnavailable');
  await assert.rejects(pending, unavailable);
  await assert.rejects(slow, unavailable);
  await assert.rejects(client.resource(nodes).get('n'), unavailable);
  assert.equal(server.seen.length, 2);
  assert.ok(server.seen.every((request) => request.signal.aborted));
  transport.connected = true;
  await client.resource(nodes).get('n');
  assert.equal(server.seen[2]?.peer.user, user);
});

test('an aborted signal rejects a request with its reason and ends a watch without an error', async () => {
  const server = watchServer();
  const client = createClient(new InProcessTransport({ server, user }), { agent: 'test' });
  const controller = new AbortController();
  const slow = client.resource(nodes).get('slow', { signal: controller.signal });
  const watch = client.resource(nodes).watch({ signal: controller.signal })[Symbol.asyncIterator]();
  const pending = watch.next();
  await Promise.resolve().then(() => Promise.resolve());
  const reason = new Error('enough');
  controller.abort(reason);
  await assert.rejects(slow, reason);
  assert.equal((await pending).done, true);
});
