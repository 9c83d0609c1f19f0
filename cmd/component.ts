/**
 * What the components as processes of their own have in common: flags, signals, a log, a line to the API server, and
 * how failures are told (as by `gokube`: one line and what to do about it). Each `main.ts` is its table of contents:
 *
 *   flags → runComponent → connect (kubeconfig) → the component's parts, until a signal → exit code
 *
 * Exit codes: 0 after SIGINT or SIGTERM, 1 after a failure, 2 for flags that make no sense, 130 after a second signal.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { createClient } from '../pkg/client/create-client.ts';
import type { ContextCredentials } from '../pkg/client/kubeconfig/kubeconfig.ts';
import { resolveContext } from '../pkg/client/kubeconfig/kubeconfig.ts';
import { loadKubeconfig, transportFromKubeconfig } from '../pkg/client/kubeconfig/kubeconfig-files.node.ts';
import { PlatformRandom } from '../pkg/clock/random.ts';
import { RealClock } from '../pkg/clock/real-clock.ts';
import { defaultNetworkPlan, type NetworkPlan } from '../pkg/cluster/cluster-options.ts';
import type { Environment } from '../pkg/listwatch/contract.ts';
import { runLeaderElection } from '../pkg/listwatch/leader-election.ts';
import type { Level } from '../pkg/log/log.ts';
import { createPinoLogger } from '../pkg/log/pino-logger.node.ts';
import { createPrometheusMetrics } from '../pkg/metrics/prometheus.node.ts';
import { runProgram, UserError } from './gokube/program.ts';

/** What a component has before it knows the API server. */
export interface ComponentProcess extends Omit<Environment, 'client'> {
  readonly name: string;
  /** Aborted by SIGINT and SIGTERM, and by a failure that nobody caught. */
  readonly signal: AbortSignal;
}

interface LogFlags {
  readonly logLevel: Level;
  readonly logFile?: string;
}

/** The command of a component: its own flags are added by the caller. */
export function componentCommand(name: string, description: string): Command {
  return new Command(`gokube-component ${name}`)
    .description(description)
    .showSuggestionAfterError(true)
    .exitOverride()
    .addOption(new Option('--log-level <level>', 'what is logged').choices(['debug', 'info', 'warn', 'error']).default('info'))
    .option('--log-file <file>', 'where to, as JSON lines (default: standard error)');
}

/** Parses the command line, runs the component until a signal, and sets the exit code. */
export async function runComponent<F>(command: Command, run: (flags: F, self: ComponentProcess) => Promise<void>): Promise<void> {
  const name = command.name().replace(/^\S+ /, '');
  command.action(async (flags: F & LogFlags) => {
    const log = createPinoLogger({ level: flags.logLevel, ...(flags.logFile ? { file: flags.logFile } : {}) }).child({ component: name });
    const stop = new AbortController();
    let failure: { readonly error: unknown } | undefined;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        // A second signal means: at once.
        if (stop.signal.aborted) process.exit(130);
        log.info('stopping', { signal });
        stop.abort(new Error(`stopped by ${signal}`));
      });
    }
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(event, (error: unknown) => {
        failure ??= { error };
        stop.abort(error);
      });
    }
    const self = {
      name,
      log,
      signal: stop.signal,
      clock: new RealClock(),
      random: new PlatformRandom(),
      metrics: createPrometheusMetrics(),
    };
    await run(flags, self);
    if (failure) throw failure.error;
    log.info('stopped');
  });
  process.exitCode = await runProgram(command, process.argv.slice(2));
}

/** Who a component is, and whom it talks to, by its kubeconfig. */
export interface Connection {
  readonly environment: Environment;
  readonly credentials: ContextCredentials;
  /** Cuts what is still open. */
  close(): void;
}

/** `agent`: Kubernetes' name of the component, for User-Agent and events. */
export async function connect(self: ComponentProcess, kubeconfig: string, agent: string): Promise<Connection> {
  if (!existsSync(kubeconfig))
    throw new UserError(`there is no kubeconfig ${kubeconfig}`, {
      hint: 'the API server writes one for each component into its data directory once it answers',
    });
  const location = { explicit: kubeconfig, home: homedir() };
  const credentials = await resolveContext(await loadKubeconfig(location), {
    readFile: (folder, path) => readFile(isAbsolute(path) ? path : join(folder, path), 'utf8'),
  });
  const transport = await transportFromKubeconfig(location);
  self.log.info('connecting', { server: credentials.server });
  const { clock, random, log, metrics } = self;
  return {
    environment: { client: createClient(transport, { agent }), clock, random, log, metrics },
    credentials,
    close: () => transport.close(),
  };
}

/** The authority that a kubeconfig names; components hand it on, so it must be there. */
export function authorityOf({ certificateAuthority, server }: ContextCredentials): string {
  if (certificateAuthority !== undefined) return certificateAuthority;
  throw new UserError(`the kubeconfig names no certificate authority for ${server}`, {
    hint: 'take the one that the API server wrote',
  });
}

/** Leads as long as the lease is held. One that has lost it ends with a failure: whoever started it starts it again, afresh. */
export async function leadWhileElected(
  environment: Environment,
  self: ComponentProcess,
  lead: (signal: AbortSignal) => Promise<void>,
  lease: string,
): Promise<void> {
  const identity = `${hostname()}_${crypto.randomUUID()}`;
  const options = {
    lease: { namespace: 'kube-system', name: lease },
    identity,
    lead,
    onNewLeader: (leader: string) => self.log.info('leader', { lease, leader, self: leader === identity }),
  };
  await runLeaderElection(environment, options, self.signal);
  if (!self.signal.aborted) throw new UserError(`the lease kube-system/${lease} was lost to another, or could not be renewed in time`);
}

export interface NetworkFlags {
  readonly clusterCidr: string;
  readonly serviceClusterIpRange: string;
}

/** The ranges of addresses, by the names that Kubernetes' components give them; all components must be told the same. */
export function withNetworkFlags(command: Command): Command {
  return command
    .option('--cluster-cidr <range>', "what nodes' ranges of pod addresses are taken from", range, defaultNetworkPlan.clusterCIDR)
    .option('--service-cluster-ip-range <range>', 'addresses of services', range, defaultNetworkPlan.serviceCIDR);
}

export function networkPlan({ clusterCidr, serviceClusterIpRange }: NetworkFlags): NetworkPlan {
  const dnsAddress = serviceClusterIpRange.replace(/\.0\/\d+$/, '.10');
  return { ...defaultNetworkPlan, clusterCIDR: clusterCidr, serviceCIDR: serviceClusterIpRange, dnsAddress };
}

function range(text: string): string {
  if (!/^(\d{1,3}\.){3}0\/\d{1,2}$/.test(text)) throw new InvalidArgumentError('an IPv4 range such as 10.96.0.0/16 is wanted.');
  return text;
}
