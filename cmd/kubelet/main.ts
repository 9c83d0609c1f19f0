/** One node's kubelet as a process of its own, with an HTTPS server for the API server's questions. */
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Option } from 'commander';
import { startHttpServer } from '../../pkg/apiserver/http-server.node.ts';
import type { RuntimeChoice } from '../../pkg/cluster/node/choose-runtime.ts';
import { createKubelet, type Kubelet } from '../../pkg/kubelet/kubelet.ts';
import { createInformerFactory } from '../../pkg/listwatch/informer-factory.ts';
import { runTogether } from '../../pkg/listwatch/run-together.ts';
import { authorityOf, componentCommand, connect, type NetworkFlags, networkPlan, runComponent, withNetworkFlags } from '../component.ts';
import { explainFailure } from '../gokube/explain-failure.ts';
import { parseCount, UserError } from '../gokube/program.ts';
import { kubeletAddressLabel } from './kubelet-address-label.ts';
import { openMachine } from './open-machine.ts';

interface Flags extends NetworkFlags {
  readonly kubeconfig: string;
  readonly node: string;
  readonly dataDir: string;
  readonly runtime: RuntimeChoice;
  readonly address: string;
  readonly port: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

const command = withNetworkFlags(componentCommand('kubelet', 'run the pods of one node'))
  .requiredOption('--kubeconfig <file>', 'how to reach the API server, and as whom')
  .requiredOption('--node <name>', "the node's name")
  .requiredOption('--data-dir <dir>', "where pods' files are kept, and where the API server left the certificates")
  .addOption(new Option('--runtime <runtime>', 'what runs containers').choices(['auto', 'embedded', 'fake']).default('auto'))
  .option('--address <address>', 'where it listens, and is reached by the API server', '127.0.0.1')
  .addOption(new Option('--port <port>', '0: any free one').argParser(parseCount(0, 65_535)).default(10_250))
  .option('--tls-cert <file>', "its server's certificate (default: <data-dir>/pki/kubelet-server-<node>.crt)")
  .option('--tls-key <file>', 'and the key of that (default: <data-dir>/pki/kubelet-server-<node>.key)');

await runComponent<Flags>(command, async (flags, self) => {
  const { node, address } = flags;
  const directory = resolve(flags.dataDir);
  const network = networkPlan(flags);
  await using cleanup = new AsyncDisposableStack();

  const { environment, credentials, close } = await connect(self, flags.kubeconfig, 'kubelet');
  cleanup.defer(close);
  const certificate = await readPem(flags.tlsCert ?? join(directory, 'pki', `kubelet-server-${node}.crt`));
  const key = await readPem(flags.tlsKey ?? join(directory, 'pki', `kubelet-server-${node}.key`));

  await mkdir(directory, { recursive: true, mode: 0o700 });
  const machine = await openMachine({ ...self, node, directory, wanted: flags.runtime, clusterCIDR: network.clusterCIDR });
  cleanup.defer(() => machine.close());

  let kubelet: Kubelet | undefined;
  const http = await startHttpServer({
    handler: { handle: async (request) => (kubelet ? kubelet.handle(request) : { status: 503, headers: {} }) },
    log: self.log,
    host: address,
    port: flags.port,
    certificate,
    key,
    clientAuthority: authorityOf(credentials),
  }).catch((error: unknown) => {
    throw explainFailure(error, { directory, host: address, port: flags.port });
  });
  cleanup.defer(() => http.close());

  const informers = createInformerFactory(environment);
  const running = createKubelet({
    ...environment,
    nodeName: node,
    runtime: machine.node.runtime,
    images: machine.node.images,
    network: machine.node.network,
    host: machine.node.host,
    rootDirectory: machine.node.directory,
    informers,
    port: http.port,
    labels: { [kubeletAddressLabel]: address },
    dns: { servers: [network.dnsAddress], domain: network.domain },
  });
  kubelet = running;
  await runTogether([(stop) => informers.run(stop), (stop) => running.run(stop)], self.signal);
});

async function readPem(file: string): Promise<string> {
  if (existsSync(file)) return readFile(file, 'utf8');
  throw new UserError(`there is no ${file}`, {
    hint: 'the API server makes it for the nodes in its --nodes, in its data directory; elsewhere name it with --tls-cert and --tls-key',
  });
}
