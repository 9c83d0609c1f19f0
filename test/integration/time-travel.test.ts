/**
 * The past, read through the API of every engine: lists at a revision, in every form and in pages, and the history of
 * objects, also after a restart; and clusters made from snapshots and from past revisions.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { configmaps, deployments, pods } from '../../pkg/api/generated/resources.ts';
import { readBody } from '../../pkg/client/read-body.ts';
import { readHistory } from '../../pkg/client/read-history.ts';
import { Cluster } from '../../pkg/cluster/cluster.ts';
import { inTheWay, restoreCluster, saveRunning, saveStopped } from '../../pkg/cluster/node/cluster-snapshot.ts';
import { revisionAt } from '../../pkg/cluster/revision-at.ts';
import { temporaryDirectory } from '../../pkg/storage/contract/temporary-directory.node.ts';
import { EtcdCluster, etcdBinaries } from '../../pkg/storage/etcd/etcd-harness.ts';
import { EtcdStore } from '../../pkg/storage/etcd/etcd-store.ts';
import { LmdbStore } from '../../pkg/storage/lmdb/lmdb-store.ts';
import { MemoryStore } from '../../pkg/storage/memory-store.ts';
import type { Store } from '../../pkg/storage/store.ts';
import { chainsOf } from '../../pkg/trace/object-history.ts';

interface Engine {
  readonly name: string;
  readonly skip?: string | undefined;
  /** Opens the store again on the same data. */
  prepare(t: TestContext): Promise<() => Promise<Store>>;
}

const engines: readonly Engine[] = [
  {
    name: 'memory',
    // It has no disk to come back from: a fork begins with everything, as the others do after a restart.
    prepare: async () => async () => new MemoryStore(),
  },
  {
    name: 'lmdb',
    async prepare(t) {
      const directory = await temporaryDirectory();
      t.after(() => rm(directory, { recursive: true, force: true }));
      return () => LmdbStore.open(join(directory, 'data'));
    },
  },
  ...etcdBinaries.map(({ name, path, skip }): Engine => {
    return {
      name,
      skip,
      async prepare(t) {
        const cluster = await EtcdCluster.start(path);
        t.after(() => cluster.dispose());
        return async () => new EtcdStore({ endpoints: cluster.endpoints });
      },
    };
  }),
];

const configMap = (name: string, value: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', labels: { odd: String(Number(name.slice(1)) % 2 === 1) } },
  data: { value },
});

for (const { name, skip, prepare } of engines) {
  test(`${name}: any kept revision is listed through the API, in pages and every form, also after a restart`, { skip }, async (t) => {
    const open = await prepare(t);
    let store = await open();
    const start = (): Promise<Cluster> => Cluster.start({ nodes: 0, controllers: [], store });
    let cluster = await start();
    t.after(() => cluster.stop());
    const states = new Map<number, Map<string, string>>();
    const state = new Map<string, string>();
    const first = await store.revision();
    for (let i = 0; i < 40; i++) {
      const each = `c${(i % 5 === 4 ? i - 1 : i) % 13}`;
      if (i % 5 === 4) await cluster.client.resource(configmaps).delete(each, { namespace: 'default' });
      else await cluster.apply(configMap(each, String(i)));
      if (i % 5 === 4) state.delete(each);
      else state.set(each, String(i));
      states.set(await store.revision(), new Map(state));
    }
    const [...revisions] = states.keys();

    const get = async (query: string, accept = 'application/json') => {
      const path = `/api/v1/namespaces/default/configmaps?${query}`;
      const response = await cluster.client
        .raw({ path, headers: { accept } })
        .catch((error: { code: number }) => ({ status: error.code, body: undefined }));
      return { status: response.status, bytes: await readBody(response.body) };
    };
    const json = async (query: string, accept?: string) => JSON.parse(new TextDecoder().decode((await get(query, accept)).bytes));
    const check = async (): Promise<void> => {
      for (const revision of revisions) {
        const exact = `resourceVersion=${revision}&resourceVersionMatch=Exact`;
        const expected = states.get(revision) as Map<string, string>;
        const list = await json(exact);
        assert.equal(list.metadata.resourceVersion, String(revision));
        assert.deepEqual(
          new Map(list.items.map((each: { metadata: { name: string }; data: { value: string } }) => [each.metadata.name, each.data.value])),
          new Map([...expected].sort()),
        );
      }
      const revision = revisions[Math.floor(revisions.length / 2)] as number;
      const names = [...(states.get(revision) as Map<string, string>).keys()].sort();
      const exact = `resourceVersion=${revision}&resourceVersionMatch=Exact`;
      const paged: string[] = [];
      for (let token: string | undefined = ''; token !== undefined; ) {
        const page: { metadata: { continue?: string; resourceVersion: string }; items: { metadata: { name: string } }[] } = await json(
          `limit=3&${token === '' ? exact : `continue=${token}`}`,
        );
        assert.equal(page.metadata.resourceVersion, String(revision));
        paged.push(...page.items.map((each) => each.metadata.name));
        token = page.metadata.continue;
      }
      assert.deepEqual(paged, names);
      const odd = await json(`${exact}&labelSelector=odd%3Dtrue`);
      assert.deepEqual(
        odd.items.map((each: { metadata: { name: string } }) => each.metadata.name),
        names.filter((each) => Number(each.slice(1)) % 2 === 1),
      );
      const table = await json(exact, 'application/json;as=Table;v=v1;g=meta.k8s.io');
      assert.deepEqual(
        table.rows.map((row: { cells: string[] }) => row.cells[0]),
        names,
      );
      const { bytes } = await get(exact, 'application/vnd.kubernetes.protobuf');
      assert.equal(new TextDecoder('latin1').decode(bytes.subarray(0, 4)), 'k8s\0');
      for (const each of names) assert.ok(new TextDecoder('latin1').decode(bytes).includes(each));
      const { items } = await readHistory(cluster.client, configmaps, 'c0', { namespace: 'default' });
      assert.deepEqual(
        items.map(({ type, record }) => [type, record?.verb, record?.agent]),
        [
          ['created', 'apply', 'gokube'],
          ['updated', 'apply', 'gokube'],
          ['deleted', 'delete', 'gokube'],
          ['created', 'apply', 'gokube'],
        ],
      );
    };
    await check();
    assert.equal((await get(`resourceVersion=${(await store.revision()) + 1_000}&resourceVersionMatch=Exact`)).status, 504);

    const next = store instanceof MemoryStore ? store.fork() : undefined;
    await cluster.stop();
    store = next ?? (await open());
    cluster = await start();
    await check();

    const oldest = revisions[20] as number;
    await store.compact(oldest);
    assert.equal((await get(`resourceVersion=${oldest - 1}&resourceVersionMatch=Exact`)).status, 410);
    assert.equal((await get(`resourceVersion=${oldest}&resourceVersionMatch=Exact`)).status, 200);
    assert.ok(first < oldest);
    await cluster.stop();
  });
}

