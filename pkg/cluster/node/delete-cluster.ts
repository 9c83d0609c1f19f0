import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedMachine } from '../../cri/embedded/machine.ts';
import { LinuxNetwork } from '../../network/linux/linux-network.ts';
import { readClusterConfig } from './cluster-config.ts';
import { removeClusterContext } from './kubeconfig-context.ts';

/** Removes a stopped cluster: what a killed process left on the machine, its data, its kubeconfig entries. Idempotent. */
export async function deleteClusterData(options: {
  readonly name: string;
  readonly directory: string;
  readonly kubeconfig?: string;
}): Promise<void> {
  const { name, directory } = options;
  if (configuredRuntime(directory) === 'embedded' && process.getuid?.() === 0) {
    await LinuxNetwork.sweep({ cluster: name, directory });
    await EmbeddedMachine.sweep({ cluster: name, directory: join(directory, 'runtime') });
  }
  await removeClusterContext(name, options.kubeconfig);
  await rm(directory, { recursive: true, force: true });
}

function configuredRuntime(directory: string): string | undefined {
  try {
    return readClusterConfig(directory)?.runtime;
  } catch {
    return 'embedded'; // What cannot be read any more is swept to be sure.
  }
}
