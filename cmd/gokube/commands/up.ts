import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { chooseRuntime, type RuntimeChoice } from '../../../pkg/cluster/node/choose-runtime.ts';
import { ControlClient } from '../../../pkg/cluster/node/control-client.ts';
import { mergeClusterContext } from '../../../pkg/cluster/node/kubeconfig-context.ts';
import type { LocalCluster } from '../../../pkg/cluster/node/local-cluster.ts';
import { createPinoLogger } from '../../../pkg/log/pino-logger.node.ts';
import { makeDirectory } from '../../../pkg/storage/lmdb/data-directory.ts';
import { openStore } from '../../../pkg/storage/open-store.node.ts';
import { type EtcdFlags, storeOptions, withEtcdFlags } from '../../etcd-flags.ts';
import { type HistoryFlags, historyLimits, withHistoryFlags } from '../../history-flags.ts';
import { dataDirectory, flagsOf } from '../cluster-directory.ts';
import { explainFailure } from '../explain-failure.ts';
import { type ClusterFlags, parseCount, parseDuration, UserError, withClusterFlags } from '../program.ts';
import { Terminal } from '../terminal.ts';

interface UpFlags extends ClusterFlags, HistoryFlags, EtcdFlags {
  readonly nodes?: number;
  readonly runtime: RuntimeChoice;
  readonly store: string;
  readonly host: string;
  readonly port: number;
  readonly kubeconfig?: string;
  readonly detach?: boolean;
  readonly wait: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly nodeMonitorGracePeriod?: number;
  readonly defaultNotReadyTolerationSeconds?: number;
  readonly defaultUnreachableTolerationSeconds?: number;
}

export function upCommand(): Command {
  return withEtcdFlags(withHistoryFlags(withClusterFlags(new Command('up'))))
    .description('start a cluster; in the foreground Ctrl-C stops it')
    .addOption(
      new Option('--nodes <n>', 'how many nodes (default: 3, or as many as there were)').env('GOKUBE_NODES').argParser(parseCount(0, 100)),
    )
    .addOption(
      new Option('--runtime <runtime>', 'what runs containers: embedded (Linux, as root), fake (simulated), auto: the first that works')
        .env('GOKUBE_RUNTIME')
        .choices(['auto', 'embedded', 'fake'])
        .default('auto'),
    )
    .addOption(
      new Option('--store <store>', 'where objects are kept: lmdb (in the data directory), memory, or etcd:URL[,URL...]')
        .env('GOKUBE_STORE')
        .default('lmdb'),
    )
    .addOption(new Option('--host <address>', 'address on which the API server listens').env('HOST').default('127.0.0.1'))
    .addOption(new Option('--port <port>', 'port of the API server').env('PORT').argParser(parseCount(1, 65_535)).default(6443))
    .option('--kubeconfig <file>', 'write the context to this file only (default: $KUBECONFIG, or ~/.kube/config)')
    .option('--detach', 'leave it running in the background')
    .option('--wait <duration>', 'how long to wait for the nodes to be ready', parseDuration, 60_000)
    .addOption(new Option('--log-level <level>', 'what goes to the log file').choices(['debug', 'info', 'warn', 'error']).default('info'))
    .option('--node-monitor-grace-period <duration>', 'silence after which a node is given up (default: 40s)', parseDuration)
    .option(
      '--default-not-ready-toleration-seconds <n>',
      'how long pods stay on a node that is not ready (default: 300)',
      parseCount(0, 1_000_000),
    )
    .option(
      '--default-unreachable-toleration-seconds <n>',
      'how long pods stay on a node that is silent (default: 300)',
      parseCount(0, 1_000_000),
    )
    .action(async (flags: UpFlags) => {
      const directory = dataDirectory(flags);
      const running = await ControlClient.connect(directory);
      if (running) {
        const { pid, server } = await running.status();
        if (flags.detach) {
          new Terminal(process.stderr).line(`cluster "${flags.name}" is running already at ${server}`);
          return;
        }
        throw new UserError(`cluster "${flags.name}" is running already (process ${pid}, data in ${directory})`, {
          hint: `stop it with: gokube down${flagsOf(flags)}; or start another with --name and --port`,
        });
      }
      try {
        await (flags.detach ? detached(flags, directory) : foreground(flags, directory));
      } catch (error) {
        throw explainFailure(error, { directory, host: flags.host, port: flags.port });
      }
    });
}

