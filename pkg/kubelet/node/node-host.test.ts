import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RealClock } from '../../clock/real-clock.ts';
import { readLog } from '../server/log-reader.ts';
import { writeAtomically } from '../volumes/atomic-writer.ts';
import { Dialer } from './dialer.ts';
import { decodeStatus, encodeRequest } from './grpc-health.ts';
import { createNodeHost, parseResolvConf } from './node-host.ts';

const directory = await mkdtemp(join(tmpdir(), 'gokube-host-'));
after(() => rm(directory, { recursive: true, force: true }));
const host = createNodeHost({ directory });
const { files } = host;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array | undefined): string | undefined => data && new TextDecoder().decode(data);

test('facts about the machine are told', async () => {
  const facts = await host.machine();
  assert.ok(facts.cpus >= 1 && facts.memoryBytes > 0 && facts.diskBytes > 0);
  assert.ok(facts.kernelVersion && facts.osImage);
  const usage = await host.usage();
  assert.ok(usage.diskAvailableBytes > 0);
});

test('files are read in parts, from both ends', async () => {
  const path = join(directory, 'parts');
  await files.writeFile(path, bytes('0123456789'));
  assert.equal(text(await files.readFile(path)), '0123456789');
  assert.equal(text(await files.readFile(path, { offset: 3, length: 4 })), '3456');
  assert.equal(text(await files.readFile(path, { offset: -3 })), '789');
  assert.equal(text(await files.readFile(path, { offset: -30 })), '0123456789');
  assert.equal(text(await files.readFile(path, { offset: 30 })), '');
  assert.equal(await files.readFile(join(directory, 'nothing')), undefined);
});

test('what is missing is undefined, and removing it is no error', async () => {
  const path = join(directory, 'nothing');
  assert.deepEqual(
    [await files.stat(path), await files.list(path), await files.readLink(path), await files.realPath(path)],
    [undefined, undefined, undefined, undefined],
  );
  await files.remove(path);
  await files.unmount(path);
  assert.deepEqual(await files.mountsBelow(path), []);
});

test('modes are as asked for, whatever the umask', async () => {
  const path = join(directory, 'open');
  await files.makeDirectory(path, 0o777);
  await files.writeFile(join(path, 'file'), bytes('x'), 0o666);
  assert.equal((await files.stat(path))?.mode, 0o777);
  assert.equal((await files.stat(join(path, 'file')))?.mode, 0o666);
});

test('a volume changes all at once, and leaves nothing of before', async () => {
  const path = join(directory, 'volume');
  const file = (data: string): { data: Uint8Array; mode: number } => ({ data: bytes(data), mode: 0o644 });
  await writeAtomically(
    files,
    path,
    new Map([
      ['a', file('one')],
      ['deep/b', file('two')],
    ]),
    'first',
  );
  assert.equal(text(await files.readFile(join(path, 'deep/b'))), 'two');
  assert.equal(await files.readLink(join(path, 'a')), '..data/a');
  await writeAtomically(
    files,
    path,
    new Map([
      ['a', file('ONE')],
      ['c', file('three')],
    ]),
    'second',
  );
  assert.deepEqual(await files.list(path), ['..data', '..second', 'a', 'c']);
  assert.equal(text(await files.readFile(join(path, 'a'))), 'ONE');
});

test('a log that is renamed when it is full is read on, every line once', async () => {
  const path = join(directory, '0.log');
  const line = (n: number): Uint8Array => bytes(`2026-01-01T00:00:00.000000000Z stdout F ${n}\n`);
  await files.writeFile(path, line(1));
  let running = true;
  let changed: () => void = () => undefined;
  const container = {
    running: async () => running,
    onChange: (call: () => void) => {
      changed = call;
    },
  };
  const reader = readLog(
    { files, clock: new RealClock() },
    path,
    { follow: true, timestamps: false },
    container,
    new AbortController().signal,
  );
  const seen: string[] = [];
  const reading = (async () => {
    for await (const chunk of reader) seen.push(text(chunk) as string);
  })();
  while (seen.length < 1) await new Promise((resolve) => setImmediate(resolve));
  for (const round of [1, 2]) {
    await writeFile(path, line(round * 10), { flag: 'a' });
    await rename(path, `${path}.20260101-00000${round}`);
    await files.writeFile(path, line(round * 10 + 1));
  }
  running = false;
  changed();
  await reading;
  assert.deepEqual(seen.join('').trim().split('\n'), ['1', '10', '11', '20', '21']);
});

