/**
 * Keeps the Service `kubernetes` in the namespace `default` and the endpoint behind it: how pods reach the API
 * server. It has no selector, since the server is no pod. Counterpart: kubernetesservice in Kubernetes' API server.
 */
import { isAlreadyExists } from '../../api/errors.ts';
import type { Endpoints, Service } from '../../api/generated/core-v1.ts';
import type { EndpointSlice } from '../../api/generated/discovery-v1.ts';
import { endpoints, endpointslices, services } from '../../api/generated/resources.ts';
import { type Draft, type KubeObject, keyOf } from '../../api/object.ts';
import type { Client } from '../../client/client.ts';
import type { Informer, Reconciler, Runnable } from '../../listwatch/contract.ts';
import type { Causes } from '../../trace/cause.ts';
import {
  type ApiServerEndpoints,
  type ControllerContext,
  type ControllerDeclaration,
  controlLoop,
  controllerQueue,
} from '../controller.ts';
import { equal } from '../equal.ts';

const namespace = 'default';
const name = 'kubernetes';
const key = `${namespace}/${name}`;

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
      spec: {
        type: 'ClusterIP',
        ...(clusterIP ? { clusterIP } : {}),
        sessionAffinity: 'None',
        ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
      },
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
  const wanted = kubernetesObjects(apiServerEndpoints);
  const queue = controllerQueue(context, 'kubernetes_service');
  const informers = {
    services: context.informers.informer(services),
    endpoints: context.informers.informer(endpoints),
    slices: context.informers.informer(endpointslices),
  };
  const touch = ({ metadata }: KubeObject, causes: Causes): void => {
    if (keyOf({ metadata }) === key) queue.add(key, causes);
  };
  for (const informer of Object.values(informers))
    informer.addHandler({ onUpdate: (object, _previous, causes) => touch(object, causes), onDelete: touch });
  queue.add(key);

  const reconciler: Reconciler = {
    name: loop,
    async reconcile(_key, { client }) {
      await ensure(client, informers.services, wanted.service, ({ spec }) => spec.ports?.map(({ port, targetPort }) => [port, targetPort]));
      await ensure(client, informers.endpoints, wanted.endpoints, ({ subsets }) =>
        subsets?.map((subset) => [subset.addresses?.map(({ ip }) => ip), subset.ports?.map(({ port }) => port)]),
      );
      await ensure(client, informers.slices, wanted.slice, (slice) => [
        slice.endpoints?.map(({ addresses }) => addresses),
        slice.ports?.map(({ port }) => port),
      ]);
      return undefined;
    },
  };
  return controlLoop(context, { reconciler, queue, informers: Object.values(informers), workers: 1 });
}

/** Creates what is missing, and replaces what differs in the facts that matter. */
async function ensure<T extends KubeObject>(
  client: Client,
  { ref, lister }: Informer<T>,
  draft: Draft<T>,
  facts: (object: T) => unknown,
): Promise<void> {
  const resource = client.resource(ref);
  const current = lister.get(key);
  if (!current) {
    try {
      await resource.create(draft, { namespace });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    return;
  }
  if (equal(facts(current), facts(draft as unknown as T))) return;
  const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...body } = draft as unknown as Record<string, unknown>;
  await resource.patch(name, { type: 'merge', body }, { namespace });
}
