/**
 * Two API servers over one store behave as one: what is unique stays unique, what one has answered the other shows,
 * watches tell one story, and each one's cache is the store, also while others write to that directly.
 */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { isAlreadyExists, isConflict } from '../../pkg/api/errors.ts';
import type { ConfigMap, Service } from '../../pkg/api/generated/core-v1.ts';
import { configmaps, services } from '../../pkg/api/generated/resources.ts';
import { randomInt, SeededRandom } from '../../pkg/clock/random.ts';
import { Cluster } from '../../pkg/cluster/cluster.ts';
import { temporaryDirectory } from '../../pkg/storage/contract/temporary-directory.node.ts';
import { EtcdConnection } from '../../pkg/storage/etcd/connection.ts';
import { EtcdCluster, etcdBinaries } from '../../pkg/storage/etcd/etcd-harness.ts';
import { EtcdStore } from '../../pkg/storage/etcd/etcd-store.ts';
import { LmdbStore } from '../../pkg/storage/lmdb/lmdb-store.ts';
import { MemoryStore } from '../../pkg/storage/memory-store.ts';
import { isStoreError, prefixRange, type Store } from '../../pkg/storage/store.ts';

interface Engine {
  readonly name: string;
  readonly skip?: string | undefined;
  /** Stores over the same data, one for each server and one for the test; engines of one process hand out one thrice. */
  open(t: TestContext): Promise<{ readonly stores: readonly [Store, Store, Store]; readonly endpoints?: readonly string[] }>;
}

const engines: readonly Engine[] = [
  {
    name: 'memory',
    async open() {
      const store = new MemoryStore();
      return { stores: [store, store, store] };
    },
  },
  {
    name: 'lmdb',
    async open(t) {
      const directory = await temporaryDirectory();
      const store = await LmdbStore.open(directory);
      t.after(async () => {
        await store.close();
        await rm(directory, { recursive: true, force: true });
      });
      return { stores: [store, store, store] };
    },
  },
  ...[1, 3].flatMap((size) =>
    etcdBinaries.map(({ name, path, skip }): Engine => {
      return {
        name: `${name}, ${size === 1 ? 'one member' : 'three members'}`,
        skip,
        async open(t) {
          const cluster = await EtcdCluster.start(path, { size });
          t.after(() => cluster.dispose());
          const { endpoints } = cluster;
          const store = (first: number): EtcdStore => {
            return new EtcdStore({ endpoints: [...endpoints.slice(first % size), ...endpoints.slice(0, first % size)] });
          };
          const stores = [store(0), store(1), store(2)] as const;
          t.after(() => stores[2].close());
          return { stores, endpoints };
        },
      };
    }),
  ),
];

const namespace = 'default';
const configMap = (name: string, value = ''): ConfigMap =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { value } }) as unknown as ConfigMap;

async function twoServers(
  t: TestContext,
  engine: Engine,
): Promise<{ servers: [Cluster, Cluster]; store: Store; endpoints: readonly string[] }> {
  const { stores, endpoints = [] } = await engine.open(t);
  const start = async (store: Store, seed: number): Promise<Cluster> => {
    const cluster = await Cluster.start({ nodes: 0, controllers: [], store, seed, network: { nodePortRange: [30_000, 30_011] } });
    t.after(() => cluster.stop());
    return cluster;
  };
  // Both at once: what every cluster has from the beginning is made by one of them.
  const servers = await Promise.all([start(stores[0], 1), start(stores[1], 2)]);
  return { servers: servers as [Cluster, Cluster], store: stores[2], endpoints };
}

const mapsOf = (server: Cluster) => server.client.resource(configmaps);

