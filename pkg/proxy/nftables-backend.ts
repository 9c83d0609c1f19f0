import type { NodeNetwork } from '../network/network.ts';
import { changeTable, type NftablesOptions, type Ruleset, removeTable, renderNftables, replaceTable } from './nftables.ts';
import type { ProxyBackend } from './proxy.ts';
import type { ServicePort } from './service-ports.ts';

/** Applies rules with `nft -f -` in a node's network namespace (or the machine's own). */
export function createNftablesBackend(network: Pick<NodeNetwork, 'run'>, options: NftablesOptions): ProxyBackend {
  const { table } = options;
  let applied: { readonly rules: Ruleset; readonly ports: readonly ServicePort[] } | undefined;

  async function nft(input: string): Promise<void> {
    const result = await network.run(['nft', '-f', '-'], { stdin: input });
    if (result.exitCode !== 0) throw new Error(`nft refused the service rules: ${result.stderr.trim().slice(0, 2000)}`);
  }

  /**
   * Datagrams of a known flow follow its connection-tracking entry, not the rules: entries that lead to endpoints
   * that are gone have to go too. Without the `conntrack` program they expire by themselves, 30 s after the last
   * datagram.
   */
  async function forgetFlows(before: readonly ServicePort[], now: readonly ServicePort[]): Promise<void> {
    const live = new Set(now.filter(isUdp).flatMap(flows));
    for (const flow of new Set(before.filter(isUdp).flatMap(flows))) {
      if (live.has(flow)) continue;
      const [service, endpoint] = flow.split(' ') as [string, string];
      const { exitCode } = await network.run(['conntrack', '-D', '-p', 'udp', '--orig-dst', service, '--dst-nat', endpoint]);
      if (exitCode === 127) return;
    }
  }

  return {
    name: 'nftables',
    async apply(ports) {
      const rules = renderNftables(ports, options);
      if (rules.text === applied?.rules.text) return;
      const previous = applied;
      applied = undefined;
      await nft(previous ? changeTable(table, previous.rules, rules) : replaceTable(table, rules));
      applied = { rules, ports };
      if (previous) await forgetFlows(previous.ports, ports);
    },
    async close() {
      await nft(removeTable(table));
    },
  };
}

const isUdp = (port: ServicePort): boolean => port.protocol === 'UDP';

/** Service address and endpoint address of every flow that a port allows. */
function flows(port: ServicePort): string[] {
  return port.addresses.flatMap((address) => port.endpoints.map((endpoint) => `${address} ${endpoint.address}`));
}
