import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { storeContract } from '../store-contract.ts';
import { answersProgress } from './connection.ts';
import { EtcdCluster, etcdBinaries } from './etcd-harness.ts';
import { EtcdStore } from './etcd-store.ts';

for (const { name, path, skip } of etcdBinaries) {
  describe(name, skip === undefined ? {} : { skip }, () => {
    // One server for all tests: they keep to prefixes of their own.
    let cluster: Promise<EtcdCluster> | undefined;
    const connect = async (): Promise<EtcdStore> => {
      cluster ??= EtcdCluster.start(path);
      return new EtcdStore({ endpoints: (await cluster).endpoints, maxUnread: 64 });
    };
    after(async () => (await cluster)?.dispose());

    storeContract({
      name: `EtcdStore over ${name}`,
      skip,
      runs: 10,
      open: async () => {
        const store = await connect();
        return { store, another: connect, dispose: () => store.close() };
      },
    });
  });
}

test('progress is asked of servers that answer it after the events before it', () => {
  const versions = ['3.3.27', '3.4.23', '3.4.30', '3.5.0', '3.5.12', '2.3.8'];
  assert.deepEqual(versions.filter(answersProgress), []);
  const newer = ['3.4.31', '3.5.13', '3.5.21', '3.6.0', '3.6.0-rc.1', '4.0.0'];
  assert.deepEqual(newer.filter(answersProgress), newer);
});
