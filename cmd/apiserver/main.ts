/** The API server as a process of its own, over a store that others may share; it also makes everybody's credentials. */
import { join, resolve } from 'node:path';
import { Option } from 'commander';
import { nodes } from '../../pkg/api/generated/resources.ts';
import { HttpsKubeletDialer, networkBackendDialer } from '../../pkg/apiserver/connect/https-kubelet-dialer.node.ts';
import { gzipCompressor } from '../../pkg/apiserver/gzip.node.ts';
import { startHttpServer } from '../../pkg/apiserver/http-server.node.ts';
import { createApiPlane } from '../../pkg/cluster/api-plane.ts';
import { firstAddress } from '../../pkg/cluster/cluster-options.ts';
import { components } from '../../pkg/cluster/components.ts';
import { openPki, serverNames } from '../../pkg/cluster/node/pki.ts';
import { revisionAt } from '../../pkg/cluster/revision-at.ts';
import { Compactor } from '../../pkg/storage/compactor.ts';
import { openStore } from '../../pkg/storage/open-store.node.ts';
import { type ComponentProcess, componentCommand, type NetworkFlags, networkPlan, runComponent, withNetworkFlags } from '../component.ts';
import { type EtcdFlags, storeOptions, withEtcdFlags } from '../etcd-flags.ts';
import { explainFailure } from '../gokube/explain-failure.ts';
import { parseCount } from '../gokube/program.ts';
import { type HistoryFlags, historyLimits, withHistoryFlags } from '../history-flags.ts';
import { type NamedNode, parseNodes, removeKubeconfigs, writeCredentials } from './credentials.ts';
import { kubeletAddress } from './kubelet-address.ts';

interface Flags extends NetworkFlags, HistoryFlags, EtcdFlags {
  readonly store?: string;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly advertiseAddress?: string;
  readonly nodes: readonly NamedNode[];
}

const command = withEtcdFlags(withHistoryFlags(withNetworkFlags(componentCommand('apiserver', 'serve the Kubernetes API over HTTPS'))))
  .requiredOption('--data-dir <dir>', 'where credentials and kubeconfigs are kept, and objects unless --store says otherwise')
  .addOption(
    new Option('--store <store>', 'etcd:URL[,URL...], lmdb:DIR or memory (default: lmdb in the data directory)').env('GOKUBE_STORE'),
  )
  .addOption(new Option('--host <address>', 'address to listen on').env('HOST').default('127.0.0.1'))
  .addOption(new Option('--port <port>', '0: any free one').env('PORT').argParser(parseCount(0, 65_535)).default(6443))
  .option('--advertise-address <address>', 'where others reach it (default: the one it listens on)')
  .option('--nodes <list>', 'who gets credentials as a kubelet: NAME[=ADDRESS],...', parseNodes, parseNodes('node-1'));

await runComponent<Flags>(command, async (flags, self) => {
  const directory = resolve(flags.dataDir);
  try {
    await serve(flags, directory, self);
  } catch (error) {
    throw explainFailure(error, { ...flags, directory });
  }
});

async function serve(flags: Flags, directory: string, self: ComponentProcess): Promise<void> {
  const { host, port } = flags;
  const { clock, log, signal } = self;
  const network = networkPlan(flags);
  const address = flags.advertiseAddress ?? (host === '0.0.0.0' ? '127.0.0.1' : host);
  await removeKubeconfigs(directory);
  await using cleanup = new AsyncDisposableStack();

  const names = serverNames([...new Set(['127.0.0.1', address, firstAddress(network.serviceCIDR)])], network.domain);
  const pki = await openPki(join(directory, 'pki'), { clock, server: names });
  const toKubelets = await pki.clientCertificate('apiserver-kubelet-client', components.apiserver);

  const store = await openStore(flags.store ?? `lmdb:${join(directory, 'store')}`, storeOptions(flags));
  cleanup.defer(() => store.close());

  const kubelets = new HttpsKubeletDialer({
    lookup: async (node) => kubeletAddress(await plane.client(components.apiserver, 'kube-apiserver').resource(nodes).get(node)),
    certificateAuthority: pki.authority,
    ...toKubelets,
  });
  cleanup.defer(() => kubelets.close());

  const plane = createApiPlane({
    ...self,
    store,
    network,
    signer: pki.signer,
    kubelets,
    backends: networkBackendDialer,
    compressor: gzipCompressor,
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  });
  cleanup.defer(() => plane.close());
  await plane.start();

  const { certificate, key } = pki.server;
  const http = await startHttpServer({ handler: plane.server, log, host, port, certificate, key, clientAuthority: pki.authority });
  cleanup.defer(() => http.close());

  const server = `https://${address}:${http.port}`;
  await writeCredentials({ directory, server, pki, nodes: flags.nodes });
  log.info('the API server answers', { server, store: flags.store ?? 'lmdb' });
  const engine = (flags.store ?? 'lmdb').split(':')[0];
  const dated = engine === 'etcd' ? {} : { revisionAt: (time: number) => revisionAt(store, time) };
  await new Compactor({ store, clock, log: log.child({ component: 'compactor' }), limits: historyLimits(flags), ...dated }).run(signal);
}
