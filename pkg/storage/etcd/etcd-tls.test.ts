import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { temporaryDirectory } from '../contract/temporary-directory.node.ts';
import { isStoreError, prefixRange } from '../store.ts';
import { storeContract } from '../store-contract.ts';
import { EtcdCluster, etcdBinaries, makeCertificates, tlsArguments } from './etcd-harness.ts';
import { EtcdStore } from './etcd-store.ts';
import type { Tls } from './protocol.ts';

test('over TLS, with a certificate for the client: both sides insist on the authority', async (t) => {
  const { path, skip } = etcdBinaries[0] as (typeof etcdBinaries)[number];
  if (skip) return t.skip(skip);
  const directory = await temporaryDirectory();
  const files = join(directory, 'tls');
  let tls: Required<Tls>;
  try {
    tls = await makeCertificates(files);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return t.skip('needs openssl: apt-get install openssl');
    throw error;
  }
  const stranger = await makeCertificates(join(directory, 'stranger'));
  const cluster = await EtcdCluster.start(path, { directory, tls, arguments: tlsArguments(files) });
  t.after(() => cluster.dispose());
  const options = { endpoints: cluster.endpoints, callTimeout: 1_000 };
  const store = new EtcdStore({ ...options, tls });
  assert.ok((await store.commit([{ key: '/registry/k', value: new Uint8Array(1) }])).ok);
  assert.equal((await store.list(prefixRange('/registry/'))).count, 1);
  await store.close();
  for (const wrong of [{ ...tls, ca: stranger.ca }, { ...stranger, ca: tls.ca }, { ca: tls.ca }]) {
    const refused = new EtcdStore({ ...options, tls: wrong });
    const outcome = await refused.revision().catch((error: unknown) => error);
    assert.ok(isStoreError(outcome, 'Unavailable'), String(outcome));
    await refused.close();
  }
});

// The newest etcd that is here, in three members, each store with another one first.
const newest = etcdBinaries.findLast(({ skip }) => skip === undefined) ?? etcdBinaries[0];
if (newest) {
  let shared: Promise<{ cluster: EtcdCluster; tls: Tls }> | undefined;
  const start = async (): Promise<{ cluster: EtcdCluster; tls: Tls }> => {
    const directory = await temporaryDirectory();
    const tls = await makeCertificates(join(directory, 'tls'));
    const options = { size: 3, directory, tls, arguments: tlsArguments(join(directory, 'tls')) };
    return { cluster: await EtcdCluster.start(newest.path, options), tls };
  };
  let stores = 0;
  const connect = async (): Promise<EtcdStore> => {
    shared ??= start();
    const { cluster, tls } = await shared;
    const first = stores++ % 3;
    return new EtcdStore({ endpoints: [...cluster.endpoints.slice(first), ...cluster.endpoints.slice(0, first)], tls, maxUnread: 64 });
  };
  after(async () => (await shared)?.cluster.dispose());
  storeContract({
    name: `EtcdStore over three members of ${newest.name}, with TLS`,
    skip: newest.skip,
    runs: 5,
    open: async () => {
      const store = await connect();
      return { store, another: connect, dispose: () => store.close() };
    },
  });
}
