import { Command } from 'commander';
import { stringify } from 'yaml';
import { ControlClient } from '../../../pkg/cluster/node/control-client.ts';
import { dataDirectory } from '../cluster-directory.ts';
import { type OutputFormat, outputFlag } from '../output.ts';
import { type ClusterFlags, withClusterFlags } from '../program.ts';

export function statusCommand(): Command {
  return withClusterFlags(new Command('status'))
    .description('tell the state of a cluster; exit code 0: all nodes ready, 1: running but not all ready, 3: not running')
    .addOption(outputFlag())
    .action(async (flags: ClusterFlags & { output?: OutputFormat }) => {
      const control = await ControlClient.connect(dataDirectory(flags));
      const status = control ? await control.status() : { name: flags.name, state: 'stopped' as const, nodes: [] };
      const ready = status.nodes.filter((node) => node.ready).length;
      process.exitCode = status.state === 'stopped' ? 3 : status.state === 'running' && ready === status.nodes.length ? 0 : 1;
      if (flags.output === 'json') process.stdout.write(`${JSON.stringify(status, undefined, 2)}\n`);
      else if (flags.output === 'yaml') process.stdout.write(stringify(status));
      else if (flags.output === 'name') process.stdout.write(`cluster/${status.name}\n`);
      else {
        process.stdout.write(`cluster   ${status.name}\nstate     ${status.state}\n`);
        if ('server' in status) {
          process.stdout.write(
            `server    ${status.server}\nstore     ${status.store}\nruntime   ${status.runtime}\nnodes     ${ready}/${status.nodes.length} ready\npid       ${status.pid}\n`,
          );
          for (const node of status.nodes)
            process.stdout.write(`  ${node.name.padEnd(16)} ${node.state}${flags.output === 'wide' ? `   ${node.address}` : ''}\n`);
        }
      }
    });
}