for (const { name, skip, prepare } of engines) {
  if (name === 'lmdb') continue;
  test(`${name}: a cluster is saved in one file, restored with its history, and branched from a past revision`, { skip }, async (t) => {
    const store = await (await prepare(t))();
    const cluster = await Cluster.start({ nodes: 1, store });
    t.after(() => cluster.stop());
    await cluster.apply(web('x:1'));
    await running(cluster, 'x:1');
    const then = await store.revision();
    await cluster.apply(web('x:2'));
    await running(cluster, 'x:2');
    const root = await temporaryDirectory();
    t.after(() => rm(root, { recursive: true, force: true }));
    const file = join(root, 'snapshot');
    const told = await cluster.history(deployments, 'web');
    const saved = await saveRunning({ store, directory: root }, file);
    assert.ok(saved.revision >= told.revision);
    assert.deepEqual(await readdir(root), ['snapshot']);
    const whole = await restoreCluster({ file, directory: join(root, 'whole'), name: 'whole', now: Date.now() });
    assert.equal(whole.revision, saved.revision);
    const again = await Cluster.start({ nodes: 0, controllers: [], store: await LmdbStore.open(join(root, 'whole', 'store')) });
    t.after(() => again.stop());
    const kept = await again.history(deployments, 'web');
    assert.deepEqual(kept.items.slice(0, told.items.length), told.items);
    for (const [revision, cause] of Object.entries(told.causes)) assert.deepEqual(kept.causes[revision], cause);
    const restored = await restoreCluster({ file, directory: join(root, 'branch'), name: 'branch', now: Date.now(), to: then });
    assert.equal(restored.revision, then);
    const branch = await Cluster.start({ nodes: 1, store: await LmdbStore.open(join(root, 'branch', 'store')) });
    t.after(() => branch.stop());
    await running(branch, 'x:1');
    await branch.apply(web('x:3'));
    await running(branch, 'x:3');
    assert.equal((await branch.history(deployments, 'web')).items[0]?.revision, told.items[0]?.revision);
    await running(cluster, 'x:2');
  });
}

const web = (image: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } },
  },
});

async function running(cluster: Cluster, image: string): Promise<void> {
  await cluster.eventually(async () => {
    const { items } = await cluster.client.resource(pods).list({ namespace: 'default' });
    return items.length === 2 && items.every((pod) => pod.status.phase === 'Running' && pod.spec.containers[0]?.image === image);
  });
}

