import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { ControlClient } from '../../../pkg/cluster/node/control-client.ts';
import { deleteClusterData } from '../../../pkg/cluster/node/delete-cluster.ts';
import { dataDirectory } from '../cluster-directory.ts';
import { type ClusterFlags, withClusterFlags } from '../program.ts';
import { Terminal } from '../terminal.ts';

export function deleteCommand(): Command {
  return withClusterFlags(new Command('delete'))
    .description('stop a cluster and remove its state and its kubeconfig entries')
    .option('--kubeconfig <file>', 'remove the context from this file only')
    .action(async (flags: ClusterFlags & { kubeconfig?: string }) => {
      const terminal = new Terminal(process.stderr);
      const directory = dataDirectory(flags);
      const control = await ControlClient.connect(directory);
      if (control) {
        const stopped = terminal.phase(`stopping cluster "${flags.name}"`);
        await control.stop();
        stopped(`cluster "${flags.name}" stopped`);
      }
      const existed = existsSync(directory);
      await deleteClusterData({ name: flags.name, directory, ...(flags.kubeconfig ? { kubeconfig: flags.kubeconfig } : {}) });
      terminal.line(existed ? `cluster "${flags.name}" deleted` : `no cluster "${flags.name}": nothing to delete`);
    });
}
