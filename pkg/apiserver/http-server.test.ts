import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientRequest } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { test } from 'node:test';
import tls from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { isApiError, isNotFound } from '../api/errors.ts';
import { configmaps } from '../api/generated/resources.ts';
import type { ApiRequest, ApiResponse } from '../api/http.ts';
import { platformCredentials } from '../client/credentials/platform-credentials.ts';
import { byteStreamOver, createMessagePipe } from '../client/streams/message-pipe.ts';
import { PortForwardClient, portForwardTunnelProtocol } from '../client/streams/port-forward.ts';
import { exitCodeOf, runRemoteCommand } from '../client/streams/remote-command.ts';
import { HttpsKubeletDialer } from './connect/https-kubelet-dialer.node.ts';
import { gzipCompressor } from './gzip.node.ts';
import { echoKubelet } from './testing/echo-kubelet.ts';
import { lifetime, serveHttps } from './testing/serve-https.node.ts';
import { testServer } from './testing/test-server.ts';

async function body(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('a client over HTTPS does what a client in the process does: writes, reads, lists, watches, is refused', async (t) => {
  const api = await testServer();
  await api.withDefaults();
  const { client } = await serveHttps(t, api.server);
  const maps = client.resource(configmaps);
  const controller = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    for await (const batch of maps.watch({ namespace: 'default', signal: controller.signal })) {
      for (const event of batch) seen.push(`${event.type} ${(event.object as { metadata: { name: string } }).metadata.name}`);
      if (seen.length === 3) controller.abort();
    }
  })();
  await maps.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' }, data: { a: 'ä' } });
  await maps.patch('a', { type: 'merge', body: { data: { b: '2' } } }, { namespace: 'default' });
  assert.deepEqual((await maps.get('a', { namespace: 'default' })).data, { a: 'ä', b: '2' });
  assert.equal((await maps.list()).items.length, 1);
  await maps.delete('a', { namespace: 'default' });
  await assert.rejects(maps.get('a', { namespace: 'default' }), isNotFound);
  await watching;
  assert.deepEqual(seen, ['ADDED a', 'MODIFIED a', 'DELETED a']);
});

test('HTTP/2 and HTTP/1.1 are served on one port; the certificate says who asks, and without one nobody does', async (t) => {
  const seen: ApiRequest[] = [];
  const { server, ca, admin } = await serveHttps(t, {
    async handle(request) {
      seen.push(request);
      const text = request.body ? (await body(request.body as AsyncIterable<Buffer>)).toString() : '';
      return {
        status: 200,
        headers: { 'content-type': 'text/plain' },
        body: new TextEncoder().encode(`${request.method} ${request.path} ${text}`),
      };
    },
  });
  const session = http2.connect(`https://127.0.0.1:${server.port}`, { ca, cert: admin.certificate, key: admin.key });
  t.after(() => session.close());
  const stream = session.request({ ':method': 'POST', ':path': '/a?b=c&b=d', 'x-many': ['1', '2'] });
  stream.end('hello');
  assert.equal((await body(stream)).toString(), 'POST /a hello');
  assert.deepEqual(seen[0]?.query.getAll('b'), ['c', 'd']);
  assert.equal(seen[0]?.headers['x-many'], '1, 2');
  const { fingerprint, ...named } = seen[0]?.peer.certificate ?? {};
  assert.deepEqual(named, { commonName: 'kubernetes-admin', organizations: ['system:masters'] });
  assert.match(fingerprint ?? '', /^[0-9a-f]{64}$/);

  const request = https.get({ host: '127.0.0.1', port: server.port, path: '/plain', ca });
  const [response] = await once(request, 'response');
  assert.equal((await body(response)).toString(), 'GET /plain ');
  assert.equal(seen[1]?.peer.certificate, undefined);

  // A certificate of another authority is as good as none.
  const stranger = await platformCredentials.openAuthority(
    await platformCredentials.createAuthority({ commonName: 'test-ca', ...lifetime }),
  );
  const forged = await stranger.issue({
    commonName: 'kubernetes-admin',
    organizations: ['system:masters'],
    usages: ['client'],
    ...lifetime,
  });
  const [answer] = await once(
    https.get({ host: '127.0.0.1', port: server.port, ca, cert: forged.certificate, key: forged.key }),
    'response',
  );
  await body(answer);
  assert.equal(seen[2]?.peer.certificate, undefined);
});

