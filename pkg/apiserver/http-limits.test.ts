import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { type TestContext, test } from 'node:test';
import tls, { type TLSSocket } from 'node:tls';
import { serveHttps } from './testing/serve-https.node.ts';
import { testServer } from './testing/test-server.ts';

const maps = '/api/v1/namespaces/default/configmaps';

async function serve(t: TestContext, options: Parameters<typeof serveHttps>[2] = {}) {
  const api = await testServer();
  await api.withDefaults();
  const { server, ca, admin } = await serveHttps(t, api.server, options);
  const identity = { host: '127.0.0.1', port: server.port, ca, cert: admin.certificate, key: admin.key };
  const connect = async (): Promise<TLSSocket> => {
    const socket = tls.connect({ ...identity, ALPNProtocols: ['http/1.1'] });
    socket.on('error', () => {}); // being cut off is an answer
    await once(socket, 'secureConnect');
    return socket;
  };
  /** Everything that comes back until the server hangs up. */
  const exchange = async (...parts: readonly (string | Uint8Array)[]): Promise<string> => {
    const socket = await connect();
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    for (const part of parts) await new Promise((resolve) => socket.write(part, resolve));
    await new Promise((resolve) => socket.once('close', resolve));
    return Buffer.concat(chunks).toString();
  };
  return { ...api, exchange, connect, identity };
}

const statuses = (text: string): string[] => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => match[1] as string);
const body = (name: string): string => JSON.stringify({ metadata: { name } });
const post = (name: string, headers: string): string =>
  `POST ${maps} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${headers}\r\n${body(name)}`;
const closing = `GET /version HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;

test('a request of which two readers could read different things is refused, and nothing behind it is carried out', async (t) => {
  const { exchange, request, errors } = await serve(t);
  const smuggled = post('smuggled', `content-length: ${body('smuggled').length}\r\n`);
  const ambiguous: readonly string[] = [
    `POST ${maps} HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `POST ${maps} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\ncontent-length: 5\r\n\r\n${smuggled}`,
    `POST ${maps} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n${smuggled}`,
    `POST ${maps} HTTP/1.1\r\nhost: x\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `POST ${maps} HTTP/1.1\r\nhost: x\r\ncontent-length: +4\r\n\r\n${smuggled}`,
    `POST ${maps} HTTP/1.1\r\nhost: x\r\ncontent-length: 4, 4\r\n\r\n${smuggled}`,
    `POST ${maps} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n${smuggled}`,
    `POST ${maps} HTTP/1.1\r\nhost: x\r\nx: a\u0000b\r\n\r\n${smuggled}`,
    `GET /version HTTP/1.1\nhost: x\n\n${smuggled}`,
    `GET /ver sion HTTP/1.1\r\nhost: x\r\n\r\n${smuggled}`,
    `GET /version HTTP/9.9\r\nhost: x\r\n\r\n${smuggled}`,
  ];
  for (const text of ambiguous) {
    const answers = statuses(await exchange(text));
    assert.ok(answers.length <= 1 && answers.every((status) => status.startsWith('4')), `${answers} to ${JSON.stringify(text)}`);
  }
  assert.equal((await request('GET', `${maps}/smuggled`)).status, 404);
  assert.deepEqual(errors, []);
});

test('requests on one connection are answered in turn: in pieces, in chunks, announced, one after the other at once', async (t) => {
  const { exchange, request } = await serve(t);
  const text = body('chunked');
  const chunks = `${(5).toString(16)}\r\n${text.slice(0, 5)}\r\n${(text.length - 5).toString(16)};x=y\r\n${text.slice(5)}\r\n0\r\ntrailer: z\r\n\r\n`;
  const chunked = `POST ${maps} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunks}`;
  const expecting = post('expected', `content-length: ${body('expected').length}\r\nexpect: 100-continue\r\n`);
  const head = 'HEAD /apis HTTP/1.1\r\nhost: x\r\n\r\n';
  const answers = await exchange(chunked.slice(0, 30), chunked.slice(30), expecting, head + closing);
  assert.deepEqual(statuses(answers), ['201', '100', '201', '200', '200']);
  assert.doesNotMatch(answers, /APIGroupList/, 'HEAD has no body');
  for (const name of ['chunked', 'expected']) assert.equal((await request('GET', `${maps}/${name}`)).status, 200);
});

test('heads and addresses are bounded', async (t) => {
  const { exchange, identity } = await serve(t);
  const long = 'x'.repeat(70_000);
  assert.deepEqual(statuses(await exchange(`GET /version HTTP/1.1\r\nhost: x\r\nx: ${long}\r\n\r\n`)), ['431']);
  assert.match(statuses(await exchange(`GET /version?${long} HTTP/1.1\r\nhost: x\r\n\r\n`)).join(), /^4\d\d$/);
  assert.deepEqual(
    statuses(await exchange(`GET ${maps}?labelSelector=${'a,'.repeat(20_000)}a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)),
    ['200'],
  );
  const session = http2.connect(`https://127.0.0.1:${identity.port}`, identity);
  t.after(() => session.destroy());
  session.on('error', () => {});
  const stream = session.request({ ':path': '/version', x: 'x'.repeat(300_000) });
  stream.on('error', () => {}); // refused
  await new Promise((resolve) => stream.once('close', resolve));
  assert.notEqual(stream.rstCode, 0);
});

test('a client that dawdles over the head of its request, or leaves its connection unused, is cut off', async (t) => {
  const { exchange, identity } = await serve(t, { headTimeout: 200, idleTimeout: 200 });
  assert.deepEqual(statuses(await exchange('GET /version HTTP/1.1\r\nhost:')), ['408']);
  assert.deepEqual(statuses(await exchange('GET /version HTTP/1.1\r\nhost: x\r\n\r\n')), ['200']);
  const session = http2.connect(`https://127.0.0.1:${identity.port}`, identity);
  await once(session, 'connect');
  await once(session, 'close');
  // But not one on which a watch is silent.
  const watching = http2.connect(`https://127.0.0.1:${identity.port}`, identity);
  t.after(() => watching.destroy());
  const watch = watching.request({ ':path': `${maps}?watch=true` });
  await once(watch, 'response');
  const other = http2.connect(`https://127.0.0.1:${identity.port}`, identity);
  await once(other, 'close');
  assert.equal(watching.closed, false);
});

test('many who begin a request and do not end it keep nobody else from being served', async (t) => {
  const { connect, exchange } = await serve(t);
  const sockets = await Promise.all(Array.from({ length: 100 }, connect));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (const [i, socket] of sockets.entries()) {
    socket.write(i % 2 ? 'GET /version HTTP/1.1\r\n' : `POST ${maps} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{`);
  }
  assert.deepEqual(statuses(await exchange(closing)), ['200']);
  const write = post('a', `content-length: ${body('a').length}\r\nconnection: close\r\n`);
  assert.deepEqual(statuses(await exchange(write)), ['201']);
});