for (const engine of engines) {
  const { name, skip } = engine;
  test(`${name}: of two that create the same, one does; what one has answered, the other shows`, { skip }, async (t) => {
    const { servers } = await twoServers(t, engine);
    const [a, b] = servers;
    for (let i = 0; i < 15; i++) {
      const made = await Promise.allSettled(servers.map((server) => mapsOf(server).create(configMap(`m${i}`), { namespace })));
      assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 1);
      for (const each of made) if (each.status === 'rejected') assert.ok(isAlreadyExists(each.reason), String(each.reason));
      const changed = await mapsOf(a).update(configMap(`m${i}`, `by a ${i}`), { namespace });
      const got = await mapsOf(b).get(`m${i}`, { namespace });
      assert.deepEqual([got.data?.['value'], got.metadata.resourceVersion], [`by a ${i}`, changed.metadata.resourceVersion]);
      const listed = (await mapsOf(b).list({ namespace })).items.find(({ metadata }) => metadata.name === `m${i}`);
      assert.equal(listed?.metadata.resourceVersion, changed.metadata.resourceVersion);
      if (i % 3 > 0) continue;
      await mapsOf(b).delete(`m${i}`, { namespace });
      await assert.rejects(mapsOf(a).get(`m${i}`, { namespace }), { code: 404 });
    }
  });

  test(`${name}: node ports and addresses are handed out once, to the last one, and again when they are free`, { skip }, async (t) => {
    const { servers, store } = await twoServers(t, engine);
    const create = (i: number): Promise<Service> =>
      (servers[i % 2] as Cluster).client
        .resource(services)
        .create(
          { apiVersion: 'v1', kind: 'Service', metadata: { name: `s${i}`, namespace }, spec: { type: 'NodePort', ports: [{ port: 80 }] } },
          { namespace },
        );
    const made = await Promise.allSettled(Array.from({ length: 16 }, (_, i) => create(i)));
    const got = made.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    assert.equal(got.length, 12, 'as many as there are ports');
    assert.equal(new Set(got.map(({ spec }) => spec.ports?.[0]?.nodePort)).size, 12);
    assert.equal(new Set(got.map(({ spec }) => spec.clusterIP)).size, 12);
    const refused = made.filter((each) => each.status === 'rejected');
    for (const { reason } of refused) assert.match(String(reason), /port/);
    const gone = got[0] as Service;
    await servers[1].client.resource(services).delete(gone.metadata.name, { namespace });
    const again = await create(100);
    assert.equal(again.spec.ports?.[0]?.nodePort, gone.spec.ports?.[0]?.nodePort);
    // Nothing that failed has left a reservation behind: what is reserved is what is used.
    const { items } = await store.list(prefixRange('/registry/'));
    const reserved = items.filter(({ key }) => /nodeport/i.test(key));
    assert.ok(reserved.length === 0 || reserved.length === 12, `${reserved.length} ports are reserved`);
  });

  test(`${name}: no update is lost between them, and their watches tell one story`, { skip }, async (t) => {
    const { servers } = await twoServers(t, engine);
    await mapsOf(servers[0]).create(configMap('counter', '0'), { namespace });
    const { metadata } = await mapsOf(servers[0]).list({ namespace });
    const stop = new AbortController();
    const stories = servers.map(async (server) => {
      const told: string[] = [];
      for await (const events of mapsOf(server).watch({
        namespace,
        resourceVersion: metadata.resourceVersion ?? '',
        signal: stop.signal,
      })) {
        for (const event of events) {
          const object = event.object as ConfigMap;
          told.push(`${event.type} ${object.metadata.name} ${object.metadata.resourceVersion} ${object.data?.['value']}`);
        }
        if (told.at(-1)?.startsWith('DELETED end')) return told;
      }
      return told;
    });
    const addOne = async (server: Cluster): Promise<void> => {
      for (;;) {
        const current = await mapsOf(server).get('counter', { namespace });
        const next = { ...current, data: { value: String(Number(current.data?.['value']) + 1) } };
        try {
          await mapsOf(server).update(next, { namespace });
          return;
        } catch (error) {
          if (!isConflict(error)) throw error;
        }
      }
    };
    await Promise.all(
      Array.from({ length: 4 }, async (_, i) => {
        for (let n = 0; n < 10; n++) await addOne(servers[i % 2] as Cluster);
      }),
    );
    assert.equal((await mapsOf(servers[1]).get('counter', { namespace })).data?.['value'], '40');
    await mapsOf(servers[1]).create(configMap('end'), { namespace });
    await mapsOf(servers[0]).delete('end', { namespace });
    const [first = [], second] = await Promise.all(stories);
    stop.abort();
    assert.equal(first.length, 42);
    assert.deepEqual(first, second);
  });

  test(`${name}: each server's cache is the store, at every revision, whoever writes and compacts`, { skip }, async (t) => {
    const { servers, store } = await twoServers(t, engine);
    const random = new SeededRandom(process.pid);
    const root = '/registry/configmaps/default/';
    let writing = true;
    const write = async (writer: number): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        await setImmediate();
        const each = `m${randomInt(random, 20)}`;
        const value = `${writer}/${i}`;
        if (writer === 2) {
          // Another program, which knows nothing of API servers.
          const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: each, namespace, uid: value }, data: { value } };
          const bytes = random.next() < 0.3 ? undefined : new TextEncoder().encode(JSON.stringify(object));
          await store.commit([{ key: root + each, value: bytes }]);
          continue;
        }
        const maps = mapsOf(servers[writer] as Cluster);
        const tries = random.next() < 0.3 ? maps.delete(each, { namespace }) : maps.create(configMap(each, value), { namespace });
        await tries.catch((error: { code: number }) => assert.ok([404, 409].includes(error.code), String(error)));
        if (i % 20 === 10) await store.compact((await store.revision()) - 5).catch((error: unknown) => assert.ok(isStoreError(error)));
      }
    };
    let compared = 0;
    const compare = async (server: Cluster): Promise<void> => {
      // Some reads are answered from memory: without a pause nobody else would get a turn.
      for (; writing; await setImmediate()) {
        // As fresh as the store, and what is at hand.
        for (const resourceVersion of ['', '0']) {
          const list = await mapsOf(server).list({ namespace, resourceVersion });
          const revision = Number(list.metadata.resourceVersion);
          const stored = await store.list(prefixRange(root), { revision }).catch((error: unknown) => {
            if (isStoreError(error, 'Compacted')) return undefined;
            throw error;
          });
          if (!stored) continue;
          const told = (each: ConfigMap): string => `${each.metadata.name}@${each.metadata.resourceVersion}=${each.data?.['value']}`;
          const expected = stored.items.map(({ key, modRevision, value }) => {
            return `${key.slice(root.length)}@${modRevision}=${JSON.parse(new TextDecoder().decode(value)).data.value}`;
          });
          assert.deepEqual(list.items.map(told), expected, `at revision ${revision}`);
          compared++;
        }
      }
    };
    const comparing = servers.map(compare);
    await Promise.all([0, 1, 2].map(write)).finally(() => {
      writing = false;
    });
    await Promise.all(comparing);
    assert.ok(compared > 10, `${compared} lists were compared`);
  });

  test(`${name}: keys lie as Kubernetes lays them, values are JSON, and the record is beside`, { skip }, async (t) => {
    const { servers, store, endpoints } = await twoServers(t, engine);
    await mapsOf(servers[0]).create(configMap('c', 'v'), { namespace });
    const { items } = await store.list(prefixRange('/registry/'));
    const keys = items.map(({ key }) => key);
    for (const key of [
      '/registry/configmaps/default/c',
      '/registry/namespaces/kube-system',
      '/registry/services/specs/kube-system/kube-dns',
      '/registry/priorityclasses/system-node-critical',
    ])
      assert.ok(keys.includes(key), `${key} is missing among ${keys.join(' ')}`);
    const stored = JSON.parse(new TextDecoder().decode(items.find(({ key }) => key.endsWith('/default/c'))?.value));
    assert.deepEqual([stored.kind, stored.apiVersion, stored.data], ['ConfigMap', 'v1', { value: 'v' }]);
    assert.equal(stored.metadata.resourceVersion, undefined);
    const record = JSON.parse(new TextDecoder().decode(await store.record('/registry/configmaps/default/c', await store.revision())));
    assert.deepEqual([record.actor, record.verb, record.agent], ['kubernetes-admin', 'create', 'gokube']);
    if (endpoints.length === 0) return;
    const connection = new EtcdConnection({ endpoints });
    t.after(() => connection.close());
    const raw = async (prefix: string): Promise<string[]> => {
      const range = { key: Buffer.from(prefix), range_end: Buffer.from(prefixRange(prefix).end as string) };
      return (await connection.call('Range', range, { repeatable: true })).kvs.map((kv) => kv.key.toString());
    };
    assert.ok((await raw('!gokube/')).includes('!gokube/record/registry/configmaps/default/c'));
    await mapsOf(servers[1]).delete('c', { namespace });
    const after = await raw('!gokube/');
    assert.ok(
      after.includes('!gokube/deleted/registry/configmaps/default/c') && !after.includes('!gokube/record/registry/configmaps/default/c'),
    );
  });
}
