import { createHash } from 'node:crypto';

/** Every name that the machine sees of a cluster's network. A sweep finds leftovers by them, and nothing else. */
export interface NetworkNames {
  /** `gokube-default-1a2b3c`: the nftables table; `PREFIX.node-1` is a node's namespace in /run/netns. */
  readonly prefix: string;
  /** `gk-defau-1a2b3c`: at most 15 characters, as Linux allows for interfaces. */
  readonly bridge: string;
  /** `gk1a2b3cn`: what the machine's ends of the nodes' uplinks begin with. */
  readonly uplinkPrefix: string;
  netns(node: string): string;
  /** The uplink of the node whose address ends in `place`. */
  uplink(place: number): string;
}

/** Two clusters of one name differ by their folder. */
export function networkNames(cluster: string, directory: string): NetworkNames {
  const hash = createHash('sha256').update(`${cluster}\0${directory}`).digest('hex').slice(0, 6);
  const plain = cluster.replace(/[^a-z0-9-]/g, '');
  const prefix = `gokube-${plain}-${hash}`;
  const uplinkPrefix = `gk${hash}n`;
  return {
    prefix,
    bridge: `gk-${plain.slice(0, 5)}-${hash}`,
    uplinkPrefix,
    netns: (node) => `${prefix}.${node}`,
    uplink: (place) => `${uplinkPrefix}${place}`,
  };
}