describe('clusters from snapshots', () => {
  let root = '';
  after(() => rm(root, { recursive: true, force: true }));

  test('a cluster is saved while it runs, restored with its history, and rewound; the branches run', async () => {
    root = await temporaryDirectory();
    const home = join(root, 'home');
    await mkdir(home);
    await writeFile(
      join(home, 'cluster.json'),
      JSON.stringify({
        version: 1,
        name: 'first',
        runtime: 'fake',
        nodes: ['node-1', 'node-2'],
        serviceCIDR: '10.96.0.0/16',
        podNetwork: '10.244.0.0/16',
      }),
    );
    const store = await LmdbStore.open(join(home, 'store'));
    const cluster = await Cluster.start({ nodes: 2, store });
    await cluster.apply(web('x:1'));
    await running(cluster, 'x:1');
    const before = await store.revision();
    const time = Date.now();
    await cluster.run(5);
    await cluster.apply(web('x:2'));
    await running(cluster, 'x:2');
    const file = join(root, 'snapshot');
    const saved = await saveRunning({ store, directory: home }, file);
    assert.ok(saved.bytes > 10_000 && saved.revision > before);
    await cluster.apply(web('x:3'));
    const later = await store.revision();
    await cluster.stop();
    const stopped = await saveStopped(home, join(root, 'stopped'));
    assert.ok((stopped?.revision ?? 0) >= later);

    const restore = (name: string, options: Partial<Parameters<typeof restoreCluster>[0]> = {}) =>
      restoreCluster({ file, directory: join(root, name), name, now: Date.now(), ...options });
    const restored = await restore('restored');
    assert.deepEqual([restored.origin, restored.nodes, restored.goesOnAt], ['first', ['node-1', 'node-2'], 1_000_000]);
    assert.deepEqual((await readdir(join(root, 'restored'))).sort(), ['cluster.json', 'store']);
    const second = await Cluster.start({ nodes: restored.nodes, store: await LmdbStore.open(join(root, 'restored', 'store')) });
    await running(second, 'x:2');
    const history = await second.history(deployments, 'web');
    assert.equal(history.items[0]?.type, 'created');
    assert.ok((history.items[0]?.revision ?? 0) < before && history.revision > 1_000_000);
    // A client of the original that has seen more than the snapshot must begin anew, not go on.
    await assert.rejects(
      second.client.resource(pods).list({ resourceVersion: String(later), resourceVersionMatch: 'Exact' }),
      (error: { code: number }) => error.code === 410,
    );
    const watch = second.client.resource(pods).watch({ resourceVersion: String(later), signal: AbortSignal.timeout(5_000) });
    await assert.rejects(
      async () => {
        for await (const events of watch) assert.equal(events[0]?.type, 'ERROR');
      },
      (error: { code: number }) => error.code === 410,
    );
    await second.stop();

    for (const to of [before, (past: Parameters<typeof revisionAt>[0]) => revisionAt(past, time).then((found) => found as number)]) {
      const name = `rewound-${typeof to}`;
      const rewound = await restore(name, { to });
      assert.ok(typeof to === 'number' ? rewound.revision === before : rewound.revision >= before && rewound.revision < later);
      const third = await Cluster.start({ nodes: 2, store: await LmdbStore.open(join(root, name, 'store')) });
      await running(third, 'x:1');
      await third.apply(web('x:4'));
      await running(third, 'x:4');
      const told = await third.history(deployments, 'web');
      assert.ok(told.items.flatMap((item) => chainsOf(told, item)).length > 0);
      await third.stop();
    }
  });

  test('what is in the way is not restored over; an interrupted or failed restore leaves nothing, or can be done again', async () => {
    const file = join(root, 'snapshot');
    assert.deepEqual(inTheWay(join(root, 'nowhere')), []);
    assert.deepEqual(inTheWay(join(root, 'restored')).toSorted(), ['cluster.json', 'store']);
    const torn = join(root, 'torn');
    await writeFile(torn, 'no snapshot at all, but long enough to hold a trailer if it were one');
    const target = join(root, 'target');
    const restore = (from: string, to?: number) =>
      restoreCluster({ file: from, directory: target, name: 'target', now: Date.now(), ...(to === undefined ? {} : { to }) });
    await assert.rejects(restore(torn), { code: 'Damaged' });
    await assert.rejects(restore(file, 10 ** 9), { code: 'FutureRevision' });
    assert.ok(!existsSync(target));
    // As kill -9 in the middle leaves it.
    await mkdir(join(target, '.restoring', 'store'), { recursive: true });
    await writeFile(join(target, '.restoring', 'store', 'STORE'), '{"state":"restoring","format":1}\n');
    await writeFile(join(target, '.restoring', 'store', 'data.mdb'), 'x');
    await truncate(join(target, '.restoring', 'store', 'data.mdb'), 5_000);
    assert.deepEqual(inTheWay(target), []);
    await restore(file);
    assert.deepEqual((await readdir(target)).sort(), ['cluster.json', 'store']);
    const store = await LmdbStore.open(join(target, 'store'));
    assert.ok((await store.revision()) > 1_000_000);
    await store.close();
  });
});
