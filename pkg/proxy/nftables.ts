/**
 * Renders service ports as one nftables ruleset. All rules are replaced in one `nft -f` transaction, so that no
 * packet ever sees half a change; the sets that remember clients' endpoints stay. Layout, as in kube-proxy's
 * nftables mode: verdict maps lead from address . protocol . port to a chain per service port, which picks one of
 * the chains per endpoint at random.
 *
 * https://wiki.nftables.org/wiki-nftables/index.php/Maps
 */
import type { ProxyEndpoint, ServicePort } from './service-ports.ts';

export interface NftablesOptions {
  /** Name of the table: letters, digits and `_`. */
  readonly table: string;
  /** The pods' range; traffic to a service from elsewhere is masqueraded, so that answers come back this way. */
  readonly clusterCIDR: string;
  /** Node ports also at 127.0.0.1 (the machine itself; needs route_localnet). */
  readonly localhostNodePorts: boolean;
}

/** Marks connections that leave with this machine's own address. Bit 14, as kube-proxy does. */
const masqueradeMark = '0x4000';

/** A ruleset, and the names in it that come and go with services. */
export interface Ruleset {
  /** What stands between `table ip NAME {` and `}`. The same ports always give the same text. */
  readonly text: string;
  readonly chains: ReadonlySet<string>;
  readonly affinitySets: ReadonlySet<string>;
}

export function renderNftables(ports: readonly ServicePort[], options: NftablesOptions): Ruleset {
  const chains: string[] = [];
  const sets = new Map<string, string>();
  const serviceElements: string[] = [];
  const nodePortElements: string[] = [];
  const refusedElements: string[] = [];
  const refusedNodePorts: string[] = [];
  const rendered = new Set<string>();

  for (const port of ports) {
    const protocol = port.protocol.toLowerCase();
    const base = chainName(port);
    const balance = (endpoints: readonly ProxyEndpoint[], chain: string, fromOutside: boolean): void => {
      if (rendered.has(chain)) return;
      rendered.add(chain);
      const names = endpoints.map((endpoint) => endpointChain(base, endpoint));
      const lines = fromOutside
        ? [`meta mark set meta mark or ${masqueradeMark}`]
        : [`ip saddr != ${options.clusterCIDR} meta mark set meta mark or ${masqueradeMark}`];
      if (port.affinitySeconds !== undefined) {
        for (const name of names) lines.push(`ip saddr @${affinitySet(name, port.affinitySeconds)} goto ${name}`);
      }
      const only = names[0];
      if (names.length === 1 && only) lines.push(`goto ${only}`);
      else lines.push(`numgen random mod ${names.length} vmap { ${names.map((name, at) => `${at} : goto ${name}`).join(', ')} }`);
      chains.push(chainText(chain, lines));
      endpoints.forEach((endpoint, at) => {
        const name = names[at] as string;
        if (rendered.has(name)) return;
        rendered.add(name);
        // A pod that reaches itself through its service must see an answer from the service's address.
        const body = [`ip saddr ${endpoint.address} meta mark set meta mark or ${masqueradeMark}`];
        if (port.affinitySeconds !== undefined) {
          const set = affinitySet(name, port.affinitySeconds);
          sets.set(set, `  set ${set} { type ipv4_addr; flags dynamic,timeout; timeout ${port.affinitySeconds}s; size 65535; }`);
          body.push(`update @${set} { ip saddr }`);
        }
        body.push(`meta l4proto ${protocol} dnat to ${endpoint.address}:${endpoint.port}`);
        chains.push(chainText(name, body));
      });
    };

    const keys = port.addresses.map((address) => `${address} . ${protocol} . ${port.port}`);
    if (port.endpoints.length === 0) refusedElements.push(...keys);
    else {
      balance(port.endpoints, `service-${base}`, false);
      serviceElements.push(...keys.map((key) => `${key} : goto service-${base}`));
    }
    if (port.nodePort) {
      const key = `${protocol} . ${port.nodePort}`;
      if (port.nodePortEndpoints.length === 0) refusedNodePorts.push(key);
      else {
        balance(port.nodePortEndpoints, `nodeport-${base}`, true);
        nodePortElements.push(`${key} : goto nodeport-${base}`);
      }
    }
  }

  const notLoopback = options.localhostNodePorts ? '' : 'ip daddr != 127.0.0.0/8 ';
  const text = [
    `  map service-ips { type ipv4_addr . inet_proto . inet_service : verdict;${elements(serviceElements)} }`,
    `  map node-ports { type inet_proto . inet_service : verdict;${elements(nodePortElements)} }`,
    `  set refused-ips { type ipv4_addr . inet_proto . inet_service;${elements(refusedElements)} }`,
    `  set refused-node-ports { type inet_proto . inet_service;${elements(refusedNodePorts)} }`,
    ...sets.values(),
    ...chains,
    chainText('services', [
      'ip daddr . meta l4proto . th dport vmap @service-ips',
      `${notLoopback}fib daddr type local meta l4proto . th dport vmap @node-ports`,
    ]),
    chainText('prerouting', ['type nat hook prerouting priority -100; policy accept;', 'goto services']),
    chainText('output', ['type nat hook output priority -100; policy accept;', 'goto services']),
    chainText('postrouting', [
      'type nat hook postrouting priority 100; policy accept;',
      `meta mark & ${masqueradeMark} == ${masqueradeMark} meta mark set meta mark & 0xffffbfff masquerade`,
    ]),
    chainText('refuse', [
      'ip daddr . meta l4proto . th dport @refused-ips reject',
      `${notLoopback}fib daddr type local meta l4proto . th dport @refused-node-ports reject`,
    ]),
    chainText('refuse-forward', ['type filter hook forward priority 0; policy accept;', 'ct state new jump refuse']),
    chainText('refuse-output', ['type filter hook output priority 0; policy accept;', 'ct state new jump refuse']),
    chainText('refuse-input', ['type filter hook input priority 0; policy accept;', 'ct state new jump refuse']),
  ].join('\n');
  return { text, chains: rendered, affinitySets: new Set(sets.keys()) };
}

