import { isAlreadyExists, isNotFound } from '../api/errors.ts';
import type { KubeObject } from '../api/object.ts';
import type { RequestContext, ResourceStorage } from './contract.ts';
import { formatIp } from './ip-address.ts';
import type { Environment } from './resource.ts';

/** Nothing runs without them; Kubernetes' API server makes them too. */
const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const priorities = [
  { name: 'system-cluster-critical', value: 2_000_000_000, description: 'For pods that the cluster cannot do without, on whichever node.' },
  { name: 'system-node-critical', value: 2_000_001_000, description: 'For pods that their node cannot do without.' },
];

/** Creates what every cluster has from the beginning, where it is not there yet. */
export async function bootstrap(
  environment: Environment,
  storage: (group: string, version: string, resource: string) => ResourceStorage,
): Promise<void> {
  const context = systemContext('create');
  const create = async (group: string, version: string, resource: string, object: Draft): Promise<void> => {
    const kind = storage(group, version, resource);
    // Looking costs less than being refused, and all but the first start find everything there.
    if (await isThere(kind, object.metadata.name)) return;
    try {
      await kind.create(context, '', object as unknown as KubeObject);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  };
  for (const name of namespaces) await create('', 'v1', 'namespaces', { metadata: { name } });
  for (const { name, ...rest } of priorities) {
    await create('scheduling.k8s.io', 'v1', 'priorityclasses', { metadata: { name }, ...rest });
  }
  const cidrs = environment.services.cidrs.map((cidr) => `${formatIp({ family: cidr.family, value: cidr.base })}/${cidr.bits}`);
  await create('networking.k8s.io', 'v1', 'servicecidrs', { metadata: { name: 'kubernetes' }, spec: { cidrs } });
}

interface Draft {
  readonly [field: string]: unknown;
  readonly metadata: { readonly name: string };
}

async function isThere(storage: ResourceStorage, name: string): Promise<boolean> {
  try {
    await storage.get(systemContext('get'), { namespace: '', name });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** The server's own writes. */
export function systemContext(verb: string): RequestContext {
  return {
    user: { name: 'system:apiserver', groups: ['system:masters'] },
    agent: 'gokube',
    requestId: 'registry',
    verb,
    causes: [],
    dryRun: false,
    fieldManager: 'kube-apiserver',
    fieldValidation: 'Ignore',
    warn: () => undefined,
    signal: new AbortController().signal,
  };
}
