/** The control loops as a process of their own; of several, one leads. */
import { firstAddress } from '../../pkg/cluster/cluster-options.ts';
import { createControllerManager } from '../../pkg/controller/controller-manager.ts';
import {
  authorityOf,
  componentCommand,
  connect,
  leadWhileElected,
  type NetworkFlags,
  networkPlan,
  runComponent,
  withNetworkFlags,
} from '../component.ts';
import { parseDuration } from '../gokube/program.ts';

interface Flags extends NetworkFlags {
  readonly kubeconfig: string;
  readonly controllers: string;
  readonly nodeMonitorGracePeriod?: number;
}

const command = withNetworkFlags(componentCommand('controller', 'run the control loops'))
  .requiredOption('--kubeconfig <file>', 'how to reach the API server, and as whom')
  .option('--controllers <list>', 'which loops: * for all, NAME, -NAME', '*')
  .option('--node-monitor-grace-period <duration>', 'silence after which a node is given up (default: 40s)', parseDuration);

await runComponent<Flags>(command, async (flags, self) => {
  const network = networkPlan(flags);
  const { environment, credentials, close } = await connect(self, flags.kubeconfig, 'kube-controller-manager');
  const { hostname, port } = new URL(credentials.server);
  const createManager = () =>
    createControllerManager(environment, {
      controllers: flags.controllers.split(','),
      clusterCIDR: network.clusterCIDR,
      rootCA: authorityOf(credentials),
      apiServerEndpoints: { addresses: [hostname], port: Number(port) || 443, clusterIP: firstAddress(network.serviceCIDR) },
      ...(flags.nodeMonitorGracePeriod === undefined ? {} : { nodeMonitorGracePeriod: flags.nodeMonitorGracePeriod }),
    });
  await leadWhileElected(environment, self, (signal) => createManager().run(signal), 'kube-controller-manager').finally(close);
});
