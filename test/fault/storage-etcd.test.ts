/** An etcd cluster whose members are killed, stopped and cut off while two stores use it. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomInt, SeededRandom } from '../../pkg/clock/random.ts';
import { EtcdCluster, EtcdProcess, etcdBinaries } from '../../pkg/storage/etcd/etcd-harness.ts';
import { EtcdStore } from '../../pkg/storage/etcd/etcd-store.ts';
import { isStoreError } from '../../pkg/storage/store.ts';
import { type LoadReport, runLoad } from './storage-etcd-load.ts';

/** Half as long as other fault tests, since there are two kinds of etcd. */
const milliseconds = Number(process.env.GOKUBE_FAULT_SECONDS ?? 20) * 500;

for (const { name, path, skip } of etcdBinaries) {
  test(`${name}, one member: killed and started again under load, it loses nothing that was acknowledged`, async (t) => {
    if (skip) return t.skip(skip);
    const cluster = await EtcdCluster.start(path, { directory: await mkdtemp(join(tmpdir(), 'gokube-etcd-')) });
    t.after(() => cluster.dispose());
    const [member] = cluster.members as [EtcdProcess];
    const stop = new AbortController();
    const load = runLoad(cluster.endpoints, stop.signal);
    const faults = async (): Promise<void> => {
      for (const end = performance.now() + milliseconds; performance.now() < end; ) {
        await sleep(1_500);
        await member.stop();
        await sleep(200);
        member.start();
      }
      await sleep(1_500);
      stop.abort();
    };
    const [report] = await Promise.all([load, faults()]);
    t.diagnostic(JSON.stringify(report));
    assert.ok(report.calls > 100);
  });

  test(`${name}, three members: one at a time killed or stopped, the others go on`, async (t) => {
    if (skip) return t.skip(skip);
    const cluster = await EtcdCluster.start(path, { size: 3, directory: await mkdtemp(join(tmpdir(), 'gokube-etcd-')) });
    t.after(() => cluster.dispose());
    const random = new SeededRandom(process.pid);
    const stop = new AbortController();
    const load = runLoad(cluster.endpoints, stop.signal);
    const faults = async (): Promise<void> => {
      for (const end = performance.now() + milliseconds; performance.now() < end; ) {
        await sleep(1_500);
        const member = cluster.members[randomInt(random, 3)] as EtcdProcess;
        if (random.next() < 0.5) {
          await member.stop();
          await sleep(1_000);
          member.start();
        } else {
          member.signal('SIGSTOP');
          await sleep(3_000);
          member.signal('SIGCONT');
        }
      }
      await sleep(1_500);
      stop.abort();
    };
    const [report] = await Promise.all([load, faults()]);
    t.diagnostic(JSON.stringify(report));
    assert.ok(report.calls > 300 && report.longestGap < 10_000);
  });
}

test('an etcd that is stopped for ten seconds goes on afterwards, and so do its stores', async (t) => {
  const binary = etcdBinaries.findLast((candidate) => candidate.skip === undefined);
  if (!binary) return t.skip((etcdBinaries[0] as (typeof etcdBinaries)[number]).skip);
  const cluster = await EtcdCluster.start(binary.path);
  t.after(() => cluster.dispose());
  const [member] = cluster.members as [EtcdProcess];
  const stop = new AbortController();
  const load = runLoad(cluster.endpoints, stop.signal);
  const fault = async (): Promise<void> => {
    await sleep(1_500);
    member.signal('SIGSTOP');
    await sleep(Math.min(10_000, milliseconds));
    member.signal('SIGCONT');
    await sleep(3_000);
    stop.abort();
  };
  const [report] = await Promise.all([load, fault()]);
  t.diagnostic(JSON.stringify(report));
  assert.ok(report.calls > 50 && report.longestGap < 20_000);
});

test('a write that etcd does not answer ends as Unknown, and is not sent again', async (t) => {
  const { path, skip } = etcdBinaries[0] as (typeof etcdBinaries)[number];
  if (skip) return t.skip(skip);
  const cluster = await EtcdCluster.start(path);
  t.after(() => cluster.dispose());
  const store = new EtcdStore({ endpoints: cluster.endpoints, attemptTimeout: 500, callTimeout: 1_500 });
  t.after(() => store.close());
  const [member] = cluster.members as [EtcdProcess];
  await store.commit([{ key: '/registry/k', value: new Uint8Array(1) }]);
  member.signal('SIGSTOP');
  await sleep(300); // The signal takes a moment to stop every thread.
  const outcome = await store.commit([{ key: '/registry/k', value: new Uint8Array(2) }]).catch((error: unknown) => error);
  assert.ok(isStoreError(outcome, 'Unknown'), String(outcome));
  const read = await store.get('/registry/k').catch((error: unknown) => error);
  assert.ok(isStoreError(read, 'Unavailable'), String(read));
  member.signal('SIGCONT');
  // It may have been delivered after all, but once.
  await sleep(1_000);
  const version = (await store.get('/registry/k')).item?.version ?? 0;
  assert.ok(version === 1 || version === 2, `version ${version}`);
  await member.stop();
  const refused = await store.commit([{ key: '/registry/k', value: new Uint8Array(3) }]).catch((error: unknown) => error);
  assert.ok(isStoreError(refused), String(refused));
  member.start();
  const ask = (): Promise<number> =>
    store.get('/registry/k').then(
      ({ item }) => item?.version ?? 0,
      () => sleep(100).then(ask),
    );
  const after = await ask();
  assert.ok(after === version || (refused.code === 'Unknown' && after === version + 1), `version ${after} after ${version}`);
});

