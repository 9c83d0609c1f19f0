import { ApiError, isInvalid, isNotFound } from '../api/errors.ts';
import type { OwnerReference } from '../api/generated/meta-v1.ts';
import { controllerOf, controllerRef, type KubeObject, type ResourceRef } from '../api/object.ts';
import type { Selector } from '../api/selectors.ts';
import type { Client } from '../client/client.ts';
import type { Lister } from '../listwatch/contract.ts';
import { orphansOf } from './indexes.ts';

/** What to do with one object that an owner may have a claim to. */
export type Claim = 'keep' | 'adopt' | 'release' | 'ignore';

/**
 * An owner keeps what it controls and what matches its selector; releases what it controls and what no longer
 * matches; adopts what matches and nobody controls. An owner that is being deleted changes nothing.
 */
export function claimOn(object: KubeObject, owner: KubeObject, matches: boolean): Claim {
  const controller = controllerOf(object);
  if (controller) {
    if (controller.uid !== owner.metadata.uid) return 'ignore';
    if (matches) return 'keep';
    return owner.metadata.deletionTimestamp ? 'ignore' : 'release';
  }
  if (!matches || owner.metadata.deletionTimestamp || object.metadata.deletionTimestamp) return 'ignore';
  return 'adopt';
}

/** What an owner could have a claim to: what it controls, and what nobody in its namespace controls. */
export function candidatesFor<T extends KubeObject>(owner: KubeObject, lister: Lister<T>): readonly T[] {
  const { uid, namespace = '' } = owner.metadata;
  return [...lister.byIndex('byController', uid), ...lister.byIndex('byController', orphansOf(namespace))];
}

/**
 * Carries the claims out and returns what the owner controls afterwards. Before the first adoption the owner is
 * read afresh: one that was deleted, or made anew under its name, since the local copy was taken adopts nothing.
 * Throws ApiErrors; a Conflict means that the object has changed meanwhile. Kubernetes: ControllerRefManager.
 */
export async function claimObjects<O extends KubeObject, T extends KubeObject>(options: {
  readonly owner: O;
  readonly ownerRef: ResourceRef<O>;
  readonly objects: readonly T[];
  readonly ref: ResourceRef<T>;
  readonly selector: Selector;
  readonly client: Client;
}): Promise<T[]> {
  const { owner, ownerRef, objects, ref, selector, client } = options;
  const { namespace } = owner.metadata;
  const claimed: T[] = [];
  let checked: Promise<void> | undefined;

  const setOwners = (object: T, ownerReferences: readonly OwnerReference[]): Promise<T> => {
    const { uid, resourceVersion, name } = object.metadata;
    const body = { metadata: { uid, resourceVersion, ownerReferences } };
    return client.resource(ref).patch(name, { type: 'merge', body }, { ...(namespace ? { namespace } : {}) });
  };

  for (const object of objects) {
    const owners = object.metadata.ownerReferences ?? [];
    switch (claimOn(object, owner, selector.matches(object.metadata.labels))) {
      case 'keep':
        claimed.push(object);
        break;
      case 'adopt':
        checked ??= checkOwner(client, ownerRef, owner);
        await checked;
        try {
          claimed.push(await setOwners(object, [...owners, controllerRef(owner)]));
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        break;
      case 'release':
        try {
          await setOwners(
            object,
            owners.filter(({ uid }) => uid !== owner.metadata.uid),
          );
        } catch (error) {
          // Gone, or gone and made anew under another uid: either way it is no longer this owner's.
          if (!isNotFound(error) && !isInvalid(error)) throw error;
        }
        break;
      case 'ignore':
        break;
    }
  }
  return claimed;
}

async function checkOwner<O extends KubeObject>(client: Client, ref: ResourceRef<O>, owner: O): Promise<void> {
  const { name, namespace, uid } = owner.metadata;
  const fresh = await client.resource(ref).get(name, { ...(namespace ? { namespace } : {}) });
  const who = `${ref.kind} ${namespace ? `${namespace}/` : ''}${name}`;
  if (fresh.metadata.uid !== uid) throw new ApiError('Conflict', `original ${who} is gone: got uid ${fresh.metadata.uid}, wanted ${uid}`);
  if (fresh.metadata.deletionTimestamp)
    throw new ApiError('Conflict', `${who} has just been deleted at ${fresh.metadata.deletionTimestamp}`);
}
