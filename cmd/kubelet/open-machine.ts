import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { NodeMachine } from '../../pkg/cluster/machine.ts';
import { chooseRuntime, type RuntimeChoice } from '../../pkg/cluster/node/choose-runtime.ts';
import { createSimulatedMachine } from '../../pkg/cluster/simulated-machine.ts';
import type { ComponentProcess } from '../component.ts';
import { netnsFile } from './netns-file.ts';

export interface OpenMachineOptions extends ComponentProcess {
  readonly node: string;
  readonly directory: string;
  readonly wanted: RuntimeChoice;
  readonly clusterCIDR: string;
}

/** The one node of this machine, and what ends it: every container goes with the process that keeps it. */
export async function openMachine(options: OpenMachineOptions): Promise<{ readonly node: NodeMachine; close(): Promise<void> }> {
  const { node, directory, log } = options;
  const { runtime, why, notes } = await chooseRuntime(options.wanted, directory);
  log.info('runtime', { runtime, why, notes });
  if (runtime === 'fake') {
    const machine = createSimulatedMachine(options);
    return { node: await machine.addNode(node), close: () => machine.close() };
  }
  const { startLinuxMachine } = await import('../../pkg/cluster/node/linux-machine.ts');
  const machine = await startLinuxMachine({
    cluster: node,
    directory: join(directory, 'machines', node),
    hide: [directory],
    log,
    podNetwork: options.clusterCIDR,
  });
  const note = netnsFile(directory, node);
  try {
    const added = await machine.addNode(node);
    await mkdir(dirname(note), { recursive: true });
    await writeFile(note, `${added.network.netns}\n`);
    return {
      node: added,
      async close() {
        await rm(note, { force: true });
        await machine.close();
      },
    };
  } catch (error) {
    await machine.close();
    throw error;
  }
}
