import { Command } from 'commander';
import type { NodeAction, NodeStatus } from '../../../pkg/cluster/node/control-protocol.ts';
import { connectToCluster } from '../cluster-directory.ts';
import { type Column, type OutputFormat, outputFlag, printRows } from '../output.ts';
import { type ClusterFlags, withClusterFlags } from '../program.ts';
import { Terminal } from '../terminal.ts';

const columns: Column<NodeStatus>[] = [
  { title: 'NAME', cell: (node) => node.name },
  { title: 'STATE', cell: (node) => node.state },
  { title: 'READY', cell: (node) => (node.ready ? 'True' : 'False') },
  { title: 'PODS', cell: (node) => String(node.pods) },
  { title: 'ADDRESS', wide: true, cell: (node) => node.address },
];

const actions: readonly [action: NodeAction, does: string, past: string][] = [
  ['stop', 'shut a node down in good order: its containers end with their grace periods', 'stopped'],
  ['start', 'start a node that was stopped or killed', 'started'],
  ['kill', 'switch a node off, as if its power had failed: everything on it ends at once', 'killed'],
  ['partition', 'cut a node off the network; what runs on it goes on', 'cut off'],
  ['heal', 'join a node that was cut off to the network again', 'joined again'],
  ['delete', 'take a node out of the cluster and off the machine', 'deleted'],
];

export function nodeCommand(): Command {
  const command = new Command('node').description('add, list, stop, start, kill, cut off, heal or delete nodes');
  withClusterFlags(command.command('add'))
    .description('add a node')
    .argument('[name]', 'its name (default: the next free node-N)')
    .action(async (name: string | undefined, flags: ClusterFlags) => {
      const control = await connectToCluster(flags);
      const terminal = new Terminal(process.stderr);
      const done = terminal.phase(name ? `adding ${name}` : 'adding a node');
      const node = await control.addNode(name);
      done(`${node.name} added`);
    });
  withClusterFlags(command.command('list'))
    .alias('ls')
    .description('list the nodes as the machine sees them')
    .addOption(outputFlag())
    .action(async (flags: ClusterFlags & { output?: OutputFormat }) => {
      const control = await connectToCluster(flags);
      const { nodes } = await control.status();
      printRows(nodes, columns, (node) => `node/${node.name}`, flags.output);
    });
  for (const [action, does, past] of actions) {
    withClusterFlags(command.command(action))
      .description(does)
      .argument('<name>', 'the node')
      .action(async (name: string, flags: ClusterFlags) => {
        const control = await connectToCluster(flags);
        const found = await control.nodeAction(name, action);
        process.stderr.write(found ? `${name} ${past}\n` : `no node "${name}": nothing to ${action}\n`);
      });
  }
  return command;
}
