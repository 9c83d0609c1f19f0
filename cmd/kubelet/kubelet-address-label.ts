/**
 * On a Node: where its kubelet's server listens. A node here is a network namespace with an address of its own
 * (`status.addresses`), while the kubelet runs outside of it, at an address of the machine.
 */
export const kubeletAddressLabel = 'gokube.dev/kubelet-address';
