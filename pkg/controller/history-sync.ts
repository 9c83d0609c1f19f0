import { isAlreadyExists } from '../api/errors.ts';
import type { ControllerRevision } from '../api/generated/apps-v1.ts';
import { controllerrevisions } from '../api/generated/resources.ts';
import { controllerOf, type KubeObject } from '../api/object.ts';
import type { Client } from '../client/client.ts';
import type { HistoryPlan } from './controller-history.ts';
import { equal } from './equal.ts';
import { unlessGone } from './unless-gone.ts';

/**
 * Makes or renumbers the revision that a plan asks for. Returns `collision` when another template has its name: the
 * owner's collisionCount must be raised, and the plan be made anew.
 */
export async function syncHistory(client: Client, owner: KubeObject, plan: HistoryPlan): Promise<'done' | 'collision'> {
  const api = client.resource(controllerrevisions);
  const { namespace = '' } = owner.metadata;
  if (plan.renumber) {
    const { metadata } = plan.renumber.revision;
    const body = { metadata: { uid: metadata.uid, resourceVersion: metadata.resourceVersion }, revision: plan.renumber.to };
    await api.patch(metadata.name, { type: 'merge', body }, { namespace });
  }
  if (!plan.create) return 'done';
  try {
    await api.create(plan.create, { namespace });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const present = await api.get(plan.create.metadata.name as string, { namespace });
    if (controllerOf(present)?.uid !== owner.metadata.uid || !equal(present.data, plan.create.data)) return 'collision';
  }
  return 'done';
}

export async function removeRevisions(client: Client, revisions: readonly ControllerRevision[]): Promise<void> {
  for (const { metadata } of revisions) {
    const options = { namespace: metadata.namespace ?? '', preconditions: { uid: metadata.uid } };
    await unlessGone(client.resource(controllerrevisions).delete(metadata.name, options));
  }
}