test('a body that is too large is answered 413 although the client is still sending', async (t) => {
  const api = await testServer();
  await api.withDefaults();
  const { server, ca, admin } = await serveHttps(t, api.server);
  const request = https.request({
    host: '127.0.0.1',
    port: server.port,
    method: 'POST',
    path: '/api/v1/namespaces/default/configmaps',
    headers: { 'content-type': 'application/json' },
    ca,
    cert: admin.certificate,
    key: admin.key,
  });
  request.on('error', () => {}); // the line is cut while we send
  const chunk = Buffer.alloc(1 << 20, 'x');
  const sending = (async () => {
    for (let i = 0; i < 10; i++) await new Promise((resolve) => request.write(chunk, resolve));
  })();
  const [response] = await once(request, 'response');
  assert.equal(response.statusCode, 413);
  assert.equal(JSON.parse((await body(response)).toString()).reason, 'RequestEntityTooLarge');
  request.destroy();
  await sending;

  const session = http2.connect(`https://127.0.0.1:${server.port}`, { ca, cert: admin.certificate, key: admin.key });
  t.after(() => session.close());
  const stream = session.request({
    ':method': 'POST',
    ':path': '/api/v1/namespaces/default/configmaps',
    'content-type': 'application/json',
  });
  stream.on('error', () => {});
  const closed = once(stream, 'close');
  for (let i = 0; i < 10; i++) stream.write(chunk);
  const [headers] = await once(stream, 'response');
  assert.equal(headers[':status'], 413);
  assert.equal(JSON.parse((await body(stream)).toString()).reason, 'RequestEntityTooLarge');
  await closed; // the server does not wait for the rest
});

