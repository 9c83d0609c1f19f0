/** One node's service proxy as a process of its own. */
import { resolve } from 'node:path';
import { Option } from 'commander';
import { createInformerFactory } from '../../pkg/listwatch/informer-factory.ts';
import { runTogether } from '../../pkg/listwatch/run-together.ts';
import { createProxy } from '../../pkg/proxy/proxy.ts';
import { componentCommand, connect, type NetworkFlags, networkPlan, runComponent, withNetworkFlags } from '../component.ts';
import { type BackendChoice, createBackend } from './create-backend.ts';

interface Flags extends NetworkFlags {
  readonly kubeconfig: string;
  readonly node: string;
  readonly backend: BackendChoice;
  readonly netns?: string;
  readonly dataDir?: string;
}

const command = withNetworkFlags(componentCommand('proxy', 'lead services to pods, on one node'))
  .requiredOption('--kubeconfig <file>', 'how to reach the API server, and as whom')
  .requiredOption('--node <name>', "the node's name")
  .addOption(new Option('--backend <backend>', 'by what').choices(['auto', 'nftables', 'userspace']).default('auto'))
  .option('--netns <path>', "the node's network namespace (default: the one that its kubelet noted)")
  .option('--data-dir <dir>', "the kubelet's data directory, where that note lies");

await runComponent<Flags>(command, async (flags, self) => {
  const directory = flags.dataDir === undefined ? undefined : resolve(flags.dataDir);
  const { clusterCIDR } = networkPlan(flags);
  const backend = await createBackend({ ...flags, clock: self.clock, log: self.log, signal: self.signal, directory, clusterCIDR });
  if (!backend) return;
  const { environment, close } = await connect(self, flags.kubeconfig, 'kube-proxy');
  const informers = createInformerFactory(environment);
  const proxy = createProxy(environment, { node: flags.node, backend, informers });
  await runTogether([(stop) => informers.run(stop), (stop) => proxy.run(stop)], self.signal).finally(close);
});
