import { Command } from 'commander';
import { ControlClient } from '../../../pkg/cluster/node/control-client.ts';
import { dataDirectory } from '../cluster-directory.ts';
import { type ClusterFlags, withClusterFlags } from '../program.ts';
import { Terminal } from '../terminal.ts';

export function downCommand(): Command {
  return withClusterFlags(new Command('down'))
    .description('stop a cluster, its containers included; its objects stay on disk')
    .action(async (flags: ClusterFlags) => {
      const terminal = new Terminal(process.stderr);
      const control = await ControlClient.connect(dataDirectory(flags));
      if (!control) {
        terminal.line(`cluster "${flags.name}" is not running`);
        return;
      }
      const done = terminal.phase(`stopping cluster "${flags.name}"`);
      await control.stop();
      done(`cluster "${flags.name}" stopped`);
    });
}
