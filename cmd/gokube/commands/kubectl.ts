import { readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { createClient } from '../../../pkg/client/create-client.ts';
import { transportFromKubeconfig } from '../../../pkg/client/kubeconfig/kubeconfig-files.node.ts';
import { RealClock } from '../../../pkg/clock/real-clock.ts';
import { adminKubeconfigFile } from '../../../pkg/cluster/node/kubeconfig-context.ts';
import { connectToCluster, dataDirectory } from '../cluster-directory.ts';
import { type ClusterFlags, withClusterFlags } from '../program.ts';

export function kubectlCommand(): Command {
  return withClusterFlags(new Command('kubectl'))
    .description('a small kubectl: get, describe, apply, create, delete, scale, logs, exec, rollout, run, expose, ...')
    .usage('[--name <cluster>] <kubectl command and flags>')
    .argument('[arguments...]')
    .passThroughOptions()
    .allowUnknownOption()
    .helpOption(false)
    .action(async (argv: string[], flags: ClusterFlags) => {
      await connectToCluster(flags);
      // Loaded when it is needed: the other commands start quicker without it.
      const { runKubectl } = await import('../../../pkg/kubectl/kubectl.ts');
      const { terminalOf } = await import('../../../pkg/kubectl/terminal.node.ts');
      const terminal = terminalOf(process.stdin, process.stdout);
      const transport = await transportFromKubeconfig({ explicit: join(dataDirectory(flags), adminKubeconfigFile), home: homedir() });
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort(new Error('interrupted')));
      process.exitCode = await runKubectl(argv, {
        client: createClient(transport, { agent: 'kubectl' }),
        serverUrl: transport.server,
        clock: new RealClock(),
        stdout: (text) => void process.stdout.write(text),
        stderr: (text) => void process.stderr.write(text),
        stdin: process.stdin,
        ...(terminal ? { terminal } : {}),
        env: process.env,
        isTerminal: process.stdout.isTTY === true,
        colour: process.stdout.isTTY === true && !process.env['NO_COLOR'],
        width: process.stdout.columns ?? 80,
        readFile: async (path) => new Uint8Array(readFileSync(path)),
        listDirectory: async (path) => (statSync(path).isDirectory() ? readdirSync(path).sort() : undefined),
        signal: stop.signal,
      });
      transport.close();
      // A command that read from it may still wait for a key.
      process.stdin.destroy();
    });
}
