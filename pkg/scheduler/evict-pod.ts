import { isApiError } from '../api/errors.ts';
import { pods } from '../api/generated/resources.ts';
import type { Client } from '../client/client.ts';
import type { Causes } from '../trace/cause.ts';
import type { PodInfo } from './pod-info.ts';

/** Deletes this very pod, with its grace period. False when it was gone already, or another pod has its name. */
export async function evictPod(
  client: Client,
  victim: PodInfo,
  options: { readonly causes: Causes; readonly signal: AbortSignal },
): Promise<boolean> {
  const { name, namespace = '', uid } = victim.pod.metadata;
  try {
    await client.because(options.causes).resource(pods).delete(name, { namespace, preconditions: { uid }, signal: options.signal });
    return true;
  } catch (error) {
    if (isApiError(error, 'NotFound') || isApiError(error, 'Conflict')) return false;
    throw error;
  }
}
