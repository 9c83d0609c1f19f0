/**
 * This Linux machine as the place where nodes run: embedded containers, a network namespace a node, service rules in
 * each of them and on the machine itself.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmbeddedRuntime } from '../../cri/embedded/embedded-runtime.ts';
import { EmbeddedMachine } from '../../cri/embedded/machine.ts';
import { createNodeHost } from '../../kubelet/node/node-host.ts';
import type { Logger } from '../../log/log.ts';
import { LinuxNetwork } from '../../network/linux/linux-network.ts';
import type { NodeNetwork } from '../../network/network.ts';
import { createNftablesBackend } from '../../proxy/nftables-backend.ts';
import { createUserspaceBackend } from '../../proxy/node/userspace-backend.ts';
import type { ProxyBackend } from '../../proxy/proxy.ts';
import type { Machine, NodeMachine } from '../machine.ts';

export interface LinuxMachineOptions {
  readonly cluster: string;
  readonly directory: string;
  readonly log: Logger;
  /** As chosen when the cluster was made; absent: chosen now. */
  readonly nodeNetwork?: string;
  readonly podNetwork?: string;
  /** Folders that containers must not see, beside this cluster's own. */
  readonly hide?: readonly string[];
}

export interface LinuxMachine extends Machine {
  readonly containers: EmbeddedMachine;
  readonly nodeNetwork: string;
  readonly podNetwork: string;
  /** False: no way outwards and services in user space. */
  readonly nat: boolean;
  /**
   * Lets programs on the machine itself reach cluster IPs, and node ports at 127.0.0.1. `takenBy`: cluster IPs lead
   * elsewhere on this machine, through the interface named (a cluster that this one was branched from has the same
   * range); from pods they are reached all the same.
   */
  openServices(serviceCIDR: string): Promise<{ readonly takenBy?: string }>;
}

export async function startLinuxMachine(options: LinuxMachineOptions): Promise<LinuxMachine> {
  const { cluster, directory, log } = options;
  const network = await LinuxNetwork.start({
    cluster,
    directory,
    logger: log.child({ component: 'network' }),
    ...(options.nodeNetwork ? { nodeNetwork: options.nodeNetwork } : {}),
    ...(options.podNetwork ? { podNetwork: options.podNetwork } : {}),
  });
  let containers: EmbeddedMachine;
  try {
    const runtimeDirectory = join(directory, 'runtime');
    containers = await EmbeddedMachine.start({
      cluster,
      directory: runtimeDirectory,
      hide: [directory, ...(options.hide ?? [])],
      logger: log.child({ component: 'runtime' }),
    });
  } catch (error) {
    await network.close();
    throw error;
  }
  const table = `gokube_services_${createHash('sha256').update(directory).digest('hex').slice(0, 8)}`;
  const clusterCIDR = network.podNetwork;

  async function machineFor(name: string): Promise<NodeMachine> {
    const nodeNetwork = await network.addNode(name);
    const kubeletDirectory = join(directory, 'nodes', name);
    mkdirSync(kubeletDirectory, { recursive: true });
    const host = createNodeHost({ directory: kubeletDirectory, network: nodeNetwork });
    let runtime: EmbeddedRuntime = containers.runtime(name, nodeNetwork);
    let on = true;
    return {
      name,
      get runtime() {
        return runtime;
      },
      get images() {
        return runtime;
      },
      network: nodeNetwork,
      host,
      directory: kubeletDirectory,
      proxyBackend: () =>
        network.nat
          ? createNftablesBackend(nodeNetwork, { table, clusterCIDR, localhostNodePorts: false })
          : createUserspaceBackend({ netns: nodeNetwork.netns }),
      async powerOff() {
        if (!on) return;
        on = false;
        await runtime.close();
        // Volumes in memory are mounts, and hold what a power cut would take.
        await host.close();
      },
      async powerOn() {
        if (on) return;
        runtime = containers.runtime(name, nodeNetwork);
        on = true;
      },
      async remove() {
        if (on) await runtime.close();
        on = false;
        await host.close();
        await network.removeNode(name);
        await rm(kubeletDirectory, { recursive: true, force: true });
      },
    };
  }

  return {
    runtimeName: 'embedded',
    hostAddress: network.hostAddress,
    containers,
    nodeNetwork: network.nodeNetwork,
    podNetwork: network.podNetwork,
    nat: network.nat,
    addNode: machineFor,
    hostProxyBackend: (): ProxyBackend => {
      const machine: Pick<NodeNetwork, 'run'> = network;
      return network.nat
        ? createNftablesBackend(machine, { table, clusterCIDR, localhostNodePorts: true })
        : createUserspaceBackend({ netns: undefined });
    },
    async openServices(serviceCIDR) {
      // A packet from 127.0.0.1 that a node port sends on to a pod leaves by the bridge (masqueraded).
      const routeLocalnet = `/proc/sys/net/ipv4/conf/${network.bridge}/route_localnet`;
      if (existsSync(routeLocalnet)) writeFileSync(routeLocalnet, '1');
      const { stdout: known } = await network.run(['ip', 'route', 'show', 'exact', serviceCIDR]);
      const owner = /\bdev (\S+)/.exec(known)?.[1];
      if (owner !== undefined && owner !== network.bridge) return { takenBy: owner };
      const route = await network.run(['ip', 'route', 'replace', serviceCIDR, 'dev', network.bridge, 'src', network.hostAddress]);
      if (route.exitCode !== 0) throw new Error(`cannot add a route for the services' range ${serviceCIDR}: ${route.stderr.trim()}`);
      return {};
    },
    async close() {
      await containers.close();
      await network.close();
    },
  };
}
