import { ApiError, notFound } from '../../api/errors.ts';
import type { Endpoints } from '../../api/generated/core-v1.ts';
import { type Random, randomInt } from '../../clock/random.ts';
import type { ObjectKey, RequestContext } from '../../registry/contract.ts';
import type { RegistryPort } from '../resource-call.ts';

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
}

/** Of one of the service's ready endpoints, at random. `choose`: which of the service's ports is meant. */
export async function serviceEndpoint(
  { registry, random, context }: { readonly registry: RegistryPort; readonly random: Random; readonly context: RequestContext },
  key: ObjectKey,
  { choose, port }: { choose(ports: readonly ServicePort[]): ServicePort | undefined; readonly port: string },
): Promise<{ host: string; port: number }> {
  const storageOf = (resource: string) => {
    const storage = registry.storage('', 'v1', resource);
    if (!storage) throw notFound({ group: '', resource }, key.name);
    return storage;
  };
  const service = (await storageOf('services').get(context, key)).object as unknown as {
    readonly spec: { readonly ports?: readonly ServicePort[] };
  };
  const wanted = choose(service.spec.ports ?? []);
  const unavailable = new ApiError('ServiceUnavailable', `no endpoints available for service ${JSON.stringify(key.name)}`);
  if (!wanted)
    throw new ApiError('ServiceUnavailable', `no service port ${JSON.stringify(port)} found for service ${JSON.stringify(key.name)}`);
  let endpoints: Endpoints;
  try {
    endpoints = (await storageOf('endpoints').get(context, key)).object as Endpoints;
  } catch {
    throw unavailable;
  }
  const targets = (endpoints.subsets ?? []).flatMap(({ addresses = [], ports: targetPorts = [] }) => {
    const target = targetPorts.find((each) => (each.name ?? '') === (wanted.name ?? ''));
    return target ? addresses.map(({ ip }) => ({ host: ip, port: target.port })) : [];
  });
  const chosen = targets[randomInt(random, targets.length)];
  if (!chosen) throw unavailable;
  return chosen;
}
