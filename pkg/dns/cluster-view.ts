import type { Service } from '../api/generated/core-v1.ts';
import type { EndpointSlice } from '../api/generated/discovery-v1.ts';
import { endpointslices, namespaces, services } from '../api/generated/resources.ts';
import type { InformerFactory } from '../listwatch/contract.ts';
import type { DnsView } from './records.ts';

/** The resolver's view of a cluster, over informers with the indexes that its look-ups need. */
export function createClusterView(informers: InformerFactory): DnsView {
  const serviceLister = informers.informer(services, {
    indexes: { clusterIP: (service: Service) => (service.spec.clusterIP ? [service.spec.clusterIP] : []) },
  }).lister;
  const sliceLister = informers.informer(endpointslices, {
    indexes: {
      service: (slice: EndpointSlice) => {
        const name = slice.metadata.labels?.['kubernetes.io/service-name'];
        return name ? [`${slice.metadata.namespace}/${name}`] : [];
      },
      address: (slice: EndpointSlice) => (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses),
    },
  }).lister;
  const namespaceLister = informers.informer(namespaces).lister;

  return {
    service: (key) => serviceLister.get(key),
    slices: (key) => sliceLister.byIndex('service', key),
    hasNamespace: (name) => namespaceLister.get(name) !== undefined,
    serviceByIP: (address) => (address === 'None' ? undefined : serviceLister.byIndex('clusterIP', address)[0]),
    endpointsByIP: (address) =>
      sliceLister.byIndex('address', address).flatMap((slice) => {
        const service = `${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name']}`;
        if (serviceLister.get(service)?.spec.clusterIP !== 'None') return [];
        return (slice.endpoints ?? [])
          .filter((endpoint) => endpoint.addresses.includes(address))
          .map((endpoint) => ({ service, endpoint }));
      }),
  };
}
