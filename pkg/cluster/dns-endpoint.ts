import { isNotFound } from '../api/errors.ts';
import type { EndpointSlice } from '../api/generated/discovery-v1.ts';
import { endpointslices } from '../api/generated/resources.ts';
import type { Draft } from '../api/object.ts';
import type { Client } from '../client/client.ts';

/** Says where the cluster's DNS server listens, so that service proxies lead to it. */
export async function publishDnsEndpoint(client: Client, endpoint: { readonly address: string; readonly port: number }): Promise<void> {
  const name = 'kube-dns-gokube';
  const namespace = 'kube-system';
  const slice: Draft<EndpointSlice> = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name,
      namespace,
      labels: { 'kubernetes.io/service-name': 'kube-dns', 'endpointslice.kubernetes.io/managed-by': 'dns.gokube.dev' },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: [endpoint.address], conditions: { ready: true, serving: true, terminating: false } }],
    ports: [
      { name: 'dns', port: endpoint.port, protocol: 'UDP' },
      { name: 'dns-tcp', port: endpoint.port, protocol: 'TCP' },
    ],
  };
  const slices = client.resource(endpointslices);
  try {
    const current = await slices.get(name, { namespace });
    const same = JSON.stringify([current.endpoints, current.ports]) === JSON.stringify([slice.endpoints, slice.ports]);
    if (!same) await slices.patch(name, { type: 'merge', body: { endpoints: slice.endpoints, ports: slice.ports } }, { namespace });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await slices.create(slice, { namespace });
  }
}
