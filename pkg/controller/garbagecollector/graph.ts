/**
 * Who owns whom: every object the collector has seen, and who names it as an owner. An owner that only references
 * speak of is no node here. Keys are uids, which are never used twice. Pure.
 */
import type { OwnerReference } from '../../api/generated/meta-v1.ts';
import type { KubeObject, ResourceRef } from '../../api/object.ts';

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

export interface Node {
  readonly ref: ResourceRef;
  /** Only metadata is kept. */
  readonly object: KubeObject;
}

export class OwnerGraph {
  readonly #nodes = new Map<string, Node>();
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): Node | undefined {
    return this.#nodes.get(uid);
  }

  get size(): number {
    return this.#nodes.size;
  }

  set(node: Node): void {
    const { uid } = node.object.metadata;
    const before = this.#nodes.get(uid);
    this.#nodes.set(uid, node);
    const owners = new Set(ownersOf(node).map((owner) => owner.uid));
    for (const owner of before ? ownersOf(before) : []) if (!owners.has(owner.uid)) this.#unlink(owner.uid, uid);
    for (const owner of owners) {
      let dependents = this.#dependents.get(owner);
      if (!dependents) {
        dependents = new Set();
        this.#dependents.set(owner, dependents);
      }
      dependents.add(uid);
    }
  }

  /** Its dependents stay linked to its uid. */
  delete(uid: string): void {
    const node = this.#nodes.get(uid);
    if (!node) return;
    this.#nodes.delete(uid);
    for (const owner of ownersOf(node)) this.#unlink(owner.uid, uid);
  }

  /** What names this uid as an owner, whether or not the owner itself has been seen. */
  dependents(uid: string): readonly Node[] {
    return [...(this.#dependents.get(uid) ?? [])].map((dependent) => this.#nodes.get(dependent) as Node);
  }

  #unlink(owner: string, dependent: string): void {
    const dependents = this.#dependents.get(owner);
    dependents?.delete(dependent);
    if (dependents?.size === 0) this.#dependents.delete(owner);
  }
}

export function ownersOf({ object }: Node): readonly OwnerReference[] {
  return object.metadata.ownerReferences ?? [];
}

export function isDeleting({ object }: Node): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

export function hasFinalizer({ object }: Node, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) === true;
}

/** It waits for its dependents to go before it goes itself. */
export function waitsForDependents(node: Node): boolean {
  return isDeleting(node) && hasFinalizer(node, foregroundFinalizer);
}
