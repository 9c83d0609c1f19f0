import type { OwnerReference } from '../../api/generated/meta-v1.ts';
import { foregroundFinalizer, hasFinalizer, type Node, orphanFinalizer, ownersOf } from './graph.ts';

/**
 * What is known of an owner: it is there; it is there and waits for its dependents to go; it is gone for good; or
 * that cannot be said, since nobody here knows its kind.
 */
export type OwnerState = 'solid' | 'waiting' | 'absent' | 'unknown';

export type Decision =
  | { readonly action: 'keep' }
  /** Take these owners off: somebody else still wants the object. */
  | { readonly action: 'release'; readonly owners: readonly OwnerReference[] }
  | { readonly action: 'delete'; readonly propagationPolicy: 'Orphan' | 'Background' | 'Foreground' };

/**
 * What becomes of an object with owners. As long as one owner is there, it stays, and owners that are gone or going
 * are taken off. Without any, it goes: in the foreground when an owner waits for it and it has dependents itself,
 * so that the owner waits for those as well; else as its own finalizers ask.
 * https://kubernetes.io/docs/concepts/architecture/garbage-collection/
 */
export function decideDependent(node: Node, states: ReadonlyMap<string, OwnerState>, hasDependents: boolean): Decision {
  const owners = ownersOf(node);
  const inState = (...wanted: OwnerState[]): OwnerReference[] => owners.filter(({ uid }) => wanted.includes(states.get(uid) ?? 'unknown'));
  if (owners.length === 0) return { action: 'keep' };
  const going = inState('absent', 'waiting');
  if (going.length < owners.length) {
    // An owner of a kind that nobody knows may well be there: the object stays, and its other owners too.
    return inState('unknown').length > 0 || going.length === 0 ? { action: 'keep' } : { action: 'release', owners: going };
  }
  if (inState('waiting').length > 0 && hasDependents) return { action: 'delete', propagationPolicy: 'Foreground' };
  const propagationPolicy = hasFinalizer(node, orphanFinalizer)
    ? 'Orphan'
    : hasFinalizer(node, foregroundFinalizer)
      ? 'Foreground'
      : 'Background';
  return { action: 'delete', propagationPolicy };
}

/** Dependents that an owner, deleted in the foreground, has to wait for. */
export function blocking(owner: Node, dependents: readonly Node[]): readonly Node[] {
  const { uid } = owner.object.metadata;
  return dependents.filter((dependent) => ownersOf(dependent).some((each) => each.uid === uid && each.blockOwnerDeletion));
}
