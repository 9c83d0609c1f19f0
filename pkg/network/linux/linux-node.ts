import type { AttachOptions, NodeNetwork, RunOptions, RunResult } from '../network.ts';
import { type Cidr, formatCidr, hardwareAddress, nth, parseCidr, sizeOf } from './cidr.ts';
import { type CommandRunner, mustRun } from './command.ts';
import { nodeTable } from './nft-rules.ts';

/** What a node knows of the machine it is on. */
export interface NodePlace {
  readonly run: CommandRunner;
  /** Name of the namespace in /run/netns. */
  readonly netns: string;
  /** The machine's end of the uplink, and the bridge that it is a port of. */
  readonly uplink: string;
  readonly bridge: string;
  readonly address: string;
  readonly hostAddress: string;
  readonly nodeNetwork: Cidr;
  readonly podNetwork: Cidr;
  readonly mtu: number;
  /** False without the nft command: then no NAT and no host ports. */
  readonly nat: boolean;
}

/** The pods' bridge in a node's namespace. */
const podBridge = 'pods';

/**
 * A node's namespace: `eth0` up to the machine's bridge, `pods` down to the pods. Pods have single addresses and
 * send everything through the node, also to a neighbour: so the node's rules (services, host ports) see every packet
 * in both directions, with no need for the kernel's bridge filter.
 */
export class LinuxNode implements NodeNetwork {
  readonly node: string;
  readonly address: string;
  readonly netns: string;
  readonly #place: NodePlace;
  readonly #pods = new Map<string, { readonly address: string; readonly portMappings: NonNullable<AttachOptions['portMappings']> }>();
  #podCIDR: Cidr | undefined;
  #lastPlace = 1;
  #routes = new Map<string, string>();
  /** Changes of the node's own settings happen one after the other. */
  #tail: Promise<unknown> = Promise.resolve();
  #removed = false;

  constructor(node: string, place: NodePlace) {
    this.node = node;
    this.#place = place;
    this.address = place.address;
    this.netns = `/run/netns/${place.netns}`;
  }

  async setUp(): Promise<void> {
    const { netns, uplink, bridge, mtu, nodeNetwork, hostAddress, run } = this.#place;
    await mustRun(run, ['ip', 'netns', 'add', netns]);
    await mustRun(run, ['ip', '-batch', '-'], {
      stdin: `link add ${uplink} mtu ${mtu} type veth peer name eth0 mtu ${mtu} address ${hardwareAddress(this.address)} netns ${netns}
link set ${uplink} master ${bridge} up
`,
    });
    // Written inside the namespace, where /proc/sys/net is the namespace's own. IPv6 would only announce itself.
    const settings = [
      ['net/ipv6/conf/all/disable_ipv6', 1],
      ['net/ipv6/conf/default/disable_ipv6', 1],
      ['net/bridge/bridge-nf-call-iptables', 0],
      ['net/ipv4/conf/all/send_redirects', 0],
      ['net/ipv4/conf/default/send_redirects', 0],
      ['net/ipv4/conf/all/rp_filter', 0],
      ['net/ipv4/conf/default/rp_filter', 0],
    ] as const;
    const script = `echo 1 >/proc/sys/net/ipv4/ip_forward
${settings.map(([name, value]) => `[ ! -e /proc/sys/${name} ] || echo ${value} >/proc/sys/${name}`).join('\n')}
exec ip -batch -`;
    await mustRun(run, ['nsenter', `--net=${this.netns}`, 'sh', '-c', script], {
      stdin: `link set lo up
addr add ${this.address}/${nodeNetwork.bits} dev eth0
link set eth0 up
route add default via ${hostAddress}
link add ${podBridge} mtu ${mtu} type bridge
link set ${podBridge} up
`,
    });
  }

