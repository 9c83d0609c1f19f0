/** The components as processes of their own: what they do together over HTTPS, and how they end. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { leases, nodes, pods, replicasets } from '../../pkg/api/generated/resources.ts';
import type { Client } from '../../pkg/client/client.ts';
import { createClient } from '../../pkg/client/create-client.ts';
import { transportFromKubeconfig } from '../../pkg/client/kubeconfig/kubeconfig-files.node.ts';

const command = resolve(import.meta.dirname, '../../bin/gokube-component');
const etcd = ['/usr/bin/etcd', '/usr/local/bin/etcd'].find((path) => existsSync(path));

/** A process with what it said, so that a failure can be understood. */
class Running {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  output = '';

  constructor(name: string, file: string, argv: readonly string[]) {
    this.name = name;
    this.#child = spawn(file, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    }
    this.#ended = new Promise((done) => this.#child.once('close', (code) => done(code)));
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The exit code; null when it had to be killed, because it did not end within `seconds`. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', seconds = 15): Promise<number | null> {
    this.#child.kill(signal);
    return this.exit(seconds);
  }

  async exit(seconds: number): Promise<number | null> {
    const late = setTimeout(() => this.#child.kill('SIGKILL'), seconds * 1000);
    const code = await this.#ended;
    clearTimeout(late);
    return code;
  }
}

/** Looks again every tenth of a second; rejects with the last answer, and with what a process said that has ended meanwhile. */
async function eventually(what: string, running: readonly Running[], look: () => Promise<true | string>): Promise<void> {
  const end = performance.now() + 60_000;
  let last: true | string = '';
  while (performance.now() < end) {
    last = await look().catch((error: unknown) => String(error));
    if (last === true) return;
    const ended = running.find(({ alive }) => !alive);
    if (ended) throw new Error(`${ended.name} has ended while waiting for ${what}:\n${ended.output}`);
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(
    `waited in vain for ${what}: ${last}\n${running.map(({ name, output }) => `${name}: ${output.slice(-2000)}`).join('\n')}`,
  );
}

/** Starts everything over a store, runs three pods, asks a kubelet for a log, and stops everything in good order. */
async function liveAndEnd(t: TestContext, directory: string, store: string, started: Running[]): Promise<void> {
  const start = (name: string, ...flags: string[]): Running => {
    const running = new Running(name, command, [name, ...flags]);
    started.push(running);
    return running;
  };
  const kubeconfig = (who: string): string[] => ['--kubeconfig', join(directory, `${who}.kubeconfig`)];

  const apiserver = start('apiserver', '--store', store, '--data-dir', directory, '--port', '0', '--nodes', 'node-1');
  const admin = join(directory, 'admin.kubeconfig');
  await eventually('the kubeconfigs', started, async () => existsSync(admin) || 'not yet');
  const controller = start('controller', ...kubeconfig('controller'));
  const scheduler = start('scheduler', ...kubeconfig('scheduler'));
  const kubelet = start(
    'kubelet',
    ...kubeconfig('kubelet-node-1'),
    ...['--node', 'node-1', '--data-dir', directory, '--runtime', 'fake', '--port', '0'],
  );

  const transport = await transportFromKubeconfig({ explicit: admin, home: directory });
  t.after(() => transport.close());
  const client: Client = createClient(transport, { agent: 'components-test' });
  await eventually('a ready node', started, async () => {
    const { items } = await client.resource(nodes).list();
    const ready = items[0]?.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
    return ready || `${items.length} nodes, none ready`;
  });
  const labels = { app: 'web' };
  await client.resource(replicasets).create(
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'web' },
      spec: {
        replicas: 3,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'registry.example/web:1' }] } },
      },
    },
    { namespace: 'default' },
  );
  await eventually('three running pods', started, async () => {
    const { items } = await client.resource(pods).list({ namespace: 'default', labelSelector: 'app=web' });
    const phases = items.map(({ status }) => status.phase);
    return (phases.length === 3 && phases.every((phase) => phase === 'Running')) || `[${phases.join(', ')}]`;
  });

  const { items } = await client.resource(pods).list({ namespace: 'default' });
  const path = `/api/v1/namespaces/default/pods/${items[0]?.metadata.name}/log`;
  const log = await client.raw({ method: 'GET', path });
  assert.equal(log.status, 200, 'the API server reaches the kubelet over HTTPS, and is trusted by it');

  assert.equal(await controller.stop(), 0, controller.output);
  assert.equal(await scheduler.stop('SIGINT'), 0, scheduler.output);
  for (const name of ['kube-controller-manager', 'kube-scheduler']) {
    const { spec } = await client.resource(leases).get(name, { namespace: 'kube-system' });
    assert.equal(spec.holderIdentity ?? '', '', `${name} gave its lease back`);
  }
  assert.equal(await kubelet.stop(), 0, kubelet.output);
  assert.equal(await apiserver.stop(), 0, apiserver.output);
}

async function withDirectory(run: (directory: string, started: Running[]) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'gokube-components-'));
  const started: Running[] = [];
  try {
    await run(directory, started);
  } finally {
    await Promise.all(started.filter(({ alive }) => alive).map((running) => running.stop('SIGKILL')));
    rmSync(directory, { recursive: true, force: true });
  }
}

test('components in processes of their own run a ReplicaSet over lmdb, and end with exit code 0', { timeout: 180_000 }, (t) =>
  withDirectory((directory, started) => liveAndEnd(t, directory, `lmdb:${join(directory, 'store')}`, started)),
);

test('the same over etcd', { timeout: 180_000, skip: etcd ? false : 'needs etcd: apt-get install etcd-server' }, (t) =>
  withDirectory(async (directory, started) => {
    const [clients, peers] = (await freePorts(2)).map((port) => `http://127.0.0.1:${port}`) as [string, string];
    const urls = ['--listen-client-urls', clients, '--advertise-client-urls', clients, '--listen-peer-urls', peers];
    const member = ['--initial-advertise-peer-urls', peers, '--initial-cluster', `default=${peers}`];
    started.push(new Running('etcd', etcd as string, ['--data-dir', join(directory, 'etcd'), ...urls, ...member]));
    await eventually('etcd', started, async () => (await fetch(`${clients}/health`)).ok || 'not healthy');
    await liveAndEnd(t, directory, `etcd:${clients}`, started);
  }),
);

test('a component that cannot start says why in one line, and what to do, and ends with exit code 1', { timeout: 60_000 }, () =>
  withDirectory(async (directory, started) => {
    const missing = join(directory, 'none.kubeconfig');
    const scheduler = new Running('scheduler', command, ['scheduler', '--kubeconfig', missing]);
    started.push(scheduler);
    assert.equal(await scheduler.exit(30), 1);
    assert.match(scheduler.output, new RegExp(`^gokube: there is no kubeconfig ${missing}\n {2}the API server writes one .*\n$`));
  }),
);

/** Ports that were free a moment ago. All are held until the last is found, so that no two are the same. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