test('a change of a file is noticed', async () => {
  const path = join(directory, 'watched');
  await files.writeFile(path, bytes(''));
  const stop = new AbortController();
  const changes = files.changes(path, stop.signal)[Symbol.asyncIterator]();
  const first = changes.next();
  await files.writeFile(path, bytes('more'));
  assert.equal((await first).done, false);
  stop.abort();
  assert.equal((await changes.next()).done, true);
});

test('HTTP and TCP connections succeed, are refused, or run out of time', async (t) => {
  const http = createServer((request, response) => {
    if (request.url === '/slow') return;
    response.writeHead(request.url === '/bad' ? 503 : 200).end(`${request.method} ${request.url} ${request.headers['x-probe']}`);
  });
  const silent = createTcpServer();
  await Promise.all([http, silent].map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))));
  t.after(() => {
    http.closeAllConnections();
    http.close();
    silent.close();
  });
  const port = (http.address() as { port: number }).port;
  const get = (path: string, timeoutMs = 5000) =>
    host.httpGet({ scheme: 'http', host: '127.0.0.1', port, path, headers: [{ name: 'X-Probe', value: 'yes' }], timeoutMs });
  assert.deepEqual(await get('/good?a=b'), { status: 200, body: 'GET /good?a=b yes' });
  assert.equal((await get('/bad')).status, 503);
  await assert.rejects(get('/slow', 50), /Client.Timeout exceeded while awaiting headers/);
  await host.tcpConnect({ host: '127.0.0.1', port, timeoutMs: 5000 });
  const closed = (silent.address() as { port: number }).port;
  await new Promise((resolve) => silent.close(resolve));
  await assert.rejects(host.tcpConnect({ host: '127.0.0.1', port: closed, timeoutMs: 5000 }), {
    message: `dial tcp 127.0.0.1:${closed}: connect: connection refused`,
  });
  await assert.rejects(
    host.httpGet({ scheme: 'http', host: '127.0.0.1', port: closed, path: '/', headers: [], timeoutMs: 5000 }),
    /connect: connection refused/,
  );
});

test('a pod that the machine cannot reach is asked from inside its node', async () => {
  const asked: (readonly string[])[] = [];
  const network = {
    run: async (argv: readonly string[]) => {
      asked.push(argv);
      return { exitCode: 0, stdout: 'HTTP/1.0 204 No Content\r\n\r\n', stderr: '' };
    },
  };
  const cutOff = () => Promise.reject(Object.assign(new Error('no way'), { code: 'EHOSTUNREACH' }));
  const cut = new Dialer(network, { tcpConnect: cutOff, httpGet: cutOff });
  const target = { host: '192.0.2.1', port: 80, timeoutMs: 100 };
  await cut.tcpConnect(target);
  assert.deepEqual(await cut.httpGet({ ...target, scheme: 'http', path: '/ready', headers: [] }), { status: 204, body: '' });
  assert.equal(asked.length, 2);
  assert.match(asked[1]?.at(-1) ?? '', /^GET \/ready HTTP\/1.0\r\nHost: 192.0.2.1:80\r\n/);
});

test('a resolver configuration is read as the resolver reads it', () => {
  assert.deepEqual(
    parseResolvConf(
      '# comment\nnameserver 10.0.0.1\nnameserver 10.0.0.2 ; second\ndomain old.example\nsearch a.example b.example\noptions ndots:2 edns0\n',
    ),
    {
      servers: ['10.0.0.1', '10.0.0.2'],
      searches: ['a.example', 'b.example'],
      options: ['ndots:2', 'edns0'],
    },
  );
});

test('gRPC health messages are encoded as their definition says', () => {
  assert.deepEqual([...encodeRequest('')], []);
  assert.deepEqual([...encodeRequest('db')], [0x0a, 2, 0x64, 0x62]);
  assert.deepEqual([...encodeRequest('x'.repeat(200)).subarray(0, 3)], [0x0a, 0xc8, 1]);
  assert.deepEqual(
    [[], [8, 1], [8, 2], [8, 3]].map((data) => decodeStatus(Uint8Array.from(data))),
    ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'],
  );
});

test('memory can be a file system', { skip: process.getuid?.() === 0 ? false : 'needs root: sudo make test' }, async () => {
  const path = join(directory, 'memory');
  await files.makeDirectory(path);
  await files.mountTmpfs(path, 1_048_576);
  await files.mountTmpfs(path, 1_048_576);
  assert.deepEqual(await files.mountsBelow(directory), [path]);
  await assert.rejects(files.writeFile(join(path, 'big'), new Uint8Array(2_000_000)), { code: 'ENOSPC' });
  await host.close();
  assert.deepEqual(await files.mountsBelow(directory), []);
});