test('members cut off from each other and from the store: a majority goes on, and nothing acknowledged is lost', async (t) => {
  const binary = etcdBinaries.find((candidate) => candidate.skip === undefined);
  if (!binary) return t.skip((etcdBinaries[0] as (typeof etcdBinaries)[number]).skip);
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return t.skip('needs root on Linux, to make network namespaces');
  const network = new Network(3);
  t.after(() => network.remove());
  try {
    network.make();
  } catch (error) {
    return t.skip(
      `needs network namespaces: apt-get install iproute2, and run as root (${String((error as Error).message).split('\n')[1]})`,
    );
  }
  const directory = await mkdtemp(join(tmpdir(), 'gokube-etcd-'));
  const url = (i: number, port: number): string => `http://${network.address(i)}:${port}`;
  const initial = [0, 1, 2].map((i) => `m${i}=${url(i, 2380)}`).join();
  const members = [0, 1, 2].map((i) => {
    return new EtcdProcess('ip', url(i, 2379), [
      ...['netns', 'exec', network.namespace(i), binary.path, '--name', `m${i}`, '--data-dir', join(directory, `m${i}`)],
      ...['--listen-client-urls', url(i, 2379), '--advertise-client-urls', url(i, 2379)],
      ...['--listen-peer-urls', url(i, 2380), '--initial-advertise-peer-urls', url(i, 2380), '--initial-cluster', initial],
    ]);
  });
  for (const member of members) member.start();
  t.after(async () => {
    await Promise.all(members.map((member) => member.stop()));
    await rm(directory, { recursive: true, force: true });
  });
  const worker = new URL('storage-etcd-load.ts', import.meta.url).pathname;
  const endpoints = members.map((member) => member.endpoint);
  const child = spawn('ip', ['netns', 'exec', network.hub, process.execPath, worker, ...endpoints], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  while (!output.includes('loading')) await sleep(20);
  const random = new SeededRandom(process.pid);
  for (const end = performance.now() + milliseconds; performance.now() < end; ) {
    await sleep(2_000);
    const cut = randomInt(random, 3);
    network.cut(cut);
    await sleep(3_000);
    network.heal(cut);
  }
  await sleep(2_000);
  child.kill('SIGTERM');
  const [code] = await exited;
  assert.equal(code, 0, output);
  const report = JSON.parse(output.split('\n').find((line) => line.startsWith('{')) ?? '{}') as LoadReport;
  t.diagnostic(JSON.stringify(report));
  assert.ok(report.calls > 300 && report.longestGap < 15_000);
});

/** A hub and `size` spokes, each a network namespace of its own; nothing of it is seen from outside. */
class Network {
  readonly hub: string;
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
    this.hub = `gokube-fault-${process.pid}-hub`;
  }

  namespace(i: number): string {
    return `gokube-fault-${process.pid}-${i}`;
  }

  address(i: number): string {
    return `10.99.99.${i + 1}`;
  }

  make(): void {
    ip('netns', 'add', this.hub);
    const inHub = (...rest: string[]): void => ip('-n', this.hub, ...rest);
    inHub('link', 'set', 'lo', 'up');
    inHub('link', 'add', 'bridge', 'type', 'bridge');
    inHub('addr', 'add', '10.99.99.254/24', 'dev', 'bridge');
    inHub('link', 'set', 'bridge', 'up');
    for (let i = 0; i < this.#size; i++) {
      const spoke = this.namespace(i);
      ip('netns', 'add', spoke);
      inHub('link', 'add', `spoke${i}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', spoke);
      inHub('link', 'set', `spoke${i}`, 'master', 'bridge', 'up');
      ip('-n', spoke, 'link', 'set', 'lo', 'up');
      ip('-n', spoke, 'addr', 'add', `${this.address(i)}/24`, 'dev', 'eth0');
      ip('-n', spoke, 'link', 'set', 'eth0', 'up');
    }
  }

  cut(i: number): void {
    ip('-n', this.hub, 'link', 'set', `spoke${i}`, 'down');
  }

  heal(i: number): void {
    ip('-n', this.hub, 'link', 'set', `spoke${i}`, 'up');
  }

  remove(): void {
    for (const name of [this.hub, ...Array.from({ length: this.#size }, (_, i) => this.namespace(i))]) {
      try {
        ip('netns', 'delete', name);
      } catch (error) {
        if (!String(error).includes('No such file')) throw error;
      }
    }
  }
}

function ip(...rest: string[]): void {
  execFileSync('ip', rest, { stdio: 'pipe' });
}
