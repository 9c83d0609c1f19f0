/** One suite for both ways to carry service traffic, in network namespaces of the test's own. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { createNftablesBackend } from '../nftables-backend.ts';
import type { ProxyBackend } from '../proxy.ts';
import type { ServicePort } from '../service-ports.ts';
import { createUserspaceBackend } from './userspace-backend.ts';

const tag = `gkp${process.pid}`;
const nodeNs = `${tag}-node`;
const podsNs = `${tag}-pods`;
const clientNs = `${tag}-client`;
const pods = ['10.233.1.11', '10.233.1.12', '10.233.1.13'];
const clusterIP = '10.232.0.10';

const root = process.getuid?.() === 0;
const hasNamespaces = root && spawnSync('ip', ['netns', 'add', `${tag}-probe`]).status === 0;
if (hasNamespaces) spawnSync('ip', ['netns', 'del', `${tag}-probe`]);
const hasNft = root && spawnSync('nft', ['list', 'tables']).status === 0;
const needsRoot = hasNamespaces ? false : 'needs root and network namespaces: run the tests as root (sudo make test/proxy)';

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Each pod address answers over TCP and UDP on 8080 with itself. */
const podServer = `
const net = require('node:net'), dgram = require('node:dgram');
for (const address of ${JSON.stringify(pods)}) {
  net.createServer((socket) => { socket.on('error', () => {}); socket.end(address); }).listen(8080, address);
  const udp = dgram.createSocket('udp4');
  udp.on('message', (message, from) => udp.send(address, from.port, from.address));
  udp.bind(8080, address);
}
setTimeout(() => console.log('ready'), 50);
process.stdin.on('end', () => process.exit()).resume();`;

/** Asks one service address `count` times, one after the other; prints who answered, or the error's code. */
const clientProgram = `
const [kind, host, port, count] = process.argv.slice(1);
const net = require('node:net'), dgram = require('node:dgram');
const tcp = () => new Promise((done) => {
  let text = '';
  const socket = net.connect({ host, port: Number(port), timeout: 2000 });
  socket.on('data', (chunk) => { text += chunk; }).on('end', () => done(text)).on('error', (e) => done(e.code)).on('timeout', () => { socket.destroy(); done('TIMEOUT'); });
});
const udp = () => new Promise((done) => {
  const socket = dgram.createSocket('udp4');
  const late = setTimeout(() => { socket.close(); done('TIMEOUT'); }, 1000);
  socket.on('message', (m) => { clearTimeout(late); socket.close(); done(String(m)); }).on('error', (e) => { clearTimeout(late); socket.close(); done(e.code); });
  socket.connect(Number(port), host, () => socket.send('x'));
});
(async () => { const out = []; for (let i = 0; i < Number(count); i++) out.push(await (kind === 'udp' ? udp() : tcp())); console.log(JSON.stringify(out)); })();`;

function ask(namespace: string, kind: 'tcp' | 'udp', host: string, port: number, count: number): string[] {
  const out = execFileSync(
    'ip',
    ['netns', 'exec', namespace, process.execPath, '-e', clientProgram, kind, host, String(port), String(count)],
    {
      encoding: 'utf8',
      timeout: 60_000,
    },
  );
  return JSON.parse(out) as string[];
}

function port(fields: Partial<ServicePort> = {}): ServicePort {
  const endpoints = pods.map((address) => ({ address, port: 8080 }));
  return {
    id: 'default/web:http',
    protocol: 'TCP',
    addresses: [clusterIP],
    port: 80,
    endpoints,
    nodePortEndpoints: fields.endpoints ?? endpoints,
    ...fields,
  };
}