/** Runs until a signal, `gokube down`, or a failure. */
async function foreground(flags: UpFlags, directory: string): Promise<void> {
  const terminal = new Terminal(process.stderr);
  const started = performance.now();
  await makeDirectory(directory);
  const { runtime, why, notes } = await chooseRuntime(flags.runtime, directory);
  terminal.line(`starting cluster "${flags.name}" (data in ${directory})`);
  terminal.line(`  runtime: ${runtime} (${why})`);
  for (const note of notes) terminal.line(`    ${note}`);

  const ended = Promise.withResolvers<{ readonly failure?: unknown }>();
  const logFile = join(directory, 'gokube.log');
  const log = createPinoLogger({ level: flags.logLevel, file: logFile });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let stopping = false;
  for (const signal of signals) {
    process.on(signal, () => {
      // A second signal means: at once. The runtime helper still takes the containers along.
      if (stopping) process.exit(130);
      stopping = true;
      ended.resolve({});
    });
  }
  process.on('uncaughtException', (error) => ended.resolve({ failure: error }));
  process.on('unhandledRejection', (error) => ended.resolve({ failure: error }));

  const { serveClusterControl, startLocalCluster } = await import('../../../pkg/cluster/node/local-cluster.ts');
  const cluster = await startLocalCluster({
    name: flags.name,
    directory,
    host: flags.host,
    port: flags.port,
    ...(flags.nodes === undefined ? {} : { nodes: flags.nodes }),
    runtime,
    storeName: flags.store.split(':')[0] as string,
    history: historyLimits(flags),
    openStore: (where) => openStore(flags.store === 'lmdb' ? `lmdb:${where}` : flags.store, storeOptions(flags)),
    log,
    onPhase: (name) => terminal.phase(name),
    onNote: (words) => terminal.line(`    ${words}`),
    onFailure: (error) => ended.resolve({ failure: error }),
    ...(flags.nodeMonitorGracePeriod === undefined ? {} : { nodeMonitorGracePeriod: flags.nodeMonitorGracePeriod }),
    ...(flags.defaultNotReadyTolerationSeconds === undefined ? {} : { notReadyTolerationSeconds: flags.defaultNotReadyTolerationSeconds }),
    ...(flags.defaultUnreachableTolerationSeconds === undefined
      ? {}
      : { unreachableTolerationSeconds: flags.defaultUnreachableTolerationSeconds }),
  });
  const stopped = Promise.withResolvers<void>();
  const closeControl = await serveClusterControl(directory, cluster, () => {
    ended.resolve({});
    return stopped.promise;
  });
  try {
    await announce({ cluster, flags, directory, terminal, started, ended: ended.promise });
    const { failure } = await ended.promise;
    if (failure) throw failure;
  } finally {
    const done = terminal.phase(`stopping cluster "${flags.name}"`);
    await cluster.stop();
    done(`cluster "${flags.name}" stopped; its objects stay in ${directory}`);
    stopped.resolve();
    await closeControl();
  }
}

async function announce(parts: {
  readonly cluster: LocalCluster;
  readonly flags: UpFlags;
  readonly directory: string;
  readonly terminal: Terminal;
  readonly started: number;
  readonly ended: Promise<unknown>;
}): Promise<void> {
  const { cluster, flags, directory, terminal, started, ended } = parts;
  const { server, pki } = cluster;
  const context = await mergeClusterContext({
    name: flags.name,
    server,
    pki,
    directory,
    ...(flags.kubeconfig ? { file: flags.kubeconfig } : {}),
  });
  const done = terminal.phase('waiting for the nodes to be ready');
  const ready = await Promise.race([cluster.whenReady(flags.wait), ended.then(() => false)]);
  const { nodes } = await cluster.control.status();
  const count = nodes.filter((node) => node.ready).length;
  done(`${count} of ${nodes.length} nodes ready`, !ready);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  terminal.line(`cluster "${flags.name}" is up after ${seconds} s; context "${context.name}" written to ${context.file}`);
  const name = flagsOf(flags);
  terminal.line();
  terminal.line('Try next:');
  terminal.line(`  ${gokubeCommand()} kubectl${name} get nodes`);
  terminal.line(`  ${gokubeCommand()} kubectl${name} apply -f examples/06-replicaset.yaml -f examples/07-service.yaml`);
  terminal.line(`  kubectl --context ${context.name} get pods -A -o wide`);
  if (!flags.detach) terminal.line('\nCtrl-C stops it.');
  process.send?.({ ready, nodes: nodes.length });
}

/** How a person calls this program: by its name when it is on the PATH, else by its place. */
function gokubeCommand(): string {
  const onPath = (process.env['PATH'] ?? '').split(':').some((folder) => folder !== '' && existsSync(join(folder, 'gokube')));
  return onPath ? 'gokube' : 'bin/gokube';
}

/** Starts the same program in the background and waits until it says that it is ready. */
async function detached(flags: UpFlags, directory: string): Promise<void> {
  await makeDirectory(directory);
  const outputFile = join(directory, 'up.log');
  const output = openSync(outputFile, 'w', 0o600);
  const argv = process.argv.slice(1).filter((argument) => argument !== '--detach');
  const child = spawn(process.execPath, [...process.execArgv, ...argv], { detached: true, stdio: ['ignore', output, output, 'ipc'] });
  const terminal = new Terminal(process.stderr);
  const done = terminal.phase(`starting cluster "${flags.name}" in the background`);
  const result = await new Promise<{ ready: boolean; nodes: number } | { code: number | null }>((resolve) => {
    child.once('message', (message) => resolve(message as { ready: boolean; nodes: number }));
    child.once('exit', (code) => resolve({ code }));
  });
  if ('code' in result) {
    done(`cluster "${flags.name}" did not start`, true);
    const said = readFileSync(outputFile, 'utf8').trim().split('\n');
    throw new UserError(
      said.findLast((line) => line.includes('gokube: '))?.replace(/^.*gokube: /, '') ?? `it ended with exit code ${result.code}`,
      {
        hint: said.at(-1)?.startsWith('  ') ? (said.at(-1) as string).trim() : `its output is in ${outputFile}`,
      },
    );
  }
  child.disconnect();
  child.unref();
  done(`cluster "${flags.name}" is running (process ${child.pid}, output in ${outputFile})`, !result.ready);
  if (!result.ready)
    throw new UserError(`the nodes were not ready after ${flags.wait / 1000} s`, { hint: `see ${join(directory, 'gokube.log')}` });
}
