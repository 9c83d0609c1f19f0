import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployments, pods } from '../api/generated/resources.ts';
import { MemoryStore } from '../storage/memory-store.ts';
import { chainsOf } from '../trace/object-history.ts';
import { Cluster } from './cluster.ts';

const web = (replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'x' }] } },
  },
});

async function runningPods(cluster: Cluster, count: number): Promise<void> {
  await cluster.eventually(async () => {
    const { items } = await cluster.client.resource(pods).list({ namespace: 'default' });
    return items.length === count && items.every((pod) => pod.status.phase === 'Running');
  });
}

async function prepared(): Promise<Cluster> {
  const cluster = await Cluster.start({ nodes: 2, clock: 'virtual', seed: 7 });
  await cluster.apply(web(3));
  await runningPods(cluster, 3);
  return cluster;
}

test('a fork begins with what the cluster holds, works, and neither sees what the other does', async () => {
  const cluster = await prepared();
  const fork = await cluster.fork();
  assert.deepEqual([...fork.nodes.keys()], ['node-1', 'node-2']);
  assert.ok(fork.clock.now() >= cluster.clock.now());
  await runningPods(fork, 3);
  const standing = async (each: Cluster) =>
    (await each.client.resource(pods).list({ namespace: 'default' })).items.map(({ metadata, status }) => ({
      uid: metadata.uid,
      restarts: status.containerStatuses?.[0]?.restartCount,
    }));
  const originals = await standing(cluster);
  assert.deepEqual(
    await standing(fork),
    originals.map(({ uid }) => ({ uid, restarts: 1 })),
  );
  assert.ok(originals.every(({ restarts }) => restarts === 0));
  await fork.apply(web(5));
  await runningPods(fork, 5);
  await cluster.apply(web(1));
  await runningPods(cluster, 1);
  await runningPods(fork, 5);
  const uids = async (each: Cluster) =>
    (await each.client.resource(pods).list({ namespace: 'default' })).items.map((pod) => pod.metadata.uid);
  const before = await uids(cluster);
  await fork.stop();
  assert.deepEqual(await uids(cluster), before);
  await cluster.stop();
});

test('a fork reads the history from before it, and the same fork does the same again', async () => {
  const cluster = await prepared();
  const tell = async (): Promise<string> => {
    const fork = await cluster.fork();
    await fork.apply(web(4));
    await runningPods(fork, 4);
    const history = await fork.history(deployments, 'web');
    assert.equal(history.items[0]?.type, 'created');
    const chained = history.items
      .flatMap((item) => chainsOf(history, item))
      .filter((chain) => chain[0]?.write?.record?.actor === 'kubernetes-admin');
    assert.ok(chained.length > 2);
    await fork.stop();
    return JSON.stringify(history);
  };
  assert.equal(await tell(), await tell());
  await cluster.stop();
});

test('an API server alone over a branch is thrown away without a trace; the branch itself takes no time', async (t) => {
  const cluster = await prepared();
  assert.ok(cluster.store instanceof MemoryStore);
  const [branches, times]: number[][] = [[], []];
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    await cluster.store.fork().close();
    branches?.push(performance.now() - start);
    const fork = await cluster.fork({ nodes: 0, controllers: [] });
    assert.equal((await fork.client.resource(pods).list({ namespace: 'default' })).items.length, 3);
    times?.push(performance.now() - start);
    await fork.client.resource(pods).deleteCollection({ namespace: 'default' });
    await fork.stop();
  }
  const best = (values: readonly number[] = []): number => Math.min(...values);
  t.diagnostic(`a branch of the store ${best(branches).toFixed(3)} ms, an API server over it ${best(times).toFixed(1)} ms`);
  assert.ok(best(branches) < 1);
  assert.equal((await cluster.client.resource(pods).list({ namespace: 'default' })).items.length, 3);
  await cluster.stop();
});

test('history is bounded where that is asked for', async () => {
  const cluster = await Cluster.start({ nodes: 1, clock: 'virtual', history: '10m' });
  assert.equal(await cluster.store.compactedRevision(), 0);
  await cluster.run('1h');
  const compacted = await cluster.store.compactedRevision();
  assert.ok(compacted > 0 && compacted < (await cluster.store.revision()));
  await cluster.stop();
});