test('a body is read whole, however it comes; a client that goes in the middle of it fails its own request only', async (t) => {
  const failures: string[] = [];
  const failed = Promise.withResolvers<void>();
  const { server, ca, admin } = await serveHttps(t, {
    async handle(request) {
      try {
        const bytes = await body(request.body as AsyncIterable<Buffer>);
        return { status: 200, headers: {}, body: bytes };
      } catch (error) {
        failures.push(String(error));
        failed.resolve();
        throw error;
      }
    },
  });
  const options = { host: '127.0.0.1', port: server.port, method: 'POST', ca, cert: admin.certificate, key: admin.key, agent: false };
  const begin = (): ClientRequest => https.request({ ...options, headers: { 'content-length': 6 } }).on('error', () => {});

  const slow = begin();
  const answer = once(slow, 'response');
  for (const part of ['a', 'bc', '', 'def']) {
    if (part !== '') slow.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  slow.end();
  assert.equal((await body((await answer)[0])).toString(), 'abcdef');

  const torn = begin();
  torn.write('ab', () => torn.destroy());
  await failed.promise;
  assert.equal(failures.length, 1);

  const session = http2.connect(`https://127.0.0.1:${server.port}`, { ca, cert: admin.certificate, key: admin.key });
  t.after(() => session.destroy());
  const stream = session.request({ ':method': 'POST', ':path': '/' });
  const large = Buffer.alloc(200_000, 'x');
  stream.end(large);
  assert.deepEqual(await body(stream), large);
  const empty = session.request({ ':method': 'POST', ':path': '/' });
  empty.end();
  assert.equal((await body(empty)).length, 0);
});

test('a client that goes ends its watch on the server; nonsense on the wire ends its own connection only', async (t) => {
  const aborted = Promise.withResolvers<void>();
  const { server, ca, client } = await serveHttps(t, {
    async handle(request): Promise<ApiResponse> {
      if (request.path === '/ok') return { status: 200, headers: {}, body: new Uint8Array(0) };
      request.signal.addEventListener('abort', () => aborted.resolve());
      async function* silence(): AsyncGenerator<Uint8Array> {
        yield new TextEncoder().encode('begin');
        await aborted.promise;
      }
      return { status: 200, headers: {}, body: silence() };
    },
  });
  const request = https.get({ host: '127.0.0.1', port: server.port, ca });
  const [response] = await once(request, 'response');
  await once(response, 'data');
  request.destroy();
  await aborted.promise;
  const socket = tls.connect({ host: '127.0.0.1', port: server.port, ca });
  await once(socket, 'secureConnect');
  socket.end('\u0000\u0001 nonsense\r\n\r\n');
  assert.match((await body(socket)).toString(), /^HTTP\/1.1 400/);
  assert.equal((await client.raw({ path: '/ok' })).status, 200);
});

test('a large list arrives whole, plain or compressed, over HTTP/2 and HTTP/1.1', async (t) => {
  const api = await testServer({ compressor: gzipCompressor });
  await api.withDefaults();
  const data = { a: 'x'.repeat(200_000) };
  for (let i = 0; i < 5; i++) {
    await api.request('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name: `c${i}` }, data } });
  }
  const { server, ca, admin } = await serveHttps(t, api.server);
  const session = http2.connect(`https://127.0.0.1:${server.port}`, { ca, cert: admin.certificate, key: admin.key });
  t.after(() => session.close());
  const stream = session.request({ ':path': '/api/v1/configmaps', 'accept-encoding': 'gzip' });
  const list = JSON.parse(gunzipSync(await body(stream)).toString());
  assert.equal(list.items.length, 5);
  const plain = session.request({ ':path': '/api/v1/configmaps' });
  assert.deepEqual(JSON.parse((await body(plain)).toString()), list);
  const request = https.get({
    host: '127.0.0.1',
    port: server.port,
    path: '/api/v1/configmaps',
    ca,
    cert: admin.certificate,
    key: admin.key,
  });
  const [response] = await once(request, 'response');
  const bytes = await body(response);
  assert.equal(Number(response.headers['content-length']), bytes.length);
  assert.deepEqual(JSON.parse(bytes.toString()), list);
});

test('logs, exec and port-forward go from a client through the API server to a kubelet elsewhere', async (t) => {
  const { server: kubeletServer, ca, admin } = await serveHttps(t, echoKubelet);
  const kubelets = new HttpsKubeletDialer({
    lookup: async () => ({ host: '127.0.0.1', port: kubeletServer.port }),
    certificateAuthority: ca,
    certificate: admin.certificate,
    key: admin.key,
  });
  t.after(() => kubelets.close());
  const api = await testServer({ kubelets });
  await api.withDefaults();
  const pods = '/api/v1/namespaces/default/pods';
  const pod = (name: string, nodeName?: string) => ({
    metadata: { name },
    spec: { ...(nodeName ? { nodeName } : {}), containers: [{ name: 'c', image: 'x' }] },
  });
  await api.request('POST', pods, { body: pod('p', 'node-1') });
  await api.request('POST', pods, { body: pod('nowhere') });
  const { client } = await serveHttps(t, api.server);
  const text = async (path: string) => (await body((await client.raw({ path })).body as AsyncIterable<Buffer>)).toString();
  assert.equal(await text(`${pods}/p/log?tailLines=5&follow=true`), '/containerLogs/default/p/c?follow=true&tailLines=5');
  assert.equal(await text(`${pods}/nowhere/log`), '');
  const refused = (path: string, message: RegExp) =>
    assert.rejects(client.raw({ path }), (error) => isApiError(error, 'BadRequest') && message.test(error.message));
  await refused(`${pods}/p/log?previous=true`, /previous terminated container "c" not found/);
  await refused(`${pods}/p/log?container=x`, /container x is not valid for pod p/);
  await refused(`${pods}/p/exec?command=ls&stdout=true`, /Upgrade request required/);
  await refused(`${pods}/nowhere/exec?command=ls&stdout=true`, /does not have a host assigned/);
  await assert.rejects(client.raw({ path: `${pods}/p/log?tailLines=-1` }), (error) => isApiError(error, 'Invalid'));

  const webSocket = (protocol: string) => ({ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-protocol': protocol });
  const exec = await client.raw({
    path: `${pods}/p/exec?command=cat&command=-&stdin=true&stdout=true`,
    headers: webSocket('v5.channel.k8s.io'),
  });
  assert.equal(exec.upgrade?.protocol, 'v5.channel.k8s.io');
  const [near, far] = createMessagePipe();
  const running = exec.upgrade?.kind === 'websocket' ? exec.upgrade.run(far) : undefined;
  async function* stdin() {
    yield new TextEncoder().encode('hello');
  }
  let output = '';
  const status = await runRemoteCommand(near, {
    protocol: 'v5.channel.k8s.io',
    stdin: stdin(),
    stdout: (chunk) => {
      output += new TextDecoder().decode(chunk);
    },
  });
  await running;
  assert.equal(output, 'cat -:hello');
  assert.equal(exitCodeOf(status), 7);

  const forward = await client.raw({ path: `${pods}/p/portforward`, headers: webSocket(portForwardTunnelProtocol) });
  const [local, remote] = createMessagePipe();
  const forwarding = forward.upgrade?.kind === 'websocket' ? forward.upgrade.run(remote) : undefined;
  const forwarder = new PortForwardClient(byteStreamOver(local));
  const connection = await forwarder.open(80);
  await connection.write(new TextEncoder().encode('ping'));
  await connection.end();
  let answer = '';
  for await (const chunk of connection.readable) answer += new TextDecoder().decode(chunk);
  assert.equal(answer, 'ping');
  await forwarder.close();
  await forwarding;

  await assert.rejects(client.raw({ path: `${pods}/p/exec?command=x&stdout=1`, headers: webSocket('chat') }), /./);
});
