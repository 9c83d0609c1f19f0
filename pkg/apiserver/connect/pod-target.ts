import { ApiError, badRequest } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { type ResourceCall, readContext } from '../resource-call.ts';

/** The pod that a request to one of its subresources means. */
export async function podOf(call: ResourceCall): Promise<Pod> {
  const entry = await call.storage.get(readContext(call), call.key);
  return entry.object as Pod;
}

/** The container that is meant: the one named, or the only one. Throws BadRequest in Kubernetes' words. */
export function containerOf(pod: Pod, wanted: string | undefined): string {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  const { name } = pod.metadata;
  if (wanted !== undefined) {
    const known = [...containers, ...initContainers, ...ephemeralContainers].some((container) => container.name === wanted);
    if (!known) throw badRequest(`container ${wanted} is not valid for pod ${name}`);
    return wanted;
  }
  const [only, ...others] = containers;
  if (only && others.length === 0) return only.name;
  if (!only) throw badRequest(`a container name must be specified for pod ${name}`);
  const names = (list: readonly { readonly name: string }[]): string => `[${list.map((container) => container.name).join(' ')}]`;
  const init = initContainers.length > 0 ? ` or one of the init containers: ${names(initContainers)}` : '';
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: ${names(containers)}${init}`);
}

/** The pod's node. Throws BadRequest while it has none. */
export function nodeOf(pod: Pod): string {
  if (!pod.spec.nodeName) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  return pod.spec.nodeName;
}

/** No dialer was configured: this server has no way to kubelets. */
export function notConnected(what: string): ApiError {
  return new ApiError('ServiceUnavailable', `this API server has no way to reach ${what}`);
}