  setPodCIDR(cidr: string): Promise<void> {
    return this.#serially(async () => {
      const range = parseCidr(cidr);
      if (this.#podCIDR && formatCidr(this.#podCIDR) === formatCidr(range)) return;
      if (range.bits > 30) throw new Error(`node ${this.node}: ${cidr} has no room for pods`);
      if (this.#pods.size > 0 && this.#podCIDR)
        throw new Error(`node ${this.node} has pods in ${formatCidr(this.#podCIDR)}; its range cannot become ${cidr}`);
      const { address, run, bridge } = this.#place;
      if (this.#podCIDR) await mustRun(run, ['ip', 'route', 'del', formatCidr(this.#podCIDR), 'via', address, 'dev', bridge]);
      await this.#inside(`addr flush dev ${podBridge}\naddr add ${nth(range, 1)}/${range.bits} dev ${podBridge}\n`);
      await mustRun(run, ['ip', 'route', 'replace', formatCidr(range), 'via', address, 'dev', bridge]);
      this.#podCIDR = range;
      this.#lastPlace = 1;
      await this.#applyRules();
    });
  }

  setRoutes(routes: ReadonlyMap<string, string>): Promise<void> {
    return this.#serially(async () => {
      const own = this.#podCIDR && formatCidr(this.#podCIDR);
      const wanted = new Map(
        [...routes]
          .map(([cidr, via]) => [formatCidr(parseCidr(cidr)), via] as const)
          .filter(([cidr, via]) => cidr !== own && via !== this.address),
      );
      let batch = '';
      for (const [cidr, via] of this.#routes) if (!wanted.has(cidr)) batch += `route del ${cidr} via ${via}\n`;
      for (const [cidr, via] of wanted) if (this.#routes.get(cidr) !== via) batch += `route replace ${cidr} via ${via}\n`;
      if (batch !== '') await this.#inside(batch);
      this.#routes = wanted;
    });
  }

  async attachPod(sandboxId: string, options: AttachOptions): Promise<readonly string[]> {
    const known = this.#pods.get(sandboxId);
    if (known) return [known.address];
    const range = this.#podCIDR;
    if (!range) throw new Error(`node ${this.node} has no range of pod addresses yet`);
    const address = this.#freeAddress(range);
    const portMappings = (options.portMappings ?? []).filter(({ hostPort }) => hostPort > 0);
    // Taken before the first await, so that no other pod gets it.
    this.#pods.set(sandboxId, { address, portMappings });
    const { mtu, run } = this.#place;
    const veth = vethName(sandboxId);
    try {
      const gateway = nth(range, 1);
      await this.#inside(`link add ${veth} mtu ${mtu} type veth peer name eth0 mtu ${mtu} address ${hardwareAddress(address)} netns ${options.netns}
link set ${veth} master ${podBridge} up
`);
      await mustRun(run, ['nsenter', `--net=${options.netns}`, 'ip', '-batch', '-'], {
        stdin: `link set lo up
addr add ${address}/32 dev eth0
link set eth0 up
route add ${gateway} dev eth0 scope link
route add default via ${gateway}
`,
      });
      if (portMappings.length > 0) await this.#serially(() => this.#applyRules());
    } catch (error) {
      await this.detachPod(sandboxId);
      throw error;
    }
    return [address];
  }

  async detachPod(sandboxId: string): Promise<void> {
    const pod = this.#pods.get(sandboxId);
    if (!pod) return;
    if (!this.#removed) {
      // Gone already when the pod's namespace is.
      await this.#place.run(['nsenter', `--net=${this.netns}`, 'ip', 'link', 'del', vethName(sandboxId)]);
    }
    this.#pods.delete(sandboxId);
    if (pod.portMappings.length > 0 && !this.#removed) await this.#serially(() => this.#applyRules());
  }

  run(argv: readonly string[], options?: RunOptions): Promise<RunResult> {
    return this.#place.run(['nsenter', `--net=${this.netns}`, ...argv], options);
  }

  async partition(): Promise<void> {
    await mustRun(this.#place.run, ['ip', 'link', 'set', this.#place.uplink, 'down']);
  }
  async heal(): Promise<void> {
    await mustRun(this.#place.run, ['ip', 'link', 'set', this.#place.uplink, 'up']);
  }

  /** The machine's ends of everything: the namespace takes the rest with it. */
  async tearDown(): Promise<void> {
    this.#removed = true;
    const { run, uplink, netns, bridge, address } = this.#place;
    await this.#tail;
    const routes = this.#podCIDR ? `route del ${formatCidr(this.#podCIDR)} via ${address} dev ${bridge}\n` : '';
    await run(['ip', '-force', '-batch', '-'], { stdin: `${routes}link del ${uplink}\n` });
    await mustRun(run, ['ip', 'netns', 'del', netns]);
  }

  /** Each in its turn from the last one given, so that an address rests before it is used again. */
  #freeAddress(range: Cidr): string {
    const used = new Set([...this.#pods.values()].map(({ address }) => address));
    const last = sizeOf(range) - 2;
    for (let tries = 0; tries < last; tries++) {
      this.#lastPlace = this.#lastPlace >= last ? 2 : this.#lastPlace + 1;
      const address = nth(range, this.#lastPlace);
      if (!used.has(address)) return address;
    }
    throw new Error(`node ${this.node} has no pod address left in ${formatCidr(range)}`);
  }

  async #applyRules(): Promise<void> {
    const { nat, nodeNetwork, podNetwork } = this.#place;
    if (!nat || !this.#podCIDR || this.#removed) return;
    const clusterRanges = [formatCidr(nodeNetwork), formatCidr(podNetwork)];
    const rules = nodeTable({ podCIDR: formatCidr(this.#podCIDR), clusterRanges, pods: this.#pods.values() });
    await mustRun(this.#place.run, ['nsenter', `--net=${this.netns}`, 'nft', '-f', '-'], { stdin: rules });
  }

  async #inside(batch: string): Promise<void> {
    await mustRun(this.#place.run, ['nsenter', `--net=${this.netns}`, 'ip', '-batch', '-'], { stdin: batch });
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => {});
    return result;
  }
}

/** The node's end of a pod's link: `veth` and the beginning of the sandbox's id, 15 characters. */
function vethName(sandboxId: string): string {
  return `veth${sandboxId.replace(/[^a-zA-Z0-9]/g, '').slice(0, 11)}`;
}
