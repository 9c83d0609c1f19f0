import type { Node } from '../../pkg/api/generated/core-v1.ts';
import type { KubeletAddress } from '../../pkg/apiserver/connect/https-kubelet-dialer.node.ts';
import { kubeletAddressLabel } from '../kubelet/kubelet-address-label.ts';

/** Where a node's kubelet listens: at the address that its label tells, or the node's own; throws when neither is known. */
export function kubeletAddress({ metadata, status }: Node): KubeletAddress {
  const host = metadata.labels?.[kubeletAddressLabel] ?? status.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  if (host === undefined) throw new Error(`node ${JSON.stringify(metadata.name)} has told no address yet`);
  return { host, port: status.daemonEndpoints?.kubeletEndpoint?.Port ?? 10_250 };
}