let server: ChildProcess;
before(async () => {
  if (!hasNamespaces) return;
  for (const ns of [nodeNs, podsNs, clientNs]) {
    ip('netns', 'add', ns);
    ip('-n', ns, 'link', 'set', 'lo', 'up');
  }
  const link = (ns: string, inNode: string, gateway: string, addresses: readonly string[]): void => {
    ip('link', 'add', inNode, 'netns', nodeNs, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', ns);
    ip('-n', nodeNs, 'addr', 'add', `${gateway}/24`, 'dev', inNode);
    ip('-n', nodeNs, 'link', 'set', inNode, 'up');
    for (const address of addresses) ip('-n', ns, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    ip('-n', ns, 'link', 'set', 'eth0', 'up');
    ip('-n', ns, 'route', 'add', 'default', 'via', gateway);
  };
  link(podsNs, 'pods', '10.233.1.1', pods);
  link(clientNs, 'client', '10.233.2.1', ['10.233.2.2']);
  ip('-n', nodeNs, 'route', 'add', 'blackhole', '10.232.0.0/16');
  ip('-n', nodeNs, 'route', 'del', 'blackhole', '10.232.0.0/16');
  ip('-n', nodeNs, 'route', 'add', '10.232.0.0/16', 'dev', 'pods');
  execFileSync('ip', ['netns', 'exec', nodeNs, 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  server = spawn('ip', ['netns', 'exec', podsNs, process.execPath, '-e', podServer], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise((resolve) => server.stdout?.once('data', resolve));
});

after(async () => {
  if (!hasNamespaces) return;
  server.stdin?.end();
  await new Promise((resolve) => server.once('close', resolve));
  for (const ns of [nodeNs, podsNs, clientNs]) ip('netns', 'del', ns);
});

const inNode = {
  run: async (argv: readonly string[], options: { stdin?: string } = {}) => {
    const result = spawnSync('ip', ['netns', 'exec', nodeNs, ...argv], { input: options.stdin ?? '', encoding: 'utf8' });
    return { exitCode: result.status ?? 1, stdout: result.stdout, stderr: result.stderr };
  },
};
const backends: [string, string | false, () => ProxyBackend][] = [
  [
    'nftables',
    needsRoot || (hasNft ? false : 'needs nftables: apt-get install nftables'),
    () => createNftablesBackend(inNode, { table: 'gokube_test', clusterCIDR: '10.233.0.0/16', localhostNodePorts: false }),
  ],
  ['userspace', needsRoot, () => createUserspaceBackend({ netns: `/run/netns/${nodeNs}` })],
];

for (const [name, skip, create] of backends) {
  describe(`the ${name} proxy`, { skip }, () => {
    let backend: ProxyBackend;
    before(() => {
      backend = create();
    });
    after(() => backend.close());

    test('spreads TCP connections to a cluster IP over all endpoints, from another pod and from the node', async () => {
      await backend.apply([port()]);
      for (const from of [clientNs, nodeNs]) {
        const answers = ask(from, 'tcp', clusterIP, 80, 60);
        assert.deepEqual([...new Set(answers)].sort(), pods, `from ${from}`);
      }
    });

    test('lets a pod reach itself through its own service', async () => {
      await backend.apply([port({ endpoints: [{ address: pods[0] as string, port: 8080 }] })]);
      assert.deepEqual(ask(podsNs, 'tcp', clusterIP, 80, 3), [pods[0], pods[0], pods[0]]);
    });

    test('spreads UDP over all endpoints', async () => {
      await backend.apply([port({ protocol: 'UDP', id: 'default/dns:udp', port: 53 })]);
      assert.deepEqual([...new Set(ask(clientNs, 'udp', clusterIP, 53, 40))].sort(), pods);
    });

    test('serves a node port at the node address', async () => {
      await backend.apply([port({ nodePort: 30080 })]);
      assert.deepEqual([...new Set(ask(clientNs, 'tcp', '10.233.2.1', 30080, 40))].sort(), pods);
    });

    test('keeps a client with its endpoint under session affinity', async () => {
      await backend.apply([port({ affinitySeconds: 60 })]);
      assert.equal(new Set(ask(clientNs, 'tcp', clusterIP, 80, 20)).size, 1);
    });

    test('sends nothing to an endpoint that is gone', async () => {
      await backend.apply([port()]);
      ask(clientNs, 'tcp', clusterIP, 80, 5);
      const rest = pods.slice(1);
      await backend.apply([port({ endpoints: rest.map((address) => ({ address, port: 8080 })) })]);
      assert.deepEqual([...new Set(ask(clientNs, 'tcp', clusterIP, 80, 40))].sort(), rest);
    });

    test('refuses connections at once to a service without endpoints', async () => {
      await backend.apply([port({ endpoints: [] })]);
      const started = performance.now();
      const [answer] = ask(clientNs, 'tcp', clusterIP, 80, 1);
      assert.ok(answer === 'ECONNREFUSED' || answer === 'ECONNRESET', String(answer));
      assert.ok(performance.now() - started < 1900);
    });

    test('stops serving a service that was deleted, and serves hundreds', async () => {
      const many = Array.from({ length: 300 }, (_, i) =>
        port({ id: `default/many-${i}:`, addresses: [`10.232.1.${i % 250}`], port: 1000 + i }),
      );
      await backend.apply([port(), ...many]);
      assert.equal(
        ask(clientNs, 'tcp', '10.232.1.7', 1007, 5).every((answer) => pods.includes(answer)),
        true,
      );
      await backend.apply([]);
      assert.ok(!pods.includes(ask(clientNs, 'tcp', clusterIP, 80, 1)[0] as string));
    });
  });
}
