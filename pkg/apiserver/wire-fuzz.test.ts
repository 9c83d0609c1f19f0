import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import tls from 'node:tls';
import fc from 'fast-check';
import { configmaps } from '../api/generated/resources.ts';
import { InProcessKubeletDialer } from './connect/dialers.ts';
import { echoKubelet } from './testing/echo-kubelet.ts';
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

test('whatever comes over the wire, the server goes on serving others', { timeout: 60_000 }, async (t) => {
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
    const closed = once(socket, 'close');
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
    { numRuns: 120 },
  );
  const draft = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'control', namespace: 'default' } } as const;
  assert.equal((await client.resource(configmaps).create(draft)).metadata.name, 'control');
  assert.deepEqual(api.errors, []);
});
