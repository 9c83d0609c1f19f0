import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import tls from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { configmaps } from '../api/generated/resources.ts';
import { InProcessKubeletDialer } from './connect/dialers.ts';
import { echoKubelet } from './testing/echo-kubelet.ts';
import { damage, damaged, fuzzRuns, fuzzTimeout } from './testing/fuzzing.node.ts';
import { serveHttps } from './testing/serve-https.node.ts';
import { testServer } from './testing/test-server.ts';

const pods = '/api/v1/namespaces/default/pods';
const upgrade = (path: string, protocol: string): string =>
  `${protocol === 'SPDY/3.1' ? 'POST' : 'GET'} ${path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: ${protocol}\r\n` +
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\nsec-websocket-protocol: v5.channel.k8s.io\r\n' +
  'x-stream-protocol-version: v4.channel.k8s.io\r\n\r\n';

/** What a client might begin with before it goes astray. */
const beginnings = [
  '',
  'GET /version HTTP/1.1\r\nhost: x\r\n\r\n',
  'GET /version HTTP/1.1\r\n',
  `POST ${pods} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{"a`,
  `POST ${pods} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\n`,
  `GET ${pods}?watch=true HTTP/1.1\r\nhost: x\r\n\r\n`,
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  upgrade(`${pods}/p/exec?command=cat&stdin=true&stdout=true`, 'websocket'),
  upgrade(`${pods}/p/exec?command=cat&stdin=true&stdout=true`, 'SPDY/3.1'),
  upgrade(`${pods}/p/portforward`, 'SPDY/3.1'),
  upgrade(`${pods}/p/portforward?ports=80`, 'websocket'),
  upgrade(`${pods}?watch=true`, 'websocket'),
];

test('whatever comes over the wire, the server goes on serving others', fuzzTimeout, async (t) => {
  const api = await testServer({ kubelets: new InProcessKubeletDialer(() => echoKubelet) });
  await api.withDefaults();
  const pod = { metadata: { name: 'p' }, spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'x' }] } };
  assert.equal((await api.request('POST', pods, { body: pod })).status, 201);
  const { server, client, ca, admin } = await serveHttps(t, api.server);

  const sent = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom(...beginnings).map((text) => Buffer.from(text)),
    ),
    { maxLength: 3 },
  );
  const once1 = async (beginning: string, rest: readonly Uint8Array[], alpn: string, abrupt: boolean): Promise<void> => {
    const socket = tls.connect({
      host: '127.0.0.1',
      port: server.port,
      ca,
      cert: admin.certificate,
      key: admin.key,
      ALPNProtocols: [alpn],
    });
    socket.on('error', () => {}); // being cut off is an answer
    socket.resume();
    await once(socket, 'secureConnect');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(beginning);
    for (const bytes of rest) socket.write(bytes);
    if (abrupt) socket.destroy();
    else socket.end();
    const tooLong = setTimeout(() => socket.destroy(), 50); // it may rightly wait for more: we do not
    await closed;
    clearTimeout(tooLong);
  };
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...beginnings), sent, fc.constantFrom('http/1.1', 'http/1.1', 'h2'), fc.boolean(), once1),
    fuzzRuns(120),
  );
  const draft = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'control', namespace: 'default' } } as const;
  assert.equal((await client.resource(configmaps).create(draft)).metadata.name, 'control');
  assert.deepEqual(api.errors, []);
});

/** What an HTTP/2 client sends for one request, as bytes: it is connected to nobody. */
async function http2Bytes(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const nowhere = new Duplex({
    read() {},
    write(chunk: Buffer, _, done) {
      chunks.push(chunk);
      done();
    },
  });
  const session = http2.connect('http://x', { createConnection: () => nowhere });
  session.on('error', () => {}); // it is cut off before anybody answered
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/json' });
  stream.on('error', () => {});
  stream.end('{"metadata":{"name":"x"}}');
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  session.destroy();
  return Buffer.concat(chunks);
}

test('requests damaged on their way are answered, or cut off, at once; others are served, and nothing piles up', fuzzTimeout, async (t) => {
  const api = await testServer({ kubelets: new InProcessKubeletDialer(() => echoKubelet) });
  await api.withDefaults();
  const { server, client, ca, admin } = await serveHttps(t, api.server);
  const maps = '/api/v1/namespaces/default/configmaps';
  const body = '{"metadata":{"name":"x"},"data":{"a":"b"}}';
  const headers = `host: x\r\naccept: application/json\r\ncontent-type: application/json\r\n`;
  const whole = [
    `POST ${maps}?dryRun=All HTTP/1.1\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`,
    `POST ${maps}?dryRun=All HTTP/1.1\r\n${headers}transfer-encoding: chunked\r\n\r\n5\r\n${body.slice(0, 5)}\r\n${(body.length - 5).toString(16)}\r\n${body.slice(5)}\r\n0\r\n\r\n`,
    `GET ${maps}?limit=1&labelSelector=a%3Db HTTP/1.1\r\n${headers}accept-encoding: gzip\r\nif-none-match: "x"\r\n\r\n`,
    `GET ${pods}/p/log?container=c HTTP/1.1\r\n${headers}\r\n`,
    `DELETE ${maps}/x?dryRun=All HTTP/1.1\r\n${headers}expect: 100-continue\r\n\r\n`,
    upgrade(`${pods}?watch=true`, 'websocket'),
  ].map((text) => ['http/1.1', Buffer.from(text)] as const);
  const requests = [...whole, ['h2', await http2Bytes(`${maps}?dryRun=All`)] as const, ['h2', await http2Bytes('/version')] as const];

  const send = async (
    [protocol, bytes]: readonly [string, Buffer],
    changes: Parameters<typeof damaged>[1],
    pieces: number,
  ): Promise<void> => {
    const socket = tls.connect({
      host: '127.0.0.1',
      port: server.port,
      ca,
      cert: admin.certificate,
      key: admin.key,
      ALPNProtocols: [protocol],
    });
    socket.on('error', () => {}); // being cut off is an answer
    const answer: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => answer.push(chunk));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await once(socket, 'secureConnect');
    const sent = damaged(bytes, changes);
    const step = Math.ceil(sent.length / pieces) || 1;
    for (let at = 0; at < sent.length; at += step) socket.write(sent.subarray(at, at + step));
    const tooLong = setTimeout(() => socket.destroy(), 20); // what it still waits for does not come
    await closed;
    clearTimeout(tooLong);
    const text = Buffer.concat(answer).toString('latin1');
    assert.doesNotMatch(text, /HTTP\/1\.1 5\d\d/, JSON.stringify(Buffer.from(sent).toString('latin1')));
  };
  const fuzz = (numRuns: number): Promise<void> =>
    fc.assert(fc.asyncProperty(fc.constantFrom(...requests), damage, fc.integer({ min: 1, max: 4 }), send), fuzzRuns(numRuns));
  const control = async (name: string): Promise<void> => {
    const draft = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } } as const;
    assert.equal((await client.resource(configmaps).create(draft)).metadata.name, name);
    await client.resource(configmaps).delete(name, { namespace: 'default' });
  };
  await fuzz(150);
  await control('first');
  const before = heapUsed();
  await fuzz(150);
  await control('second');
  const grown = heapUsed() - before;
  assert.ok(grown < 16 * 1024 * 1024, `${Math.round(grown / 1024)} KiB more than before`);
  assert.deepEqual(api.errors, []);
});

/** After a collection. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
