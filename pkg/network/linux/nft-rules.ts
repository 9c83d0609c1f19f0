import type { AttachOptions } from '../network.ts';

/** nftables rules as text for `nft -f -`. Each replaces its table whole, in one transaction. */

/** On the machine: what nodes and pods send elsewhere leaves under the machine's own address. */
export function machineTable(
  table: string,
  options: { readonly bridge: string; readonly nodeNetwork: string; readonly podNetwork: string },
): string {
  return `${replace(table)}
table ip ${table} {
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    ip saddr { ${options.nodeNetwork}, ${options.podNetwork} } oifname != "${options.bridge}" masquerade
  }
}
`;
}

export function deleteTable(table: string): string {
  return `table ip ${table}\ndelete table ip ${table}\n`;
}

export const nodeTableName = 'gokube-node';

/**
 * In a node: what its pods send beyond the cluster leaves under the node's address, and host ports lead to pods.
 * A pod that reaches itself by a host port needs its answer to come back the same way: hence the last rule.
 */
export function nodeTable(options: {
  readonly podCIDR: string;
  readonly clusterRanges: readonly string[];
  readonly pods: Iterable<{ readonly address: string; readonly portMappings: NonNullable<AttachOptions['portMappings']> }>;
}): string {
  const forwards: string[] = [];
  const hairpins: string[] = [];
  for (const { address, portMappings } of options.pods) {
    for (const { protocol, hostPort, containerPort, hostIP } of portMappings) {
      const to = hostIP && hostIP !== '0.0.0.0' ? `ip daddr ${hostIP} ` : '';
      forwards.push(`${to}${protocol.toLowerCase()} dport ${hostPort} dnat to ${address}:${containerPort}`);
    }
    if (portMappings.length > 0) hairpins.push(`ip saddr ${address} ip daddr ${address} masquerade`);
  }
  return `${replace(nodeTableName)}
table ip ${nodeTableName} {
  chain hostports {
    ${forwards.join('\n    ')}
  }
  chain prerouting {
    type nat hook prerouting priority -105; policy accept;
    fib daddr type local jump hostports
  }
  chain output {
    type nat hook output priority -105; policy accept;
    fib daddr type local jump hostports
  }
  chain postrouting {
    type nat hook postrouting priority 95; policy accept;
    ip saddr ${options.podCIDR} ip daddr != { ${options.clusterRanges.join(', ')} } oifname "eth0" masquerade
    ${hairpins.join('\n    ')}
  }
}
`;
}

/** Deleting what is not there is an error in nft; adding what is there is none. */
function replace(table: string): string {
  return `table ip ${table}\ndelete table ip ${table}`;
}
