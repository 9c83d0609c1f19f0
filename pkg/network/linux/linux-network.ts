import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { type Logger, silentLogger } from '../../log/log.ts';
import type { MachineNetwork, NodeNetwork, RunOptions, RunResult } from '../network.ts';
import { type Cidr, formatCidr, nth, overlap, parseCidr, sizeOf } from './cidr.ts';
import { type CommandRunner, hasCommand, mustRun, runCommand } from './command.ts';
import { LinuxNode } from './linux-node.ts';
import { register, registrations, unregister, withMachineLock } from './machine-state.ts';
import { type NetworkNames, networkNames } from './names.ts';
import { deleteTable, machineTable } from './nft-rules.ts';

/**
 * A cluster's network on one Linux machine, by `ip`, `nsenter` and `nft`:
 *
 *     machine   gk-defau-1a2b3c (bridge, 10.88.0.1/24) ── gk1a2b3cn11 … one uplink a node
 *     node-1    eth0 10.88.0.11 ── pods (bridge, 10.244.1.1/24) ── veth… one a pod
 *     pod       eth0 10.244.1.2/32, everything by way of 10.244.1.1
 *
 * Reading order: linux-network.ts, linux-node.ts, nft-rules.ts, machine-state.ts (what clusters share).
 *
 * Guarantees: nothing is changed outside namespaces of ours except the bridge, routes over it, one nftables table,
 * and forwarding, which is put back; `start` removes what a killed process of the same cluster left; names carry the
 * cluster's hash, so that clusters on one machine do not meet.
 */
export interface LinuxNetworkOptions {
  readonly cluster: string;
  /** The cluster's data folder; with its name, what tells it from others. */
  readonly directory: string;
  /** Where nodes live; absent: the first of 10.88.0.0/24, 10.88.1.0/24, … that the machine does not use. */
  readonly nodeNetwork?: string;
  /** What the nodes' pod ranges are taken from; absent: the first of 10.244.0.0/16, 10.245.0.0/16, … likewise. */
  readonly podNetwork?: string;
  readonly logger?: Logger;
  readonly run?: CommandRunner;
  /** Whether the machine has a command; for those it can do without: nft. */
  readonly hasCommand?: (name: string) => boolean;
}

export class LinuxNetwork implements MachineNetwork {
  readonly hostAddress: string;
  /** `10.88.0.0/24` */
  readonly nodeNetwork: string;
  /** `10.244.0.0/16`: take the nodes' pod ranges from it. */
  readonly podNetwork: string;
  get bridge(): string {
    return this.#names.bridge;
  }
  /** False without nft: no way outwards, no host ports. */
  readonly nat: boolean;
  readonly #names: NetworkNames;
  readonly #run: CommandRunner;
  readonly #ranges: { readonly nodes: Cidr; readonly pods: Cidr };
  readonly #mtu: number;
  readonly #nodes = new Map<string, Promise<LinuxNode>>();
  readonly #places = new Map<string, number>();
  #closed = false;

  /** Throws an Error for people: a range that is taken, a command that is missing, a right that is lacking. */
  static async start(options: LinuxNetworkOptions): Promise<LinuxNetwork> {
    const run = options.run ?? runCommand;
    const names = networkNames(options.cluster, options.directory);
    return withMachineLock(async () => {
      if (hasLeftovers(names)) await sweep(names, run);
      const { stdout: routes } = await mustRun(run, ['ip', '-4', 'route', 'show', 'table', 'main']);
      const ranges = chooseRanges(options, names, routes);
      const nat = (options.hasCommand ?? hasCommand)('nft');
      if (!nat)
        options.logger?.warn(
          'no nft command: pods and nodes reach each other, but nothing outside, and host ports do not work; apt-get install nftables',
        );
      const mtu = uplinkMtu(routes);
      const network = new LinuxNetwork({ names, run, ranges, nat, mtu });
      register(names.prefix, { nodeNetwork: network.nodeNetwork, podNetwork: network.podNetwork });
      try {
        await network.#setUp(options.logger ?? silentLogger);
      } catch (error) {
        await sweep(names, run);
        unregister(names.prefix);
        throw error;
      }
      return network;
    });
  }

  /** Removes what a cluster that was killed left, without starting it again. */
  static async sweep(options: Pick<LinuxNetworkOptions, 'cluster' | 'directory' | 'run'>): Promise<void> {
    const names = networkNames(options.cluster, options.directory);
    await withMachineLock(async () => {
      await sweep(names, options.run ?? runCommand);
      unregister(names.prefix);
    });
  }