/** Input of `nft -f -`: makes the table exactly this ruleset, whatever was there. */
export function replaceTable(table: string, { text }: Ruleset): string {
  return `${removeTable(table)}table ip ${table} {\n${text}\n}\n`;
}

/** Input of `nft -f -`: from one ruleset to the next, keeping what affinity sets remember. */
export function changeTable(table: string, previous: Ruleset, next: Ruleset): string {
  const gone = (kind: string, before: ReadonlySet<string>, now: ReadonlySet<string>): string =>
    [...before]
      .filter((name) => !now.has(name))
      .map((name) => `delete ${kind} ip ${table} ${name}\n`)
      .join('');
  const emptied = ['map ip TABLE service-ips', 'map ip TABLE node-ports', 'set ip TABLE refused-ips', 'set ip TABLE refused-node-ports'];
  return [
    `flush table ip ${table}\n`,
    ...emptied.map((name) => `flush ${name.replace('TABLE', table)}\n`),
    `table ip ${table} {\n${next.text}\n}\n`,
    gone('chain', previous.chains, next.chains),
    gone('set', previous.affinitySets, next.affinitySets),
  ].join('');
}

/** Input of `nft -f -`: takes the table away. Declared first, so that deleting it cannot fail. */
export function removeTable(table: string): string {
  return `table ip ${table} {}\ndelete table ip ${table}\n`;
}

/** nft takes names of up to 128 characters; a service port's id can be longer, hence the hash in front. */
function chainName({ id, protocol }: ServicePort): string {
  let hash = 0x811c9dc5;
  for (const character of `${id}/${protocol}`) hash = Math.imul(hash ^ (character.codePointAt(0) as number), 0x01000193);
  return `${(hash >>> 0).toString(36)}-${id.replaceAll(':', '/').slice(0, 60)}/${protocol.toLowerCase()}`;
}

function endpointChain(base: string, { address, port }: ProxyEndpoint): string {
  return `endpoint-${base}/${address}/${port}`;
}

function affinitySet(chain: string, seconds: number): string {
  return `affinity-${chain.slice('endpoint-'.length)}/${seconds}`;
}

function chainText(name: string, lines: readonly string[]): string {
  return `  chain ${name} {\n${lines.map((line) => `    ${line}`).join('\n')}\n  }`;
}

function elements(list: readonly string[]): string {
  return list.length === 0 ? '' : ` elements = { ${list.join(', ')} };`;
}
