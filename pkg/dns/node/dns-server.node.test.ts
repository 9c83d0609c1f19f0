import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { test } from 'node:test';
import { decode, encode } from 'dns-packet';
import { silentLogger } from '../../log/log.ts';
import { ClusterResolver, type DnsView } from '../records.ts';
import { createDnsServer } from './dns-server.ts';

const many = Array.from({ length: 200 }, (_, i) => ({ addresses: [`10.1.${i >> 6}.${i & 63}`], conditions: { ready: true } }));
const view: DnsView = {
  service: (key) =>
    key === 'default/web' || key === 'default/big'
      ? ({
          metadata: { name: key.slice(8), namespace: 'default' },
          spec: { clusterIP: key.endsWith('big') ? 'None' : '10.96.0.9', ports: [] },
        } as never)
      : undefined,
  slices: (key) => (key === 'default/big' ? [{ addressType: 'IPv4', endpoints: many, ports: [] } as never] : []),
  hasNamespace: () => true,
  serviceByIP: () => undefined,
  endpointsByIP: () => [],
};

async function withServer(upstream: string[], use: (port: number) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const server = createDnsServer({
    resolver: new ClusterResolver(view, 'cluster.local'),
    address: '127.0.0.1',
    port: 0,
    upstream,
    log: silentLogger,
  });
  const running = server.run(stop.signal);
  try {
    await use((await server.listening).port);
  } finally {
    stop.abort();
    await running;
  }
}

function resolverFor(port: number): Resolver {
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  return resolver;
}

test('a stub resolver gets an answer, an error for a missing name, and all of a long answer over TCP', async () => {
  await withServer([], async (port) => {
    const resolver = resolverFor(port);
    assert.deepEqual(await resolver.resolve4('web.default.svc.cluster.local'), ['10.96.0.9']);
    await assert.rejects(resolver.resolve4('gone.default.svc.cluster.local'), { code: 'ENOTFOUND' });
    assert.equal((await resolver.resolve4('big.default.svc.cluster.local')).length, 200);
  });
});

test('names outside the cluster go upstream, and without upstream servers are refused', async () => {
  await withServer([], async (port) => {
    await assert.rejects(resolverFor(port).resolve4('example.org'), { code: 'EREFUSED' });
  });
  const upstream = createSocket('udp4');
  upstream.on('message', (message, from) => {
    const { id, questions } = decode(message);
    const answers = [{ type: 'A' as const, name: 'example.org', data: '192.0.2.1', ttl: 9 }];
    upstream.send(
      encode({ type: 'response', ...(id === undefined ? {} : { id }), questions: questions ?? [], answers }),
      from.port,
      from.address,
    );
  });
  await new Promise<void>((resolve) => upstream.bind(0, '127.0.0.1', resolve));
  try {
    await withServer([`127.0.0.1:${upstream.address().port}`], async (port) => {
      assert.deepEqual(await resolverFor(port).resolve4('example.org'), ['192.0.2.1']);
    });
  } finally {
    upstream.close();
  }
});

test('garbage over UDP and TCP neither crashes it nor keeps it from answering', async () => {
  await withServer([], async (port) => {
    const socket = createSocket('udp4');
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('nonsense'),
      Buffer.alloc(600, 0xff),
      encode({ type: 'query', id: 1, questions: [] }),
    ]) {
      await new Promise((resolve) => socket.send(bytes, port, '127.0.0.1', resolve));
    }
    socket.close();
    const stream = connect(port, '127.0.0.1');
    stream.end(Buffer.from([0, 5, 1, 2, 3, 4, 5, 0, 0]));
    await new Promise((resolve) => stream.on('close', resolve).resume());
    assert.deepEqual(await resolverFor(port).resolve4('web.default.svc.cluster.local'), ['10.96.0.9']);
  });
});
