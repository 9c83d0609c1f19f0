/**
 * Keeps the Service `kubernetes` in the namespace `default` and the endpoint behind it: how pods reach the API
 * server. It has no selector, since the server is no pod. Counterpart: kubernetesservice in Kubernetes' API server.
 */
import { isNotFound } from '../../api/errors.ts';
import type { Endpoints, Service } from '../../api/generated/core-v1.ts';
import type { EndpointSlice } from '../../api/generated/discovery-v1.ts';
import { endpoints, endpointslices, services } from '../../api/generated/resources.ts';
import type { Draft, KubeObject, ResourceRef } from '../../api/object.ts';
import type { Client } from '../../client/client.ts';
import type { Runnable } from '../../listwatch/contract.ts';
import type { ApiServerEndpoints, ControllerContext, ControllerDeclaration } from '../controller.ts';

const namespace = 'default';
const name = 'kubernetes';
/** Kubernetes looks every 10 seconds too. */
const periodMs = 10_000;

/** The three objects as they should be. */
export function kubernetesObjects({ addresses, port, clusterIP }: ApiServerEndpoints): {
  service: Draft<Service>;
  endpoints: Draft<Endpoints>;
  slice: Draft<EndpointSlice>;
} {
  const metadata = { name, namespace };
  return {
    service: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...metadata, labels: { component: 'apiserver', provider: 'kubernetes' } },
      spec: { type: 'ClusterIP', ...(clusterIP ? { clusterIP } : {}), sessionAffinity: 'None', ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }] },
    },
    endpoints: {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { ...metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: 'https', port, protocol: 'TCP' }] }],
    },
    slice: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
      ports: [{ name: 'https', port, protocol: 'TCP' }],
    },
  };
}

export const kubernetesServiceController: ControllerDeclaration = {
  name: 'kubernetes-service-controller',
  alias: 'kubernetes-service',
  create: createKubernetesServiceController,
};

function createKubernetesServiceController(context: ControllerContext): Runnable {
  const { name: loop } = kubernetesServiceController;
  const { apiServerEndpoints } = context.options;
  if (!apiServerEndpoints) return { name: loop, run: () => Promise.resolve() };
  const client = context.client.as(loop);
  const wanted = kubernetesObjects(apiServerEndpoints);
  return {
    name: loop,
    async run(signal) {
      while (!signal.aborted) {
        try {
          await ensure(client, services, wanted.service, ({ spec }) => spec.ports?.map(({ port, targetPort }) => [port, targetPort]));
          await ensure(client, endpoints, wanted.endpoints, ({ subsets }) =>
            subsets?.map((s) => [s.addresses?.map(({ ip }) => ip), s.ports?.map((p) => p.port)]),
          );
          await ensure(client, endpointslices, wanted.slice, (slice) => [
            slice.endpoints?.map((e) => e.addresses),
            slice.ports?.map((p) => p.port),
          ]);
        } catch (error) {
          if (signal.aborted) return;
          context.log.warn('could not keep the kubernetes service', { error });
        }
        try {
          await context.clock.sleep(periodMs, signal);
        } catch {
          return; // Only the signal ends a sleep early.
        }
      }
    },
  };
}

/** Creates what is missing, and replaces what differs in the facts that matter. */
async function ensure<T extends KubeObject>(
  client: Client,
  ref: ResourceRef<T>,
  draft: Draft<T>,
  facts: (object: T) => unknown,
): Promise<void> {
  const resource = client.resource(ref);
  try {
    const current = await resource.get(name, { namespace });
    if (JSON.stringify(facts(current)) === JSON.stringify(facts(draft as unknown as T))) return;
    const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...body } = draft as unknown as Record<string, unknown>;
    await resource.patch(name, { type: 'merge', body }, { namespace });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await resource.create(draft, { namespace });
  }
}
