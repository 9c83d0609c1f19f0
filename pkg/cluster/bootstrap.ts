/**
 * What stands in every cluster from its first moment: the system's namespaces, priority classes and the DNS service.
 * Made if missing, left alone if there.
 */
import { isAlreadyExists, isNotFound } from '../api/errors.ts';
import { namespaces, priorityclasses, services } from '../api/generated/resources.ts';
import type { Draft, KubeObject, ResourceRef } from '../api/object.ts';
import type { Client } from '../client/client.ts';
import type { NetworkPlan } from './cluster-options.ts';

const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

export async function createSystemNamespaces(client: Client): Promise<void> {
  for (const name of systemNamespaces) {
    await createIfMissing(client, namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
}

export async function createSystemObjects(client: Client, network: NetworkPlan): Promise<void> {
  for (const [name, value, description] of [
    [
      'system-cluster-critical',
      2_000_000_000,
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    ],
    ['system-node-critical', 2_000_001_000, 'Used for system critical pods that must not be moved from their current node.'],
  ] as const) {
    await createIfMissing(client, priorityclasses, {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name },
      value,
      description,
    });
  }
  // No selector: its endpoints are published by whoever runs DNS (publishDnsEndpoint).
  await createIfMissing(client, services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'kube-dns',
      namespace: 'kube-system',
      labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP: network.dnsAddress,
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
      ],
    },
  });
}

async function createIfMissing<T extends KubeObject>(client: Client, ref: ResourceRef<T>, draft: Draft<T>): Promise<void> {
  const { name = '', namespace } = draft.metadata;
  const where = namespace ? { namespace } : {};
  const isThere = async (): Promise<boolean> => {
    try {
      await client.resource(ref).get(name, where);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  };
  if (await isThere()) return;
  try {
    await client.resource(ref).create(draft, where);
  } catch (error) {
    // Another API server over the same store was quicker; of a Service, what is told may be that its address is taken.
    if (!isAlreadyExists(error) && !(await isThere())) throw error;
  }
}