  private constructor(parts: { names: NetworkNames; run: CommandRunner; ranges: { nodes: Cidr; pods: Cidr }; nat: boolean; mtu: number }) {
    this.#names = parts.names;
    this.#run = parts.run;
    this.#ranges = parts.ranges;
    this.#mtu = parts.mtu;
    this.nat = parts.nat;
    this.hostAddress = nth(parts.ranges.nodes, 1);
    this.nodeNetwork = formatCidr(parts.ranges.nodes);
    this.podNetwork = formatCidr(parts.ranges.pods);
  }

  async #setUp(logger: Logger): Promise<void> {
    const { bridge, prefix } = this.#names;
    await mustRun(this.#run, ['ip', '-batch', '-'], {
      stdin: `link add ${bridge} mtu ${this.#mtu} type bridge
addr add ${this.hostAddress}/${this.#ranges.nodes.bits} dev ${bridge}
link set ${bridge} up
`,
    });
    const noIpv6 = `/proc/sys/net/ipv6/conf/${bridge}/disable_ipv6`;
    if (existsSync(noIpv6)) writeFileSync(noIpv6, '1');
    if (this.nat)
      await mustRun(this.#run, ['nft', '-f', '-'], {
        stdin: machineTable(prefix, { bridge, nodeNetwork: this.nodeNetwork, podNetwork: this.podNetwork }),
      });
    await openFirewall(bridge, this.#run, logger);
  }

  addNode(name: string): Promise<NodeNetwork> {
    const known = this.#nodes.get(name);
    if (known) return known;
    if (this.#closed) return Promise.reject(new Error('the network is closed'));
    if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)) return Promise.reject(new Error(`"${name}" is no node name`));
    const place = this.#freePlace(name);
    this.#places.set(name, place);
    const node = new LinuxNode(name, {
      run: this.#run,
      netns: this.#names.netns(name),
      uplink: this.#names.uplink(place),
      bridge: this.#names.bridge,
      address: nth(this.#ranges.nodes, place),
      hostAddress: this.hostAddress,
      nodeNetwork: this.#ranges.nodes,
      podNetwork: this.#ranges.pods,
      mtu: this.#mtu,
      nat: this.nat,
    });
    const ready = node.setUp().then(
      () => node,
      async (error: unknown) => {
        this.#nodes.delete(name);
        this.#places.delete(name);
        await node.tearDown().catch(() => {}); // What there is of it; the first error is the one to tell.
        throw error;
      },
    );
    this.#nodes.set(name, ready);
    return ready;
  }

  async removeNode(name: string): Promise<void> {
    const node = await this.#nodes.get(name);
    if (!node || !this.#nodes.delete(name)) return;
    await node.tearDown();
    this.#places.delete(name);
  }

  run(argv: readonly string[], options?: RunOptions): Promise<RunResult> {
    return this.#run(argv, options);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#nodes.keys()].map((name) => this.removeNode(name)));
    await withMachineLock(async () => {
      await sweep(this.#names, this.#run);
      unregister(this.#names.prefix);
    });
  }

  /** `node-3` is 10.88.0.13, today and tomorrow; other names get the first place that is free. */
  #freePlace(name: string): number {
    const used = new Set(this.#places.values());
    const last = sizeOf(this.#ranges.nodes) - 2;
    const wished = 10 + Number(/-(\d{1,4})$/.exec(name)?.[1] ?? Number.NaN);
    if (wished <= last && !used.has(wished)) return wished;
    for (let place = last; place > 1; place--) if (!used.has(place)) return place;
    throw new Error(`no address left for node ${name} in ${this.nodeNetwork}`);
  }
}

/** Interfaces or namespaces that bear the cluster's names. The table in nftables is replaced whole anyway. */
function hasLeftovers(names: NetworkNames): boolean {
  return linksOf(names).length > 0 || namespacesOf(names).length > 0;
}

function linksOf(names: NetworkNames): string[] {
  // Unlike /sys/class/net it is the namespace's that we are in, whatever is mounted.
  const links = [...readFileSync('/proc/net/dev', 'utf8').matchAll(/^\s*(\S+):/gm)].map((match) => match[1] as string);
  return links.filter((name) => name === names.bridge || name.startsWith(names.uplinkPrefix));
}

function namespacesOf(names: NetworkNames): string[] {
  return existsSync('/run/netns') ? readdirSync('/run/netns').filter((name) => name.startsWith(`${names.prefix}.`)) : [];
}

/** Takes away everything that bears the cluster's names. */
async function sweep(names: NetworkNames, run: CommandRunner): Promise<void> {
  const links = linksOf(names);
  if (links.length > 0) await run(['ip', '-force', '-batch', '-'], { stdin: links.map((link) => `link del ${link}\n`).join('') });
  for (const name of namespacesOf(names)) await mustRun(run, ['ip', 'netns', 'del', name]);
  // `ip netns add` makes the folder a mount of its own; the last to leave takes that back.
  if (existsSync('/run/netns') && readdirSync('/run/netns').length === 0) {
    if (/ \/run\/netns /.test(readFileSync('/proc/self/mountinfo', 'utf8'))) await run(['umount', '/run/netns']);
    try {
      rmdirSync('/run/netns');
    } catch {
      // Somebody made a namespace in between.
    }
  }
  await closeFirewall(names.bridge, run);
  if (hasCommand('nft')) await run(['nft', '-f', '-'], { stdin: deleteTable(names.prefix) });
}

/** Ranges that neither a route of the machine nor another cluster uses; said clearly when the wanted ones are taken. */
function chooseRanges(options: LinuxNetworkOptions, names: NetworkNames, routes: string): { nodes: Cidr; pods: Cidr } {
  const taken = new Map<string, string>();
  for (const line of routes.split('\n')) {
    const range = /^(\d+\.\d+\.\d+\.\d+(?:\/\d+)?)\s/.exec(line)?.[1];
    if (range) taken.set(range, `the machine's route ${line.trim()}`);
  }
  for (const other of registrations(names.prefix)) {
    taken.set(other.nodeNetwork, `another cluster (process ${other.pid})`);
    taken.set(other.podNetwork, `another cluster (process ${other.pid})`);
  }
  const clash = (range: Cidr): string | undefined => [...taken].find(([other]) => overlap(range, parseCidr(other)))?.[1];
  const choose = (what: string, wished: string | undefined, candidates: readonly string[]): Cidr => {
    for (const candidate of wished ? [wished] : candidates) {
      const range = parseCidr(candidate);
      if (!clash(range)) return range;
    }
    if (wished) throw new Error(`the ${what} ${wished} overlaps ${clash(parseCidr(wished))}: choose another`);
    throw new Error(`no free ${what} between ${candidates[0]} and ${candidates.at(-1)}: name one`);
  };
  const nodes = choose(
    'node network',
    options.nodeNetwork,
    Array.from({ length: 256 }, (_, at) => `10.88.${at}.0/24`),
  );
  if (nodes.bits > 28) throw new Error(`the node network ${formatCidr(nodes)} is too small: 16 addresses at least`);
  const pods = choose(
    'pod network',
    options.podNetwork,
    // 10.244 up to 10.255, then down from 10.243; 10.96 (services) and 10.88 (nodes) are left out.
    [...Array.from({ length: 12 }, (_, at) => 244 + at), ...Array.from({ length: 116 }, (_, at) => 243 - at)].map(
      (part) => `10.${part}.0.0/16`,
    ),
  );
  if (overlap(nodes, pods)) throw new Error(`the node network ${formatCidr(nodes)} and the pod network ${formatCidr(pods)} overlap`);
  return { nodes, pods };
}

/** What fits through the way out also fits through ours: 1500 without one. */
function uplinkMtu(routes: string): number {
  const device = /^default .*\bdev (\S+)/m.exec(routes)?.[1];
  const file = `/sys/class/net/${device}/mtu`;
  return device && existsSync(file) ? Math.min(1500, Number(readFileSync(file, 'utf8'))) : 1500;
}

/** Docker and firewalls make the machine drop what it would forward; our bridge is let through. */
async function openFirewall(bridge: string, run: CommandRunner, logger: Logger): Promise<void> {
  if (!hasCommand('iptables')) return;
  for (const [chain, directions] of firewallChains) {
    const listed = await run(['iptables', '-w', '-S', chain]);
    if (!/^-P \S+ DROP/m.test(listed.stdout)) continue;
    for (const direction of directions) {
      const result = await run(['iptables', '-w', '-I', chain, direction, bridge, '-j', 'ACCEPT']);
      if (result.exitCode !== 0)
        logger.warn(`the machine's firewall drops packets in ${chain}, and this could not be changed for ${bridge}`, {
          reason: result.stderr.trim(),
        });
    }
  }
}

async function closeFirewall(bridge: string, run: CommandRunner): Promise<void> {
  if (!hasCommand('iptables')) return;
  for (const [chain, directions] of firewallChains) {
    const listed = await run(['iptables', '-w', '-S', chain]);
    for (const direction of directions)
      if (listed.stdout.includes(`${direction} ${bridge} `)) await run(['iptables', '-w', '-D', chain, direction, bridge, '-j', 'ACCEPT']);
  }
}

const firewallChains: readonly (readonly [string, readonly string[]])[] = [
  ['FORWARD', ['-i', '-o']],
  ['INPUT', ['-i']],
];
