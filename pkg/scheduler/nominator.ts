/** Which waiting pods were promised a place, and where: their victims are leaving, they have not come yet. */
import type { PodInfo } from './pod-info.ts';

const none: readonly PodInfo[] = [];

export class Nominator {
  readonly #pods = new Map<string, { readonly info: PodInfo; readonly node: string }>();
  readonly #byNode = new Map<string, Map<string, PodInfo>>();

  set(info: PodInfo, node: string): void {
    this.delete(info.uid);
    this.#pods.set(info.uid, { info, node });
    const there = this.#byNode.get(node) ?? new Map<string, PodInfo>();
    this.#byNode.set(node, there.set(info.uid, info));
  }

  /**
   * The pod as the informer shows it. A nomination made here and not yet written stays; one that was written and is
   * gone has been taken back by somebody.
   */
  observe(info: PodInfo, previous: PodInfo | undefined): void {
    const shown = info.pod.status.nominatedNodeName;
    const kept = previous?.pod.status.nominatedNodeName ? undefined : this.nodeOf(info.uid);
    const node = shown || kept;
    if (node) this.set(info, node);
    else this.delete(info.uid);
  }

  delete(uid: string): void {
    const nominated = this.#pods.get(uid);
    if (!nominated) return;
    this.#pods.delete(uid);
    const there = this.#byNode.get(nominated.node);
    there?.delete(uid);
    if (there?.size === 0) this.#byNode.delete(nominated.node);
  }

  nodeOf(uid: string): string | undefined {
    return this.#pods.get(uid)?.node;
  }

  on(node: string): readonly PodInfo[] {
    const there = this.#byNode.get(node);
    return there ? [...there.values()] : none;
  }
}
